/**
 * Secrets: values that must be overwritable, and therefore may not be in an append-only log.
 *
 * @module
 */
import { type Kysely, sql } from "kysely";

/** Makes `secrets`. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table secrets (
      name text primary key,
      value text not null,
      updated_at timestamptz not null
    )`.execute(db);
}
