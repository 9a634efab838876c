/**
 * Random policies in the IR with sets and packets to judge, for tests that compare back ends with `ir_interpreter.ts`. Addresses and ports are drawn from
 * the edges of what rules name, because that is where back ends err. Knows nothing of objects: rules here may say what no object can.
 *
 * @module
 */
import fc from "fast-check";
import { cidrContains, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp, type Ip, type IpVersion, parseIp } from "#/base/ip.ts";
import { formatProtocol, protocolHasPorts } from "#/base/protocol.ts";
import {
  ANY,
  ANY_SIDE,
  type ChainIr,
  type PolicyIr,
  policyKey,
  type PolicyKind,
  type PortRange,
  type RuleIr,
  type SideIr,
} from "#/policy/ir.ts";
import { type IrTables, matchRuleIr, type SetMembership } from "#/policy/ir_interpreter.ts";
import type { Packet } from "#/policy/packet.ts";
import type { SetItem } from "#/projections/node_state.ts";

/** Policies, the ingress chain over them, their sets, and packets. */
export interface IrCase {
  readonly policies: readonly PolicyIr[];
  readonly chain: ChainIr;
  readonly sets: readonly SetItem[];
  readonly packets: readonly Packet[];
}

/** Most packets of one case. */
export const PACKETS_PER_CASE = 40;

const NETS: Readonly<Record<IpVersion, readonly string[]>> = {
  4: [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/30",
    "10.0.0.4/31",
    "10.0.0.7",
    "10.128.0.0/9",
    "128.0.0.0/1",
    "192.168.1.0/24",
  ],
  6: ["::/0", "fd00::/8", "fd00::/126", "fd00::4/127", "fd00::7", "fd00:0:1::/48", "8000::/1", "fd00:0:0:1::/64"],
};

/** First and last address of the networks, and those just outside; none that a kernel drops by itself. */
const ADDRESSES: Readonly<Record<IpVersion, readonly string[]>> = {
  4: [
    "10.0.0.0",
    "10.0.0.3",
    "10.0.0.4",
    "10.0.0.5",
    "10.0.0.6",
    "10.0.0.7",
    "10.0.0.8",
    "9.255.255.255",
    "10.127.255.255",
    "10.128.0.0",
    "10.255.255.255",
    "11.0.0.0",
    "192.168.0.255",
    "192.168.1.0",
    "192.168.1.255",
    "192.168.2.0",
    "128.0.0.1",
  ],
  6: [
    "fd00::",
    "fd00::3",
    "fd00::4",
    "fd00::5",
    "fd00::6",
    "fd00::7",
    "fd00::8",
    "fd00::ffff:ffff:ffff:ffff",
    "fd00:0:1::",
    "fd00:0:1:ffff:ffff:ffff:ffff:ffff",
    "fd00:0:2::",
    "fd00:0:0:1::",
    "2001:db8::1",
    "7fff::1",
  ],
};

const PORT_EDGES = [1, 79, 80, 81, 1023, 1024, 2048, 8080, 65_535];
const NET_SETS = ["s:a", "s:b", "s:c"];
const PORT_SETS = ["n:a", "n:b"];
const ICMP_TYPES = [0, 3, 8, 128, 129];

/** Present now and then. */
function seldom<T>(value: fc.Arbitrary<T>, otherwise: T, oneIn: number): fc.Arbitrary<T> {
  return fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: value });
}

const anyNet = fc.constantFrom(...NETS[4], ...NETS[6]);
const canonicalNet = anyNet.map((net) => net.includes("/") ? net : `${net}/${net.includes(":") ? 128 : 32}`);
const range: fc.Arbitrary<PortRange> = fc.tuple(fc.constantFrom(...PORT_EDGES), fc.constantFrom(...PORT_EDGES))
  .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
const ids = (from: readonly string[]) => fc.uniqueArray(fc.constantFrom(...from), { minLength: 1, maxLength: 2 });

