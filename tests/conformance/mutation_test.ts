/**
 * The comparison of engines with the oracle can fail: every mistake of `mutations.ts`, made on the engine's side, shows within a bounded run, and no
 * mistake shows none.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { PolicyScope } from "#/policy/compiled.ts";
import { type ResolvedFlow, resolveFlow } from "#/policy/oracle/flow.ts";
import { flowJudge } from "#/policy/flow_judge.ts";
import { evaluate } from "#/policy/oracle/oracle.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import {
  type Positions,
  positionsOf,
  type Told,
  toldByEngine,
  toldByOracle,
} from "#tests/properties/policy_comparison.ts";
import { type PolicyCase, policyCaseInTransition } from "#tests/properties/policy_worlds.ts";
import type { Change } from "./mutation_changes.ts";
import { MUTATIONS } from "./mutations.ts";

/** Random clusters within which a mistake must show, always the same: it is the comparison that is tried. */
const CASES = 800;
const FLOWS_PER_CASE = 60;
const SEED = 1;
/** Clusters in which no mistake must show none. */
const SOUND_CASES = 100;

/** A cluster with what the oracle says of it. */
interface JudgedCase {
  readonly one: PolicyCase;
  readonly positions: Positions;
  readonly flows: readonly ResolvedFlow[];
  readonly told: Readonly<Record<PolicyScope, readonly Told[]>>;
}

function judged(one: PolicyCase): JudgedCase {
  const world = policyWorld(one.objects);
  const flows = one.flows.map((asked) => {
    const flow = resolveFlow(world, asked);
    assert(flow.kind === "resolved", "flows must name addresses of one family");
    return flow;
  });
  const told = (scope: PolicyScope) => flows.map((flow) => toldByOracle(evaluate(world, flow, scope)));
  return {
    one,
    positions: positionsOf(one.objects),
    flows,
    told: { enforced: told("enforced"), pending: told("pending") },
  };
}

/** Whether the engine, given something else, says something else. */
function isNoticed(
  { one, positions, flows, told }: JudgedCase,
  { objects, compiled, scope = "enforced" }: Change,
): boolean {
  const given = objects?.(one.objects) ?? one.objects;
  const made = compileObjects(given, scope, { positionOf: positions.of });
  const judge = flowJudge(compiled?.(made) ?? made);
  return flows.some(({ packet }, at) =>
    toldByEngine(judge(packet), positions).join("\n") !== told[scope][at]!.join("\n")
  );
}

Deno.test("every mistake about policy is noticed", async (test) => {
  const drawn = fc.sample(policyCaseInTransition(FLOWS_PER_CASE), { numRuns: CASES, seed: SEED });
  const cases: JudgedCase[] = [];
  const caseAt = (at: number) => cases[at] ??= judged(drawn[at]!);
  await test.step("no mistake is noticed where there is none", () => {
    const differing = drawn.slice(0, SOUND_CASES).filter((_, at) => isNoticed(caseAt(at), {}));
    assertEquals(differing.length, 0);
  });
  for (const [name, change] of MUTATIONS) {
    await test.step(name, () => {
      const at = drawn.findIndex((_, index) => isNoticed(caseAt(index), change));
      assert(at >= 0, `must be noticed within ${CASES} clusters`);
    });
  }
});
