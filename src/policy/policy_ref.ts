/**
 * The identity of policy objects, read off the object: the one place where a kind's text becomes a {@link PolicyKind}.
 *
 * @module
 */
import type { PolicyKind, PolicyRef } from "#/policy/ir.ts";
import type { KubeObject } from "#/resources/object.ts";

/**
 * The identity of a policy object. The caller knows that it is one.
 *
 * @example
 * ```ts
 * import { policyRefOf } from "#/policy/policy_ref.ts";
 * const ref = policyRefOf({ apiVersion: "projectcalico.org/v3", kind: "NetworkPolicy", metadata: { name: "p", namespace: "n" } });
 * if (ref.kind !== "NetworkPolicy" || ref.namespace !== "n" || ref.name !== "p") throw new Error();
 * ```
 */
export function policyRefOf(object: KubeObject): PolicyRef {
  const { kind, metadata } = object;
  return { kind: kind as PolicyKind, namespace: metadata.namespace ?? "", name: metadata.name };
}

/** Whether policies of the kind are previews: they have a place in the order and decide nothing. */
export function isStagedKind(kind: string): boolean {
  return kind.startsWith("Staged");
}
