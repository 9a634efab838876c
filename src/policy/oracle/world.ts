/**
 * The cluster as the oracle sees it: endpoints, networks, services, profiles, tiers and policies in plain strings, indexed by address and name and not
 * otherwise prepared. Built by whoever holds the state of one position (`PolicyObjects`); nothing of the projections' own indexes enters, so that the
 * oracle can judge them.
 *
 * @module
 */
import { compareBytewise } from "#/base/bytewise.ts";
import { type Cidr, cidrContains, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp, type Ip, type IpVersion, parseIp } from "#/base/ip.ts";
import { isJsonObject, type Json } from "#/base/json.ts";
import { parseProtocol } from "#/base/protocol.ts";
import type { LabelLookup } from "#/base/selector.ts";
import type { SelectorParse } from "#/base/selector_parser.ts";
import { endpointLabels } from "#/policy/endpoint_labels.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { type EndpointSliceFields, type ProfileSpec, SERVICE_NAME_LABEL } from "#/resources/kinds/peer_spec.ts";
import type { Rule } from "#/resources/kinds/policy_spec.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";

/** A port that an endpoint gives a name. */
export interface NamedPort {
  readonly name: string;
  /** IP protocol number. */
  readonly protocol: number;
  readonly port: number;
}

/** What workload and host endpoints share. */
interface EndpointParts {
  readonly name: string;
  readonly node: string;
  /** Its own labels, without inherited ones. */
  readonly labels: ReadonlyMap<string, string>;
  readonly profiles: readonly string[];
  readonly addresses: readonly Ip[];
  readonly ports: readonly NamedPort[];
}

/** A workload endpoint. */
export interface WorldEndpoint extends EndpointParts {
  readonly kind: "WorkloadEndpoint";
  /** `namespace/name` of the WorkloadEndpoint. */
  readonly id: string;
  readonly namespace: string;
  /** Name of the Pod behind it; `undefined` for other orchestrators. */
  readonly pod: string | undefined;
  readonly interfaceName: string;
}

/** A host endpoint: an interface of a node, or with `*` all that have no endpoint of their own. Its addresses are its `expectedIPs`. */
export interface WorldHostEndpoint extends EndpointParts {
  readonly kind: "HostEndpoint";
  /** Its name. */
  readonly id: string;
  readonly interfaceName: string | undefined;
}

/** What policies judge. */
export type PolicedEndpoint = WorldEndpoint | WorldHostEndpoint;

/** Networks that rules can name by label. */
export interface WorldNetworkSet {
  readonly labels: ReadonlyMap<string, string>;
  readonly profiles: readonly string[];
  readonly nets: readonly Cidr[];
}

