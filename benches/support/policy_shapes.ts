/**
 * Policies of the shapes that targets name, made from a fixed seed: one chain of 20,000 rules that nothing matches (V1), random rules of five fields (V2), and a
 * cluster of many small policies with recorded flows (V3, V4).
 *
 * @module
 */
import { formatIp, type Ip } from "#/base/ip.ts";
import type { CompiledSet } from "#/policy/compiled.ts";
import { ANY, ANY_SIDE, type ChainIr, type PolicyIr, policyKey, type RuleIr, type SideIr } from "#/policy/ir.ts";
import type { Packet } from "#/policy/packet.ts";
import type { RecordedFlows } from "#/wasm-policy/compare_images.ts";
import { serviceWord } from "#/wasm-policy/layout.ts";
import { type Seeded, seeded } from "./seeded.ts";

/** A chain, what it refers to, and packets for it. */
export interface ChainShape {
  readonly chain: ChainIr;
  readonly policies: ReadonlyMap<string, PolicyIr>;
  readonly sets: ReadonlyMap<string, CompiledSet>;
  readonly packets: readonly Packet[];
  readonly ruleCount: number;
}

/** An IPv4 address. */
export function ipv4(value: number): Ip {
  return { version: 4, value: BigInt(value >>> 0) };
}

function policyOf(name: string, ingress: readonly RuleIr[]): PolicyIr {
  return { ref: { kind: "GlobalNetworkPolicy", namespace: "", name }, tier: "default", ingress, egress: undefined };
}

function keyed(policies: readonly PolicyIr[]): ReadonlyMap<string, PolicyIr> {
  return new Map(policies.map((policy) => [policyKey(policy.ref), policy]));
}

function denyAtEnd(policies: ReadonlyMap<string, PolicyIr>): ChainIr {
  return { tiers: [{ tier: "default", policies: [...policies.keys()], defaultAction: "deny" }], profiles: [] };
}

function ruleOf(id: string, change: Partial<RuleIr>): RuleIr {
  return {
    id,
    action: "allow",
    ipVersion: ANY,
    protocol: ANY,
    notProtocol: undefined,
    icmp: ANY,
    notIcmp: undefined,
    source: ANY_SIDE,
    destination: ANY_SIDE,
    ...change,
  };
}

const TCP: Packet = {
  source: ipv4(0xcb007107),
  destination: ipv4(0x0aff0001),
  protocol: 6,
  sourcePort: 50_000,
  destinationPort: 8_080,
  icmp: undefined,
};

/**
 * The chain that Calico's own checker was measured with (calico PR #13265): 294 policies of 68 rules, 3,708 IP sets with 256,000 members. The first packet is matched
 * by no rule, so that all count; the second by the very first.
 */
export function checkerShape(scale: number): ChainShape {
  const [rulesPerPolicy, setCount, members] = [68, Math.ceil(3_708 / scale), Math.ceil(256_000 / scale)];
  const perSet = Math.ceil(members / setCount);
  // Every other address, so that members do not join into networks.
  const memberAt = (at: number) => 0x0a000000 + 2 * at;
  const sets = new Map(Array.from({ length: setCount }, (_, at): [string, CompiledSet] => {
    const addresses = Array.from({ length: perSet }, (_, n) => formatIp(ipv4(memberAt(at * perSet + n))));
    return [`s:${at}`, { type: "net", members: addresses }];
  }));
  const policies = keyed(Array.from({ length: Math.ceil(294 / scale) }, (_, policy) =>
    policyOf(
      `p${policy}`,
      Array.from({ length: rulesPerPolicy }, (_, index) =>
        ruleOf(`${policy + 1}/i/${index}`, {
          protocol: 6,
          source: { ...ANY_SIDE, sets: [`s:${(policy * rulesPerPolicy + index) % setCount}`] },
          destination: { ...ANY_SIDE, ports: [{ min: 8_000, max: 9_000 }] },
        })),
    )));
  const packets = [TCP, { ...TCP, source: ipv4(memberAt(0)) }];
  return { chain: denyAtEnd(policies), policies, sets, packets, ruleCount: policies.size * rulesPerPolicy };
}

const FIVE_FIELD_POLICY_RULES = 500;
const PREFIXES = [8, 12, 16, 18, 20, 22, 24, 24, 24, 26, 28, 30, 32, 32, 32];

