/**
 * The objects that policy rests on, as one value: what the oracle's world and the compiled policies are both made of. Read from a state's collections, or
 * from files where there is no server.
 *
 * @module
 */
import { POLICY_COLLECTIONS } from "#/policy/policy_ref.ts";
import type { KubeObject } from "#/resources/object.ts";

/** The objects that policy rests on, at one position. Order does not matter. Every one is as admission leaves it: defaults filled in. */
export interface PolicyObjects {
  /** Policies of every kind (`POLICY_COLLECTIONS`), staged ones too. */
  readonly policies: readonly KubeObject[];
  readonly tiers: readonly KubeObject[];
  readonly namespaces: readonly KubeObject[];
  readonly serviceAccounts: readonly KubeObject[];
  /** With the labels that the projection gives them: namespace, orchestrator and service account among them. */
  readonly workloadEndpoints: readonly KubeObject[];
  readonly hostEndpoints?: readonly KubeObject[];
  /** NetworkSets and GlobalNetworkSets. */
  readonly networkSets?: readonly KubeObject[];
  /** Profiles that users wrote; namespaces and service accounts are profiles too and are listed above. */
  readonly profiles?: readonly KubeObject[];
  /** EndpointSlices of `discovery.k8s.io/v1`: what `services` in rules means. */
  readonly endpointSlices?: readonly KubeObject[];
}

/** Collections that {@link PolicyObjects} are read from, by member; policies are in `POLICY_COLLECTIONS`. */
export const POLICY_OBJECT_COLLECTIONS: Readonly<Record<Exclude<keyof PolicyObjects, "policies">, readonly string[]>> =
  {
    tiers: ["projectcalico.org/tiers"],
    namespaces: ["core/namespaces"],
    serviceAccounts: ["core/serviceaccounts"],
    workloadEndpoints: ["projectcalico.org/workloadendpoints"],
    hostEndpoints: ["projectcalico.org/hostendpoints"],
    networkSets: ["projectcalico.org/networksets", "projectcalico.org/globalnetworksets"],
    profiles: ["projectcalico.org/profiles"],
    endpointSlices: ["discovery.k8s.io/endpointslices"],
  };

/**
 * Reads the objects from wherever collections are.
 *
 * @param objectsOf all objects of a collection, `group/plural` with `core` for the core group
 *
 * @example
 * ```ts
 * import { policyObjectsOf } from "#/policy/policy_objects.ts";
 * const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
 * const objects = policyObjectsOf((collection) => collection === "core/namespaces" ? [namespace] : []);
 * if (objects.namespaces[0] !== namespace || objects.policies.length !== 0) throw new Error();
 * ```
 */
export function policyObjectsOf(objectsOf: (collection: string) => Iterable<KubeObject>): PolicyObjects {
  const read = (member: keyof typeof POLICY_OBJECT_COLLECTIONS) =>
    POLICY_OBJECT_COLLECTIONS[member].flatMap((collection) => [...objectsOf(collection)]);
  return {
    policies: [...POLICY_COLLECTIONS.keys()].flatMap((collection) => [...objectsOf(collection)]),
    tiers: read("tiers"),
    namespaces: read("namespaces"),
    serviceAccounts: read("serviceAccounts"),
    workloadEndpoints: read("workloadEndpoints"),
    hostEndpoints: read("hostEndpoints"),
    networkSets: read("networkSets"),
    profiles: read("profiles"),
    endpointSlices: read("endpointSlices"),
  };
}
