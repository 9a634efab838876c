/**
 * The oracle and the lowered IR agree, on the verdict and on what decided it: random clusters, policies and flows, with counters that fail the test when a
 * kind of condition was not tried both ways, and deliberate faults that the comparison must notice.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type ResolvedFlow, resolveFlow } from "#/policy/flow.ts";
import { ANY, type Direction, type PolicyIr, policyKey } from "#/policy/ir.ts";
import type { ChainVerdict } from "#/policy/ir_interpreter.ts";
import { type DirectionVerdict, evaluate } from "#/policy/oracle.ts";
import { policyWorld } from "#/policy/world.ts";
import { interpret, lowerWorld } from "#tests/unit/policy/policy_builders.ts";
import { countConditions, countWays, type Coverage, missing } from "./policy_coverage.ts";
import { type PolicyCase, policyCase } from "./policy_worlds.ts";
import { COMMON_FAULTS, type RuleFaults, sides } from "./rule_faults.ts";

/** Random clusters tried; 12 flows each. */
const CASES = 1500;
/** Every condition must have decided at least so many flows each way. */
const DECISIONS_MIN = 8;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

/** Both engines' verdicts on one end of one flow. */
interface Comparison {
  readonly flow: ResolvedFlow;
  readonly direction: Direction;
  readonly oracle: DirectionVerdict;
  readonly engine: ChainVerdict;
}

function* compare(
  { objects, flows }: PolicyCase,
  spoil?: (policy: PolicyIr) => PolicyIr,
): Generator<Comparison & { readonly world: ReturnType<typeof policyWorld> }> {
  const world = policyWorld(objects);
  const lowered = lowerWorld(world, objects, spoil);
  for (const asked of flows) {
    const flow = resolveFlow(world, asked);
    assert(flow.kind === "resolved", "flows must name addresses of one family");
    const verdict = evaluate(world, flow);
    for (const [direction, endpoint] of [["egress", flow.source], ["ingress", flow.destination]] as const) {
      const oracle = verdict[direction];
      assertEquals(oracle === null, endpoint === undefined);
      if (oracle === null || endpoint === undefined) continue;
      yield { world, flow, direction, oracle, engine: interpret(lowered, endpoint, direction, flow) };
    }
  }
}

/** What decided, in one form for both engines. Rule ids begin with the policy's place in the list, which the policy's key repeats. */
function told({ oracle, engine }: Comparison): { readonly oracle: string; readonly engine: string } {
  const byProfile = oracle.tier === null && oracle.verdict === "allow";
  const rule = engine.ruleId?.split("/").at(-1);
  const isOfProfile = engine.tier === undefined;
  return {
    oracle: `${oracle.verdict} ${oracle.tier} ${
      oracle.policy === null ? byProfile : policyKey(oracle.policy)
    } ${oracle.rule}`,
    engine: `${engine.action} ${engine.tier ?? null} ${
      isOfProfile ? engine.action === "allow" : engine.policy ?? false
    } ${isOfProfile ? null : rule ?? null}`,
  };
}

function differs(comparison: Comparison): boolean {
  const { oracle, engine } = told(comparison);
  return oracle !== engine;
}

Deno.test("the oracle and the lowered IR decide alike, for every kind of condition both ways", () => {
  const coverage: Coverage = new Map();
  fc.assert(
    fc.property(policyCase, (one) => {
      for (const comparison of compare(one)) {
        const { oracle, engine } = told(comparison);
        assertEquals(engine, oracle);
        countConditions(coverage, comparison.world, comparison.flow, comparison.direction);
        countWays(coverage, comparison.world, comparison.direction, comparison.oracle);
      }
    }),
    { numRuns: CASES, seed: SEED },
  );
  assertEquals(missing(coverage, DECISIONS_MIN), [], `decided too seldom (TORTIE_TEST_SEED=${SEED})`);
});

/** Faults that a back end or the lowering might have. */
const FAULTS: RuleFaults = {
  ...COMMON_FAULTS,
  "ranges end one port late": sides((side) =>
    side.ports === ANY ? side : { ...side, ports: side.ports.map(({ min, max }) => ({ min, max: max + 1 })) }
  ),
  "ranges begin one port late": sides((side) =>
    side.ports === ANY ? side : { ...side, ports: side.ports.map(({ min, max }) => ({ min: min + 1, max })) }
  ),
  "networks are twice as wide": sides((side) =>
    side.nets === ANY
      ? side
      : { ...side, nets: side.nets.map((net) => net.replace(/\/(30|31|32|126|127)$/, (_, length) => `/${length - 1}`)) }
  ),
  "an empty list means anything": sides((side) =>
    side.nets !== ANY && side.nets.length === 0 ? { ...side, nets: ANY } : side
  ),
};

Deno.test("the comparison notices deliberate faults", async (test) => {
  const cases = fc.sample(policyCase, { numRuns: CASES, seed: SEED });
  for (const [fault, change] of Object.entries(FAULTS)) {
    const spoil = (policy: PolicyIr): PolicyIr => ({
      ...policy,
      ingress: policy.ingress?.map(change),
      egress: policy.egress?.map(change),
    });
    await test.step(`notices that ${fault}`, () => {
      const isNoticed = cases.some((one) => [...compare(one, spoil)].some(differs));
      assert(isNoticed, `must be noticed within ${CASES} cases (TORTIE_TEST_SEED=${SEED})`);
    });
  }
});
