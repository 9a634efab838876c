/**
 * Recorded flows judged again: under one state, or under two to see which of them change. What `plan` and replay rest on.
 *
 * Flows that are the same are judged once and counted; they are judged in the order of their destination, so that its rows stay in the cache. What comes of it is
 * plain columns (`judgeRows`), which several threads can make in parts (`flow_parts.ts`).
 *
 * @module
 */
import type { CompiledEndpoint } from "#/policy/compiled.ts";
import type { Direction } from "#/policy/ir.ts";
import { type ImageVerdict, type PolicyImage } from "./engine.ts";
import { CODES } from "./chain_program.ts";
import { distinctFlows, type PacketColumns, pickPackets } from "./flow_batch.ts";
import { NONE } from "./layout.ts";

/** Flows as they were recorded. */
export interface RecordedFlows {
  readonly packets: PacketColumns;
  /** Ids of endpoints; the two columns are indexes into it, {@link NONE} for an end that is none. */
  readonly endpoints: readonly string[];
  readonly sourceEndpoint: Uint32Array;
  readonly destinationEndpoint: Uint32Array;
}

/** The chains of endpoints, by id. */
export type EndpointChains = ReadonlyMap<string, Pick<CompiledEndpoint, Direction>>;

/** A state to judge them under. */
export interface JudgedState {
  readonly image: PolicyImage;
  readonly endpoints: EndpointChains;
}

/** Distinct flows and what came of them, as columns. */
export interface JudgedRows {
  /** Row of the first flow of each, in the order of their destination, and how many rows say the same. */
  readonly rows: Uint32Array;
  readonly counts: Uint32Array;
  /** For each state what both ends came to: results of `judgeBatch`, {@link NONE} for an end that is not asked. They mean the same in every image of the state. */
  readonly results: readonly Readonly<Record<Direction, Uint32Array>>[];
}

/** Verdicts on distinct flows. */
export interface JudgedFlows {
  /** Row of the first flow of each, and how many rows say the same. */
  readonly rows: Uint32Array;
  readonly counts: Uint32Array;
  /** 1 where both ends allow; an end that the state does not know is not asked. */
  readonly allowed: Uint8Array;
  /** What decided at one end of the distinct flow number `at`; `undefined` where it was not asked. */
  decision(at: number, direction: Direction): ImageVerdict | undefined;
}

/** A distinct flow whose verdict changes. */
export interface FlowChange {
  readonly row: number;
  readonly count: number;
  readonly before: "allow" | "deny";
  readonly after: "allow" | "deny";
}

/** What another state would make of recorded flows. */
export interface ImageComparison {
  readonly flows: number;
  readonly distinct: number;
  /** By row. */
  readonly changes: readonly FlowChange[];
}

/**
 * Judges recorded flows, both ends.
 *
 * @example
 * ```ts
 * import { judgeFlows } from "#/wasm-policy/compare_images.ts";
 * import { compileImage } from "#/wasm-policy/engine.ts";
 * import { packetColumns } from "#/wasm-policy/flow_batch.ts";
 * const ip = { version: 4, value: 1n } as const;
 * const packets = packetColumns([{ source: ip, destination: ip, protocol: 6, sourcePort: 1, destinationPort: 2, icmp: undefined }]);
 * const ends = { endpoints: ["shop/db"], sourceEndpoint: Uint32Array.of(0xffff_ffff), destinationEndpoint: Uint32Array.of(0) };
 * const chain = { tiers: [], profiles: [] };
 * const image = compileImage({ policies: new Map(), sets: new Map() });
 * const { allowed } = judgeFlows({ packets, ...ends }, { image, endpoints: new Map([["shop/db", { ingress: chain, egress: chain }]]) });
 * if (allowed[0] !== 0) throw new Error();
 * ```
 */
export function judgeFlows(flows: RecordedFlows, state: JudgedState): JudgedFlows {
  return judgedFlows(flows, state, judgeRows(flows, [state]));
}

/** Judges recorded flows under two states, and says which verdicts differ. */
export function compareImages(flows: RecordedFlows, before: JudgedState, after: JudgedState): ImageComparison {
  return comparisonOf(flows, judgeRows(flows, [before, after]));
}

/** Judges recorded flows under some states, each distinct one once a state. */
export function judgeRows(flows: RecordedFlows, states: readonly JudgedState[]): JudgedRows {
  const { rows, counts } = distinctOf(flows);
  const results = states.map((state) => ({
    egress: judgeEnd(flows, rows, { state, direction: "egress" }),
    ingress: judgeEnd(flows, rows, { state, direction: "ingress" }),
  }));
  return { rows, counts, results };
}

