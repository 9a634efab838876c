/**
 * The cluster as the oracle sees it: endpoints, networks, profiles, tiers and policies in plain strings, indexed by address and name and not
 * otherwise prepared. Built by whoever holds the state of one position (`PolicyObjects`); nothing of the projections' own indexes enters, so that the
 * oracle can judge them.
 *
 * @module
 */
import { type Cidr, cidrContains, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp, type Ip } from "#/base/ip.ts";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { parseProtocol } from "#/base/protocol.ts";
import type { LabelLookup } from "#/base/selector.ts";
import { DEFAULT_ALLOW_PROFILE, namespaceProfileName, profileLabels, profileNameOf } from "#/policy/profile.ts";
import { NAMESPACE_LABEL } from "#/policy/scope.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";

/** The objects that policy rests on, at one position. Order does not matter. */
export interface PolicyObjects {
  /** NetworkPolicies and GlobalNetworkPolicies of `projectcalico.org/v3`; staged kinds may be among them and decide nothing. */
  readonly policies: readonly KubeObject[];
  readonly tiers: readonly KubeObject[];
  readonly namespaces: readonly KubeObject[];
  readonly serviceAccounts: readonly KubeObject[];
  /** With the labels that the projection gives them: namespace, orchestrator and service account among them. */
  readonly workloadEndpoints: readonly KubeObject[];
  /** NetworkSets and GlobalNetworkSets. */
  readonly networkSets?: readonly KubeObject[];
}

/** A port that a workload gives a name. */
export interface NamedPort {
  readonly name: string;
  /** IP protocol number. */
  readonly protocol: number;
  readonly port: number;
}

/** A workload endpoint. */
export interface WorldEndpoint {
  /** `namespace/name` of the WorkloadEndpoint. */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  /** Name of the Pod behind it; `undefined` for other orchestrators. */
  readonly pod: string | undefined;
  readonly node: string;
  readonly interfaceName: string;
  /** Its own labels, without inherited ones. */
  readonly labels: ReadonlyMap<string, string>;
  readonly profiles: readonly string[];
  readonly addresses: readonly Ip[];
  readonly ports: readonly NamedPort[];
}

/** Networks that rules can name by label. */
export interface WorldNetworkSet {
  readonly labels: ReadonlyMap<string, string>;
  readonly profiles: readonly string[];
  readonly nets: readonly Cidr[];
}

/** What is inherited from a profile, and whether it allows what reaches it. */
export interface WorldProfile {
  readonly labels: ReadonlyMap<string, string>;
  /** Namespaces allow both directions; service accounts have no rules. */
  readonly allows: boolean;
}

/** The cluster at one position, for the oracle. Made by {@link policyWorld}. */
export interface PolicyWorld {
  readonly endpoints: readonly WorldEndpoint[];
  readonly networkSets: readonly WorldNetworkSet[];
  readonly profiles: ReadonlyMap<string, WorldProfile>;
  /** Tiers by name. */
  readonly tiers: ReadonlyMap<string, KubeObject>;
  readonly policies: readonly KubeObject[];
  readonly endpointsByAddress: ReadonlyMap<string, readonly WorldEndpoint[]>;
  readonly endpointsByName: ReadonlyMap<string, WorldEndpoint>;
}

/** Makes the world of a set of objects. Parts that cannot be read (an address of an endpoint, a net of a set) are left out: they hold nothing. */
export function policyWorld(objects: PolicyObjects): PolicyWorld {
  const endpoints = objects.workloadEndpoints.map(endpointOf).sort((a, b) => a.id < b.id ? -1 : 1);
  const byAddress = new Map<string, WorldEndpoint[]>();
  const byName = new Map<string, WorldEndpoint>();
  for (const endpoint of endpoints) {
    byName.set(endpoint.id, endpoint);
    for (const ip of endpoint.addresses) {
      byAddress.set(formatIp(ip), [...byAddress.get(formatIp(ip)) ?? [], endpoint]);
    }
  }
  // Pods come last: a Pod's name wins over an endpoint's.
  for (const endpoint of endpoints) {
    if (endpoint.pod !== undefined) byName.set(`${endpoint.namespace}/${endpoint.pod}`, endpoint);
  }
  return {
    endpoints,
    networkSets: (objects.networkSets ?? []).map(networkSetOf),
    profiles: profilesOf([...objects.namespaces, ...objects.serviceAccounts]),
    tiers: new Map(objects.tiers.map((tier) => [tier.metadata.name, tier])),
    policies: objects.policies,
    endpointsByAddress: byAddress,
    endpointsByName: byName,
  };
}

