/**
 * The identity of policy objects, read off the object: the one place where a kind's text becomes a {@link PolicyKind}, and where the collections that hold
 * policies are listed.
 *
 * @module
 */
import type { PolicyKind, PolicyRef } from "#/policy/ir.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Collections of the state that hold policies, each with the kind that its objects have in the IR and in traces. */
export const POLICY_COLLECTIONS: ReadonlyMap<string, PolicyKind> = new Map<string, PolicyKind>([
  ["projectcalico.org/networkpolicies", "NetworkPolicy"],
  ["projectcalico.org/globalnetworkpolicies", "GlobalNetworkPolicy"],
  ["projectcalico.org/stagednetworkpolicies", "StagedNetworkPolicy"],
  ["projectcalico.org/stagedglobalnetworkpolicies", "StagedGlobalNetworkPolicy"],
  ["projectcalico.org/stagedkubernetesnetworkpolicies", "StagedKubernetesNetworkPolicy"],
  ["networking.k8s.io/networkpolicies", "KubernetesNetworkPolicy"],
  ["policy.networking.k8s.io/adminnetworkpolicies", "AdminNetworkPolicy"],
  ["policy.networking.k8s.io/baselineadminnetworkpolicies", "BaselineAdminNetworkPolicy"],
  ["policy.networking.k8s.io/clusternetworkpolicies", "KubernetesClusterNetworkPolicy"],
]);

const COLLECTIONS: ReadonlyMap<PolicyKind, string> = new Map(
  [...POLICY_COLLECTIONS].map(([collection, kind]) => [kind, collection]),
);

/**
 * The identity of a policy object. The caller knows that it is one.
 *
 * @example
 * ```ts
 * import { policyRefOf } from "#/policy/policy_ref.ts";
 * const ref = policyRefOf({ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "p", namespace: "n" } });
 * if (ref.kind !== "KubernetesNetworkPolicy" || ref.namespace !== "n" || ref.name !== "p") throw new Error();
 * ```
 */
export function policyRefOf(object: KubeObject): PolicyRef {
  const { metadata } = object;
  return { kind: policyKindOf(object), namespace: metadata.namespace ?? "", name: metadata.name };
}

function policyKindOf({ apiVersion, kind }: KubeObject): PolicyKind {
  if (kind === "NetworkPolicy" && apiVersion.startsWith("networking.k8s.io/")) return "KubernetesNetworkPolicy";
  return kind === "ClusterNetworkPolicy" ? "KubernetesClusterNetworkPolicy" : kind as PolicyKind;
}

/** The collection that holds policies of a kind; `undefined` for profiles and failsafe ports, which no policy object stands for. */
export function policyCollectionOf(kind: PolicyKind): string | undefined {
  return COLLECTIONS.get(kind);
}

/** Whether policies of the kind are previews: they have a place in the order and decide nothing. */
export function isStagedKind(kind: string): boolean {
  return kind.startsWith("Staged");
}
