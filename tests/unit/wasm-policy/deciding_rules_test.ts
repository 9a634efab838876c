/**
 * Which rules need no code: each way to match nothing, and nothing else; and what comes after a rule without conditions.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { ANY, ANY_SIDE, type RuleIr, type SideIr } from "#/policy/ir.ts";
import { decidingRules } from "#/wasm-policy/deciding_rules.ts";

const RULE: RuleIr = {
  id: "",
  action: "deny",
  ipVersion: ANY,
  protocol: ANY,
  notProtocol: undefined,
  icmp: ANY,
  notIcmp: undefined,
  source: ANY_SIDE,
  destination: ANY_SIDE,
};

const CONDITIONS: readonly Partial<RuleIr>[] = [
  { ipVersion: 4 },
  { protocol: 6 },
  { notProtocol: 6 },
  { icmp: { type: 8, code: ANY } },
  { notIcmp: { type: 8, code: ANY } },
];
const SIDES: readonly Partial<SideIr>[] = [
  { sets: ["s"] },
  { notSets: ["s"] },
  { nets: ["10.0.0.0/8"] },
  { notNets: ["10.0.0.0/8"] },
  { ports: [{ min: 1, max: 2 }] },
  { ports: [], portSets: ["s"] },
  { notPorts: [{ min: 1, max: 2 }] },
  { notPortSets: ["s"] },
];
const ENDS = ["source", "destination"] as const;

/** Rules that match something but not everything. */
const SOMETIMES: readonly RuleIr[] = [
  ...CONDITIONS.map((condition) => ({ ...RULE, ...condition })),
  ...ENDS.flatMap((end) => SIDES.map((side) => ({ ...RULE, [end]: { ...ANY_SIDE, ...side } }))),
];

for (const [at, rule] of SOMETIMES.entries()) {
  Deno.test(`decidingRules() keeps rule ${at} and what comes after it`, () => {
    assertEquals(decidingRules([rule, RULE]), [0, 1], JSON.stringify(rule));
  });
}

for (const action of ["allow", "deny", "pass"] as const) {
  Deno.test(`decidingRules() ends at "${action}" without conditions`, () => {
    assertEquals(decidingRules([SOMETIMES[0]!, { ...RULE, action }, SOMETIMES[0]!, RULE]), [0, 1]);
  });
}

Deno.test("decidingRules() leaves out rules that log or never match, and goes on", () => {
  const never = ENDS.flatMap((end) =>
    [{ nets: [] }, { ports: [] }].map((side) => ({ ...RULE, [end]: { ...ANY_SIDE, ...side } }))
  );
  assertEquals(decidingRules([...never, { ...RULE, action: "log" }, SOMETIMES[0]!, RULE]), [5, 6]);
});
