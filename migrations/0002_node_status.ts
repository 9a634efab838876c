/**
 * The last applied report of each node: state, not history, so it is a row that is overwritten and no event.
 *
 * @module
 */
import { type Kysely, sql } from "kysely";

/** Makes `node_status`. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table node_status (
      node text primary key,
      log_id text not null,
      epoch bigint not null,
      position bigint not null,
      applied_at text not null,
      agent_version text not null,
      errors jsonb not null,
      unsupported jsonb not null,
      received_at timestamptz not null
    )`.execute(db);
}