const side: fc.Arbitrary<SideIr> = fc.record({
  sets: seldom(ids(NET_SETS), [], 6),
  notSets: seldom(ids(NET_SETS), [], 6),
  nets: seldom<SideIr["nets"]>(fc.array(canonicalNet, { maxLength: 3 }), ANY, 5),
  notNets: seldom(fc.array(canonicalNet, { minLength: 1, maxLength: 2 }), [], 6),
  ports: seldom<SideIr["ports"]>(fc.oneof(fc.constant([]), fc.array(range, { maxLength: 3 })), ANY, 4),
  portSets: seldom(ids(PORT_SETS), [], 2),
  notPorts: seldom(fc.array(range, { minLength: 1, maxLength: 2 }), [], 6),
  notPortSets: seldom(ids(PORT_SETS), [], 6),
});

const icmp = fc.record({
  type: fc.constantFrom(...ICMP_TYPES),
  code: fc.constantFrom<number | typeof ANY>(0, 1, ANY),
});

const rule: fc.Arbitrary<RuleIr> = fc.record({
  action: fc.constantFrom("allow", "allow", "deny", "deny", "pass", "log"),
  ipVersion: seldom(fc.constantFrom<RuleIr["ipVersion"]>(4, 6), ANY, 5),
  protocol: fc.oneof(
    { weight: 3, arbitrary: fc.constant<RuleIr["protocol"]>(ANY) },
    { weight: 4, arbitrary: fc.constantFrom<RuleIr["protocol"]>(6, 6, 17, 17, 1, 58, 132, 47) },
  ),
  notProtocol: seldom(fc.constantFrom<number | undefined>(6, 17, 1, 58, 132, 47), undefined, 6),
  icmp: seldom<RuleIr["icmp"]>(icmp, ANY, 6),
  notIcmp: seldom<RuleIr["notIcmp"]>(icmp, undefined, 6),
  source: fc.oneof({ weight: 1, arbitrary: fc.constant(ANY_SIDE) }, { weight: 1, arbitrary: side }),
  destination: fc.oneof({ weight: 1, arbitrary: fc.constant(ANY_SIDE) }, { weight: 2, arbitrary: side }),
}).map((one) => ({ ...one, id: "", action: one.action as RuleIr["action"] }));

const netMembers = fc.uniqueArray(fc.oneof(anyNet, fc.constantFrom(...ADDRESSES[4], ...ADDRESSES[6])), {
  maxLength: 5,
});
const portMembers = fc.uniqueArray(
  fc.tuple(
    fc.constantFrom(...ADDRESSES[4], ...ADDRESSES[6]),
    fc.constantFrom("tcp", "udp", "sctp"),
    fc.constantFrom(...PORT_EDGES),
  )
    .map(([address, protocol, port]) => `${address},${protocol}:${port}`),
  { minLength: 5, maxLength: 40 },
);

const sets: fc.Arbitrary<SetItem[]> = fc.tuple(
  fc.array(netMembers, { minLength: NET_SETS.length, maxLength: NET_SETS.length }),
  fc.array(portMembers, { minLength: PORT_SETS.length, maxLength: PORT_SETS.length }),
).map(([nets, ports]) => [
  ...NET_SETS.map((id, at): SetItem => ({ kind: "set", id, type: "net", members: nets[at]!.toSorted() })),
  ...PORT_SETS.map((id, at): SetItem => ({ kind: "set", id, type: "ipPort", members: ports[at]!.toSorted() })),
]);

/** Ends that are in a set of ports with their protocol are as likely as others, or such sets would never decide. */
const packet: fc.Arbitrary<Packet> = fc.constantFrom<IpVersion>(4, 6).chain((version) =>
  fc.record({
    source: fc.constantFrom(...ADDRESSES[version]),
    destination: fc.constantFrom(...ADDRESSES[version]),
    protocol: fc.constantFrom(6, 6, 17, 17, 132, version === 4 ? 1 : 58, version === 4 ? 1 : 58, 47, 136),
    sourcePort: fc.constantFrom(...PORT_EDGES),
    destinationPort: fc.constantFrom(...PORT_EDGES),
    type: fc.constantFrom(...ICMP_TYPES),
    code: fc.constantFrom(0, 1, 2),
  }).map(({ source, destination, protocol, sourcePort, destinationPort, type, code }): Packet => ({
    source: parseIp(source)!,
    destination: parseIp(destination)!,
    protocol,
    sourcePort: protocolHasPorts(protocol) ? sourcePort : undefined,
    destinationPort: protocolHasPorts(protocol) ? destinationPort : undefined,
    icmp: protocol === 1 || protocol === 58 ? { type, code } : undefined,
  }))
);

