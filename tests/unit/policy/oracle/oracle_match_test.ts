/**
 * What single rules match: each condition at its edges, by the oracle and by the lowered rule.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import { parseProtocol } from "#/base/protocol.ts";
import { matchRuleIr } from "#/policy/ir_interpreter.ts";
import { lowerRule } from "#/policy/lowering/lower_rule.ts";
import { ruleMatches, selects } from "#/policy/oracle/oracle_match.ts";
import type { Packet } from "#/policy/packet.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import type { Rule } from "#/resources/kinds/policy_spec.ts";
import { membershipOf, namespace, NO_OBJECTS, serviceAccount, workload } from "#tests/unit/policy/policy_builders.ts";

const HTTP = [{ name: "http", protocol: "TCP", port: 8080 }, { name: "dns", protocol: "UDP", port: 53 }];
const OBJECTS: PolicyObjects = {
  ...NO_OBJECTS,
  namespaces: [namespace("n1", { env: "prod" }), namespace("n2", { env: "dev" })],
  serviceAccounts: [
    serviceAccount("n1", "default"),
    serviceAccount("n1", "teller", { role: "x" }),
    serviceAccount("n2", "teller"),
  ],
  workloadEndpoints: [
    workload("n1", "web", ["10.0.0.1", "fd00::1"], { labels: { app: "web" }, account: "teller", ports: HTTP }),
    workload("n1", "db", ["10.0.0.2"], { labels: { app: "db" } }),
    workload("n2", "web", ["10.0.0.3"], { labels: { app: "web" }, account: "teller" }),
  ],
  networkSets: [
    {
      apiVersion: "v3",
      kind: "GlobalNetworkSet",
      metadata: { name: "g", labels: { app: "web" } },
      spec: { nets: ["10.9.0.0/30"] },
    },
    {
      apiVersion: "v3",
      kind: "NetworkSet",
      metadata: { name: "s", namespace: "n2", labels: { t: "x" } },
      spec: { nets: ["10.9.1.0/30"] },
    },
  ],
};
const WORLD = policyWorld(OBJECTS);

/** A packet by text: `source destination protocol [port | type/code]`. */
function packet(text: string): Packet {
  const [source, destination, name, detail] = text.split(" ");
  const protocol = parseProtocol(name!)!;
  const [type, code] = (detail ?? "8/0").split("/").map(Number);
  const hasPort = ["tcp", "udp", "sctp"].includes(name!);
  return {
    source: parseIp(source!)!,
    destination: parseIp(destination!)!,
    protocol,
    sourcePort: hasPort ? 50_000 : undefined,
    destinationPort: hasPort ? Number(detail) : undefined,
    icmp: [1, 58].includes(protocol) ? { type: type!, code: code! } : undefined,
  };
}

/** Whether a rule of a policy in `inNamespace` matches, by both engines. */
function matches(rule: Omit<Rule, "action"> & Partial<Rule>, inNamespace: string, text: string): boolean {
  const whole: Rule = { action: "Allow", ...rule };
  const oracle = ruleMatches(whole, {
    world: WORLD,
    packet: packet(text),
    namespace: inNamespace,
    direction: "ingress",
  });
  const lowered = lowerRule(whole, "1/i/0", inNamespace);
  const sets = membershipOf(WORLD, new Map(lowered.sets.map((set) => [set.id, set])));
  assertEquals(matchRuleIr(lowered.rule, packet(text), sets), oracle, `${text}: the lowered rule must agree`);
  return oracle;
}

/** Packets that must match (`yes`) and must not (`no`). */
interface Case {
  readonly name: string;
  readonly rule: Omit<Rule, "action"> & Partial<Rule>;
  readonly namespace?: string;
  readonly yes: readonly string[];
  readonly no: readonly string[];
}

const WEB = "10.0.0.1 10.0.0.2 tcp 80";
const DB = "10.0.0.2 10.0.0.1 tcp 80";
const WEB2 = "10.0.0.3 10.0.0.1 tcp 80";
const OUTSIDE = "1.1.1.1 10.0.0.1 tcp 80";
const SET = "10.9.0.3 10.0.0.1 tcp 80";
const SET_N2 = "10.9.1.0 10.0.0.1 tcp 80";
const SIX = "fd00::1 fd00::2 tcp 80";

