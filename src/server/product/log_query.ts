/**
 * `GET /tortie/v1/log`: who did what to which object, when and why, read straight off the log.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import { FACT_TYPES, type FactType, parseIntentType } from "#/events/catalog.ts";
import { type StoredEvent, streamOf } from "#/events/envelope.ts";
import type { EventLog } from "#/events/event_log.ts";
import { KINDS } from "#/resources/registry.ts";

/** Most rows of one answer; a longer history is asked for in parts with `from`. */
export const LOG_ROWS_MAX = 10_000;

/** Which events are wanted. Absent members do not filter. */
export interface LogQuery {
  readonly group?: string;
  /** Kind, as in `GlobalNetworkPolicy`. */
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** First position. */
  readonly from?: number;
  /** Last position; the head when left out. */
  readonly to?: number;
  readonly limit?: number;
}

/** One row. `time` is the server's, RFC 3339; `reason` is null where none was given. */
export interface LogRow {
  readonly position: number;
  readonly time: string;
  readonly user: string;
  readonly via: string;
  readonly verb: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly reason: string | null;
}

function factVerb(type: FactType): string {
  switch (type) {
    case "EndpointBound":
      return "bind";
    case "EndpointUnbound":
      return "unbind";
    case "BlockGranted":
      return "grant";
    case "BlockReleased":
    case "AddressReleased":
      return "release";
    case "AddressAssigned":
      return "assign";
    case "DriftFound":
      return "drift";
    default:
      return assertNever(type);
  }
}

const INTENT_VERBS = { Created: "create", Updated: "update", Deleted: "delete" } as const;

/** The verb of an event's type: `create`, `update`, `delete`, or a fact's own; an unknown type is its own verb. */
export function verbOf(type: string): string {
  const intent = parseIntentType(type);
  if (intent !== undefined) return INTENT_VERBS[intent.verb];
  const fact = FACT_TYPES.find((name) => name === type);
  return fact === undefined ? type : factVerb(fact);
}

function rowOf(event: StoredEvent): LogRow {
  return {
    position: event.position,
    time: event.occurredAt,
    user: event.context.actor.user,
    via: event.context.source.via,
    verb: verbOf(event.type),
    kind: event.object.kind,
    namespace: event.object.namespace === "" ? null : event.object.namespace,
    name: event.object.name,
    reason: event.context.reason ?? null,
  };
}

function matches(event: StoredEvent, query: LogQuery): boolean {
  const { object } = event;
  return (query.kind === undefined || object.kind === query.kind) &&
    (query.group === undefined || object.group === query.group) &&
    (query.namespace === undefined || object.namespace === query.namespace) &&
    (query.name === undefined || object.name === query.name);
}

/** Rows in position order, oldest first, at most {@link LOG_ROWS_MAX}. One object's history is read by its stream, not by a scan. */
export async function readLogRows(log: EventLog, query: LogQuery): Promise<LogRow[]> {
  const limit = Math.min(query.limit ?? LOG_ROWS_MAX, LOG_ROWS_MAX);
  const stream = streamFor(query);
  const rows: LogRow[] = [];
  for await (
    const event of log.read({ from: query.from ?? 1, to: query.to, ...(stream === undefined ? {} : { stream }) })
  ) {
    if (!matches(event, query)) continue;
    rows.push(rowOf(event));
    if (rows.length >= limit) break;
  }
  return rows;
}

/** The one stream that holds all rows asked for. A kind's name alone may mean several kinds, of different groups. */
function streamFor(query: LogQuery): string | undefined {
  if (query.kind === undefined || query.name === undefined) return undefined;
  const meant = KINDS.filter(({ kind, group }) => kind === query.kind && group === (query.group ?? group));
  const [kind] = meant;
  if (kind === undefined || meant.length > 1 || kind.namespaced && query.namespace === undefined) return undefined;
  return streamOf({ group: kind.group, plural: kind.plural, namespace: query.namespace ?? "", name: query.name });
}
