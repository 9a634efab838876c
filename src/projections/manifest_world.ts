/**
 * Files as a cluster: from the objects that stand in them to everything that policy rests on, with what a cluster would add: built-in tiers, namespaces
 * and service accounts that are named, endpoints of Pods, EndpointSlices of Services. Called by the command line for questions without a server, and by
 * the server for plans.
 *
 * @module
 */
import { type ManifestObject, type ManifestProblem, objectTitle } from "#/policy/manifests/manifest_document.ts";
import { POLICY_OBJECT_COLLECTIONS, type PolicyObjects } from "#/policy/policy_objects.ts";
import { POLICY_COLLECTIONS } from "#/policy/policy_ref.ts";
import { workloadNames } from "#/policy/manifests/workload_names.ts";
import { manifestEndpoints } from "#/projections/manifest_endpoints.ts";
import { addressNotes } from "#/projections/manifest_networks.ts";
import { BUILTIN_OBJECTS } from "#/resources/builtin.ts";
import { DEFAULT_SERVICE_ACCOUNT } from "#/resources/kinds/pod.ts";
import { SERVICE_NAME_LABEL } from "#/resources/kinds/peer_spec.ts";
import { builtinTier, DEFAULT_TIER } from "#/resources/kinds/tier.ts";
import { workloadEndpointSpecOf } from "#/resources/kinds/workload_endpoint.ts";
import type { Json } from "#/base/json.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";
import { findKindByName } from "#/resources/registry.ts";
import { endpointSlicesOf } from "#/resources/service_endpoints.ts";

/** A cluster made of files. */
export interface ManifestWorld {
  readonly objects: PolicyObjects;
  /** The workload of every endpoint, `namespace/name` by endpoint id. */
  readonly workloads: ReadonlyMap<string, string>;
  /** Made-up addresses, by endpoint id. */
  readonly synthetic: ReadonlyMap<string, readonly string[]>;
  /** What people should know. */
  readonly notes: readonly string[];
}

/** Makes the cluster. `known` are made-up addresses of another one that it will be compared with. */
export function manifestWorld(
  objects: readonly ManifestObject[],
  known: ReadonlyMap<string, readonly string[]> = new Map(),
): ManifestWorld {
  const { endpoints, pods, servicePods, synthetic, notes } = manifestEndpoints(objects, known);
  const of = (collections: readonly string[]) =>
    objects.filter(({ collection }) => collections.includes(collection)).map(({ object }) => object);
  const workloads = objects.filter(({ template }) => template !== undefined).map(({ object }) => object);
  const slices = of(POLICY_OBJECT_COLLECTIONS.endpointSlices);
  const accounts = of(POLICY_OBJECT_COLLECTIONS.serviceAccounts);
  const namespaces = withNamed(of(POLICY_OBJECT_COLLECTIONS.namespaces), namedNamespaces(objects));
  const policies = of([...POLICY_COLLECTIONS.keys()]);
  const networkSets = of(POLICY_OBJECT_COLLECTIONS.networkSets);
  const names = workloadNames(endpoints, pods, workloads);
  const addressless = [...new Set([...synthetic.keys()].map((id) => names.get(id) ?? id))];
  return {
    objects: {
      policies,
      tiers: withBuiltinTiers(of(POLICY_OBJECT_COLLECTIONS.tiers)),
      namespaces,
      serviceAccounts: withNamed(accounts, namedAccounts(namespaces, endpoints)),
      workloadEndpoints: endpoints,
      hostEndpoints: of(POLICY_OBJECT_COLLECTIONS.hostEndpoints),
      networkSets,
      profiles: of(POLICY_OBJECT_COLLECTIONS.profiles),
      endpointSlices: [...slices, ...workedOutSlices(of(["core/services"]), slices, servicePods)],
    },
    workloads: names,
    synthetic,
    notes: [...notes, ...addressNotes(addressless, [...policies, ...networkSets])],
  };
}

/**
 * Rules that rest on other objects: the tier of a policy must be there.
 *
 * @param objects to check
 * @param among everything that is there
 */
export function manifestCrossProblems(
  objects: readonly ManifestObject[],
  among: readonly ManifestObject[] = objects,
): readonly ManifestProblem[] {
  const tiers = new Set(
    among.filter(({ object }) => object.kind === "Tier").map(({ object }) => object.metadata.name),
  );
  return objects.flatMap(({ collection, object, placeOf }): ManifestProblem[] => {
    const isCalico = POLICY_COLLECTIONS.has(collection) && collection.startsWith("projectcalico.org/");
    const tier = isCalico && typeof object.spec?.tier === "string" ? object.spec.tier : DEFAULT_TIER;
    if (tiers.has(tier) || builtinTier(tier) !== undefined) return [];
    const message = `Not found: ${JSON.stringify(tier)}: must name a tier that exists`;
    return [{
      place: placeOf("spec.tier"),
      object: objectTitle(object as unknown as Json),
      path: "spec.tier",
      message,
    }];
  });
}

/** EndpointSlices of Services that have none in the files. */
function workedOutSlices(
  services: readonly KubeObject[],
  slices: readonly KubeObject[],
  pods: readonly KubeObject[],
): KubeObject[] {
  const served = new Set(
    slices.map(({ metadata }) => `${metadata.namespace ?? ""}/${metadata.labels?.[SERVICE_NAME_LABEL] ?? ""}`),
  );
  return services.filter(({ metadata }) => !served.has(objectKey(metadata))).flatMap((service) =>
    endpointSlicesOf(service, pods.filter(({ metadata }) => metadata.namespace === service.metadata.namespace))
  );
}

function withBuiltinTiers(tiers: readonly KubeObject[]): KubeObject[] {
  const names = new Set(tiers.map(({ metadata }) => metadata.name));
  return [...BUILTIN_OBJECTS.filter(({ kind, metadata }) => kind === "Tier" && !names.has(metadata.name)), ...tiers];
}

/** Objects with those that are only named, as admission would make them. */
function withNamed(objects: readonly KubeObject[], named: readonly KubeObject[]): KubeObject[] {
  const present = new Set(objects.map((object) => objectKey(object.metadata)));
  const missing = new Map(
    named.filter((object) => !present.has(objectKey(object.metadata))).map((object) =>
      [objectKey(object.metadata), findKindByName("", "v1", object.kind)!.defaults(object)] as const
    ),
  );
  return [...objects, ...missing.values()];
}

function namedNamespaces(objects: readonly ManifestObject[]): KubeObject[] {
  return objects.flatMap(({ object: { metadata } }) =>
    metadata.namespace === undefined
      ? []
      : [{ apiVersion: "v1", kind: "Namespace", metadata: { name: metadata.namespace } }]
  );
}

/** The account `default` of every namespace, and those that endpoints run under. */
function namedAccounts(namespaces: readonly KubeObject[], endpoints: readonly KubeObject[]): KubeObject[] {
  const names = [
    ...namespaces.map(({ metadata }) => ({ namespace: metadata.name, name: DEFAULT_SERVICE_ACCOUNT })),
    ...endpoints.map((endpoint) => ({
      namespace: endpoint.metadata.namespace ?? "",
      name: workloadEndpointSpecOf(endpoint).serviceAccountName ?? "",
    })),
  ];
  return names.filter(({ name }) => name !== "")
    .map((metadata) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata }));
}
