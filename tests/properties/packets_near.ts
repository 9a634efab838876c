/**
 * Packets near the edges of what policies say: addresses that are first, last and just outside in the policies' own networks and sets, ports and ICMP types beside
 * those that rules name. Most packets are made for one rule, so that they meet all of its conditions but one or none: engines err at edges.
 *
 * @module
 */
import { cidrFirst, cidrLast, parseCidrOrIp } from "#/base/cidr.ts";
import { type Ip, ipBits, type IpVersion, parseIp } from "#/base/ip.ts";
import { parseProtocol, protocolHasPorts } from "#/base/protocol.ts";
import type { CompiledSet } from "#/policy/compiled.ts";
import { ANY, type PolicyIr, type PortRange, type RuleIr, type SideIr } from "#/policy/ir.ts";
import type { Packet } from "#/policy/packet.ts";
import type { Seeded } from "../../benches/support/seeded.ts";

/** What packets are made for. */
export interface Surroundings {
  readonly policies: ReadonlyMap<string, PolicyIr>;
  readonly sets: ReadonlyMap<string, CompiledSet>;
  /** Addresses of endpoints: where a rule asks for none, one of these is as likely as any other. */
  readonly addresses?: readonly string[];
}

/** A member of an IP-and-port set. */
interface NamedEnd {
  readonly ip: Ip;
  readonly protocol: number;
  readonly port: number;
}

/** One end of a packet while it is made. */
interface End {
  readonly ip: Ip;
  readonly port: number;
  /** The protocol that the port belongs to, where it is of a set. */
  readonly protocol: number | undefined;
}

const PORT_MAX = 65_535;
/** Some of every kind: with ports, ICMP of either family, and without any header that rules look into. */
const PROTOCOLS = [6, 6, 17, 17, 132, 1, 58, 47, 89, 136, 255];
const ICMP_PROTOCOLS = [1, 58];
const USUAL_PORTS = [1, 80, 1024, PORT_MAX];
const USUAL_ADDRESSES: Readonly<Record<IpVersion, readonly string[]>> = {
  4: ["10.0.0.1", "192.0.2.1"],
  6: ["fd00::1", "2001:db8::1"],
};
/** Headers of IPv6 that kernels and rules read as extensions, and look behind. */
const IPV6_EXTENSIONS = [0, 43, 44, 51, 60, 135, 139, 140];

/** Makes so many packets. */
export function packetsNear(near: Surroundings, count: number, random: Seeded): readonly Packet[] {
  const rules = [...near.policies.values()].flatMap(({ ingress, egress }) => [...ingress ?? [], ...egress ?? []]);
  const edges = new Edges(near, rules);
  const rare = rules.filter(isRare);
  return Array.from({ length: count }, () => {
    const from = rare.length > 0 && random.chance(25) ? rare : rules;
    const rule = from.length === 0 || random.chance(15) ? undefined : random.pick(from);
    return packetFor(rule, edges, random);
  });
}

/** Rules that packets seldom meet: about ICMP, or a port of one address. */
function isRare({ icmp, notIcmp, source, destination }: RuleIr): boolean {
  return icmp !== ANY || notIcmp !== undefined || source.portSets.length > 0 || destination.portSets.length > 0;
}

/** Edges of everything that is named, each network and set looked at once. */
class Edges {
  readonly #bySet: ReadonlyMap<string, readonly Ip[]>;
  readonly #named: ReadonlyMap<string, readonly NamedEnd[]>;
  readonly #byNet = new Map<string, readonly Ip[]>();
  readonly addresses: Readonly<Record<IpVersion, readonly Ip[]>>;
  readonly own: Readonly<Record<IpVersion, readonly Ip[]>>;
  readonly ports: readonly number[];