interface Draft {
  readonly tiers: readonly {
    readonly defaultAction: "deny" | "pass";
    readonly policies: readonly (readonly RuleIr[])[];
  }[];
  readonly profiles: readonly (readonly RuleIr[])[];
}

const draft: fc.Arbitrary<Draft> = fc.record({
  tiers: fc.array(
    fc.record({
      defaultAction: fc.constantFrom<"deny" | "pass">("deny", "pass", "pass"),
      policies: fc.array(fc.array(rule, { maxLength: 4 }), { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 3 },
  ),
  profiles: fc.array(fc.array(rule, { minLength: 1, maxLength: 3 }), { maxLength: 2 }),
});

function policyOf(kind: PolicyKind, name: string, rules: readonly RuleIr[]): PolicyIr {
  const ingress = rules.map((one, at) => ({ ...one, id: `${name}/i/${at}` }));
  return { ref: { kind, namespace: "", name }, tier: "default", ingress, egress: undefined };
}

/** A case with some packets whose one end is in a set of ports. */
export const irCase: fc.Arbitrary<IrCase> = fc.tuple(draft, sets).chain(([{ tiers, profiles }, allSets]) => {
  const named = tiers.map(({ defaultAction, policies }, tier) => ({
    defaultAction,
    policies: policies.map((rules, at) => policyOf("GlobalNetworkPolicy", `t${tier}p${at}`, rules)),
  }));
  const profilePolicies = profiles.map((rules, at) => policyOf("Profile", `k${at}`, rules));
  const keys = (policies: readonly PolicyIr[]) => policies.map(({ ref }) => policyKey(ref));
  const chain: ChainIr = {
    tiers: named.map(({ defaultAction, policies }, at) => ({
      tier: `t${at}`,
      defaultAction,
      policies: keys(policies),
    })),
    profiles: keys(profilePolicies),
  };
  const policies = [...named.flatMap((tier) => tier.policies), ...profilePolicies];
  const ends = allSets.filter(({ type }) => type === "ipPort").flatMap(({ members }) => members);
  const atNamedPort = fc.tuple(packet, fc.constantFrom(...ends), fc.boolean()).map(([one, end, isSource]) => {
    const [, address = "", protocol, port] = /^(.+),(\w+):(\d+)$/.exec(end) ?? [];
    const ip = parseIp(address)!;
    if (ip.version !== one.source.version) return one;
    const number = protocol === "tcp" ? 6 : protocol === "udp" ? 17 : 132;
    const ported = {
      ...one,
      protocol: number,
      icmp: undefined,
      sourcePort: one.sourcePort ?? 80,
      destinationPort: one.destinationPort ?? 80,
    };
    return isSource
      ? { ...ported, source: ip, sourcePort: Number(port) }
      : { ...ported, destination: ip, destinationPort: Number(port) };
  });
  const packets = fc.array(fc.oneof(packet, packet, atNamedPort), {
    minLength: 1,
    maxLength: PACKETS_PER_CASE,
    size: "max",
  });
  return packets.map((list): IrCase => ({ policies, chain, sets: allSets, packets: list }));
});

/** What the interpreter needs of a case. */
export function tablesOf({ policies, sets }: IrCase): IrTables {
  return { policies: new Map(policies.map((policy) => [policyKey(policy.ref), policy])), sets: membershipOf(sets) };
}

function membershipOf(items: readonly SetItem[]): SetMembership {
  const byId = new Map(items.map((item) => [item.id, item]));
  return {
    has(id, ip, end) {
      const members = byId.get(id)?.members ?? [];
      if (end !== undefined) {
        return members.includes(`${formatIp(ip)},${formatProtocol(end.protocol).toLowerCase()}:${end.port}`);
      }
      return members.some((member) => cidrContains(parseCidrOrIp(member)!, ip));
    },
  };
}

/** A packet in a line, for messages. */
export function packetText({ source, destination, protocol, sourcePort, destinationPort, icmp }: Packet): string {
  const end = (ip: Ip, port: number | undefined) => port === undefined ? formatIp(ip) : `${formatIp(ip)} port ${port}`;
  const kind = icmp === undefined ? "" : ` type ${icmp.type} code ${icmp.code}`;
  return `${end(source, sourcePort)} -> ${end(destination, destinationPort)} protocol ${protocol}${kind}`;
}

/** Counters of conditions, by what is counted. */
export type IrCoverage = Map<string, number>;

const RULE_RESETS: Readonly<Record<string, Partial<RuleIr>>> = {
  ipVersion: { ipVersion: ANY },
  protocol: { protocol: ANY },
  notProtocol: { notProtocol: undefined },
  icmp: { icmp: ANY },
  notIcmp: { notIcmp: undefined },
};

const SIDE_RESETS: Readonly<Record<string, Partial<SideIr>>> = {
  sets: { sets: [] },
  notSets: { notSets: [] },
  nets: { nets: ANY },
  notNets: { notNets: [] },
  ports: { ports: ANY },
  notPorts: { notPorts: [] },
  notPortSets: { notPortSets: [] },
};

/** Every condition that a comparison must have seen decide both ways. Lists of ports count apart when they hold sets alone. */
export const IR_CONDITIONS: readonly string[] = [
  ...Object.keys(RULE_RESETS),
  ...["source", "destination"].flatMap((end) =>
    [...Object.keys(SIDE_RESETS), "portSets"].map((name) => `${end}.${name}`)
  ),
];

/** Counts each condition that alone decides whether its rule matches a packet of the case. */
export function countIrConditions(coverage: IrCoverage, one: IrCase): void {
  const { sets } = tablesOf(one);
  const reductions = one.policies.flatMap(({ ingress }) => (ingress ?? []).flatMap(reductionsOf));
  for (const packet of one.packets) {
    for (const { name, rule, without } of reductions) {
      if (!matchRuleIr(without, packet, sets)) continue;
      const what = `${name} ${matchRuleIr(rule, packet, sets)}`;
      coverage.set(what, (coverage.get(what) ?? 0) + 1);
    }
  }
}

/** What was counted fewer than `least` times. */
export function uncovered(coverage: IrCoverage, least: number): readonly string[] {
  const wanted = IR_CONDITIONS.flatMap((name) => [`${name} true`, `${name} false`]);
  return wanted.filter((what) => (coverage.get(what) ?? 0) < least).map((what) =>
    `${what}: ${coverage.get(what) ?? 0}`
  );
}

/** A rule without each of its conditions in turn. */
function reductionsOf(rule: RuleIr): { readonly name: string; readonly rule: RuleIr; readonly without: RuleIr }[] {
  const isPresent = (value: unknown) =>
    value !== ANY && value !== undefined && !(Array.isArray(value) && value.length === 0);
  const ofRule = Object.entries(RULE_RESETS).filter(([name]) => isPresent(rule[name as keyof RuleIr]))
    .map(([name, reset]) => ({ name, rule, without: { ...rule, ...reset } }));
  const ofSides = (["source", "destination"] as const).flatMap((end) => {
    const present = rule[end];
    return Object.entries(SIDE_RESETS).filter(([name]) =>
      name === "ports" ? present.ports !== ANY : isPresent(present[name as keyof SideIr])
    )
      .map(([name, reset]) => ({
        name: `${end}.${
          name === "ports" && present.portSets.length > 0 && present.ports.length === 0 ? "portSets" : name
        }`,
        rule,
        without: { ...rule, [end]: { ...present, ...reset } },
      }));
  });
  return [...ofRule, ...ofSides];
}
