/**
 * The log: events in commit order, and the head row that appends compare and swap.
 *
 * @module
 */
import { type Kysely, sql } from "kysely";

/** Makes `events` and `log_head`. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table events (
      position bigint primary key check (position > 0),
      stream text not null,
      revision integer not null check (revision > 0),
      type text not null,
      schema_version integer not null,
      occurred_at timestamptz not null,
      observed_at text,
      actor_user text not null,
      actor_groups jsonb not null,
      actor_auth_method text not null,
      source_via text not null,
      source_ip text,
      source_user_agent text,
      source_field_manager text,
      request_id text not null,
      causation_id text,
      correlation_id text,
      reason text,
      vcs_repo text,
      vcs_commit text,
      vcs_change text,
      object_group text not null,
      object_kind text not null,
      object_namespace text not null,
      object_name text not null,
      object_uid text not null,
      payload text not null,
      hash text not null
    )`.execute(db);
  await sql`create index events_stream_position on events (stream, position)`.execute(db);
  await sql`create index events_occurred_at_position on events (occurred_at, position)`.execute(db);
  await sql`
    create table log_head (
      singleton boolean primary key default true check (singleton),
      log_id text not null,
      epoch bigint not null,
      position bigint not null,
      hash text not null,
      occurred_at timestamptz not null
    )`.execute(db);
}
