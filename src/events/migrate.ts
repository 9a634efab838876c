/**
 * Brings a database to the newest schema. Forward only: a released migration is never edited, the next one corrects it. Called by `openStore`
 * before anything else touches the database; kysely's own lock lets several starting servers take turns.
 *
 * @module
 */
import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { OperationalError } from "#/base/errors.ts";
import { storeError } from "#/events/pg.ts";
import type { Database } from "#/events/schema.ts";
import * as log from "../../migrations/0001_log.ts";
import * as nodeStatus from "../../migrations/0002_node_status.ts";
import * as secrets from "../../migrations/0003_secrets.ts";

/** Every migration by name, in order. A static list, so that a compiled or bundled program has them too. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001_log": log,
  "0002_node_status": nodeStatus,
  "0003_secrets": secrets,
};

/**
 * Runs the migrations that a database lacks.
 *
 * @returns the names of those run now; empty when the schema was current
 * @throws `OperationalError` with code `SCHEMA_NEWER` when the database has a migration that this program does not know
 */
export async function migrateToLatest(db: Kysely<Database>): Promise<readonly string[]> {
  await refuseNewerSchema(db);
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) {
    const failed = results.find((result) => result.status === "Error")?.migrationName;
    throw storeError(failed === undefined ? "migrate the database" : `run the migration "${failed}"`, "schema", error);
  }
  return results.map((result) => result.migrationName);
}

/** Says what to do, where kysely would call the migrations "corrupted". */
async function refuseNewerSchema(db: Kysely<Database>): Promise<void> {
  const { rows: tables } =
    await sql`select 1 from pg_tables where schemaname = current_schema() and tablename = 'kysely_migration'`
      .execute(db);
  if (tables.length === 0) return;
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  const unknown = rows.find(({ name }) => MIGRATIONS[name] === undefined);
  if (unknown === undefined) return;
  throw new OperationalError(
    `Database has the newer migration "${unknown.name}": it needs the version of Tortie that made it`,
    {
      operation: "migrate the database",
      subject: unknown.name,
      retry: "never",
      code: "SCHEMA_NEWER",
    },
  );
}
