/**
 * One rule at a time, by every engine: what each condition matches, at its edges.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import type { CompiledSet } from "#/policy/compiled.ts";
import { ANY, ANY_SIDE, type ChainIr, type PolicyIr, policyKey, type RuleIr, type SideIr } from "#/policy/ir.ts";
import type { Packet } from "#/policy/packet.ts";
import { createArena } from "#/wasm-policy/arena.ts";
import { emitRules } from "#/wasm-policy/emit.ts";
import { compileImage, type ImageOptions } from "#/wasm-policy/engine.ts";
import { createVocabulary, ruleFacts } from "#/wasm-policy/rule_facts.ts";
import { rule } from "../agents/nftables/items.ts";

/** TCP from 10.0.0.1 port 1000 to 10.0.0.2 port 80, unless changed. */
function packet(change: Partial<Packet> & { from?: string; to?: string } = {}): Packet {
  const { from = "10.0.0.1", to = "10.0.0.2", ...rest } = change;
  const ends = { source: parseIp(from)!, destination: parseIp(to)! };
  return { ...ends, protocol: 6, sourcePort: 1000, destinationPort: 80, icmp: undefined, ...rest };
}

function icmp(type: number, code: number, change: Parameters<typeof packet>[0] = {}): Packet {
  return packet({ protocol: 1, sourcePort: undefined, destinationPort: undefined, icmp: { type, code }, ...change });
}

const ENGINES: readonly ImageOptions[] = [
  { engine: "code" },
  { engine: "rows", memo: "off" },
  { engine: "rows", kernel: "twin", memo: "off" },
];

/** Index of the rule that each engine says decides a packet, -1 for none; all must say the same. `members` are `set@address`, of port 80 where ports count. */
function run(rules: readonly RuleIr[], of: Packet, members: readonly string[] = []): number {
  const sets = new Map<string, CompiledSet>();
  for (const id of ["s", "t", "n", "m"]) {
    const addresses = members.filter((member) => member.startsWith(`${id}@`)).map((member) => member.slice(2));
    const isPorts = id === "n" || id === "m";
    sets.set(id, {
      type: isPorts ? "ipPort" : "net",
      members: isPorts ? addresses.map((one) => `${one},tcp:80`) : addresses,
    });
  }
  const policy: PolicyIr = {
    ref: { kind: "GlobalNetworkPolicy", namespace: "", name: "p" },
    tier: "default",
    ingress: rules,
    egress: undefined,
  };
  const key = policyKey(policy.ref);
  const chain: ChainIr = { tiers: [{ tier: "default", defaultAction: "pass", policies: [key] }], profiles: [] };
  const said = ENGINES.map((options) => {
    const image = compileImage({ policies: new Map([[key, policy]]), sets }, options);
    const { ruleId } = image.judge(chain, "ingress", of);
    return rules.findIndex(({ id }) => id === ruleId);
  });
  assertEquals(new Set(said).size, 1, `engines differ: ${said}`);
  return said[0]!;
}

function source(change: Partial<SideIr>): Partial<RuleIr> {
  return { source: { ...ANY_SIDE, ...change } };
}

function destination(change: Partial<SideIr>): Partial<RuleIr> {
  return { destination: { ...ANY_SIDE, ...change } };
}

const V6 = { from: "fd00::1", to: "fd00::2" };
const PORTLESS = { protocol: 47, sourcePort: undefined, destinationPort: undefined };

