/**
 * Which policies have a say in which scope: staged ones are previews, and a staged deletion previews its twin's absence. Used where chains are made and
 * by the policy projection.
 *
 * @module
 */
import type { PolicyScope } from "#/policy/compiled.ts";
import { policyKey, type PolicyKind, type PolicyRef } from "#/policy/ir.ts";
import type { LoweredPolicy } from "#/policy/lowering/lower.ts";
import { isStagedKind } from "#/policy/policy_ref.ts";

/** Whether a policy is asked in a scope, unless its twin's deletion is staged there. `Learn` previews as `Set` does. */
export function hasSay(lowered: Pick<LoweredPolicy, "policy" | "stagedAction">, scope: PolicyScope): boolean {
  if (!isStagedKind(lowered.policy.ref.kind)) return true;
  return scope === "pending" && lowered.stagedAction !== "Delete" && lowered.stagedAction !== "Ignore";
}

/**
 * Key of the enforced policy whose deletion a staged one previews; `undefined` for any other policy.
 *
 * @example
 * ```ts
 * import { lowerPolicy } from "#/policy/lowering/lower.ts";
 * import { deletedTwin } from "#/policy/lowering/policy_scope.ts";
 * const staged = lowerPolicy({
 *   apiVersion: "projectcalico.org/v3", kind: "StagedNetworkPolicy", metadata: { name: "p", namespace: "shop" },
 *   spec: { tier: "default", types: ["Ingress"], stagedAction: "Delete" },
 * }, 1);
 * if (deletedTwin(staged) !== "NetworkPolicy/shop/p") throw new Error();
 * ```
 */
export function deletedTwin(lowered: Pick<LoweredPolicy, "policy" | "stagedAction">): string | undefined {
  const { ref } = lowered.policy;
  if (!isStagedKind(ref.kind) || lowered.stagedAction !== "Delete") return undefined;
  return policyKey(enforcedRef(ref));
}

/** The policies that are asked in a scope. */
export function policiesInScope(policies: readonly LoweredPolicy[], scope: PolicyScope): readonly LoweredPolicy[] {
  const deleted = new Set(scope === "pending" ? policies.map(deletedTwin) : []);
  return policies.filter((lowered) => hasSay(lowered, scope) && !deleted.has(policyKey(lowered.policy.ref)));
}

function enforcedRef(ref: PolicyRef): PolicyRef {
  return { ...ref, kind: ref.kind.slice("Staged".length) as PolicyKind };
}
