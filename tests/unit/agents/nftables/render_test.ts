/**
 * What the desired ruleset says, chain by chain.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { renderMatches } from "#/agents/nftables/render_rule.ts";
import { MAP_FROM_WORKLOAD, MAP_TO_WORKLOAD, renderRuleset } from "#/agents/nftables/render.ts";
import { ruleText } from "#/agents/nftables/ruleset.ts";
import { withoutCovered } from "#/agents/nftables/covered.ts";
import { ANY, ANY_SIDE, type RuleIr } from "#/policy/ir.ts";
import { ENDPOINT, EVERY_MATCH, FULL, PROFILE, rule, stateOf } from "./items.ts";

function matchesOf(change: Partial<RuleIr>, action: RuleIr["action"] = "allow"): string[] {
  return renderMatches(rule("1/i/0", action, change), (id, version) => `${id}-${version}`);
}

const MATCHES: readonly {
  readonly name: string;
  readonly change: Partial<RuleIr>;
  readonly expected: readonly string[];
}[] = [
  { name: "nothing asked", change: {}, expected: [""] },
  { name: "protocol", change: { protocol: 6 }, expected: ["meta l4proto 6"] },
  { name: "not protocol", change: { notProtocol: 17 }, expected: ["meta l4proto != 17"] },
  {
    name: "ports",
    change: { protocol: 6, destination: { ...ANY_SIDE, ports: [{ min: 80, max: 80 }, { min: 90, max: 99 }] } },
    expected: ["meta l4proto 6 th dport { 80, 90-99 }"],
  },
  {
    name: "a set is asked in both families",
    change: { source: { ...ANY_SIDE, sets: ["s"] } },
    expected: ["meta nfproto ipv4 ip saddr @s-4", "meta nfproto ipv6 ip6 saddr @s-6"],
  },
  {
    name: "nets of one family leave no rule for the other",
    change: { source: { ...ANY_SIDE, nets: ["10.0.0.0/8"] } },
    expected: ["meta nfproto ipv4 ip saddr 10.0.0.0/8"],
  },
  {
    name: "networks are written masked, once, without those inside others",
    change: {
      source: { ...ANY_SIDE, nets: ["10.0.0.1/8", "10.0.0.2/8", "10.1.0.0/16", "192.168.0.1/32"] },
      ipVersion: 4,
    },
    expected: ["meta nfproto ipv4 ip saddr { 10.0.0.0/8, 192.168.0.1 }"],
  },
  {
    name: "0.0.0.0/0 asks for the family only",
    change: { source: { ...ANY_SIDE, nets: ["0.0.0.0/0"] }, ipVersion: 4 },
    expected: ["meta nfproto ipv4"],
  },
  {
    name: "an excluded 0.0.0.0/0 matches nothing",
    change: { source: { ...ANY_SIDE, notNets: ["0.0.0.0/0"] }, ipVersion: 4 },
    expected: [],
  },
  {
    name: "no port of an empty list matches",
    change: { protocol: 6, destination: { ...ANY_SIDE, ports: [] } },
    expected: [],
  },
  {
    name: "numeric or named ports become two rules",
    change: { protocol: 6, ipVersion: 4, destination: { ...ANY_SIDE, ports: [{ min: 80, max: 80 }], portSets: ["n"] } },
    expected: [
      "meta nfproto ipv4 meta l4proto 6 th dport 80",
      "meta nfproto ipv4 meta l4proto 6 ip daddr . meta l4proto . th dport @n-4",
    ],
  },
  {
    name: "named ports of any protocol read ports only where there are some",
    change: { ipVersion: 4, destination: { ...ANY_SIDE, ports: [], portSets: ["n"] } },
    expected: ["meta nfproto ipv4 meta l4proto { 6, 17, 132 } ip daddr . meta l4proto . th dport @n-4"],
  },
  {
    name: "overlapping ranges are one",
    change: { protocol: 6, source: { ...ANY_SIDE, ports: [{ min: 80, max: 90 }, { min: 85, max: 99 }] } },
    expected: ["meta l4proto 6 th sport 80-99"],
  },
  {
    name: "ports of any protocol read ports only where there are some",
    change: { destination: { ...ANY_SIDE, ports: [{ min: 80, max: 80 }] } },
    expected: ["meta l4proto { 6, 17, 132 } th dport 80"],
  },
  {
    name: "ports of a protocol without ports match nothing",
    change: { protocol: 1, destination: { ...ANY_SIDE, ports: [{ min: 80, max: 80 }] } },
    expected: [],
  },
  {
    name: "excluded ports of a protocol without ports exclude nothing",
    change: { protocol: 1, destination: { ...ANY_SIDE, notPorts: [{ min: 80, max: 80 }] } },
    expected: ["meta l4proto 1"],
  },
  {
    name: "excluded ports of any protocol let packets without ports match",
    change: { destination: { ...ANY_SIDE, notPorts: [{ min: 80, max: 80 }] } },
    expected: ["meta l4proto { 6, 17, 132 } th dport { 0-79, 81-65535 }", "meta l4proto != { 6, 17, 132 }"],
  },
  {
    name: "excluded single ports are written as what is left, which nft cannot take for one comparison of both",
    change: {
      protocol: 6,
      source: { ...ANY_SIDE, notPorts: [{ min: 65_535, max: 65_535 }] },
      destination: { ...ANY_SIDE, notPorts: [{ min: 80, max: 80 }] },
    },
    expected: ["meta l4proto 6 th sport 0-65534 th dport { 0-79, 81-65535 }"],
  },
  {
    name: "several excluded ports, and a range, are written as they are",
    change: {
      protocol: 6,
      source: { ...ANY_SIDE, notPorts: [{ min: 80, max: 80 }, { min: 443, max: 443 }] },
      destination: { ...ANY_SIDE, notPorts: [{ min: 80, max: 90 }] },
    },
    expected: ["meta l4proto 6 th sport != { 80, 443 } th dport != 80-90"],
  },
  {
    name: "excluded numeric and named ports of any protocol",
    change: { ipVersion: 4, destination: { ...ANY_SIDE, notPorts: [{ min: 80, max: 80 }], notPortSets: ["n"] } },
    expected: [
      "meta nfproto ipv4 meta l4proto { 6, 17, 132 } th dport { 0-79, 81-65535 } ip daddr . meta l4proto . th dport != @n-4",
      "meta nfproto ipv4 meta l4proto != { 6, 17, 132 }",
    ],
  },
  {
    name: "ICMP of any protocol is that of both, in either family",
    change: { icmp: { type: 8, code: ANY } },
    expected: ["meta l4proto 1 icmp type 8", "meta l4proto 58 icmpv6 type 8"],
  },
  {
    name: "ICMP of another protocol matches nothing",
    change: { protocol: 6, icmp: { type: 8, code: 0 } },
    expected: [],
  },
  {
    name: "excluded ICMP of another protocol excludes nothing",
    change: { protocol: 6, notIcmp: { type: 8, code: 0 } },
    expected: ["meta l4proto 6"],
  },
  {
    name: "excluded ICMP of any protocol lets other protocols match",
    change: { ipVersion: 6, notIcmp: { type: 1, code: ANY } },
    expected: [
      "meta nfproto ipv6 meta l4proto 1 icmp type != 1",
      "meta nfproto ipv6 meta l4proto 58 icmpv6 type != 1",
      "meta nfproto ipv6 meta l4proto != { 1, 58 }",
    ],
  },
  {
    name: "not (type and code) is two rules",
    change: { protocol: 58, ipVersion: 6, notIcmp: { type: 128, code: 1 } },
    expected: [
      "meta nfproto ipv6 meta l4proto 58 icmpv6 type != 128",
      "meta nfproto ipv6 meta l4proto 58 icmpv6 type 128 icmpv6 code != 1",
    ],
  },
];

for (const { name, change, expected } of MATCHES) {
  Deno.test(`renderMatches() ${name}`, () => assertEquals(matchesOf(change), [...expected]));
}

Deno.test("renderMatches() closes on an unreadable match: allow never, deny always", () => {
  assertEquals(matchesOf({ unreadable: "selector" }, "allow"), []);
  assertEquals(matchesOf({ unreadable: "selector" }, "pass"), []);
  assertEquals(matchesOf({ unreadable: "selector" }, "deny"), [""]);
});

Deno.test("renderMatches() takes an unknown set for one that holds nothing", () => {
  const side = (change: Partial<RuleIr["source"]>) =>
    rule("1/i/0", "allow", { ipVersion: 4, source: { ...ANY_SIDE, ...change } });
  const texts = (change: Partial<RuleIr["source"]>) => renderMatches(side(change), () => undefined);
  assertEquals(texts({ sets: ["s"] }), []);
  assertEquals(texts({ notSets: ["s"] }), ["meta nfproto ipv4"]);
  assertEquals(texts({ ports: [], portSets: ["n"] }), []);
  assertEquals(texts({ notPortSets: ["n"] }), [
    "meta nfproto ipv4 meta l4proto { 6, 17, 132 }",
    "meta nfproto ipv4 meta l4proto != { 6, 17, 132 }",
  ]);
});

Deno.test("renderRuleset() leaves out members that the kernel would refuse", () => {
  const sets = renderRuleset(stateOf([
    { kind: "set", id: "s:x", type: "net", members: ["10.0.0.1", "10.0.0.1,tcp:80", "example"] },
    {
      kind: "set",
      id: "n:x",
      type: "ipPort",
      members: ["10.0.0.1,tcp:80", "10.0.0.1,none:80", "10.0.0.1,tcp:70000", "10.0.0.2"],
    },
  ])).sets;
  assertEquals([...sets.values()].slice(0, 4).map(({ elements }) => elements), [
    ["10.0.0.1"],
    [],
    ["10.0.0.1,tcp:80"],
    [],
  ]);
});

Deno.test("withoutCovered() keeps what no other network holds", () => {
  assertEquals(withoutCovered(["10.1.0.0/16", "10.0.0.0/8", "10.0.0.1", "fd00::1", "fd00::/64"]), [
    "10.0.0.0/8",
    "fd00::/64",
  ]);
  assertEquals(withoutCovered(["10.0.0.1", "10.0.0.2"]), ["10.0.0.1", "10.0.0.2"]);
  assertEquals(withoutCovered(["10.0.1.1/24", "10.0.1.2/24", "10.0.0.0/24", "fd00::1/128"]), [
    "10.0.1.0/24",
    "10.0.0.0/24",
    "fd00::1",
  ]);
  assertEquals(withoutCovered(["10.0.0.0/24", "10.0.0.0/25", "10.0.0.128/25", "0.0.0.0/0"]), ["0.0.0.0/0"]);
});

Deno.test("renderRuleset() leads each interface to its two chains", () => {
  const { maps, chains } = renderRuleset(FULL);
  assertEquals([...maps.get(MAP_FROM_WORKLOAD)!.targets], [["cali0123456789a", "fw-cali0123456789a"]]);
  assertEquals([...maps.get(MAP_TO_WORKLOAD)!.targets], [["cali0123456789a", "tw-cali0123456789a"]]);
  assert(chains.has("fw-cali0123456789a") && chains.has("tw-cali0123456789a"));
});

Deno.test("renderRuleset() ends a tier that denies in a drop, and the chain in another", () => {
  const rules = renderRuleset(FULL).chains.get("tw-cali0123456789a")!.rules.map(ruleText);
  assertMatch(rules[1]!, /^jump pi-p-[0-9a-f]{8}$/);
  assertEquals(rules[3], "meta mark & 0x20000 == 0x0 drop");
  assertEquals(rules.at(-1), "drop");
});

Deno.test("renderRuleset() drops at a policy that is missing", () => {
  const rules = renderRuleset(stateOf([PROFILE, ENDPOINT])).chains.get("tw-cali0123456789a")!.rules;
  assertEquals(rules[1], { matches: "", action: "drop", label: "missing NetworkPolicy/shop/p" });
});

Deno.test("renderRuleset() drops at a missing policy only what has not been passed out of its tier", () => {
  const ingress = {
    tiers: [{
      tier: "default",
      defaultAction: "deny" as const,
      policies: ["NetworkPolicy/shop/p", "NetworkPolicy/shop/q"],
    }],
    profiles: [],
  };
  const state = stateOf([...EVERY_MATCH, { ...ENDPOINT, ingress } as typeof ENDPOINT]);
  const rules = renderRuleset(state).chains.get("tw-cali0123456789a")!.rules;
  assertEquals(rules[3], {
    matches: "meta mark & 0x20000 == 0x0",
    action: "drop",
    label: "missing NetworkPolicy/shop/q",
  });
});

Deno.test("renderRuleset() leaves out the drop at the end of a chain that hands on, and no other", () => {
  const ingress = {
    tiers: [{ tier: "default", defaultAction: "deny" as const, policies: ["NetworkPolicy/shop/p"] }],
    profiles: [],
    atEnd: "continue" as const,
  };
  const state = stateOf([...EVERY_MATCH, { ...ENDPOINT, ingress } as typeof ENDPOINT]);
  const rules = renderRuleset(state).chains.get("tw-cali0123456789a")!.rules;
  assertEquals(rules.map(({ label }) => label), [
    "tier default",
    "NetworkPolicy/shop/p",
    "accepted",
    "end of tier default",
    "profiles",
  ]);
});

Deno.test("renderRuleset() writes one rule for what the rules of one id say of different ports and networks", () => {
  const at = (net: string, port: number, protocol = 6): RuleIr =>
    rule("5/i/0", "allow", {
      protocol,
      ipVersion: 4,
      source: { ...ANY_SIDE, nets: [net] },
      destination: { ...ANY_SIDE, ports: [{ min: port, max: port }] },
    });
  const nets = Array.from({ length: 50 }, (_, index) => `10.${index}.0.0/16`);
  const ingress = nets.flatMap((net) => [at(net, 80), at(net, 53, 17), at(net, 443)]);
  const policy = { ref: { kind: "NetworkPolicy", namespace: "shop", name: "p" }, tier: "default", ingress } as const;
  const item = { kind: "policy", id: "NetworkPolicy/shop/p", policy: { ...policy, egress: undefined } } as const;
  const [chain] = [...renderRuleset(stateOf([item])).chains.values()].filter(({ item }) => item !== undefined);
  assertEquals(chain?.rules.map(ruleText), [
    `meta nfproto ipv4 meta l4proto 6 ip saddr { ${nets.join(", ")} } th dport { 80, 443 } ${ALLOW}`,
    `meta nfproto ipv4 meta l4proto 17 ip saddr { ${nets.join(", ")} } th dport 53 ${ALLOW}`,
  ]);
});

const ALLOW = "meta mark set meta mark | 0x10000 return";

Deno.test("renderRuleset() drops at a policy that does not govern the direction, as every engine does", () => {
  const endpoint = ENDPOINT.kind === "endpoint" ? { ...ENDPOINT, egress: ENDPOINT.ingress } : ENDPOINT;
  const rules = renderRuleset(stateOf([...EVERY_MATCH, PROFILE, endpoint])).chains.get("fw-cali0123456789a")!.rules;
  assertEquals(rules[1], { matches: "", action: "drop", label: "missing NetworkPolicy/shop/p" });
});

Deno.test("renderRuleset() uses an interval set only where a member is a network", () => {
  const keys = [...renderRuleset(stateOf(EVERY_MATCH)).sets.values()].map((
    { name, key, elements },
  ) => [name.slice(0, 3), key, elements]);
  assertEquals(keys.slice(0, 6), [
    ["s4n", "net", ["10.0.0.0/8"]],
    ["s6a", "addr", ["fd00::1"]],
    ["s4a", "addr", ["10.0.0.1"]],
    ["s6a", "addr", []],
    ["s4p", "addrPort", ["10.0.0.1,tcp:8080"]],
    ["s6p", "addrPort", []],
  ]);
});