  constructor({ sets, addresses = [] }: Surroundings, rules: readonly RuleIr[]) {
    this.#named = new Map(
      [...sets].map(([id, { type, members }]) => [id, type === "ipPort" ? namedEnds(members) : []]),
    );
    this.#bySet = new Map(
      [...sets].map(([id, { type, members }]) => [id, type === "net" ? members.flatMap((net) => this.ofNet(net)) : []]),
    );
    const sides = rules.flatMap(({ source, destination }) => [source, destination]);
    const nets = sides.flatMap(({ nets, notNets }) => [...nets === ANY ? [] : nets, ...notNets]);
    const all = [
      ...[...USUAL_ADDRESSES[4], ...USUAL_ADDRESSES[6], ...addresses, ...nets].flatMap((net) => this.ofNet(net)),
      ...[...this.#bySet.values()].flat(),
      ...[...this.#named.values()].flatMap((ends) => ends.map(({ ip }) => ip)),
    ];
    this.addresses = byFamily(all);
    this.own = byFamily(addresses.flatMap((address) => parseIp(address) ?? []));
    this.ports = [
      ...USUAL_PORTS,
      ...sides.flatMap(({ ports, notPorts }) => portEdges([...listed(ports), ...notPorts])),
    ];
  }

  ofNet(net: string): readonly Ip[] {
    const known = this.#byNet.get(net);
    if (known !== undefined) return known;
    const cidr = parseCidrOrIp(net);
    const edges = cidr === undefined ? [] : addressEdges(cidrFirst(cidr), cidrLast(cidr));
    this.#byNet.set(net, edges);
    return edges;
  }

  ofSets(ids: readonly string[]): readonly Ip[] {
    return ids.flatMap((id) => this.#bySet.get(id) ?? []);
  }

  named(ids: readonly string[]): readonly NamedEnd[] {
    return ids.flatMap((id) => this.#named.get(id) ?? []);
  }
}

function byFamily(all: readonly Ip[]): Readonly<Record<IpVersion, readonly Ip[]>> {
  return { 4: all.filter(({ version }) => version === 4), 6: all.filter(({ version }) => version === 6) };
}

function listed(ports: SideIr["ports"]): readonly PortRange[] {
  return ports === ANY ? [] : ports;
}

function addressEdges(first: Ip, last: Ip): readonly Ip[] {
  const end = (1n << BigInt(ipBits(first.version))) - 1n;
  const values = new Set([first.value, last.value, first.value - 1n, last.value + 1n]);
  return [...values].filter((value) => value >= 0n && value <= end)
    .map((value): Ip => ({ version: first.version, value })).filter(isCarried);
}

/** Not so addresses that a kernel drops before it asks any rule: multicast and loopback of IPv6. */
function isCarried({ version, value }: Ip): boolean {
  return version === 4 || (value !== 1n && value >> 120n !== 0xffn);
}

function portEdges(ranges: readonly PortRange[]): readonly number[] {
  return ranges.flatMap(({ min, max }) => [min, max, min - 1, max + 1]).filter((port) => port >= 0 && port <= PORT_MAX);
}

function namedEnds(members: readonly string[]): readonly NamedEnd[] {
  return members.flatMap((member) => {
    const [, address = "", protocol = "", port = ""] = /^(.+),(\w+):(\d+)$/.exec(member) ?? [];
    const ip = parseIp(address);
    const number = parseProtocol(protocol);
    return ip === undefined || number === undefined ? [] : [{ ip, protocol: number, port: Number(port) }];
  });
}

function packetFor(rule: RuleIr | undefined, edges: Edges, random: Seeded): Packet {
  const version = rule?.ipVersion !== undefined && rule.ipVersion !== ANY && random.chance(90)
    ? rule.ipVersion
    : familyFor(rule, edges, random);
  const source = endFor(rule?.source, version, edges, random);
  const destination = endFor(rule?.destination, version, edges, random);
  const protocol = protocolFor(rule, [source, destination], version, random);
  const isPorted = protocolHasPorts(protocol);
  return {
    source: source.ip,
    destination: destination.ip,
    protocol,
    sourcePort: isPorted ? source.port : undefined,
    destinationPort: isPorted ? destination.port : undefined,
    icmp: ICMP_PROTOCOLS.includes(protocol) ? icmpFor(rule, random) : undefined,
  };
}

/** The family of an address that one of the rule's ends asks for, else any. */
function familyFor(rule: RuleIr | undefined, edges: Edges, random: Seeded): IpVersion {
  const asked = rule === undefined
    ? []
    : [rule.source, rule.destination].flatMap((side) => addressesAsked(side, edges));
  return asked.length > 0 && random.chance(90) ? random.pick(asked).version : random.pick([4, 6]);
}

function addressesAsked({ sets, notSets, nets, notNets, portSets, notPortSets }: SideIr, edges: Edges): readonly Ip[] {
  return [
    ...edges.ofSets([...sets, ...notSets]),
    ...[...nets === ANY ? [] : nets, ...notNets].flatMap((net) => edges.ofNet(net)),
    ...edges.named([...portSets, ...notPortSets]).map(({ ip }) => ip),
  ];
}

function endFor(side: SideIr | undefined, version: IpVersion, edges: Edges, random: Seeded): End {
  const named = side === undefined
    ? []
    : edges.named([...side.portSets, ...side.notPortSets]).filter(({ ip }) => ip.version === version);
  if (named.length > 0 && random.chance(60)) {
    const { ip, port, protocol } = random.pick(named);
    return random.chance(85) ? { ip, port, protocol } : { ip, port: random.pick(edges.ports), protocol };
  }
  const asked = side === undefined ? [] : addressesAsked(side, edges).filter((ip) => ip.version === version);
  const ports = side === undefined ? [] : portEdges([...listed(side.ports), ...side.notPorts]);
  const own = edges.own[version];
  const others = own.length > 0 && random.chance(50) ? own : edges.addresses[version];
  return {
    ip: random.pick(asked.length > 0 && random.chance(85) ? asked : others),
    port: random.pick(ports.length > 0 && random.chance(85) ? ports : edges.ports),
    protocol: undefined,
  };
}

function protocolFor(
  rule: RuleIr | undefined,
  ends: readonly End[],
  version: IpVersion,
  random: Seeded,
): number {
  const wanted = [
    ...ends.flatMap(({ protocol }) => protocol ?? []),
    ...rule === undefined || rule.protocol === ANY ? [] : [rule.protocol, rule.protocol],
    ...rule?.notProtocol === undefined ? [] : [rule.notProtocol],
    ...rule?.icmp === undefined || rule.icmp === ANY && rule.notIcmp === undefined ? [] : ICMP_PROTOCOLS,
  ];
  const protocol = wanted.length > 0 && random.chance(85) ? random.pick(wanted) : random.pick(PROTOCOLS);
  return version === 6 && IPV6_EXTENSIONS.includes(protocol) ? 6 : protocol;
}

function icmpFor(rule: RuleIr | undefined, random: Seeded): { readonly type: number; readonly code: number } {
  const asked = [rule?.icmp, rule?.notIcmp].filter((match) => match !== undefined && match !== ANY);
  if (asked.length === 0 || random.chance(15)) {
    return { type: random.pick([0, 3, 8, 128, 129, 255]), code: random.below(3) };
  }
  const { type, code } = random.pick(asked);
  return {
    type: random.chance(80) ? type : (type + 1) % 256,
    code: code === ANY || random.chance(30) ? random.below(3) : code,
  };
}
