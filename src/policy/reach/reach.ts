/**
 * Reach: who may connect to whom, and how, computed exactly from compiled policies without trying packets. Answers `tortie reach`; `reach_diff.ts`
 * compares two of them for `plan`.
 *
 * @module
 */
import type { CompiledEndpoint, CompiledPolicies } from "#/policy/compiled.ts";
import type { Connections } from "#/policy/reach/connection_set.ts";
import { headersOfPort } from "#/policy/reach/header_space.ts";
import type { ReachEnd, ReachPort } from "#/policy/reach/reach_end.ts";
import { allowedBetweenParties, partiesOf, tellPairs } from "#/policy/reach/reach_parties.ts";
import {
  ALL_HEADERS,
  connectionsOf,
  type HeaderSets,
  internHeaders,
  intersectionOf,
  NO_HEADERS,
} from "#/policy/reach/reach_sets.ts";
import { reachWorlds } from "#/policy/reach/reach_world.ts";

/** What is asked, and how ends are told. */
export interface ReachOptions {
  /**
   * The name of an endpoint in the answer; endpoints of one name are one end, whose connections are the union of theirs. By default
   * `endpoint.workload`.
   */
  readonly nameOf?: (endpoint: CompiledEndpoint) => string;
  /** Further names, `namespace/name`, by which `from` and `to` may mean an endpoint; its own, its workload's and the answer's are known. */
  readonly aliasesOf?: (endpoint: CompiledEndpoint) => readonly string[];
  /** Addresses that were made up for endpoints that have none, canonical text: they are not taken out of the outside's address space. */
  readonly synthetic?: ReadonlySet<string>;
  /** Only from such ends. */
  readonly from?: ReachEnd;
  /** Only to such ends. */
  readonly to?: ReachEnd;
  /** Only these connections. */
  readonly port?: ReachPort;
  /** `true` tells connections between different endpoints of one name too (namespaces); an endpoint to itself is never told. */
  readonly within?: boolean;
}

/** What one end may open to another. Ends are names, or addresses outside: a CIDR (`/32` and `/128` too) where the range is one, else `first-last`. */
export interface ReachEntry {
  readonly from: string;
  readonly to: string;
  /** Never none. */
  readonly connections: Connections;
}

/**
 * All pairs of ends with something allowed; never two addresses, never an end to itself. Sorted by `from`, then `to`: names bytewise, then addresses, IPv4
 * first, by number. The whole address space outside the endpoints' addresses takes part, in ranges as wide as their answers are equal.
 *
 * Cost grows with the classes of endpoints that policies tell apart, not with endpoints; the answer itself grows with the pairs that are told.
 *
 * @example
 * ```ts
 * import { reach } from "#/policy/reach/reach.ts";
 * const open = { tiers: [], profiles: [], atEnd: "continue" } as const;
 * const endpoint = { id: "n/a", workload: "n/a", node: "", addresses: ["10.0.0.1"], ingress: open, egress: open };
 * const compiled = { endpoints: [endpoint], hostEndpoints: [], policies: new Map(), sets: new Map() };
 * const entries = reach(compiled, { synthetic: new Set(["10.0.0.1"]) });
 * if (JSON.stringify(entries[0]) !== '{"from":"n/a","to":"0.0.0.0/0","connections":"All"}') throw new Error();
 * if (entries.length !== 2 || entries[1]?.from !== "0.0.0.0/0") throw new Error();
 * ```
 */
export function reach(compiled: CompiledPolicies, options: ReachOptions = {}): readonly ReachEntry[] {
  return [...reachEntries(compiled, options)];
}

/** The same, one by one, for answers that are too large to hold. */
export function* reachEntries(compiled: CompiledPolicies, options: ReachOptions = {}): Generator<ReachEntry> {
  const worlds = reachWorlds([compiled], options);
  const world = worlds[0]!;
  const asked = portHeaders(world.sets, options.port);
  const told = tellPairs(partiesOf(worlds, options), options, (from, to, isWithin) => {
    const allowed = intersectionOf(world.sets, allowedBetweenParties(world, 0, from, to, isWithin), asked);
    return allowed === NO_HEADERS ? undefined : connectionsOf(world.sets, allowed);
  });
  for (const { from, to, answer } of told) yield { from, to, connections: answer };
}

/** The number of the set of headers that a question is narrowed to. */
export function portHeaders(sets: HeaderSets, port: ReachPort | undefined): number {
  return port === undefined ? ALL_HEADERS : internHeaders(sets, headersOfPort(sets.space, port.protocol, port.port));
}
