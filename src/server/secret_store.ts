/**
 * The overwritable table of secrets: what must never be in the log, because the log forgets nothing.
 *
 * @module
 */
import type { Kysely } from "kysely";
import type { Clock } from "#/base/ports.ts";
import type { Database } from "#/events/schema.ts";

/** Secrets by name. */
export interface SecretStore {
  /** The value, or `undefined`. */
  getSecret(name: string): Promise<string | undefined>;
  /** Sets or replaces a value. */
  putSecret(name: string, value: string): Promise<void>;
}

/** The table in the database. */
export function secretStore(db: Kysely<Database>, clock: Clock): SecretStore {
  return {
    async getSecret(name) {
      const row = await db.selectFrom("secrets").select("value").where("name", "=", name).executeTakeFirst();
      return row?.value;
    },
    async putSecret(name, value) {
      const row = { name, value, updated_at: new Date(clock.now()) };
      await db.insertInto("secrets").values(row)
        .onConflict((conflict) => conflict.column("name").doUpdateSet({ value, updated_at: row.updated_at })).execute();
    },
  };
}