const CASES: readonly {
  readonly name: string;
  readonly rule: Partial<RuleIr>;
  readonly members?: readonly string[];
  readonly matches: readonly Packet[];
  readonly misses: readonly Packet[];
}[] = [
  { name: "nothing asked", rule: {}, matches: [packet(), packet(V6), icmp(8, 0)], misses: [] },
  { name: "IPv4", rule: { ipVersion: 4 }, matches: [packet()], misses: [packet(V6)] },
  { name: "IPv6", rule: { ipVersion: 6 }, matches: [packet(V6)], misses: [packet()] },
  { name: "a protocol", rule: { protocol: 6 }, matches: [packet()], misses: [packet({ protocol: 17 }), icmp(8, 0)] },
  { name: "a high protocol", rule: { protocol: 255 }, matches: [packet({ protocol: 255 })], misses: [packet()] },
  {
    name: "no protocol of a number",
    rule: { notProtocol: 6 },
    matches: [packet({ protocol: 17 })],
    misses: [packet()],
  },
  {
    name: "an ICMP type and code",
    rule: { icmp: { type: 8, code: 1 } },
    matches: [icmp(8, 1)],
    misses: [icmp(8, 0), icmp(0, 1), packet()],
  },
  {
    name: "an ICMP type",
    rule: { icmp: { type: 0, code: ANY } },
    matches: [icmp(0, 5)],
    misses: [icmp(8, 0), packet()],
  },
  {
    name: "no ICMP of a type and code",
    rule: { notIcmp: { type: 8, code: 0 } },
    matches: [icmp(8, 1), icmp(0, 0), packet()],
    misses: [icmp(8, 0)],
  },
  {
    name: "no ICMP of a type",
    rule: { notIcmp: { type: 8, code: ANY } },
    matches: [icmp(0, 0), packet()],
    misses: [icmp(8, 0), icmp(8, 255)],
  },
  {
    name: "an IPv4 network",
    rule: source({ nets: ["10.0.0.0/31"] }),
    matches: [packet({ from: "10.0.0.0" }), packet()],
    misses: [packet({ from: "10.0.0.2" }), packet({ from: "9.255.255.255" }), packet(V6)],
  },
  {
    name: "an IPv4 network of the upper half",
    rule: source({ nets: ["192.168.0.0/16"] }),
    matches: [packet({ from: "192.168.0.0" }), packet({ from: "192.168.255.255" })],
    misses: [packet({ from: "192.169.0.0" }), packet({ from: "64.168.0.0" })],
  },
  {
    name: "every IPv4 address",
    rule: destination({ nets: ["0.0.0.0/0"] }),
    matches: [packet({ to: "255.255.255.255" }), packet({ to: "0.0.0.0" })],
    misses: [packet(V6)],
  },
  {
    name: "one IPv4 address",
    rule: destination({ nets: ["10.0.0.2/32"] }),
    matches: [packet()],
    misses: [packet({ to: "10.0.0.3" }), packet({ to: "10.0.0.1" })],
  },
  {
    name: "every IPv6 address",
    rule: source({ nets: ["::/0"] }),
    matches: [packet(V6), packet({ ...V6, from: "::" })],
    misses: [packet()],
  },
  {
    name: "IPv6 networks that end within each word, and at its end",
    rule: source({ nets: ["fd00::/8"] }),
    matches: [packet({ ...V6, from: "fdff:ffff::" })],
    misses: [packet({ ...V6, from: "fe00::" })],
  },
  {
    name: "an IPv6 network of 32 bits",
    rule: source({ nets: ["2001:db8::/32"] }),
    matches: [packet({ ...V6, from: "2001:db8:ffff::1" })],
    misses: [packet({ ...V6, from: "2001:db9::" })],
  },
  {
    name: "an IPv6 network of 33 bits",
    rule: source({ nets: ["2001:db8:8000::/33"] }),
    matches: [packet({ ...V6, from: "2001:db8:8000::" }), packet({ ...V6, from: "2001:db8:ffff::" })],
    misses: [packet({ ...V6, from: "2001:db8:7fff::" })],
  },
  {
    name: "an IPv6 network of 95 bits",
    rule: source({ nets: ["fd00::1:2:0:0/95"] }),
    matches: [packet({ ...V6, from: "fd00::1:3:ffff:ffff" })],
    misses: [packet({ ...V6, from: "fd00::1:4:0:0" }), packet({ ...V6, from: "fd00::2:2:0:0" })],
  },
  {
    name: "one IPv6 address",
    rule: source({ nets: ["fd00::1/128"] }),
    matches: [packet(V6)],
    misses: [packet({ ...V6, from: "fd00::2" }), packet({ ...V6, from: "fd01::1" })],
  },
  {
    name: "several networks of both families",
    rule: source({ nets: ["10.0.0.1/32", "fd00::/16"] }),
    matches: [packet(), packet(V6)],
    misses: [packet({ from: "10.0.0.2" })],
  },
  { name: "no network at all", rule: source({ nets: [] }), matches: [], misses: [packet(), packet(V6)] },
  {
    name: "networks left out",
    rule: source({ notNets: ["10.0.0.0/30", "fd00::/16"] }),
    matches: [packet({ from: "10.0.0.4" }), packet({ ...V6, from: "fe00::1" })],
    misses: [packet(), packet(V6)],
  },
  {
    name: "ranges of ports",
    rule: destination({ ports: [{ min: 80, max: 80 }, { min: 1024, max: 65_535 }] }),
    matches: [80, 1024, 65_535].map((destinationPort) => packet({ destinationPort })),
    misses: [...[1, 79, 81, 1023].map((destinationPort) => packet({ destinationPort })), packet(PORTLESS), icmp(8, 0)],
  },
  {
    name: "every port",
    rule: source({ ports: [{ min: 1, max: 65_535 }] }),
    matches: [packet({ sourcePort: 1 }), packet({ sourcePort: 65_535 })],
    misses: [packet(PORTLESS)],
  },
  { name: "no port at all", rule: destination({ ports: [] }), matches: [], misses: [packet(), packet(PORTLESS)] },
  {
    name: "ports left out",
    rule: destination({ notPorts: [{ min: 80, max: 90 }] }),
    matches: [packet({ destinationPort: 79 }), packet({ destinationPort: 91 }), packet(PORTLESS)],
    misses: [packet(), packet({ destinationPort: 90 })],
  },
  {
    name: "numeric ports or sets of ports",
    rule: destination({ ports: [{ min: 443, max: 443 }], portSets: ["n"] }),
    members: ["n@10.0.0.2"],
    matches: [packet(), packet({ destinationPort: 443, to: "10.0.0.3" })],
    misses: [packet({ to: "10.0.0.3" })],
  },
  {
    name: "sets of ports left out",
    rule: destination({ notPortSets: ["n", "m"] }),
    members: ["m@10.0.0.2"],
    matches: [packet({ to: "10.0.0.3" })],
    misses: [packet()],
  },
  {
    name: "each of several sets",
    rule: source({ sets: ["s", "t"] }),
    members: ["s@10.0.0.1", "t@10.0.0.1", "s@10.0.0.2"],
    matches: [packet()],
    misses: [packet({ from: "10.0.0.2" }), packet({ from: "10.0.0.3" })],
  },
  {
    name: "none of several sets, at its own end",
    rule: destination({ notSets: ["s", "t"] }),
    members: ["t@10.0.0.2", "s@10.0.0.1"],
    matches: [packet({ to: "10.0.0.9" })],
    misses: [packet(), packet({ to: "10.0.0.1" })],
  },
  {
    name: "all of many conditions",
    rule: {
      ...source({ nets: ["10.0.0.0/8"] }),
      ...destination({ ports: [{ min: 80, max: 80 }] }),
      protocol: 6,
      ipVersion: 4,
    },
    matches: [packet()],
    misses: [packet({ protocol: 17 }), packet({ destinationPort: 81 }), packet({ from: "11.0.0.1" })],
  },
];