/**
 * Random rules of five fields: networks of mixed lengths (one in ten matches any), ports that are any, well known or a range, three protocols. Of the packets two
 * thirds lie within some rule, the rest anywhere.
 */
export function fiveFieldShape(ruleCount: number, packetCount: number): ChainShape {
  const random = seeded(11);
  const boxes = Array.from({ length: ruleCount }, () => randomBox(random));
  const rules = boxes.map((box, at) =>
    ruleOf(`${Math.floor(at / FIVE_FIELD_POLICY_RULES) + 1}/i/${at % FIVE_FIELD_POLICY_RULES}`, {
      action: random.chance(50) ? "allow" : "deny",
      protocol: box.protocol,
      source: sideOf(box.source, box.sourcePort),
      destination: sideOf(box.destination, box.destinationPort),
    })
  );
  const policies = keyed(
    Array.from(
      { length: Math.ceil(ruleCount / FIVE_FIELD_POLICY_RULES) },
      (_, at) => policyOf(`p${at}`, rules.slice(at * FIVE_FIELD_POLICY_RULES, (at + 1) * FIVE_FIELD_POLICY_RULES)),
    ),
  );
  const packets = Array.from({ length: packetCount }, () => randomPacket(random, boxes));
  return { chain: denyAtEnd(policies), policies, sets: new Map(), packets, ruleCount };
}

interface Box {
  readonly protocol: number;
  /** First address and prefix length; `undefined` for any. */
  readonly source: readonly [number, number] | undefined;
  readonly destination: readonly [number, number] | undefined;
  readonly sourcePort: readonly [number, number] | undefined;
  readonly destinationPort: readonly [number, number] | undefined;
}

function randomBox(random: Seeded): Box {
  const net = (): readonly [number, number] | undefined => {
    if (random.chance(10)) return undefined;
    const length = random.pick(PREFIXES);
    return [Math.floor(random.below(2 ** 32) / 2 ** (32 - length)) * 2 ** (32 - length), length];
  };
  const port = (any: number): readonly [number, number] | undefined => {
    if (random.chance(any)) return undefined;
    if (random.chance(70)) {
      const one = random.pick([22, 53, 80, 123, 443, 1433, 3306, 5432, 6379, 8080, 8443, 9090]);
      return [one, one];
    }
    return random.pick([[1, 1023], [1024, 65_535], [8000, 8999], [30_000, 32_767]] as const);
  };
  return {
    protocol: random.pick([6, 6, 6, 17, 17, 132]),
    source: net(),
    destination: net(),
    sourcePort: port(80),
    destinationPort: port(20),
  };
}

function sideOf(net: Box["source"], ports: Box["sourcePort"]): SideIr {
  return {
    ...ANY_SIDE,
    nets: net === undefined ? ANY : [`${formatIp(ipv4(net[0]))}/${net[1]}`],
    ports: ports === undefined ? ANY : [{ min: ports[0], max: ports[1] }],
  };
}

function randomPacket(random: Seeded, boxes: readonly Box[]): Packet {
  const near = random.chance(67) ? random.pick(boxes) : undefined;
  const address = (net: Box["source"]) =>
    ipv4(net === undefined ? random.below(2 ** 32) : net[0] + random.below(2 ** (32 - net[1])));
  const port = (range: Box["sourcePort"]) =>
    range === undefined ? 1 + random.below(65_535) : range[0] + random.below(range[1] - range[0] + 1);
  return {
    source: address(near?.source),
    destination: address(near?.destination),
    protocol: near?.protocol ?? random.pick([6, 17, 132]),
    sourcePort: port(near?.sourcePort),
    destinationPort: port(near?.destinationPort),
    icmp: undefined,
  };
}

/** A cluster: endpoints in groups with the same chains, sets of endpoints and of outside addresses, policies of ten rules. */
export interface ClusterShape {
  readonly policies: ReadonlyMap<string, PolicyIr>;
  readonly sets: ReadonlyMap<string, CompiledSet>;
  readonly endpoints: ReadonlyMap<string, { readonly ingress: ChainIr; readonly egress: ChainIr }>;
  readonly addresses: ReadonlyMap<string, Ip>;
}

const CLUSTER_RULES = 10;
const POLICIES_PER_GROUP = 10;
const SERVICE_PORTS = [53, 80, 443, 3306, 5432, 6379, 8080, 8443, 9090, 9200];

