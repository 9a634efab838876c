/**
 * The lowered form of single rules. What they match is in `oracle_match_test.ts`, beside the oracle.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { formatSelector } from "#/base/selector.ts";
import { ANY, ANY_SIDE, type RuleIr } from "#/policy/ir.ts";
import { lowerRule } from "#/policy/lowering/lower_rule.ts";
import type { Rule } from "#/resources/kinds/policy_spec.ts";

function lower(rule: Partial<Rule>, namespace = ""): RuleIr {
  return lowerRule({ action: "Allow", ...rule }, "1/i/0", namespace).rule;
}

/** Sets as `type selector [port/protocol]`. */
function shownSets(rule: Partial<Rule>, namespace = ""): string[] {
  return lowerRule({ action: "Allow", ...rule }, "1/i/0", namespace).sets.map((set) => {
    if ("service" in set) return `${set.type} of ${set.service}`;
    const port = set.port === undefined ? "" : ` ${set.port.name}/${set.port.protocol}`;
    return `${set.type} ${formatSelector(set.selector)}${port}`;
  });
}

Deno.test("lowerRule() leaves out nothing and adds nothing to an empty rule", () => {
  assertEquals(lower({ action: "Pass" }), {
    id: "1/i/0",
    action: "pass",
    ipVersion: ANY,
    protocol: ANY,
    notProtocol: undefined,
    icmp: ANY,
    notIcmp: undefined,
    source: ANY_SIDE,
    destination: ANY_SIDE,
  });
});

Deno.test("lowerRule() takes empty lists and texts for absent", () => {
  const empty = {
    nets: [],
    notNets: [],
    ports: [],
    notPorts: [],
    selector: "",
    notSelector: "",
    namespaceSelector: "",
  };
  assertEquals(
    lower({ source: empty, destination: { serviceAccounts: { names: [] }, services: {} } }, "n1"),
    lower({}),
  );
});

Deno.test("lowerRule() masks nets, merges ports and drops duplicates", () => {
  const { source, destination } = lower({
    protocol: "TCP",
    source: { nets: ["10.1.2.3/8", "10.0.0.0/8", "1.1.1.1"] },
    destination: { ports: [82, "80:81", 90], notPorts: [5, 5] },
  });
  assertEquals(source.nets, ["10.0.0.0/8", "1.1.1.1/32"]);
  assertEquals(destination.ports, [{ min: 80, max: 82 }, { min: 90, max: 90 }]);
  assertEquals(destination.notPorts, [{ min: 5, max: 5 }]);
});

const FAMILIES: readonly [Partial<Rule>, 4 | 6 | "any"][] = [
  [{}, "any"],
  [{ ipVersion: 4 }, 4],
  [{ protocol: "ICMP" }, 4],
  [{ protocol: "ICMPv6" }, 6],
  [{ protocol: 1 }, "any"],
  [{ notProtocol: "ICMP" }, "any"],
  [{ source: { nets: ["10.0.0.0/8"] } }, 4],
  [{ source: { notNets: ["::/1"] } }, 6],
  [{ destination: { nets: ["10.0.0.0/8", "fd00::/8"] } }, "any"],
  [{ destination: { nets: ["10.0.0.0/8", "fd00::/8"] }, source: { notNets: ["fd00::/9"] } }, 6],
];

for (const [rule, family] of FAMILIES) {
  Deno.test(`lowerRule() pins ${JSON.stringify(rule)} to family ${family}`, () =>
    assertEquals(lower(rule).ipVersion, family));
}

Deno.test("lowerRule() makes a rule of no family match nothing", () => {
  assertEquals(lower({ ipVersion: 6, source: { nets: ["10.0.0.0/8"] } }).source.nets, []);
  assertEquals(lower({ protocol: "ICMP", destination: { notNets: ["fd00::/8"] } }).source.nets, []);
});