for (const { name, rule: change, members, matches, misses } of CASES) {
  Deno.test(`every engine matches ${name}`, () => {
    const results = (packets: readonly Packet[]) =>
      packets.map((each) => run([rule("1/i/0", "allow", change)], each, members));
    assertEquals(results(matches), matches.map(() => 0));
    assertEquals(results(misses), misses.map(() => -1));
  });
}

Deno.test("every engine tells the first rule that decides, over rules that only log", () => {
  const rules = [
    rule("1/i/0", "log"),
    rule("1/i/1", "deny", { protocol: 17 }),
    rule("1/i/2", "deny", { protocol: 6, ...destination({ ports: [{ min: 1, max: 79 }] }) }),
    rule("1/i/3", "allow"),
    rule("1/i/4", "deny"),
  ];
  assertEquals(run(rules, packet({ protocol: 17 })), 1);
  assertEquals(run(rules, packet({ destinationPort: 79 })), 2);
  assertEquals(run(rules, packet()), 3);
  assertEquals(run([], packet()), -1);
  assertEquals(run([rule("1/i/0", "log")], packet()), -1);
});

Deno.test("every engine takes a policy of thousands of rules", () => {
  const rules = Array.from(
    { length: 5_000 },
    (_, at) => rule(`1/i/${at}`, "allow", destination({ ports: [{ min: at + 1, max: at + 1 }] })),
  );
  for (const port of [1, 4_097, 5_000]) {
    assertEquals(run(rules, packet({ destinationPort: port })), port - 1);
  }
  assertEquals(run(rules, packet({ destinationPort: 5_001 })), -1);
});

Deno.test("emitRules() writes nothing of rules that only log, and ends undecided", () => {
  const vocabulary = createVocabulary(createArena(), new Map());
  const facts = [ruleFacts(rule("1/i/0", "log", { protocol: 6 }), vocabulary)];
  assertEquals(emitRules(facts, vocabulary), emitRules([], vocabulary));
});