/** Makes a cluster with so many policies; ten of them govern each group of ten endpoints, and there are as many sets as groups and half as many again. */
export function clusterShape(policyCount: number): ClusterShape {
  const random = seeded(17);
  const groups = Math.ceil(policyCount / POLICIES_PER_GROUP);
  const addressOf = (endpoint: number) => ipv4(0x0a000000 + 2 * endpoint);
  const setOf = (members: readonly Ip[]): CompiledSet => ({ type: "net", members: members.map(formatIp) });
  const sets = new Map<string, CompiledSet>();
  for (let group = 0; group < groups; group++) {
    sets.set(`s:g${group}`, setOf(Array.from({ length: 10 }, (_, at) => addressOf(group * 10 + at))));
    if (group % 2 === 0) {
      const outside = Array.from({ length: 80 }, () => ipv4(0xac000000 + random.below(2 ** 24)));
      sets.set(`s:x${group}`, setOf(outside));
    }
  }
  const policies = new Map<string, PolicyIr>();
  const endpoints = new Map<string, { readonly ingress: ChainIr; readonly egress: ChainIr }>();
  const addresses = new Map<string, Ip>();
  const open = policyOf("open", []);
  policies.set("Profile//open", {
    ...open,
    ref: { kind: "Profile", namespace: "", name: "open" },
    egress: [ruleOf("1/e/0", {})],
  });
  const egress: ChainIr = { tiers: [], profiles: ["Profile//open"] };
  for (let group = 0; group < groups; group++) {
    const own = Array.from(
      { length: POLICIES_PER_GROUP },
      (_, at) => clusterPolicy(random, group * POLICIES_PER_GROUP + at, groups),
    );
    for (const policy of own) policies.set(policyKey(policy.ref), policy);
    const ingress = denyAtEnd(keyed(own));
    for (let at = 0; at < 10; at++) {
      const id = `ns${group}/pod${at}`;
      endpoints.set(id, { ingress, egress });
      addresses.set(id, addressOf(group * 10 + at));
    }
  }
  return { policies, sets, endpoints, addresses };
}

/** A policy of ten rules: from a group of endpoints or from outside, to one or two ports. */
export function clusterPolicy(random: Seeded, number: number, groups: number): PolicyIr {
  const rules = Array.from({ length: CLUSTER_RULES }, (_, index) => {
    const group = random.below(groups);
    const ports = Array.from({ length: 1 + random.below(2) }, () => random.pick(SERVICE_PORTS));
    return ruleOf(`${number + 1}/i/${index}`, {
      action: random.chance(85) ? "allow" : "deny",
      protocol: 6,
      source: { ...ANY_SIDE, sets: [random.chance(80) ? `s:g${group}` : `s:x${group - group % 2}`] },
      destination: { ...ANY_SIDE, ports: ports.map((port) => ({ min: port, max: port })) },
    });
  });
  return policyOf(`p${number}`, rules);
}

/** Flows between endpoints as they are recorded: each group has a few peers, some come from outside, many are the same. */
export function recordedFlows(shape: ClusterShape, count: number): RecordedFlows {
  const random = seeded(23);
  const endpoints = [...shape.endpoints.keys()];
  const addresses = endpoints.map((id) => Number(shape.addresses.get(id)!.value));
  const column = () => new Uint32Array(count);
  const [source, destination, service, sourcePort, destinationPort] = [
    column(),
    column(),
    column(),
    column(),
    column(),
  ];
  const [sourceEndpoint, destinationEndpoint] = [column(), column()];
  const tcp = serviceWord({ version: 4, protocol: 6, icmp: undefined });
  for (let at = 0; at < count; at++) {
    const to = random.below(endpoints.length);
    // Eight peers of each endpoint, the same at every draw.
    const from = (to * 7 + 1 + random.below(8) * 131) % endpoints.length;
    const isOutside = random.chance(5);
    sourceEndpoint[at] = isOutside ? 0xffff_ffff : from;
    destinationEndpoint[at] = to;
    source[at] = isOutside ? 0xac000000 + random.below(4_096) : addresses[from]!;
    destination[at] = addresses[to]!;
    service[at] = tcp;
    sourcePort[at] = 65_536;
    destinationPort[at] = SERVICE_PORTS[(to + random.below(4)) % SERVICE_PORTS.length]!;
  }
  const wide = new Uint32Array(0);
  return {
    packets: { source, destination, service, sourcePort, destinationPort, wide },
    endpoints,
    sourceEndpoint,
    destinationEndpoint,
  };
}