/** The endpoint of a Pod's name, else of a WorkloadEndpoint's. */
export function endpointByName(world: PolicyWorld, namespace: string, name: string): WorldEndpoint | undefined {
  return world.endpointsByName.get(`${namespace}/${name}`);
}

/** Endpoints that have the address, in order of their ids; more than one only in transitions. */
export function endpointsAt(world: PolicyWorld, ip: Ip): readonly WorldEndpoint[] {
  return world.endpointsByAddress.get(formatIp(ip)) ?? [];
}

/** Network sets one of whose nets holds the address. */
export function networkSetsAt(world: PolicyWorld, ip: Ip): readonly WorldNetworkSet[] {
  return world.networkSets.filter((set) => set.nets.some((net) => cidrContains(net, ip)));
}

/**
 * The labels of an endpoint or network set as selectors see them: its own first, then those of its profiles in their order. A profile that does not
 * exist gives none.
 */
export function effectiveLabels(
  world: PolicyWorld,
  holder: { readonly labels: ReadonlyMap<string, string>; readonly profiles: readonly string[] },
): LabelLookup {
  return (key) => {
    const own = holder.labels.get(key);
    if (own !== undefined) return own;
    for (const name of holder.profiles) {
      const inherited = world.profiles.get(name)?.labels.get(key);
      if (inherited !== undefined) return inherited;
    }
    return undefined;
  };
}

function profilesOf(objects: readonly KubeObject[]): ReadonlyMap<string, WorldProfile> {
  const profiles = new Map<string, WorldProfile>([[DEFAULT_ALLOW_PROFILE, { labels: new Map(), allows: true }]]);
  for (const object of objects) {
    const name = profileNameOf(object);
    if (name !== undefined) profiles.set(name, { labels: profileLabels(object), allows: object.kind === "Namespace" });
  }
  return profiles;
}

function endpointOf(object: KubeObject): WorldEndpoint {
  const spec: JsonObject = object.spec ?? {};
  const pod = text(spec.pod);
  return {
    id: objectKey(object.metadata),
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    pod: pod === "" ? undefined : pod,
    node: text(spec.node),
    interfaceName: text(spec.interfaceName),
    labels: new Map(Object.entries(object.metadata.labels ?? {})),
    profiles: list(spec.profiles).map(text),
    addresses: list(spec.ipNetworks).flatMap((net) => {
      const cidr = parseCidrOrIp(text(net));
      return cidr === undefined ? [] : [{ version: cidr.version, value: cidr.address }];
    }),
    ports: list(spec.ports).flatMap(namedPortOf),
  };
}

function namedPortOf(entry: Json): readonly NamedPort[] {
  if (!isJsonObject(entry)) return [];
  const protocol = parseProtocol(typeof entry.protocol === "number" ? entry.protocol : text(entry.protocol) || "TCP");
  const isComplete = protocol !== undefined && text(entry.name) !== "" && typeof entry.port === "number";
  return isComplete ? [{ name: text(entry.name), protocol, port: Number(entry.port) }] : [];
}

function networkSetOf(object: KubeObject): WorldNetworkSet {
  const namespace = object.metadata.namespace;
  const labels = new Map(Object.entries(object.metadata.labels ?? {}));
  if (namespace !== undefined) labels.set(NAMESPACE_LABEL, namespace);
  return {
    labels,
    profiles: namespace === undefined ? [] : [namespaceProfileName(namespace)],
    nets: list(object.spec?.nets).flatMap((net) => parseCidrOrIp(text(net)) ?? []),
  };
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
