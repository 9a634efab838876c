/**
 * All engines decide alike, on the verdict and on what decided it: random clusters with every kind of policy, and flows between workloads, hosts and
 * addresses, in both scopes. Counters fail the test when a kind of condition, or of decision, was not tried both ways. That the comparison notices
 * mistakes is shown by `mutation_test.ts`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { CompiledPolicies, PolicyScope } from "#/policy/compiled.ts";
import { type ResolvedFlow, resolveFlow } from "#/policy/oracle/flow.ts";
import { flowJudge } from "#/policy/flow_judge.ts";
import { ANY, type PolicyIr } from "#/policy/ir.ts";
import { runChain } from "#/policy/ir_interpreter.ts";
import { evaluate, type Verdict } from "#/policy/oracle/oracle.ts";
import { isStagedKind } from "#/policy/policy_ref.ts";
import { membershipIn } from "#/policy/set_membership.ts";
import { type PolicyWorld, policyWorld } from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { compileImage } from "#/wasm-policy/engine.ts";
import { interpret, lowerWorld } from "#tests/unit/policy/policy_builders.ts";
import { packetText } from "./ir_cases.ts";
import { type Positions, positionsOf, type Told, toldByEngine, toldByOracle } from "./policy_comparison.ts";
import { countConditions, type Coverage, missing } from "./policy_coverage.ts";
import { countPending, countWays } from "./policy_ways.ts";
import { type PolicyCase, policyCaseInTransition } from "./policy_worlds.ts";
import { COMMON_FAULTS, type RuleFaults, sides } from "./rule_faults.ts";

/** Random clusters tried, and flows in each: 150 000 flows, judged in both scopes. */
const CASES = 1500;
const FLOWS_PER_CASE = 100;
/** One flow of so many is also asked which conditions decided. */
const COUNTED_ONE_IN = 5;
/** One cluster of so many is also compiled to WebAssembly, and so many of its flows are judged by every chain there. */
const COMPILED_ONE_IN = 2;
const COMPILED_FLOWS = 25;
/** Every condition must have decided at least so many flows each way. */
const DECISIONS_MIN = 10;
/** Random clusters within which a deliberate fault of the IR must show, always the same: it is the comparison that is tried. */
const FAULT_CASES = 800;
const FAULT_FLOWS = 40;
const FAULT_SEED = 1;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

const SCOPES: readonly PolicyScope[] = ["enforced", "pending"];

function resolved(world: PolicyWorld, { flows }: PolicyCase): readonly ResolvedFlow[] {
  return flows.map((asked) => {
    const flow = resolveFlow(world, asked);
    assert(flow.kind === "resolved", "flows must name addresses of one family");
    return flow;
  });
}

function compiled({ objects }: PolicyCase, scope: PolicyScope, positions: Positions): CompiledPolicies {
  return compileObjects(objects, scope, { positionOf: positions.of });
}

Deno.test("the oracle and the compiled policies decide alike, for every kind of policy and condition both ways", () => {
  const coverage: Coverage = new Map();
  const count = (what: string) => coverage.set(what, (coverage.get(what) ?? 0) + 1);
  fc.assert(
    fc.property(policyCaseInTransition(FLOWS_PER_CASE), (one) => {
      const world = policyWorld(one.objects);
      const positions = positionsOf(one.objects);
      const judges = SCOPES.map((scope) => ({ scope, judge: flowJudge(compiled(one, scope, positions)) }));
      for (const [at, flow] of resolved(world, one).entries()) {
        const [enforced, pending] = judges.map(({ scope, judge }): Verdict => {
          const verdict = evaluate(world, flow, scope);
          assertSame(
            toldByEngine(judge(flow.packet), positions),
            toldByOracle(verdict),
            `${packetText(flow.packet)}, ${scope}`,
          );
          countWays(count, world, verdict);
          return verdict;
        });
        countPending(count, world, { enforced: enforced!, pending: pending! });
        if (at % COUNTED_ONE_IN !== 0) continue;
        for (const direction of ["ingress", "egress"] as const) countConditions(coverage, world, flow, direction);
      }
    }),
    { numRuns: CASES, seed: SEED },
  );
  assertEquals(missing(coverage, DECISIONS_MIN), [], `decided too seldom (TORTIE_TEST_SEED=${SEED})`);
});

