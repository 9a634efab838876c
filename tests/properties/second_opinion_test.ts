/**
 * The server's second opinion says what the oracle says, of whole flows and of what decided at every endpoint on their way: random clusters with every kind of
 * policy and host endpoints, that change while one image follows them; and as of the past. And a verdict made otherwise is told.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Flow, type ResolvedFlow, resolveFlow } from "#/policy/oracle/flow.ts";
import type { FlowVerdict, JudgedHalf } from "#/policy/flow_judge.ts";
import { evaluate, type Verdict } from "#/policy/oracle/oracle.ts";
import type { PolicyWorld } from "#/policy/oracle/world.ts";
import type { EventChanges } from "#/projections/cluster_state.ts";
import { compiledPolicies } from "#/projections/compiled_policies.ts";
import { cloneState } from "#/projections/fold.ts";
import { applyToPolicies, createPolicyProjection } from "#/projections/policy_projection.ts";
import type { KubeObject } from "#/resources/object.ts";
import { engineDifference } from "#/server/product/engine_agreement.ts";
import { worldOf } from "#/server/product/explain_query.ts";
import { compiledOpinion } from "#/server/product/second_opinion.ts";
import { createHistory, put, remove } from "#tests/support/history.ts";
import { packetText } from "./ir_cases.ts";
import { policyCaseInTransition } from "./policy_worlds.ts";

const CASES = 150;
const FLOWS = 20;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

Deno.test("the live image and past ones tell of every flow what the oracle tells", () => {
  const seen = { workload: 0, host: 0, forward: 0, rule: 0, deny: 0, past: 0 };
  fc.assert(
    fc.property(
      policyCaseInTransition(FLOWS),
      fc.array(fc.nat(1_000), { minLength: 4, maxLength: 4 }),
      (one, picks) => {
        const history = createHistory();
        const projection = createPolicyProjection();
        const take = ({ changes }: EventChanges) => {
          for (const change of changes) {
            if (change.kind === "object") applyToPolicies(projection, change, history.state.origins);
          }
        };
        const opinion = compiledOpinion({
          live: () => ({ position: history.state.position, compiled: compiledPolicies(projection) }),
          onFailure: (message) => assert(false, message),
        });
        const all = (Object.values(one.objects) as readonly (readonly KubeObject[])[]).flat();
        for (const object of all) take(put(history, object));
        const past = cloneState(history.state);
        const ask = (state: typeof past) => {
          const world = worldOf(state);
          for (const flow of resolved(world, one.flows)) {
            const oracle = evaluate(world, flow);
            const judged = opinion(state, flow);
            assertEquals(engineDifference(oracle, judged), undefined, packetText(flow.packet));
            count(seen, oracle);
            assertSpoiltIsTold(oracle, judged);
          }
        };
        ask(history.state);
        for (const pick of picks) {
          const object = all[pick % all.length]!;
          take(remove(history, object));
          if (pick % 2 === 0) take(put(history, object));
          ask(history.state);
        }
        ask(past);
        if (past.position !== history.state.position) seen.past += 1;
      },
    ),
    { numRuns: CASES, seed: SEED },
  );
  assert(Object.values(seen).every((times) => times >= CASES), `must all be common: ${JSON.stringify(seen)}`);
});

/** Flows whose ends are there, as removals may leave some out. */
function resolved(world: PolicyWorld, flows: readonly Flow[]): readonly ResolvedFlow[] {
  return flows.map((flow) => resolveFlow(world, flow)).filter((flow) => flow.kind === "resolved");
}

function count(seen: Record<"workload" | "host" | "forward" | "rule" | "deny", number>, verdict: Verdict): void {
  const halves = [verdict.egress, verdict.ingress].filter((half) => half !== null);
  if (halves.some(({ endpoint }) => endpoint.kind === "WorkloadEndpoint")) seen.workload += 1;
  if (halves.some(({ endpoint }) => endpoint.kind === "HostEndpoint")) seen.host += 1;
  if (verdict.forward.length > 0) seen.forward += 1;
  if (halves.some(({ policy }) => policy !== null)) seen.rule += 1;
  if (verdict.verdict === "deny") seen.deny += 1;
}

/** Another verdict, a step less and another rule must each be told. */
function assertSpoiltIsTold(oracle: Verdict, judged: FlowVerdict): void {
  const turned = judged.verdict === "allow" ? "deny" : "allow";
  assert(engineDifference(oracle, { ...judged, verdict: turned }) !== undefined, "another verdict");
  const half = judged.ingress;
  const [step] = half?.steps ?? [];
  if (half === undefined || step === undefined) return;
  const withSteps = (steps: JudgedHalf["steps"]) =>
    engineDifference(oracle, { ...judged, ingress: { ...half, steps } });
  assert(withSteps(half.steps.slice(1)) !== undefined, "a step less");
  if (step.policy === undefined || step.policy.startsWith("Failsafe/")) return;
  assert(withSteps([{ ...step, ruleId: "1/i/999" }, ...half.steps.slice(1)]) !== undefined, "another rule");
  const other = { ...step, policy: `${step.policy}-other` };
  assert(withSteps([other, ...half.steps.slice(1)]) !== undefined, "another policy");
}
