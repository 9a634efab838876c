/**
 * `GET /tortie/v1/drift`: where kernels were found other than the log says, and what was done, read off the facts that agents reported.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";
import { FACT_PLURALS, TORTIE_GROUP } from "#/events/catalog.ts";
import { type StoredEvent, streamOf } from "#/events/envelope.ts";
import type { EventLog } from "#/events/event_log.ts";

/** Which drift is wanted. Absent members do not filter. */
export interface DriftQuery {
  /** Nodes whose streams are read. */
  readonly nodes: readonly string[];
  /** Last position. */
  readonly to: number;
}

/** One report. `differences` says what differed, one line per object. */
export interface DriftRow {
  readonly position: number;
  readonly time: string;
  readonly node: string;
  readonly subject: string;
  readonly differences: readonly string[];
  readonly repaired: boolean;
}

/** Reports of the nodes, oldest first. */
export async function readDriftRows(log: EventLog, { nodes, to }: DriftQuery): Promise<DriftRow[]> {
  const rows: DriftRow[] = [];
  for (const name of nodes) {
    const stream = streamOf({ group: TORTIE_GROUP, plural: FACT_PLURALS.DriftFound, namespace: "", name });
    for await (const event of log.read({ stream, to })) rows.push(...rowOf(event));
  }
  return rows.sort((a, b) => a.position - b.position);
}

/** A payload that cannot be read makes no row: the log still lists its event. */
function rowOf(event: StoredEvent): DriftRow[] {
  const payload = JSON.parse(event.payload) as Json;
  if (event.type !== "DriftFound" || !isJsonObject(payload) || !Array.isArray(payload.differences)) return [];
  return [{
    position: event.position,
    time: event.occurredAt,
    node: event.object.name,
    subject: String(payload.subject),
    differences: payload.differences.map(String),
    repaired: payload.repaired === true,
  }];
}
