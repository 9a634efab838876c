/**
 * Which rules become one, and which must not.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { mergeRules } from "#/agents/nftables/merge_rules.ts";
import { ANY, ANY_SIDE, type RuleIr, type SideIr } from "#/policy/ir.ts";
import { rule } from "./items.ts";

function to(destination: Partial<SideIr>, change: Partial<RuleIr> = {}): RuleIr {
  return rule("1/i/0", "allow", { protocol: 6, destination: { ...ANY_SIDE, ...destination }, ...change });
}

function ports(...numbers: readonly number[]): Pick<SideIr, "ports"> {
  return { ports: numbers.map((port) => ({ min: port, max: port })) };
}

const CASES: readonly {
  readonly name: string;
  readonly rules: readonly RuleIr[];
  readonly expected: readonly RuleIr[];
}[] = [
  { name: "ports of one id are one list", rules: [to(ports(80)), to(ports(443))], expected: [to(ports(80, 443))] },
  {
    name: "numbers and names of ports are one list",
    rules: [to(ports(80)), to({ ports: [], portSets: ["n:web"] })],
    expected: [to({ ...ports(80), portSets: ["n:web"] })],
  },
  {
    name: "networks are one list, once the ports are",
    rules: [
      to({ ...ports(80), nets: ["10.0.0.0/8"] }),
      to({ ...ports(90), nets: ["10.0.0.0/8"] }),
      to({ ...ports(80), nets: ["11.0.0.0/8"] }),
      to({ ...ports(90), nets: ["11.0.0.0/8"] }),
    ],
    expected: [to({ ...ports(80, 90), nets: ["10.0.0.0/8", "11.0.0.0/8"] })],
  },
  {
    name: "rules between those of one id and action do not matter",
    rules: [to(ports(80)), to(ports(53), { protocol: 17 }), to(ports(443))],
    expected: [to(ports(80, 443)), to(ports(53), { protocol: 17 })],
  },
  ...[
    { name: "of another id", change: { id: "1/i/1" } },
    { name: "of another action", change: { action: "deny" as const } },
    { name: "of another protocol", change: { protocol: 17 } },
    { name: "of another family", change: { ipVersion: 4 as const } },
    { name: "with another source", change: { source: { ...ANY_SIDE, sets: ["s:a"] } } },
    { name: "that cannot be read", change: { unreadable: "selector" } },
  ].map(({ name, change }) => {
    const rules = [to(ports(80)), to(ports(443), change)];
    return { name: `a rule ${name} stays apart`, rules, expected: rules };
  }),
  {
    name: "excluded networks are cut out, so that what is left is one list",
    rules: [
      to({ nets: ["10.0.0.0/30"], notNets: ["10.0.0.1/32", "fd00::/8"] }),
      to({ nets: ["10.1.0.0/16"], notNets: ["10.0.0.0/8"] }),
      to({ nets: ["fd00::/126"], notNets: ["fd00::2/127"] }),
    ],
    expected: [to({ nets: ["10.0.0.0/32", "10.0.0.2/31", "fd00::/127"] })],
  },
  {
    name: "excluded networks stay where little would be left in many pieces",
    rules: [
      to({ nets: ["::/0"], notNets: ["fd00::1/128"] }),
      to({ nets: ["10.0.0.0/8"] }),
    ],
    expected: [
      to({ nets: ["::/0"], notNets: ["fd00::1/128"] }),
      to({ nets: ["10.0.0.0/8"] }),
    ],
  },
  {
    name: "excluded networks of a rule that stands alone stay",
    rules: [to({ nets: ["10.0.0.0/8"], notNets: ["10.1.0.0/16"] })],
    expected: [to({ nets: ["10.0.0.0/8"], notNets: ["10.1.0.0/16"] })],
  },
  {
    name: "any port is no list",
    rules: [to(ports(80)), to({ ports: ANY })],
    expected: [to(ports(80)), to({ ports: ANY })],
  },
  {
    name: "two lists that differ are not one",
    rules: [to({ ...ports(80), nets: ["10.0.0.0/8"] }), to({ ...ports(90), nets: ["11.0.0.0/8"] })],
    expected: [to({ ...ports(80), nets: ["10.0.0.0/8"] }), to({ ...ports(90), nets: ["11.0.0.0/8"] })],
  },
  {
    name: "sets, all of which must hold, are not joined",
    rules: [to({ sets: ["s:a"] }), to({ sets: ["s:b"] })],
    expected: [to({ sets: ["s:a"] }), to({ sets: ["s:b"] })],
  },
  {
    name: "a rule of another id ends a run",
    rules: [to(ports(80)), to(ports(81), { id: "1/i/1" }), to(ports(82))],
    expected: [to(ports(80)), to(ports(81), { id: "1/i/1" }), to(ports(82))],
  },
];

for (const { name, rules, expected } of CASES) {
  Deno.test(`mergeRules() ${name}`, () => assertEquals(mergeRules(rules), [...expected]));
}