/** What the columns of the first state mean. */
export function judgedFlows(flows: RecordedFlows, state: JudgedState, judged: JudgedRows): JudgedFlows {
  const { rows, counts, results: [ends] } = judged;
  // Numbers keep their meaning when the image moves on; chains by name do not.
  const chains = {
    egress: chainNumbers(flows, { state, direction: "egress" }),
    ingress: chainNumbers(flows, { state, direction: "ingress" }),
  };
  return {
    rows,
    counts,
    allowed: allowedOf(judged, 0),
    decision(at, direction) {
      const result = ends![direction][at]!;
      if (result === NONE) return undefined;
      return state.image.verdictOf(chains[direction][endColumn(flows, direction)[rows[at]!]!]!, result);
    },
  };
}

/** What differs between the columns of two states. */
export function comparisonOf(flows: RecordedFlows, judged: JudgedRows): ImageComparison {
  const [old, now] = [allowedOf(judged, 0), allowedOf(judged, 1)];
  const word = (allowed: number | undefined) => allowed === 1 ? "allow" : "deny";
  const changes: FlowChange[] = [];
  for (let at = 0; at < judged.rows.length; at++) {
    if (old[at] === now[at]) continue;
    const [row, count] = [judged.rows[at]!, judged.counts[at]!];
    changes.push({ row, count, before: word(old[at]), after: word(now[at]) });
  }
  changes.sort((a, b) => a.row - b.row);
  return { flows: flows.sourceEndpoint.length, distinct: judged.rows.length, changes };
}

function allowedOf({ rows, results }: JudgedRows, state: number): Uint8Array {
  const { egress, ingress } = results[state]!;
  const isDenied = (result: number) => result !== NONE && (result & 3) === CODES.deny;
  return Uint8Array.from(rows, (_, at) => isDenied(egress[at]!) || isDenied(ingress[at]!) ? 0 : 1);
}

/** Distinct flows, bucketed by destination endpoint. */
function distinctOf(
  { packets, endpoints, sourceEndpoint, destinationEndpoint }: RecordedFlows,
): Pick<JudgedRows, "rows" | "counts"> {
  const { rows, counts } = distinctFlows(packets, [sourceEndpoint, destinationEndpoint]);
  const bucketOf = (row: number) => Math.min(destinationEndpoint[row]!, endpoints.length);
  const starts = new Uint32Array(endpoints.length + 2);
  for (const row of rows) starts[bucketOf(row) + 1]! += 1;
  for (let at = 1; at < starts.length; at++) starts[at]! += starts[at - 1]!;
  const sorted = { rows: new Uint32Array(rows.length), counts: new Uint32Array(rows.length) };
  for (let at = 0; at < rows.length; at++) {
    const to = starts[bucketOf(rows[at]!)]!++;
    sorted.rows[to] = rows[at]!;
    sorted.counts[to] = counts[at]!;
  }
  return sorted;
}

function endColumn({ sourceEndpoint, destinationEndpoint }: RecordedFlows, direction: Direction): Uint32Array {
  return direction === "egress" ? sourceEndpoint : destinationEndpoint;
}

/** Numbers of the chains of endpoints; {@link NONE} for those that the state does not know. */
function chainNumbers(
  { endpoints }: RecordedFlows,
  { state, direction }: { readonly state: JudgedState; readonly direction: Direction },
): readonly number[] {
  return endpoints.map((id) => {
    const endpoint = state.endpoints.get(id);
    return endpoint === undefined ? NONE : state.image.chainNumber(endpoint[direction], direction);
  });
}

/** Results of one end of each flow; {@link NONE} where there is no endpoint. */
function judgeEnd(
  flows: RecordedFlows,
  rows: Uint32Array,
  { state, direction }: { readonly state: JudgedState; readonly direction: Direction },
): Uint32Array {
  const { packets } = flows;
  const column = endColumn(flows, direction);
  const numbers = chainNumbers(flows, { state, direction });
  const chains = rows.map((row) => numbers[column[row]!] ?? NONE);
  const asked = Uint32Array.from(rows.keys()).filter((at) => chains[at] !== NONE);
  const judged = state.image.judgeBatch(
    pickPackets(packets, asked.map((at) => rows[at]!)),
    asked.map((at) => chains[at]!),
  );
  const results = new Uint32Array(rows.length).fill(NONE);
  for (let at = 0; at < asked.length; at++) results[asked[at]!] = judged[at]!;
  return results;
}
