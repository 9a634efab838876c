/**
 * Whose word counts when: staged policies, and twins whose deletion is staged.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { policyKey } from "#/policy/ir.ts";
import { lowerPolicy } from "#/policy/lowering/lower.ts";
import { deletedTwin, hasSay, policiesInScope } from "#/policy/lowering/policy_scope.ts";
import { policy } from "#tests/unit/policy/policy_builders.ts";

function lowered(kind: string, spec: JsonObject = {}) {
  return lowerPolicy(policy("n", "p", spec, kind), 1);
}

Deno.test("hasSay() lets staged policies speak for what is pending, unless they delete or are ignored", () => {
  const cases: readonly (readonly [string, JsonObject, enforced: boolean, pending: boolean])[] = [
    ["NetworkPolicy", {}, true, true],
    ["StagedNetworkPolicy", {}, false, true],
    ["StagedNetworkPolicy", { stagedAction: "Set" }, false, true],
    ["StagedNetworkPolicy", { stagedAction: "Learn" }, false, true],
    ["StagedNetworkPolicy", { stagedAction: "Ignore" }, false, false],
    ["StagedKubernetesNetworkPolicy", { stagedAction: "Delete" }, false, false],
  ];
  for (const [kind, spec, enforced, pending] of cases) {
    const one = lowered(kind, spec);
    assertEquals(
      [hasSay(one, "enforced"), hasSay(one, "pending")],
      [enforced, pending],
      `${kind} ${spec.stagedAction}`,
    );
  }
});

Deno.test("deletedTwin() names the enforced policy of the same name", () => {
  assertEquals(
    deletedTwin(lowered("StagedKubernetesNetworkPolicy", { stagedAction: "Delete" })),
    "KubernetesNetworkPolicy/n/p",
  );
  assertEquals(deletedTwin(lowered("StagedNetworkPolicy")), undefined);
  assertEquals(deletedTwin(lowered("NetworkPolicy", { stagedAction: "Delete" })), undefined);
});

Deno.test("policiesInScope() leaves out what a staged deletion ends, and nothing else", () => {
  const policies = [
    lowered("NetworkPolicy"),
    lowered("StagedNetworkPolicy", { stagedAction: "Delete" }),
    lowered("StagedKubernetesNetworkPolicy"),
  ];
  const keys = (scope: "enforced" | "pending") =>
    policiesInScope(policies, scope).map((one) => policyKey(one.policy.ref));
  assertEquals(keys("enforced"), ["NetworkPolicy/n/p"]);
  assertEquals(keys("pending"), ["StagedKubernetesNetworkPolicy/n/p"]);
});