const CASES: readonly Case[] = [
  { name: "an empty rule", rule: {}, yes: [WEB, OUTSIDE, SIX, "1.1.1.1 2.2.2.2 89"], no: [] },
  { name: "a protocol by name", rule: { protocol: "TCP" }, yes: [WEB, SIX], no: ["10.0.0.1 10.0.0.2 udp 80"] },
  { name: "a protocol by number", rule: { protocol: 89 }, yes: ["1.1.1.1 2.2.2.2 89"], no: [WEB] },
  { name: "a negated protocol", rule: { notProtocol: "UDP" }, yes: [WEB], no: ["10.0.0.1 10.0.0.2 udp 80"] },
  { name: "a family", rule: { ipVersion: 6 }, yes: [SIX], no: [WEB] },
  {
    name: "ICMP by name is IPv4 only",
    rule: { protocol: "ICMP" },
    yes: ["1.1.1.1 2.2.2.2 icmp"],
    no: ["::1 ::2 icmp"],
  },
  {
    name: "ICMPv6 by name is IPv6 only",
    rule: { protocol: "ICMPv6" },
    yes: ["::1 ::2 icmpv6"],
    no: ["1.1.1.1 2.2.2.2 icmpv6"],
  },
  {
    name: "ICMP by number is of both families",
    rule: { protocol: 1 },
    yes: ["1.1.1.1 2.2.2.2 icmp", "::1 ::2 icmp"],
    no: [WEB],
  },
  {
    name: "ICMP type",
    rule: { protocol: "ICMP", icmp: { type: 8 } },
    yes: ["1.1.1.1 2.2.2.2 icmp 8/0", "1.1.1.1 2.2.2.2 icmp 8/1"],
    no: ["1.1.1.1 2.2.2.2 icmp 0/0"],
  },
  {
    name: "ICMP type and code",
    rule: { protocol: "ICMP", icmp: { type: 3, code: 4 } },
    yes: ["1.1.1.1 2.2.2.2 icmp 3/4"],
    no: ["1.1.1.1 2.2.2.2 icmp 3/3", "1.1.1.1 2.2.2.2 icmp 4/4"],
  },
  {
    name: "negated ICMP type and code",
    rule: { protocol: "ICMP", notICMP: { type: 3, code: 4 } },
    yes: ["1.1.1.1 2.2.2.2 icmp 3/3"],
    no: ["1.1.1.1 2.2.2.2 icmp 3/4"],
  },
  { name: "an empty ICMP match asks nothing", rule: { icmp: {}, notICMP: {} }, yes: [WEB], no: [] },
  {
    name: "nets",
    rule: { source: { nets: ["10.0.0.0/31", "1.1.1.1/32"] } },
    yes: [WEB, OUTSIDE],
    no: [DB, SIX],
  },
  { name: "notNets", rule: { source: { notNets: ["10.0.0.0/31"] } }, yes: [DB, OUTSIDE], no: [WEB] },
  { name: "notNets pin the family", rule: { source: { notNets: ["10.0.0.0/31"] } }, yes: [OUTSIDE], no: [SIX] },
  {
    name: "notNets of both families pin none",
    rule: { source: { notNets: ["10.0.0.0/31", "fd00::/127"] } },
    yes: [OUTSIDE, "::1 ::2 tcp 80"],
    no: [WEB, SIX],
  },
  {
    name: "nets of one family at each end match nothing",
    rule: { source: { nets: ["0.0.0.0/0"] }, destination: { nets: ["::/0"] } },
    yes: [],
    no: [WEB, SIX],
  },
  {
    name: "nets ask nothing of namespaces",
    rule: { source: { nets: ["0.0.0.0/0"] } },
    namespace: "n1",
    yes: [OUTSIDE, WEB2],
    no: [],
  },
  {
    name: "host bits of nets do not count",
    rule: { source: { nets: ["10.0.0.9/30"] } },
    yes: ["10.0.0.8 2.2.2.2 tcp 1"],
    no: [WEB],
  },
  {
    name: "ports and ranges",
    rule: { protocol: "TCP", destination: { ports: [80, "82:83"] } },
    yes: [WEB, "1.1.1.1 2.2.2.2 tcp 82", "1.1.1.1 2.2.2.2 tcp 83"],
    no: ["1.1.1.1 2.2.2.2 tcp 79", "1.1.1.1 2.2.2.2 tcp 81", "1.1.1.1 2.2.2.2 tcp 84", "1.1.1.1 2.2.2.2 udp 80"],
  },
  {
    name: "negated ports",
    rule: { protocol: "TCP", destination: { notPorts: ["80:82"] } },
    yes: ["1.1.1.1 2.2.2.2 tcp 79", "1.1.1.1 2.2.2.2 tcp 83"],
    no: [WEB, "1.1.1.1 2.2.2.2 tcp 82"],
  },
  {
    name: "source ports",
    rule: { protocol: "TCP", source: { ports: [50_000] } },
    yes: [WEB],
    no: ["1.1.1.1 2.2.2.2 udp 80"],
  },
  {
    name: "a named port is the one that the endpoint names",
    rule: { protocol: "TCP", destination: { ports: ["http"] } },
    yes: ["1.1.1.1 10.0.0.1 tcp 8080", "::1 fd00::1 tcp 8080"],
    no: ["1.1.1.1 10.0.0.1 tcp 53", "1.1.1.1 10.0.0.2 tcp 8080", "1.1.1.1 10.0.0.1 udp 8080"],
  },
  {
    name: "a named port without a protocol is of any",
    rule: { destination: { ports: ["http", "dns"] } },
    yes: ["1.1.1.1 10.0.0.1 tcp 8080", "1.1.1.1 10.0.0.1 udp 53"],
    no: ["1.1.1.1 10.0.0.1 tcp 53", "1.1.1.1 10.0.0.1 icmp"],
  },
  {
    name: "names and numbers of ports OR",
    rule: { protocol: "TCP", destination: { ports: ["http", 80], selector: "app == 'web'" } },
    yes: ["1.1.1.1 10.0.0.1 tcp 8080", "1.1.1.1 10.0.0.1 tcp 80", "1.1.1.1 10.0.0.3 tcp 80"],
    no: ["1.1.1.1 10.0.0.2 tcp 80", "1.1.1.1 10.0.0.3 tcp 8080"],
  },
  {
    name: "named ports are those of what the selector matches",
    rule: { protocol: "TCP", destination: { ports: ["http"], selector: "app == 'db'" } },
    yes: [],
    no: ["1.1.1.1 10.0.0.1 tcp 8080", "1.1.1.1 10.0.0.2 tcp 8080"],
  },
  {
    name: "negated named ports",
    rule: { protocol: "TCP", destination: { notPorts: ["http"] } },
    yes: ["1.1.1.1 10.0.0.1 tcp 80", "1.1.1.1 10.0.0.2 tcp 8080"],
    no: ["1.1.1.1 10.0.0.1 tcp 8080"],
  },
  {
    name: "a global selector",
    rule: { source: { selector: "app == 'web'" } },
    yes: [WEB, WEB2, SIX, SET],
    no: [DB, OUTSIDE],
  },
  {
    name: "a selector in a namespaced policy means its own namespace",
    rule: { source: { selector: "app == 'web'" } },
    namespace: "n1",
    yes: [WEB, SIX],
    no: [WEB2, DB, SET, OUTSIDE],
  },
  {
    name: "a negated selector alone in a namespaced policy means its own namespace",
    rule: { source: { notSelector: "app == 'web'" } },
    namespace: "n1",
    yes: [DB],
    no: [WEB, WEB2, OUTSIDE, SET],
  },
  {
    name: "a negated selector alone in a global policy lets strangers pass",
    rule: { source: { notSelector: "app == 'web'" } },
    yes: [DB, OUTSIDE, SET_N2],
    no: [WEB, WEB2, SET, SIX],
  },
  {
    name: "a selector with a negated one",
    rule: { source: { selector: "has(app)", notSelector: "app == 'web'" } },
    yes: [DB],
    no: [WEB, OUTSIDE, SET],
  },
  {
    name: "a namespace selector",
    rule: { source: { namespaceSelector: "env == 'dev'" } },
    namespace: "n1",
    yes: [WEB2, SET_N2],
    no: [WEB, OUTSIDE, SET],
  },
  {
    name: "a namespace selector over everything",
    rule: { source: { namespaceSelector: "all()", selector: "app == 'web'" } },
    namespace: "n1",
    yes: [WEB, WEB2],
    no: [DB, SET],
  },
  {
    name: "a namespace selector over nothing namespaced",
    rule: { source: { namespaceSelector: "global()" } },
    namespace: "n1",
    yes: [SET],
    no: [WEB, SET_N2, OUTSIDE],
  },
  {
    name: "the namespace's name",
    rule: { source: { namespaceSelector: "projectcalico.org/name == 'n2'" } },
    yes: [WEB2],
    no: [WEB],
  },
  {
    name: "service accounts by name, in the policy's namespace",
    rule: { source: { serviceAccounts: { names: ["teller"] } } },
    namespace: "n1",
    yes: [WEB],
    no: [WEB2, DB, OUTSIDE],
  },
  {
    name: "service accounts by name, globally in any namespace",
    rule: { source: { serviceAccounts: { names: ["teller", "x"] } } },
    yes: [WEB, WEB2],
    no: [DB],
  },
  {
    name: "service accounts by label",
    rule: { source: { serviceAccounts: { selector: "role == 'x'" } } },
    yes: [WEB],
    no: [WEB2, DB],
  },
  {
    name: "nets and a selector AND",
    rule: { source: { nets: ["10.0.0.1/32"], selector: "app == 'web'" } },
    yes: [WEB],
    no: [WEB2, SIX],
  },
  { name: "HTTP is not looked at", rule: { protocol: "TCP", http: { methods: ["GET"] } }, yes: [WEB], no: [] },
];

