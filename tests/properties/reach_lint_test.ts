/**
 * What lint calls without effect is without effect: taken away from a random cluster, it leaves reach as it was.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { policyKey } from "#/policy/ir.ts";
import { lint } from "#/policy/lint/lint.ts";
import type { LintFinding } from "#/policy/lint/lint_finding.ts";
import { policyRefOf } from "#/policy/policy_ref.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { diffReach } from "#/policy/reach/reach_diff.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import type { KubeObject } from "#/resources/object.ts";
import { policyCase } from "./policy_worlds.ts";

/** Random clusters tried. */
const CASES = 150;
/** Every code must have been found so often. */
const FINDINGS_MIN = 5;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

/** Codes that say that something is without effect at present. */
const WITHOUT_EFFECT = [
  "inert-rules",
  "peer-matches-nothing",
  "shadowed-rule",
  "subject-matches-nothing",
  "unreachable-rule",
];

/** The policy without what the finding is about; `undefined` for nothing left. */
function relieved(policy: KubeObject, { code, rule }: LintFinding): KubeObject | undefined {
  if (code === "subject-matches-nothing") return undefined;
  const types = policy.spec?.types;
  if (code === "inert-rules" && Array.isArray(types)) {
    return { ...policy, spec: { ...policy.spec, [types.includes("Ingress") ? "egress" : "ingress"]: [] } };
  }
  const rules = rule === undefined ? undefined : policy.spec?.[rule.direction];
  assert(rule !== undefined && Array.isArray(rules), `${code} must be about a rule`);
  return { ...policy, spec: { ...policy.spec, [rule.direction]: rules.filter((_, index) => index !== rule.index) } };
}

function without(objects: PolicyObjects, finding: LintFinding): PolicyObjects {
  const policies = objects.policies.flatMap((policy) => {
    const isMeant = policyKey(policyRefOf(policy)) === `${finding.kind}/${finding.namespace}/${finding.name}`;
    return isMeant ? relieved(policy, finding) ?? [] : [policy];
  });
  return { ...objects, policies };
}

Deno.test("lint() is right about what is without effect", () => {
  const counts = new Map(WITHOUT_EFFECT.map((code) => [code, 0]));
  fc.assert(
    fc.property(policyCase, ({ objects }) => {
      // Kubernetes' rules have several peers each; that one of them matches nothing does not make the rule idle.
      const isOfCalico = ({ apiVersion, kind }: KubeObject) =>
        apiVersion.startsWith("projectcalico.org/") && kind !== "StagedKubernetesNetworkPolicy";
      const world = { ...objects, policies: objects.policies.filter(isOfCalico) };
      const compiled = compileObjects(world);
      for (const finding of lint(world, compiled)) {
        if (!counts.has(finding.code)) continue;
        counts.set(finding.code, counts.get(finding.code)! + 1);
        assertEquals(diffReach(compiled, compileObjects(without(world, finding))), [], JSON.stringify(finding));
      }
    }),
    { numRuns: CASES, seed: SEED },
  );
  const seldom = [...counts].filter(([, count]) => count < FINDINGS_MIN);
  assertEquals(seldom, [], `found too seldom (TORTIE_TEST_SEED=${SEED})`);
});
