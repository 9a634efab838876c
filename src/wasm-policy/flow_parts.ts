/**
 * Recorded flows cut into parts that can be judged apart, on threads of their own, and their verdicts put together again. A part has all flows to some neighbouring
 * destinations, so that equal flows never fall into two, and parts in their order give exactly what one thread gives.
 *
 * @module
 */
import { type JudgedRows, type JudgedState, judgeRows, type RecordedFlows } from "./compare_images.ts";
import { pickPackets } from "./flow_batch.ts";

/** Neighbouring destinations, by their index; the one past the last endpoint stands for flows that end at none. */
export interface DestinationRange {
  readonly from: number;
  readonly end: number;
}

/**
 * Cuts destinations into at most so many ranges with about as many flows each: fewer where there are few destinations, one where there is no flow.
 *
 * @example
 * ```ts
 * import { destinationRanges } from "#/wasm-policy/flow_parts.ts";
 * const ranges = destinationRanges({ endpoints: ["a", "b"], destinationEndpoint: Uint32Array.of(1, 0, 1, 0) }, 2);
 * if (ranges.map(({ from, end }) => `${from}-${end}`).join(" ") !== "0-1 1-3") throw new Error();
 * ```
 */
export function destinationRanges(
  { destinationEndpoint, endpoints }: Pick<RecordedFlows, "destinationEndpoint" | "endpoints">,
  parts: number,
): readonly DestinationRange[] {
  const flows = new Uint32Array(endpoints.length + 1);
  for (let row = 0; row < destinationEndpoint.length; row++) {
    flows[Math.min(destinationEndpoint[row]!, endpoints.length)]! += 1;
  }
  const starts = [0];
  let before = 0;
  for (const [destination, length] of flows.entries()) {
    // A range ends where its share of all flows does.
    const isFull = before > 0 && before >= (starts.length / parts) * destinationEndpoint.length;
    if (isFull && length > 0 && starts.length < parts) starts.push(destination);
    before += length;
  }
  return starts.map((from, at) => ({ from, end: starts[at + 1] ?? flows.length }));
}

/** Judges the flows to some destinations; their rows are those of the whole. */
export function judgePart(
  flows: RecordedFlows,
  range: DestinationRange,
  states: readonly JudgedState[],
): JudgedRows {
  const part = rowsTo(flows, range);
  const pick = (column: Uint32Array) => {
    const picked = new Uint32Array(part.length);
    for (let at = 0; at < part.length; at++) picked[at] = column[part[at]!]!;
    return picked;
  };
  const judged = judgeRows({
    packets: pickPackets(flows.packets, part),
    endpoints: flows.endpoints,
    sourceEndpoint: pick(flows.sourceEndpoint),
    destinationEndpoint: pick(flows.destinationEndpoint),
  }, states);
  return { ...judged, rows: judged.rows.map((row) => part[row]!) };
}

/** Rows of the flows to some destinations, ascending. */
function rowsTo({ destinationEndpoint, endpoints }: RecordedFlows, { from, end }: DestinationRange): Uint32Array {
  const rows = new Uint32Array(destinationEndpoint.length);
  let count = 0;
  for (let row = 0; row < destinationEndpoint.length; row++) {
    const destination = Math.min(destinationEndpoint[row]!, endpoints.length);
    if (destination >= from && destination < end) rows[count++] = row;
  }
  return rows.subarray(0, count);
}

/** What all parts came to, in the order of their ranges, as if it had been judged in one piece. */
export function joinRows(judged: readonly JudgedRows[]): JudgedRows {
  const states = judged[0]?.results.length ?? 0;
  return {
    rows: concatenated(judged.map(({ rows }) => rows)),
    counts: concatenated(judged.map(({ counts }) => counts)),
    results: Array.from({ length: states }, (_, state) => ({
      egress: concatenated(judged.map(({ results }) => results[state]!.egress)),
      ingress: concatenated(judged.map(({ results }) => results[state]!.ingress)),
    })),
  };
}

function concatenated(columns: readonly Uint32Array[]): Uint32Array {
  const whole = new Uint32Array(columns.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const column of columns) {
    whole.set(column, at);
    at += column.length;
  }
  return whole;
}