for (const { name, rule, namespace = "", yes, no } of CASES) {
  Deno.test(`ruleMatches(): ${name}`, () => {
    for (const text of yes) assert(matches(rule, namespace, text), `must match ${text}`);
    for (const text of no) assert(!matches(rule, namespace, text), `must not match ${text}`);
  });
}

/** Rules that admission refuses, and that may be met in a log written before a rule was added. */
const UNREADABLE: readonly { name: string; rule: Omit<Rule, "action"> }[] = [
  { name: "a selector", rule: { source: { selector: "app = 'web'" } } },
  { name: "a negated selector", rule: { destination: { notSelector: "(" } } },
  { name: "global() in a selector", rule: { source: { selector: "global()" } } },
  { name: "global() beside something", rule: { source: { namespaceSelector: "global() || has(x)" } } },
  { name: "a service-account selector", rule: { source: { serviceAccounts: { selector: "x" } } } },
  { name: "a net", rule: { source: { nets: ["10.0.0.0/8", "10.0.0/8"] } } },
  { name: "a negated net", rule: { source: { notNets: ["nonsense"] } } },
  { name: "a port", rule: { protocol: "TCP", destination: { ports: [80, "90:80"] } } },
  { name: "a port out of bounds", rule: { protocol: "TCP", destination: { notPorts: ["70000"] } } },
  { name: "a port number without protocol", rule: { destination: { ports: [80] } } },
  { name: "a named port with a protocol without ports", rule: { protocol: "ICMP", destination: { ports: ["http"] } } },
  { name: "a port with UDPLite", rule: { protocol: "UDPLite", destination: { ports: [80] } } },
  { name: "a protocol", rule: { protocol: 0 } },
  { name: "a negated protocol", rule: { notProtocol: 300 } },
  { name: "an ICMP code without type", rule: { protocol: "ICMP", icmp: { code: 1 } } },
  { name: "ICMP without protocol", rule: { notICMP: { type: 1 } } },
];

