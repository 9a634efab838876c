/**
 * Connections that verdicts are asked about, as people name them, and their translation into packets: which workload a name or an address means is known
 * to the oracle's world. Called before `evaluate`, and by whoever compares another engine with it.
 *
 * @module
 */
import { type Ip, parseIp } from "#/base/ip.ts";
import { protocolHasPorts } from "#/base/protocol.ts";
import type { EndText } from "#/policy/oracle/flow_text.ts";
import type { Packet, PacketIcmp } from "#/policy/packet.ts";
import {
  endpointByName,
  endpointsAt,
  hostEndpointsAt,
  type PolicyWorld,
  type WorldEndpoint,
  type WorldHostEndpoint,
} from "#/policy/oracle/world.ts";

/** A connection as asked for. */
export interface Flow {
  readonly source: EndText;
  readonly destination: EndText;
  /** IP protocol number. */
  readonly protocol: number;
  /** Destination port; needed for TCP, UDP and SCTP. */
  readonly port?: number;
  /** Source port; an ephemeral one ({@link EPHEMERAL_PORT}) when absent. */
  readonly sourcePort?: number;
  /** For ICMP and ICMPv6; an echo request when absent. */
  readonly icmp?: PacketIcmp;
}

/** A flow with its ends found: each is a workload, a node's own processes behind a host endpoint, or neither; never both. */
export interface ResolvedFlow {
  readonly kind: "resolved";
  readonly packet: Packet;
  readonly source: WorldEndpoint | undefined;
  readonly destination: WorldEndpoint | undefined;
  readonly sourceHost: WorldHostEndpoint | undefined;
  readonly destinationHost: WorldHostEndpoint | undefined;
}

/** Why a flow means nothing in this world. */
export interface UnresolvedFlow {
  readonly kind: "unresolved";
  /** `NotFound`: no such workload. `Invalid`: the parts do not go together. */
  readonly reason: "NotFound" | "Invalid";
  readonly message: string;
}

/** The source port of a flow that names none: outside every well-known range. */
export const EPHEMERAL_PORT = 49_152;

const ICMP = 1;
const ICMPV6 = 58;
const ECHO_REQUESTS: ReadonlyMap<number, PacketIcmp> = new Map([
  [ICMP, { type: 8, code: 0 }],
  [ICMPV6, { type: 128, code: 0 }],
]);

/**
 * Finds the ends of a flow. A workload is meant by its Pod's name, else by its WorkloadEndpoint's; an address that a workload has means that
 * workload, and one that a host endpoint expects means the host's own processes (of several such
 * endpoints, the first by name). Of several addresses, the first of the source that has one of the same family at the destination is taken; for ICMP and
 * ICMPv6, of their own family where both ends have one.
 */
export function resolveFlow(world: PolicyWorld, flow: Flow): ResolvedFlow | UnresolvedFlow {
  const problem = portProblem(flow);
  if (problem !== undefined) return problem;
  const source = resolveEnd(world, flow.source);
  const destination = resolveEnd(world, flow.destination);
  if (source.kind === "unresolved") return source;
  if (destination.kind === "unresolved") return destination;
  for (const from of preferred(source.addresses, flow.protocol)) {
    const to = destination.addresses.find((ip) => ip.version === from.version);
    if (to === undefined) continue;
    const packet = packetOf(flow, from, to);
    return {
      kind: "resolved",
      packet,
      source: source.endpoint,
      destination: destination.endpoint,
      sourceHost: source.host,
      destinationHost: destination.host,
    };
  }
  return unresolved("Invalid", "The two ends must have addresses of one family");
}

interface ResolvedEnd {
  readonly kind: "end";
  readonly endpoint: WorldEndpoint | undefined;
  readonly host: WorldHostEndpoint | undefined;
  readonly addresses: readonly Ip[];
}

function resolveEnd(world: PolicyWorld, end: EndText): ResolvedEnd | UnresolvedFlow {
  if (end.kind === "address") {
    const ip = parseIp(end.address);
    if (ip === undefined) return unresolved("Invalid", `An address must be IPv4 or IPv6: "${end.address}"`);
    const endpoint = endpointsAt(world, ip)[0];
    const host = endpoint === undefined ? hostEndpointsAt(world, ip)[0] : undefined;
    return { kind: "end", endpoint, host, addresses: [ip] };
  }
  const endpoint = endpointByName(world, end.namespace, end.name);
  const name = `${end.namespace}/${end.name}`;
  if (endpoint === undefined) return unresolved("NotFound", `Workload endpoint "${name}" not found`);
  if (endpoint.addresses.length === 0) return unresolved("NotFound", `Workload endpoint "${name}" has no address`);
  return { kind: "end", endpoint, host: undefined, addresses: endpoint.addresses };
}

/** The addresses with those of the protocol's own family first. */
function preferred(addresses: readonly Ip[], protocol: number): readonly Ip[] {
  const family = protocol === ICMP ? 4 : protocol === ICMPV6 ? 6 : undefined;
  return [
    ...addresses.filter(({ version }) => version === family),
    ...addresses.filter(({ version }) => version !== family),
  ];
}

/** Ports belong to TCP, UDP and SCTP, and there the destination's is needed. */
function portProblem(flow: Flow): UnresolvedFlow | undefined {
  const { protocol, port } = flow;
  if (protocolHasPorts(protocol)) {
    return port === undefined
      ? unresolved("Invalid", `A flow of protocol ${protocol} must have a destination port`)
      : undefined;
  }
  return port === undefined
    ? undefined
    : unresolved("Invalid", `A flow of protocol ${protocol} must not have a destination port: ${port}`);
}

function packetOf(flow: Flow, source: Ip, destination: Ip): Packet {
  const { protocol } = flow;
  return {
    source,
    destination,
    protocol,
    sourcePort: protocolHasPorts(protocol) ? flow.sourcePort ?? EPHEMERAL_PORT : undefined,
    destinationPort: flow.port,
    icmp: ECHO_REQUESTS.has(protocol) ? flow.icmp ?? ECHO_REQUESTS.get(protocol) : undefined,
  };
}

function unresolved(reason: UnresolvedFlow["reason"], message: string): UnresolvedFlow {
  return { kind: "unresolved", reason, message };
}
