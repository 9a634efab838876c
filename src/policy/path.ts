/**
 * Which chains a flow must pass between two ends, in order, for the engines that work on the IR. The oracle states the same for itself.
 *
 * A pod's chains are asked on its own node. What leaves or enters that node is forwarded by it, and then the node's host endpoint is asked too; what the
 * host itself sends to its own pods is not policed, and what a pod sends to its own host is dropped after the pod's egress.
 *
 * @module
 */
import { formatIp, type Ip } from "#/base/ip.ts";
import type { CompiledEndpoint, CompiledHostEndpoint, CompiledPolicies } from "#/policy/compiled.ts";
import type { ChainIr, Direction, HostPhase } from "#/policy/ir.ts";
import type { Packet } from "#/policy/packet.ts";

/** One end of a flow. `host` is a process of a node, behind the host endpoint that expects its address; `outside` is no endpoint at all. */
export type PathEnd =
  | { readonly kind: "workload"; readonly endpoint: CompiledEndpoint }
  | { readonly kind: "host"; readonly endpoint: CompiledHostEndpoint }
  | { readonly kind: "outside" };

/** A chain on the way. */
export interface PathChain {
  readonly direction: Direction;
  readonly chain: ChainIr;
  /** Id of the endpoint that has the chain. */
  readonly endpoint: string;
  /** Of a host endpoint's chain. */
  readonly phase?: HostPhase;
}

/** Chains of one place: allow ends the step well, deny denies, and what a chain hands on goes to the next; past the last one it is allowed. */
export type PathStep = readonly PathChain[];

/** All steps must end well; `end` is then the verdict. */
export interface Path {
  readonly steps: readonly PathStep[];
  /** `deny` where a pod speaks to its own host: such traffic, but for {@link isNeededByIpv6}, is dropped whatever policies say. */
  readonly end: "allow" | "deny";
}

const OUTSIDE: PathEnd = { kind: "outside" };

const ICMPV6 = 58;
/** Listeners, router and neighbour discovery. */
const ICMPV6_TYPES: readonly number[] = [130, 131, 132, 133, 135, 136];

/** Whether a packet is ICMPv6 that IPv6 cannot do without between a pod and its host: there it is accepted before any policy. */
export function isNeededByIpv6({ source, protocol, icmp }: Packet): boolean {
  return source.version === 6 && protocol === ICMPV6 && icmp !== undefined && ICMPV6_TYPES.includes(icmp.type);
}

/**
 * The end that an address means: the workload that has it, else the host endpoint that expects it, the lexicographically lowest name of several.
 */
export function endAt(compiled: CompiledPolicies, ip: Ip): PathEnd {
  const address = formatIp(ip);
  const endpoint = compiled.endpoints.find(({ addresses }) => addresses.includes(address));
  if (endpoint !== undefined) return { kind: "workload", endpoint };
  const host = compiled.hostEndpoints.find(({ addresses }) => addresses.includes(address));
  return host === undefined ? OUTSIDE : { kind: "host", endpoint: host };
}

/**
 * The chains between two ends.
 *
 * @example
 * ```ts
 * import { pathOf } from "#/policy/path.ts";
 * const chain = { tiers: [], profiles: [] };
 * const pod = { id: "shop/e", workload: "shop/web", node: "node1", addresses: ["10.0.0.1"], ingress: chain, egress: chain };
 * const compiled = { endpoints: [pod], hostEndpoints: [], policies: new Map(), sets: new Map() };
 * const path = pathOf(compiled, { kind: "workload", endpoint: pod }, { kind: "outside" });
 * if (path.steps.length !== 1 || path.steps[0]?.[0]?.direction !== "egress") throw new Error();
 * ```
 */
export function pathOf(compiled: CompiledPolicies, source: PathEnd, destination: PathEnd): Path {
  const isLocal = sameNode(source, destination);
  if (isLocal && source.kind === "host") return { steps: [], end: "allow" };
  if (isLocal && destination.kind === "host") return { steps: stepsOut(compiled, source, isLocal), end: "deny" };
  const steps = [...stepsOut(compiled, source, isLocal), ...stepsIn(compiled, destination, isLocal)];
  return { steps: steps.filter((step) => step.length > 0), end: "allow" };
}

/** From the sender to the edge of its node. */
function stepsOut(compiled: CompiledPolicies, source: PathEnd, isLocal: boolean): readonly PathStep[] {
  switch (source.kind) {
    case "workload": {
      const { id, egress, node } = source.endpoint;
      const own: PathStep = [{ direction: "egress", chain: egress, endpoint: id }];
      return isLocal ? [own] : [own, hostStep(edgeOf(compiled, node), "egress", ["forward"])];
    }
    case "host":
      return [hostStep(source.endpoint, "egress", ["untracked", "normal"])];
    case "outside":
      return [];
  }
}

/** From the edge of the receiver's node to the receiver. */
function stepsIn(compiled: CompiledPolicies, destination: PathEnd, isLocal: boolean): readonly PathStep[] {
  switch (destination.kind) {
    case "workload": {
      const { id, ingress, node } = destination.endpoint;
      const own: PathStep = [{ direction: "ingress", chain: ingress, endpoint: id }];
      return isLocal ? [own] : [hostStep(edgeOf(compiled, node), "ingress", ["untracked", "preDnat", "forward"]), own];
    }
    case "host":
      return [hostStep(destination.endpoint, "ingress", ["untracked", "preDnat", "normal"])];
    case "outside":
      return [];
  }
}

function hostStep(
  endpoint: CompiledHostEndpoint | undefined,
  direction: Direction,
  phases: readonly HostPhase[],
): PathStep {
  if (endpoint === undefined) return [];
  return phases.map((phase) => ({
    direction,
    chain: endpoint.chains[phase][direction],
    endpoint: endpoint.id,
    phase,
  }));
}

/** The host endpoint that forwarded traffic crosses at the edge of a node: the one of all interfaces, else the only one. */
function edgeOf(compiled: CompiledPolicies, node: string): CompiledHostEndpoint | undefined {
  if (node === "") return undefined;
  const all = compiled.hostEndpoints.filter((endpoint) => endpoint.node === node);
  return all.find(({ interfaceName }) => interfaceName === "*") ?? (all.length === 1 ? all[0] : undefined);
}

function sameNode(source: PathEnd, destination: PathEnd): boolean {
  if (source.kind === "outside" || destination.kind === "outside") return false;
  return source.endpoint.node !== "" && source.endpoint.node === destination.endpoint.node;
}