for (const { name, rule } of UNREADABLE) {
  Deno.test(`ruleMatches(): ${name} that cannot be read never opens and always closes`, () => {
    for (const text of [WEB, OUTSIDE, SIX, "1.1.1.1 2.2.2.2 icmp"]) {
      for (const action of ["Allow", "Pass", "Log"] as const) assert(!matches({ action, ...rule }, "n1", text), action);
      assert(matches({ action: "Deny", ...rule }, "n1", text), text);
    }
    const { rule: lowered, sets } = lowerRule({ action: "Deny", ...rule }, "1/i/0", "n1");
    assert((lowered.unreadable ?? "").length > 10, "must say why");
    assertEquals(sets, []);
  });
}

Deno.test("selects() covers hosts unless a namespace is asked for", () => {
  const host = (key: string) => key === "role" ? "gateway" : undefined;
  const spec = { tier: "default", types: ["Ingress"] as const };
  assertEquals(selects(WORLD, spec, "", host), true);
  assertEquals(selects(WORLD, { ...spec, selector: "all()" }, "", host), true);
  assertEquals(selects(WORLD, { ...spec, selector: "all()", namespaceSelector: "!has(x)" }, "", host), false);
  assertEquals(selects(WORLD, { ...spec, selector: "has(role)", namespaceSelector: "!has(x)" }, "", host), true);
  assertEquals(selects(WORLD, { ...spec, selector: "all()", serviceAccountSelector: "!has(x)" }, "", host), false);
  assertEquals(selects(WORLD, { ...spec, selector: "role = 'x'" }, "", host), false, "unreadable: never hosts");
  assertEquals(selects(WORLD, spec, "n1", host), false);
});
