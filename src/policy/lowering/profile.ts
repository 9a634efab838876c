/**
 * Profiles: what endpoints inherit from their namespace and service account. Named as Calico names them (`kns.`, `ksa.`); read by the label index of the
 * projections and by the oracle's world. Their rules are lowered in `lower.ts`.
 *
 * @module
 */
import { specAs } from "#/resources/kinds/kubernetes_policy_spec.ts";
import type { ProfileSpec } from "#/resources/kinds/peer_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX } from "#/policy/endpoint_labels.ts";

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

/**
 * Name of the profile that a Namespace, ServiceAccount or Profile stands for; `undefined` for objects of other kinds, and for a Profile that takes a name
 * which is not for users.
 */
export function profileNameOf(object: KubeObject): string | undefined {
  const { kind, metadata } = object;
  switch (kind) {
    case "Namespace":
      return namespaceProfileName(metadata.name);
    case "ServiceAccount":
      return serviceAccountProfileName(metadata.namespace ?? "", metadata.name);
    case "Profile":
      return isReservedProfileName(metadata.name) ? undefined : metadata.name;
    default:
      return undefined;
  }
}

/** Whether a profile's name belongs to namespaces, service accounts or {@link DEFAULT_ALLOW_PROFILE}. */
export function isReservedProfileName(name: string): boolean {
  return name === DEFAULT_ALLOW_PROFILE || name.startsWith("kns.") || name.startsWith("ksa.");
}

/**
 * Labels that endpoints inherit: from a Namespace or ServiceAccount its own with `pcns.` or `pcsa.` before the key, and its name, which no label of its
 * own can replace; from a Profile those that it applies, as they are.
 *
 * @example
 * ```ts
 * import { profileLabels } from "#/policy/lowering/profile.ts";
 * const labels = profileLabels({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { env: "prod" } } });
 * if (labels.get("pcns.env") !== "prod" || labels.get("pcns.projectcalico.org/name") !== "shop") throw new Error();
 * ```
 */
export function profileLabels(object: KubeObject): ReadonlyMap<string, string> {
  if (object.kind === "Profile") return new Map(Object.entries(specAs<ProfileSpec>(object).labelsToApply ?? {}));
  const prefix = object.kind === "ServiceAccount" ? SERVICE_ACCOUNT_PREFIX : NAMESPACE_PREFIX;
  const labels = new Map(Object.entries(object.metadata.labels ?? {}).map(([key, value]) => [prefix + key, value]));
  return labels.set(`${prefix}projectcalico.org/name`, object.metadata.name);
}
