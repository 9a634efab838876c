/**
 * The tables as kysely sees them, written by hand and held equal to the database by a test. The log's hot paths use plain SQL over the same
 * tables (`event_row.ts`).
 *
 * @module
 */
import type { ColumnType, Generated } from "kysely";

/** `events`: one row per event, never updated, never deleted. */
export interface EventsTable {
  position: number;
  stream: string;
  revision: number;
  type: string;
  schema_version: number;
  /** Exact to the millisecond, which is the whole of `occurredAt`. */
  occurred_at: Date;
  /** The agent's text, byte for byte: it is hashed. */
  observed_at: string | null;
  actor_user: string;
  actor_groups: ColumnType<string[], string, never>;
  actor_auth_method: string;
  source_via: string;
  source_ip: string | null;
  source_user_agent: string | null;
  source_field_manager: string | null;
  request_id: string;
  causation_id: string | null;
  correlation_id: string | null;
  reason: string | null;
  vcs_repo: string | null;
  vcs_commit: string | null;
  vcs_change: string | null;
  object_group: string;
  object_kind: string;
  object_namespace: string;
  object_name: string;
  object_uid: string;
  /** Exact JSON text. Not `jsonb`, which orders keys and rewrites numbers: the hash would not verify. */
  payload: string;
  hash: string;
}

/** `log_head`: the one row that appends compare and swap. */
export interface LogHeadTable {
  /** Always true: there is one head. */
  singleton: Generated<boolean>;
  log_id: string;
  epoch: number;
  position: number;
  hash: string;
  occurred_at: Date;
}

/** `node_status`: the last applied report of each node, overwritten at most once a second; not part of the log. */
export interface NodeStatusTable {
  node: string;
  log_id: string;
  epoch: number;
  position: number;
  /** The agent's text. */
  applied_at: string;
  agent_version: string;
  errors: ColumnType<{ item: string; message: string }[], string, string>;
  unsupported: ColumnType<string[], string, string>;
  received_at: Date;
}

/** `secrets`: what must be overwritable and therefore never is in the log. For a token: the hexadecimal sha256 of it. */
export interface SecretsTable {
  name: string;
  value: string;
  updated_at: Date;
}

/** All tables, for `Kysely<Database>`. */
export interface Database {
  events: EventsTable;
  log_head: LogHeadTable;
  node_status: NodeStatusTable;
  secrets: SecretsTable;
}
