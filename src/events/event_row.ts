/**
 * An event as a row: the one place that says which member is in which column. `postgres_log.ts` builds its statements from it; a test holds the list
 * equal to the table.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { JsonObject } from "#/base/json.ts";
import type { Actor, EventContext, Source, StoredEvent, Vcs } from "#/events/envelope.ts";

/** The columns of `events`, in the order of {@link decodeRow}. */
export const COLUMN_NAMES = [
  "position",
  "stream",
  "revision",
  "type",
  "schema_version",
  "occurred_at",
  "observed_at",
  "actor_user",
  "actor_groups",
  "actor_auth_method",
  "source_via",
  "source_ip",
  "source_user_agent",
  "source_field_manager",
  "request_id",
  "causation_id",
  "correlation_id",
  "reason",
  "vcs_repo",
  "vcs_commit",
  "vcs_change",
  "object_group",
  "object_kind",
  "object_namespace",
  "object_name",
  "object_uid",
  "payload",
  "hash",
] as const;

type ColumnName = typeof COLUMN_NAMES[number];

/** The select list whose rows {@link decodeRow} reads. Times come as milliseconds, which no setting of the session can change the form of. */
export const SELECT_LIST: string = COLUMN_NAMES
  .map((name) => name === "occurred_at" ? "(extract(epoch from occurred_at) * 1000)::int8" : name)
  .join(", ");

/**
 * A batch as one JSON text for `json_populate_recordset(null::events, ...)`.
 *
 * One parameter instead of an array per column: for the small batches of a quiet server the statement costs half, because Postgres unnests each array into a
 * store of its own; for large ones both cost the same.
 */
export function encodeBatch(events: readonly StoredEvent[]): string {
  return JSON.stringify(events.map(encodeRow));
}

/** Members that are absent are left out, which makes their columns null. */
function encodeRow(event: StoredEvent): Partial<Record<ColumnName, JsonObject[string]>> {
  const { context, object } = event;
  return {
    position: event.position,
    stream: event.stream,
    revision: event.revision,
    type: event.type,
    schema_version: event.schemaVersion,
    occurred_at: event.occurredAt,
    observed_at: context.observedAt,
    actor_user: context.actor.user,
    actor_groups: context.actor.groups,
    actor_auth_method: context.actor.authMethod,
    source_via: context.source.via,
    source_ip: context.source.ip,
    source_user_agent: context.source.userAgent,
    source_field_manager: context.source.fieldManager,
    request_id: context.requestId,
    causation_id: context.causationId,
    correlation_id: context.correlationId,
    reason: context.reason,
    vcs_repo: context.vcs?.repo,
    vcs_commit: context.vcs?.commit,
    vcs_change: context.vcs?.change,
    object_group: object.group,
    object_kind: object.kind,
    object_namespace: object.namespace,
    object_name: object.name,
    object_uid: object.uid,
    payload: event.payload,
    hash: event.hash,
  };
}

/** A row in array mode; the members that may be absent are `null` in it. */
export type EventRow = readonly [
  position: number,
  stream: string,
  revision: number,
  type: string,
  schemaVersion: number,
  occurredAtMs: number,
  observedAt: string | null,
  user: string,
  groups: readonly string[],
  authMethod: Actor["authMethod"],
  via: Source["via"],
  ip: string | null,
  userAgent: string | null,
  fieldManager: string | null,
  requestId: string,
  causationId: string | null,
  correlationId: string | null,
  reason: string | null,
  repo: string | null,
  commit: string | null,
  change: string | null,
  group: string,
  kind: string,
  namespace: string,
  name: string,
  uid: string,
  payload: string,
  hash: string,
];

/** The event of a row, equal to the one that was appended: members that were absent are absent again. */
export function decodeRow(row: EventRow): StoredEvent {
  assert(row.length === COLUMN_NAMES.length, `Expected a row of ${COLUMN_NAMES.length} columns: ${row.length}`);
  return {
    position: row[0],
    stream: row[1],
    revision: row[2],
    type: row[3],
    schemaVersion: row[4],
    occurredAt: new Date(row[5]).toISOString(),
    object: { group: row[21], kind: row[22], namespace: row[23], name: row[24], uid: row[25] },
    context: contextOf(row),
    payload: row[26],
    hash: row[27],
  };
}

/** An object under construction. */
type Open<T> = { -readonly [K in keyof T]: T[K] };

/** Member by member: spreading conditional parts together would double the cost of a replay. */
function contextOf(row: EventRow): EventContext {
  const source: Open<Source> = { via: row[10] };
  if (row[11] !== null) source.ip = row[11];
  if (row[12] !== null) source.userAgent = row[12];
  if (row[13] !== null) source.fieldManager = row[13];
  const actor = { user: row[7], groups: row[8], authMethod: row[9] };
  const context: Open<EventContext> = { actor, source, requestId: row[14] };
  if (row[6] !== null) context.observedAt = row[6];
  if (row[15] !== null) context.causationId = row[15];
  if (row[16] !== null) context.correlationId = row[16];
  if (row[17] !== null) context.reason = row[17];
  if (row[18] !== null || row[19] !== null || row[20] !== null) context.vcs = vcsOf(row[18], row[19], row[20]);
  return context;
}

function vcsOf(repo: string | null, commit: string | null, change: string | null): Vcs {
  return { ...(repo !== null && { repo }), ...(commit !== null && { commit }), ...(change !== null && { change }) };
}
