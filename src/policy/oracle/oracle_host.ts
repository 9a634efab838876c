/**
 * The oracle's way of a packet: which endpoints it meets, and in which phases of a host endpoint. Part of the definition of semantics; called by
 * `oracle.ts` alone.
 *
 * @module
 */
import type { Direction, HostPhase } from "#/policy/ir.ts";
import type { ResolvedFlow } from "#/policy/oracle/flow.ts";
import type { Packet } from "#/policy/packet.ts";
import type { PolicedEndpoint, PolicyWorld, WorldEndpoint, WorldHostEndpoint } from "#/policy/oracle/world.ts";
import type { PolicySpec } from "#/resources/kinds/policy_spec.ts";

/** One endpoint on a packet's way. */
export interface Stop {
  /** The flow's sender, its receiver, or a node that it crosses. */
  readonly part: "egress" | "ingress" | "forward";
  readonly endpoint: PolicedEndpoint;
  readonly direction: Direction;
  /** What is asked there, in this order: the first phase that allows or denies ends the stop. */
  readonly phases: readonly Phase[];
}

/** A phase of a host endpoint; a workload endpoint has one alone; and what becomes of a pod's packet to its own host, which no policy judges. */
export type Phase = HostPhase | "workload" | "endpoint-to-host";

/** A protocol and port that a host endpoint lets by before any policy. */
interface Failsafe {
  readonly protocol: number;
  readonly port: number;
}

const TCP = 6;
const UDP = 17;

/** Calico's defaults of `FailsafeInboundHostPorts` (felix/config/config_params.go): SSH, DHCP, BGP, etcd, Typha, the API server. */
const INBOUND: readonly Failsafe[] = [
  ...[22, 179, 2379, 2380, 5473, 6443, 6666, 6667].map((port) => ({ protocol: TCP, port })),
  { protocol: UDP, port: 68 },
];

/** Calico's defaults of `FailsafeOutboundHostPorts`: DNS, DHCP, BGP, etcd, Typha, the API server. */
const OUTBOUND: readonly Failsafe[] = [
  ...[179, 2379, 2380, 5473, 6443, 6666, 6667].map((port) => ({ protocol: TCP, port })),
  ...[53, 67].map((port) => ({ protocol: UDP, port })),
];

/** ICMPv6 that IPv6 cannot do without between a pod and its host: listeners, router and neighbour discovery. Accepted before any policy. */
const ICMPV6_NEEDED: readonly number[] = [130, 131, 132, 133, 135, 136];

const CROSSED_IN: readonly Phase[] = ["untracked", "preDnat", "forward"];
const REACHED: readonly Phase[] = ["untracked", "preDnat", "normal"];
const LEFT: readonly Phase[] = ["untracked", "normal"];

/**
 * Where a packet is judged, in order.
 *
 * A workload is judged at its own endpoint, host processes at their host endpoint. In between, the packet crosses the host endpoint of every node on which
 * it does not end or begin as the host's own: out of the sender's node and into the receiver's. What stays on one node crosses nothing; and between a
 * node's processes and its own pods the host is trusted, so that only a pod that wants to reach its host is judged, and then denied.
 */
export function stopsOf(world: PolicyWorld, flow: ResolvedFlow): readonly Stop[] {
  const { source, destination, sourceHost, destinationHost, packet } = flow;
  const from = source ?? sourceHost;
  const to = destination ?? destinationHost;
  const isLocal = from !== undefined && to !== undefined && from.node !== "" && from.node === to.node;
  if (isLocal && from.kind === "HostEndpoint") return [];
  if (isLocal && to.kind === "HostEndpoint" && isNeeded(packet)) return [];
  return [
    ...stop("egress", "egress", source, ["workload"]),
    ...stop("egress", "egress", sourceHost, LEFT),
    ...stop("forward", "egress", isLocal ? undefined : crossedAt(world, source), ["forward"]),
    ...stop("forward", "ingress", isLocal ? undefined : crossedAt(world, destination), CROSSED_IN),
    ...stop("ingress", "ingress", destinationHost, isLocal ? ["endpoint-to-host"] : REACHED),
    ...stop("ingress", "ingress", destination, ["workload"]),
  ];
}

function stop(
  part: Stop["part"],
  direction: Direction,
  endpoint: PolicedEndpoint | undefined,
  phases: readonly Phase[],
): readonly Stop[] {
  return endpoint === undefined ? [] : [{ part, direction, endpoint, phases }];
}

/**
 * The host endpoint between a workload and the world: that for all interfaces of its node, else the only one of the node. Of several without that, the
 * one in question depends on routes, and none is taken.
 */
function crossedAt(world: PolicyWorld, workload: WorldEndpoint | undefined): WorldHostEndpoint | undefined {
  const node = workload?.node ?? "";
  const onNode = node === "" ? [] : world.hostEndpoints.filter((endpoint) => endpoint.node === node);
  return onNode.find((endpoint) => endpoint.interfaceName === "*") ?? (onNode.length === 1 ? onNode[0] : undefined);
}

/**
 * Whether a policy belongs to a phase: an untracked one to that phase alone, and never at an endpoint for all interfaces; a pre-DNAT one to its
 * phase alone; of the rest, all to workloads and to the host's own processes, those that apply on forward to forwarded traffic too.
 */
export function isOfPhase(spec: PolicySpec, endpoint: PolicedEndpoint, phase: Phase): boolean {
  if (spec.doNotTrack === true) return phase === "untracked" && endpoint.interfaceName !== "*";
  if (spec.preDNAT === true) return phase === "preDnat";
  return phase === "workload" || phase === "normal" || (phase === "forward" && spec.applyOnForward === true);
}

/**
 * Whether a packet goes by a phase unasked, to keep a node reachable whatever its policies say. Forwarded traffic has no such ports. Before connection
 * tracking, answers are known by their source port.
 */
export function isFailsafe(
  { protocol, sourcePort, destinationPort }: Packet,
  direction: Direction,
  phase: Phase,
): boolean {
  const [there, back] = direction === "ingress" ? [INBOUND, OUTBOUND] : [OUTBOUND, INBOUND];
  const isListed = (list: readonly Failsafe[], port: number | undefined) =>
    list.some((one) => one.protocol === protocol && one.port === port);
  if (phase === "untracked") return isListed(there, destinationPort) || isListed(back, sourcePort);
  return (phase === "preDnat" || phase === "normal") && isListed(there, destinationPort);
}

function isNeeded({ source, protocol, icmp }: Packet): boolean {
  return source.version === 6 && protocol === 58 && icmp !== undefined && ICMPV6_NEEDED.includes(icmp.type);
}
