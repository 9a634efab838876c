/**
 * Compiled policies and the interpreter of the IR agree, on the verdict and on the rule that decided: random policies, sets and packets.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { policyKey } from "#/policy/ir.ts";
import { interpretChain } from "#/policy/ir_interpreter.ts";
import { compileImage } from "#/wasm-policy/engine.ts";
import {
  countIrConditions,
  type IrCase,
  irCase,
  type IrCoverage,
  packetText,
  tablesOf,
  uncovered,
} from "./ir_cases.ts";

/** Random policies tried, 40 packets each. */
const CASES = 2_000;
/** Every condition must have decided at least so many times each way. */
const DECISIONS_MIN = 15;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

function* verdicts(
  one: IrCase,
): Generator<{ readonly packet: string; readonly wanted: string; readonly judged: string }> {
  const tables = tablesOf(one);
  const image = compileImage({
    policies: new Map(one.policies.map((policy) => [policyKey(policy.ref), policy])),
    sets: new Map(one.sets.map((set) => [set.id, set])),
  });
  for (const packet of one.packets) {
    const wanted = interpretChain(one.chain, "ingress", packet, tables);
    const judged = image.judge(one.chain, "ingress", packet);
    yield {
      packet: packetText(packet),
      wanted: `${wanted.action} by ${wanted.ruleId}`,
      judged: `${judged.action} by ${judged.ruleId}`,
    };
  }
}

Deno.test("compileImage() judges as the interpreter does, with every kind of condition deciding both ways", () => {
  const coverage: IrCoverage = new Map();
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(irCase, (one) => {
      for (const { packet, wanted, judged } of verdicts(one)) {
        assertEquals(judged, wanted, packet);
        const [action = ""] = wanted.split(" ");
        seen.set(action, (seen.get(action) ?? 0) + 1);
      }
      countIrConditions(coverage, one);
    }),
    { numRuns: CASES, seed: SEED },
  );
  assertEquals(uncovered(coverage, DECISIONS_MIN), [], `decided too seldom (TORTIE_TEST_SEED=${SEED})`);
  for (const action of ["allow", "deny"]) assert((seen.get(action) ?? 0) > CASES, `${action}: ${seen.get(action)}`);
});