const SETS: readonly { rule: Partial<Rule>; namespace?: string; sets: string[] }[] = [
  { rule: { source: { nets: ["10.0.0.0/8"] } }, namespace: "n1", sets: [] },
  { rule: { source: { selector: "has(a)", notSelector: "has(b)" } }, sets: ["net (has(a) && !has(b))"] },
  { rule: { source: { notSelector: "has(b)" } }, sets: ["net has(b)"] },
  { rule: { destination: { ports: ["http"] } }, sets: ["ipPort all() http/any"] },
  { rule: { protocol: "TCP", destination: { ports: ["http"], selector: "has(a)" } }, sets: ["ipPort has(a) http/6"] },
  {
    rule: { protocol: "UDP", destination: { ports: ["b", "a", 53], selector: "has(a)" } },
    sets: ["net has(a)", "ipPort has(a) a/17", "ipPort has(a) b/17"],
  },
  {
    rule: { destination: { notPorts: ["http"], selector: "has(a)" } },
    sets: ["net has(a)", "ipPort has(a) http/any"],
  },
  {
    rule: { destination: { ports: ["http"], notSelector: "has(b)" } },
    sets: ["net has(b)", "ipPort all() http/any"],
  },
];

for (const { rule, namespace, sets } of SETS) {
  Deno.test(`lowerRule() names the sets of ${JSON.stringify(rule)}`, () =>
    assertEquals(shownSets(rule, namespace), sets));
}

Deno.test("lowerRule() keeps a negated selector apart only when it stands alone", () => {
  assertEquals(lower({ source: { notSelector: "has(b)" } }).source.sets, []);
  assertEquals(lower({ source: { notSelector: "has(b)" } }).source.notSets.length, 1);
  assertEquals(lower({ source: { notSelector: "has(b)" } }, "n1").source.notSets, []);
  assertEquals(lower({ source: { notSelector: "has(b)" } }, "n1").source.sets.length, 1);
});

Deno.test("lowerRule() turns annotations into a comment", () => {
  assertEquals(lower({ metadata: { annotations: { b: "2", a: "1" } } }).comment, "a=1, b=2");
  assertEquals("comment" in lower({}), false);
});

Deno.test("lowerRule() keeps an unreadable rule as one that no back end can get wrong", () => {
  const allow = lower({ protocol: "TCP", source: { selector: "a = 'b'" }, destination: { nets: ["x"] } });
  assertEquals([allow.source.nets, allow.protocol, allow.source.sets], [[], ANY, []]);
  assertEquals(allow.unreadable?.includes("source.selector: must parse: "), true);
  assertEquals(allow.unreadable?.includes('destination.nets: must be a CIDR: "x"'), true);
  const deny = lower({ action: "Deny", source: { selector: "a = 'b'" }, destination: { ports: [80] } });
  assertEquals([deny.source, deny.destination, deny.protocol], [ANY_SIDE, ANY_SIDE, ANY]);
});

Deno.test("lowerRule() takes an action that is none for a deny of everything", () => {
  const rule = lower(JSON.parse('{"action": "constructor", "protocol": "TCP"}'));
  assertEquals([rule.action, rule.protocol, rule.unreadable !== undefined], ["deny", ANY, true]);
});

Deno.test("lowerRule() names a Service's endpoints: with ports where traffic goes, addresses alone where it comes from", () => {
  const services = { name: "db" };
  assertEquals(shownSets({ destination: { services } }, "shop"), ["ipPort of shop/db"]);
  assertEquals(shownSets({ source: { services: { name: "db", namespace: "other" } } }, "shop"), ["net of other/db"]);
  const { destination, source } = lower({ destination: { services }, source: { services } }, "shop");
  assertEquals([destination.ports, destination.portSets.length, destination.sets], [[], 1, []]);
  assertEquals([source.ports, source.portSets, source.sets.length], [ANY, [], 1]);
});

Deno.test("lowerRule() reads no Service that does not stand alone, has no name or is in the wrong place", () => {
  const services = { name: "db", namespace: "n" };
  const bad: readonly Partial<Rule>[] = [
    { destination: { services, selector: "has(a)" } },
    { destination: { services, ports: [80] }, protocol: "TCP" },
    { source: { services, nets: ["10.0.0.0/8"] } },
    { source: { services: { namespace: "n" } } },
    { source: { services: { name: "db" } } },
  ];
  for (const rule of bad) assertEquals(lower(rule).unreadable === undefined, false, JSON.stringify(rule));
  for (const [side, direction] of [["source", "egress"], ["destination", "ingress"]] as const) {
    const lowered = lowerRule({ action: "Deny", [side]: { services } }, "1/i/0", "n", direction);
    assertEquals(lowered.rule.unreadable?.startsWith(`${side}.services: must be the source`), true);
  }
});