/** What is inherited from a profile, and the rules that are asked after all tiers. */
export interface WorldProfile {
  readonly labels: ReadonlyMap<string, string>;
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

/** What a Service's EndpointSlices list, ready or not: addresses (`10.0.0.1`), and addresses with protocol number and port (`10.0.0.1,6,8080`). */
export interface WorldService {
  readonly addresses: ReadonlySet<string>;
  readonly ports: ReadonlySet<string>;
}

/** Who has an address: an endpoint with its named ports, or a network set without any. */
export interface Holder {
  readonly labels: LabelLookup;
  readonly ports: readonly NamedPort[];
}

/** The policies of one tier that judge an endpoint, in the order in which they are asked. */
export interface AskedTier {
  readonly tier: string;
  readonly policies: readonly KubeObject[];
}

/** What the oracle has worked out about a world so far. It fills as verdicts are asked for and never changes one. */
export interface WorldMemo {
  readonly selectors: Map<string, SelectorParse>;
  readonly cidrs: Map<string, Cidr | undefined>;
  readonly holders: Readonly<Record<IpVersion, Map<bigint, readonly Holder[]>>>;
  readonly tiers: Map<string, readonly AskedTier[]>;
}

/** The cluster at one position, for the oracle. Made by {@link policyWorld}. */
export interface PolicyWorld {
  readonly endpoints: readonly WorldEndpoint[];
  readonly hostEndpoints: readonly WorldHostEndpoint[];
  readonly networkSets: readonly WorldNetworkSet[];
  /** Namespaces (`kns.`), service accounts (`ksa.`) and what users wrote as profiles, by name. */
  readonly profiles: ReadonlyMap<string, WorldProfile>;
  /** By `namespace/name`; only those that have an EndpointSlice. */
  readonly services: ReadonlyMap<string, WorldService>;
  /** Tiers by name. */
  readonly tiers: ReadonlyMap<string, KubeObject>;
  readonly policies: readonly KubeObject[];
  readonly endpointsByAddress: ReadonlyMap<string, readonly PolicedEndpoint[]>;
  readonly endpointsByName: ReadonlyMap<string, WorldEndpoint>;
  readonly memo: WorldMemo;
}

/** Addresses of a family whose holders are remembered; a world asked about more forgets and starts again. */
const HOLDERS_MAX = 20_000;

const NAMESPACE_LABEL = "projectcalico.org/namespace";
const ALLOW_ALL: Pick<WorldProfile, "ingress" | "egress"> = {
  ingress: [{ action: "Allow" }],
  egress: [{ action: "Allow" }],
};

/** Makes the world of a set of objects. Parts that cannot be read (an address of an endpoint, a net of a set) are left out: they hold nothing. */
export function policyWorld(objects: PolicyObjects): PolicyWorld {
  const byId = (a: { readonly id: string }, b: { readonly id: string }) => compareBytewise(a.id, b.id);
  const endpoints = objects.workloadEndpoints.map(workloadEndpointOf).sort(byId);
  const hostEndpoints = (objects.hostEndpoints ?? []).map(hostEndpointOf).sort(byId);
  const byAddress = new Map<string, PolicedEndpoint[]>();
  for (const endpoint of [...endpoints, ...hostEndpoints]) {
    for (const address of new Set(endpoint.addresses.map(formatIp))) push(byAddress, address, endpoint);
  }
  const byName = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
  // Pods come last: a Pod's name wins over an endpoint's.
  for (const endpoint of endpoints) {
    if (endpoint.pod !== undefined) byName.set(`${endpoint.namespace}/${endpoint.pod}`, endpoint);
  }
  return {
    endpoints,
    hostEndpoints,
    networkSets: (objects.networkSets ?? []).map(networkSetOf),
    profiles: profilesOf(objects),
    services: servicesOf(objects.endpointSlices ?? []),
    tiers: new Map(objects.tiers.map((tier) => [tier.metadata.name, tier])),
    policies: objects.policies,
    endpointsByAddress: byAddress,
    endpointsByName: byName,
    memo: { selectors: new Map(), cidrs: new Map(), holders: { 4: new Map(), 6: new Map() }, tiers: new Map() },
  };
}

/** The endpoint of a Pod's name, else of a WorkloadEndpoint's. */
export function endpointByName(world: PolicyWorld, namespace: string, name: string): WorldEndpoint | undefined {
  return world.endpointsByName.get(`${namespace}/${name}`);
}

/** Workload endpoints that have the address, in order of their ids; more than one only in transitions. */
export function endpointsAt(world: PolicyWorld, ip: Ip): readonly WorldEndpoint[] {
  const found = world.endpointsByAddress.get(formatIp(ip)) ?? [];
  return found.filter((endpoint) => endpoint.kind === "WorkloadEndpoint");
}

/** Host endpoints that expect the address, in order of their names. */
export function hostEndpointsAt(world: PolicyWorld, ip: Ip): readonly WorldHostEndpoint[] {
  const found = world.endpointsByAddress.get(formatIp(ip)) ?? [];
  return found.filter((endpoint) => endpoint.kind === "HostEndpoint");
}

/** Network sets one of whose nets holds the address. */
export function networkSetsAt(world: PolicyWorld, ip: Ip): readonly WorldNetworkSet[] {
  return world.networkSets.filter((set) => set.nets.some((net) => cidrContains(net, ip)));
}

/** Everybody who has the address, as selectors of rules see them. */
export function holdersAt(world: PolicyWorld, ip: Ip): readonly Holder[] {
  const holders = world.memo.holders[ip.version];
  const known = holders.get(ip.value);
  if (known !== undefined) return known;
  if (holders.size >= HOLDERS_MAX) holders.clear();
  const endpoints = world.endpointsByAddress.get(formatIp(ip)) ?? [];
  const found: readonly Holder[] = [
    ...endpoints.map((one) => ({ labels: effectiveLabels(world, one), ports: one.ports })),
    ...networkSetsAt(world, ip).map((one) => ({ labels: effectiveLabels(world, one), ports: [] })),
  ];
  holders.set(ip.value, found);
  return found;
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

/**
 * Namespaces and service accounts have their profiles' names for themselves, so that a Profile of such a name means nothing; and nobody changes the one that
 * allows everything.
 */
function profilesOf(objects: PolicyObjects): ReadonlyMap<string, WorldProfile> {
  const profiles = new Map<string, WorldProfile>();
  for (const { metadata, spec } of objects.profiles ?? []) {
    if (metadata.name.startsWith("kns.") || metadata.name.startsWith("ksa.")) continue;
    const { labelsToApply, ingress = [], egress = [] } = (spec ?? {}) as unknown as ProfileSpec;
    profiles.set(metadata.name, { labels: new Map(Object.entries(labelsToApply ?? {})), ingress, egress });
  }
  for (const namespace of objects.namespaces) {
    profiles.set(`kns.${namespace.metadata.name}`, { labels: inheritedLabels(namespace, "pcns."), ...ALLOW_ALL });
  }
  for (const account of objects.serviceAccounts) {
    const { namespace, name } = account.metadata;
    profiles.set(`ksa.${namespace}.${name}`, { labels: inheritedLabels(account, "pcsa."), ingress: [], egress: [] });
  }
  return profiles.set("projectcalico-default-allow", { labels: new Map(), ...ALLOW_ALL });
}

/** The object's labels under a prefix, and its name, which none of them can replace. */
function inheritedLabels({ metadata }: KubeObject, prefix: string): ReadonlyMap<string, string> {
  const labels = new Map(Object.entries(metadata.labels ?? {}).map(([key, value]) => [prefix + key, value]));
  return labels.set(`${prefix}projectcalico.org/name`, metadata.name);
}

function workloadEndpointOf(object: KubeObject): WorldEndpoint {
  const pod = text(object.spec?.pod);
  return {
    kind: "WorkloadEndpoint",
    id: objectKey(object.metadata),
    namespace: object.metadata.namespace ?? "",
    pod: pod === "" ? undefined : pod,
    interfaceName: text(object.spec?.interfaceName),
    ...endpointParts(object, object.spec?.ipNetworks),
  };
}

function hostEndpointOf(object: KubeObject): WorldHostEndpoint {
  const interfaceName = text(object.spec?.interfaceName);
  return {
    kind: "HostEndpoint",
    id: object.metadata.name,
    interfaceName: interfaceName === "" ? undefined : interfaceName,
    ...endpointParts(object, object.spec?.expectedIPs),
  };
}

function endpointParts(object: KubeObject, addresses: Json | undefined): EndpointParts {
  const { metadata, spec } = object;
  return {
    name: metadata.name,
    node: text(spec?.node),
    labels: new Map(Object.entries(endpointLabels(object))),
    profiles: list(spec?.profiles).map(text),
    addresses: list(addresses).flatMap((net) => {
      const cidr = parseCidrOrIp(text(net));
      return cidr === undefined ? [] : [{ version: cidr.version, value: cidr.address }];
    }),
    ports: list(spec?.ports).flatMap(namedPortOf),
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
    profiles: namespace === undefined ? [] : [`kns.${namespace}`],
    nets: list(object.spec?.nets).flatMap((net) => parseCidrOrIp(text(net)) ?? []),
  };
}

/** Services by the slices that name them. A port without a number is left out; unready endpoints are not. */
function servicesOf(slices: readonly KubeObject[]): ReadonlyMap<string, WorldService> {
  const services = new Map<string, { addresses: Set<string>; ports: Set<string> }>();
  for (const object of slices) {
    const { metadata } = object;
    const name = metadata.labels?.[SERVICE_NAME_LABEL];
    if (name === undefined) continue;
    const key = `${metadata.namespace ?? ""}/${name}`;
    const { addresses, ports } = services.get(key) ?? { addresses: new Set(), ports: new Set() };
    services.set(key, { addresses, ports });
    const slice = object as unknown as EndpointSliceFields;
    for (const ip of (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []).map(parseIp)) {
      if (ip === undefined) continue;
      addresses.add(formatIp(ip));
      for (const { protocol = "TCP", port } of slice.ports ?? []) {
        const number = parseProtocol(protocol);
        if (number !== undefined && typeof port === "number") ports.add(`${formatIp(ip)},${number},${port}`);
      }
    }
  }
  return services;
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [value]);
  else known.push(value);
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
