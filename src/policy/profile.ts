/**
 * Profiles: what endpoints inherit from their namespace and service account. Named as Calico names them (`kns.`, `ksa.`); read by the label index of the
 * projections and by the oracle's world. Their rules are lowered in `lower.ts`.
 *
 * @module
 */
import type { KubeObject } from "#/resources/object.ts";
import { NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX } from "#/policy/scope.ts";

/** The profile that allows everything and belongs to no object; always there. */
export const DEFAULT_ALLOW_PROFILE = "projectcalico-default-allow";

/** Name of a namespace's profile, `kns.<namespace>`. */
export function namespaceProfileName(namespace: string): string {
  return `kns.${namespace}`;
}

/** Name of a service account's profile, `ksa.<namespace>.<name>`. */
export function serviceAccountProfileName(namespace: string, name: string): string {
  return `ksa.${namespace}.${name}`;
}

/** Name of the profile that a Namespace or ServiceAccount stands for; `undefined` for objects of other kinds. */
export function profileNameOf(object: KubeObject): string | undefined {
  const { kind, metadata } = object;
  if (kind === "Namespace") return namespaceProfileName(metadata.name);
  return kind === "ServiceAccount" ? serviceAccountProfileName(metadata.namespace ?? "", metadata.name) : undefined;
}

/**
 * Labels that endpoints inherit from a Namespace or ServiceAccount: its own with `pcns.` or `pcsa.` before the key, and its name, which no label of
 * its own can replace.
 *
 * @example
 * ```ts
 * import { profileLabels } from "#/policy/profile.ts";
 * const labels = profileLabels({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { env: "prod" } } });
 * if (labels.get("pcns.env") !== "prod" || labels.get("pcns.projectcalico.org/name") !== "shop") throw new Error();
 * ```
 */
export function profileLabels(object: KubeObject): ReadonlyMap<string, string> {
  const prefix = object.kind === "ServiceAccount" ? SERVICE_ACCOUNT_PREFIX : NAMESPACE_PREFIX;
  const labels = new Map(Object.entries(object.metadata.labels ?? {}).map(([key, value]) => [prefix + key, value]));
  return labels.set(`${prefix}projectcalico.org/name`, object.metadata.name);
}
