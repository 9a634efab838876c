/**
 * The chains on the way between two ends, as numbers of a table: `path.ts` says which they are, here they are gathered once for each end and not for each
 * pair. Called by `reach_world.ts`.
 *
 * @module
 */
import { formatIp, parseIp } from "#/base/ip.ts";
import type { CompiledEndpoint, CompiledHostEndpoint, CompiledPolicies } from "#/policy/compiled.ts";
import { endAt, type Path, type PathEnd, pathOf } from "#/policy/path.ts";
import { chainIn, type ChainTable } from "#/policy/reach/reach_rules.ts";

/** The chains of an end, for traffic that leaves or enters its node. */
export interface Way {
  /** One of the ends that have it. */
  readonly end: PathEnd;
  /** Numbers of chains; each of them must let a packet through. */
  readonly out: readonly number[];
  readonly in: readonly number[];
  /** Its node, where it matters whether two ends are on one; else empty. */
  readonly node: string;
}

/** The way of every endpoint and host endpoint. */
export type Ways = ReadonlyMap<CompiledEndpoint | CompiledHostEndpoint, Way>;

const OUTSIDE: PathEnd = { kind: "outside" };

/** The way of an address that no policy is about. */
export const OPEN_WAY: Way = { end: OUTSIDE, out: [], in: [], node: "" };

/** Enters the chains of every end in the table, those between ends of one node too, so that all rules are known before anything is cut. */
export function waysOf(table: ChainTable): Ways {
  const { compiled } = table;
  const ways = new Map<CompiledEndpoint | CompiledHostEndpoint, Way>();
  const hosts = compiled.hostEndpoints.map((endpoint) => ({ kind: "host", endpoint }) as const);
  const workloads = compiled.endpoints.map((endpoint) => ({ kind: "workload", endpoint }) as const);
  const nodes = new Set(compiled.hostEndpoints.map(({ node }) => node));
  for (const end of [...workloads, ...hosts]) {
    const { node } = end.endpoint;
    const isShared = node !== "" && nodes.has(node);
    ways.set(end.endpoint, {
      end,
      out: chainsOn(table, pathOf(compiled, end, OUTSIDE)),
      in: chainsOn(table, pathOf(compiled, OUTSIDE, end)),
      node: isShared ? node : "",
    });
    for (const host of isShared ? hosts.filter((one) => one.endpoint.node === node) : []) {
      chainsOn(table, pathOf(compiled, end, host));
      chainsOn(table, pathOf(compiled, host, end));
    }
  }
  return ways;
}

/** The chains from one end to another; `closed` where none of them matters. */
export function waysBetween(table: ChainTable, source: Way, target: Way): Pick<Way, "out" | "in"> | "closed" {
  if (source.node === "" || source.node !== target.node) return { out: source.out, in: target.in };
  const path = pathOf(table.compiled, source.end, target.end);
  if (path.end === "deny") return "closed";
  const chains = chainsOn(table, path);
  const isOut = (id: number) => table.chains[id]!.direction === "egress";
  return { out: chains.filter(isOut), in: chains.filter((id) => !isOut(id)) };
}

/**
 * Numbers of the chains of a path, one for each step; those that let all pass are left out. What one phase of a host endpoint hands on goes to the next,
 * so that a step is one chain: the tiers of all phases, and the end of the last, which alone has profiles.
 */
function chainsOn(table: ChainTable, { steps }: Path): readonly number[] {
  return steps.flatMap((step) => {
    const last = step.at(-1);
    const tiers = step.flatMap(({ chain }) => chain.tiers);
    if (last === undefined || (tiers.length === 0 && last.chain.atEnd === "continue")) return [];
    return [chainIn(table, last.direction, { ...last.chain, tiers })];
  });
}

/** The addresses that mean a node's own processes, each with the host endpoint that polices them. */
export function hostMarks(compiled: CompiledPolicies): ReadonlyMap<string, string> {
  const ips = compiled.hostEndpoints.flatMap(({ addresses }) => addresses.flatMap((text) => parseIp(text) ?? []));
  return new Map(ips.flatMap((ip) => {
    const end = endAt(compiled, ip);
    return end.kind === "host" ? [[formatIp(ip), end.endpoint.id] as const] : [];
  }));
}