/** Compares as text first, because a whole comparison of values costs more than the verdicts. */
function assertSame(engine: Told, oracle: Told, what: string): void {
  if (engine.join("\n") !== oracle.join("\n")) assertEquals(engine, oracle, what);
}

const engines = fc.constantFrom<("rows" | "code")[]>("rows", "code");

Deno.test("WebAssembly decides as the interpreter does, in every chain of workloads and hosts", () => {
  const actions = { allow: 0, deny: 0, continue: 0 };
  fc.assert(
    fc.property(policyCaseInTransition(COMPILED_FLOWS), fc.constantFrom(...SCOPES), engines, (one, scope, engine) => {
      const { endpoints, hostEndpoints, policies, sets } = compiled(one, scope, positionsOf(one.objects));
      const image = compileImage({ policies, sets }, { engine });
      const tables = { policies, sets: membershipIn(sets) };
      const places = [
        ...endpoints,
        ...hostEndpoints.flatMap(({ chains }) => Object.values(chains)),
      ];
      for (const { packet } of resolved(policyWorld(one.objects), one)) {
        for (const chains of places) {
          for (const direction of ["ingress", "egress"] as const) {
            const { logged: _, ...wanted } = runChain(chains[direction], direction, packet, tables);
            const { action, ruleId, policy, tier } = image.judge(chains[direction], direction, packet);
            actions[action] += 1;
            const isSame = action === wanted.action && ruleId === wanted.ruleId && policy === wanted.policy &&
              tier === wanted.tier;
            if (!isSame) assertEquals({ action, ruleId, policy, tier }, wanted, `${scope}, ${engine}`);
          }
        }
      }
    }),
    { numRuns: CASES / COMPILED_ONE_IN, seed: SEED },
  );
  assert(Math.min(...Object.values(actions)) > CASES, `all must be common: ${JSON.stringify(actions)}`);
});

Deno.test("staged policies change no enforced verdict and no compiled chain", () => {
  let staged = 0;
  fc.assert(
    fc.property(policyCaseInTransition(10), (one) => {
      const { objects } = one;
      const without = { ...objects, policies: objects.policies.filter(({ kind }) => !isStagedKind(kind)) };
      staged += objects.policies.length - without.policies.length;
      const positions = positionsOf(objects);
      const [all, few] = [objects, without].map((each) => compiled({ ...one, objects: each }, "enforced", positions));
      assertEquals(all!.endpoints, few!.endpoints);
      assertEquals(all!.hostEndpoints, few!.hostEndpoints);
      const [world, plain] = [policyWorld(objects), policyWorld(without)];
      for (const flow of resolved(world, one)) assertEquals(evaluate(world, flow), evaluate(plain, flow));
    }),
    { numRuns: CASES / COMPILED_ONE_IN, seed: SEED },
  );
  assert(staged > CASES / COMPILED_ONE_IN, `staged policies must be common: ${staged}`);
});

/** Faults that a back end or the lowering might have in single rules. */
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

Deno.test("the comparison notices deliberate faults of rules", async (test) => {
  const cases = fc.sample(policyCaseInTransition(FAULT_FLOWS), { numRuns: FAULT_CASES, seed: FAULT_SEED });
  for (const [fault, change] of Object.entries(FAULTS)) {
    const spoil = (policy: PolicyIr): PolicyIr => ({
      ...policy,
      ingress: policy.ingress?.map(change),
      egress: policy.egress?.map(change),
    });
    await test.step(`notices that ${fault}`, () => {
      const isNoticed = cases.some((one) => differs(one, spoil));
      assert(isNoticed, `must be noticed within ${FAULT_CASES} cases`);
    });
  }
});

/** Whether workloads are judged otherwise with spoilt policies. */
function differs(one: PolicyCase, spoil: (policy: PolicyIr) => PolicyIr): boolean {
  const world = policyWorld(one.objects);
  const lowered = lowerWorld(world, one.objects, spoil);
  return resolved(world, one).some((flow) => {
    const verdict = evaluate(world, flow);
    return (["egress", "ingress"] as const).some((direction) => {
      const endpoint = direction === "egress" ? flow.source : flow.destination;
      return endpoint !== undefined && verdict[direction] !== null &&
        interpret(lowered, endpoint, direction, flow).action !== verdict[direction].verdict;
    });
  });
}
