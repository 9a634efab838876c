/**
 * Where a Service with a selector is: the EndpointSlices that Kubernetes' own controller would make of its namespace's Pods. A pure function; the fold keeps
 * its answer as views where nobody else writes slices, and directories of files are read with it.
 *
 * Objects are taken as they come: what cannot be read is as if it were not there.
 *
 * @module
 */
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { type IpVersion, parseIp } from "#/base/ip.ts";
import { derivedUid, namedUid } from "#/base/names.ts";
import { ENDPOINTS_MAX } from "#/resources/kinds/endpoint_slice.ts";
import { SERVICE_NAME_LABEL } from "#/resources/kinds/peer_spec.ts";
import { HEADLESS } from "#/resources/kinds/service_spec.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Label of an EndpointSlice that names who keeps it. */
export const MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by";
/** Value of {@link MANAGED_BY_LABEL} on slices that are worked out here. */
export const MANAGED_BY = "endpointslice.tortie.dev";
/** Label of the slices of headless Services. */
const HEADLESS_LABEL = "service.kubernetes.io/headless";

/** The end of the name of a slice that is worked out here: `-tortie-4`, `-tortie-6-2`. */
const WORKED_OUT_NAME = /-tortie-[46](-\d+)?$/;

/** Families of addresses, in the order of their slices. */
export const FAMILIES: readonly IpVersion[] = [4, 6];

/** Whether a slice's name is one of those that are kept for slices worked out here. */
export function isWorkedOutSliceName(name: string): boolean {
  return WORKED_OUT_NAME.test(name);
}

/**
 * Whether a Service's endpoints are worked out from Pods: it has a selector, and is more than another name for something outside.
 *
 * @example
 * ```ts
 * import { selectsEndpoints } from "#/resources/service_endpoints.ts";
 * const service = (spec: Record<string, string | Record<string, string>>) => ({
 *   apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "shop" }, spec,
 * });
 * if (!selectsEndpoints(service({ selector: { app: "web" } }))) throw new Error();
 * if (selectsEndpoints(service({ selector: {} }))) throw new Error();
 * if (selectsEndpoints(service({ type: "ExternalName", selector: { app: "web" } }))) throw new Error();
 * ```
 */
export function selectsEndpoints({ spec = {} }: KubeObject): boolean {
  return spec.type !== "ExternalName" && isJsonObject(spec.selector) && Object.keys(spec.selector).length > 0;
}

/** Whether a Service of the same namespace selects a Pod, which need not have an address. */
export function selectsPod(service: KubeObject, pod: KubeObject): boolean {
  const { selector } = service.spec ?? {};
  if (!selectsEndpoints(service) || !isJsonObject(selector)) return false;
  const { labels = {} } = pod.metadata;
  return Object.entries(selector).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}

/**
 * The EndpointSlices of a Service, in order of their names; none where {@link selectsEndpoints} says no.
 *
 * Every Pod that is selected, has addresses and has not ended is an endpoint, ready or not, in the host's network or its own. There is a slice for each
 * family and each set of port numbers: Pods may mean different numbers by one name, and one that has a name for none of the ports is in a slice without
 * ports. A Service says its families itself; one that does not has those in which there are endpoints, or an empty slice of IPv4.
 *
 * @param pods of the Service's namespace, in any order; those that are not selected are passed over
 *
 * @example
 * ```ts
 * import { endpointSlicesOf } from "#/resources/service_endpoints.ts";
 * const [slice] = endpointSlicesOf({
 *   apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "shop" },
 *   spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] },
 * }, [{
 *   apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace: "shop", labels: { app: "web" } },
 *   spec: { containers: [{ name: "c", ports: [{ name: "http", containerPort: 8080 }] }] },
 *   status: { podIPs: [{ ip: "192.168.0.5" }] },
 * }]);
 * if (slice?.metadata.name !== "web-tortie-4" || !JSON.stringify(slice.ports).includes("8080")) throw new Error();
 * ```
 */
export function endpointSlicesOf(service: KubeObject, pods: Iterable<KubeObject>): KubeObject[] {
  if (!selectsEndpoints(service)) return [];
  const selected = [...pods].filter((pod) => selectsPod(service, pod))
    .sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1)
    .map((pod) => podEndpoints(service, pod)).filter((pod) => pod !== undefined);
  const wanted = wantedFamilies(service);
  const slices = FAMILIES.filter((family) => wanted?.includes(family) ?? true).flatMap((family) => {
    const groups = portGroups(selected, family);
    const isNeeded = wanted !== undefined || groups.length > 0;
    return isNeeded ? familySlices(service, family, groups) : [];
  });
  return slices.length > 0 ? slices : familySlices(service, wanted?.[0] ?? 4, []);
}

/** What one Pod is to a Service: its ports, and an endpoint for each family that it has addresses of and the Service serves. */
export interface PodEndpoints {
  readonly ports: readonly JsonObject[];
  readonly byFamily: ReadonlyMap<IpVersion, JsonObject>;
}

/** What a Pod is to a Service of its namespace; `undefined` where it is nothing: not selected, ended, or without such an address. */
export function podEndpoints(service: KubeObject, pod: KubeObject): PodEndpoints | undefined {
  if (!selectsPod(service, pod) || hasEnded(pod)) return undefined;
  const byFamily = new Map<IpVersion, JsonObject>();
  const addresses = podAddresses(pod).map((text) => ({ text, version: parseIp(text)?.version }));
  for (const family of wantedFamilies(service) ?? FAMILIES) {
    const own = addresses.filter(({ version }) => version === family).map(({ text }) => text);
    if (own.length > 0) byFamily.set(family, endpointOf(service, pod, own));
  }
  return byFamily.size === 0 ? undefined : { ports: endpointPorts(service, pod), byFamily };
}

/** Endpoints that have the same ports. */
interface PortGroup {
  readonly ports: readonly JsonObject[];
  readonly endpoints: JsonObject[];
}

/** The endpoints of one family, by their ports, in an order that rests on the ports alone. */
function portGroups(pods: readonly PodEndpoints[], family: IpVersion): PortGroup[] {
  const groups = new Map<string, PortGroup>();
  for (const { ports, byFamily } of pods) {
    const endpoint = byFamily.get(family);
    if (endpoint === undefined) continue;
    const key = canonicalJson(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpoint);
    groups.set(key, group);
  }
  return [...groups].sort(([a], [b]) => a < b ? -1 : 1).map(([, group]) => group);
}

/** The slices of one family: one empty slice where there are no endpoints, else as many as the largest size of a slice asks for. */
function familySlices(service: KubeObject, family: IpVersion, groups: readonly PortGroup[]): KubeObject[] {
  const parts = groups.flatMap(({ ports, endpoints }) => {
    const count = Math.ceil(endpoints.length / ENDPOINTS_MAX);
    return Array.from({ length: count }, (_, at) => ({
      ports,
      endpoints: endpoints.slice(at * ENDPOINTS_MAX, (at + 1) * ENDPOINTS_MAX),
    }));
  });
  const all = parts.length === 0 ? [{ ports: [], endpoints: [] }] : parts;
  return all.map((part, at) => sliceOf(service, { family, ...part, suffix: at === 0 ? "" : `-${at + 1}` }));
}

function sliceOf(
  service: KubeObject,
  { family, ports, endpoints, suffix }: {
    readonly family: IpVersion;
    readonly ports: readonly JsonObject[];
    readonly endpoints: readonly JsonObject[];
    readonly suffix: string;
  },
): KubeObject {
  const { name: serviceName, namespace = "", uid, creationTimestamp, labels = {} } = service.metadata;
  const name = `${serviceName}-tortie-${family}${suffix}`;
  const owner = { apiVersion: "v1", kind: "Service", name: serviceName, controller: true, blockOwnerDeletion: true };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name,
      namespace,
      ...(uid === undefined ? {} : { uid: namedUid(derivedUid(uid), name) }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      labels: {
        ...labels,
        [SERVICE_NAME_LABEL]: serviceName,
        [MANAGED_BY_LABEL]: MANAGED_BY,
        ...(service.spec?.clusterIP === HEADLESS ? { [HEADLESS_LABEL]: "" } : {}),
      },
      ...(uid === undefined ? {} : { ownerReferences: [{ ...owner, uid }] }),
    },
    addressType: `IPv${family}`,
    endpoints: [...endpoints],
    ports: [...ports],
  };
}

/** The families that a Service says it has; `undefined` where it leaves that open. */
function wantedFamilies({ spec = {} }: KubeObject): readonly IpVersion[] | undefined {
  const named = texts(spec.ipFamilies);
  const byName = FAMILIES.filter((family) => named.includes(`IPv${family}`));
  if (byName.length > 0) return byName;
  const addresses = [...texts(spec.clusterIPs), ...texts([spec.clusterIP ?? null])];
  const versions = addresses.map((address) => parseIp(address)?.version);
  const byAddress = FAMILIES.filter((family) => versions.includes(family));
  return byAddress.length > 0 ? byAddress : undefined;
}

/** The ports of a Service as a Pod has them; a name that the Pod does not know is left out. */
function endpointPorts(service: KubeObject, pod: KubeObject): JsonObject[] {
  return objects(service.spec?.ports).flatMap((port) => {
    const protocol = text(port.protocol) ?? "TCP";
    const number = targetNumber(port, protocol, pod);
    if (number === undefined) return [];
    const { appProtocol } = port;
    return [{
      name: text(port.name) ?? "",
      protocol,
      port: number,
      ...(typeof appProtocol === "string" ? { appProtocol } : {}),
    }];
  });
}

function targetNumber(port: JsonObject, protocol: string, pod: KubeObject): number | undefined {
  const target = isSet(port.targetPort) ? port.targetPort : port.port;
  if (typeof target === "number") return target;
  const named = namingContainers(pod).flatMap((container) => objects(container.ports))
    .find((each) => each.name === target && (text(each.protocol) ?? "TCP") === protocol);
  return typeof named?.containerPort === "number" ? named.containerPort : undefined;
}

/** Containers whose ports have names: those that run as long as the Pod does. */
function namingContainers({ spec = {} }: KubeObject): JsonObject[] {
  const sidecars = objects(spec.initContainers).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...objects(spec.containers), ...sidecars];
}

function endpointOf(service: KubeObject, pod: KubeObject, addresses: readonly string[]): JsonObject {
  const { name, namespace = "", uid, deletionTimestamp } = pod.metadata;
  const serving = objects(pod.status?.conditions).some(({ type, status }) => type === "Ready" && status === "True");
  const terminating = deletionTimestamp !== undefined;
  const ready = service.spec?.publishNotReadyAddresses === true || serving && !terminating;
  const nodeName = text(pod.spec?.nodeName);
  const hostname = pod.spec?.subdomain === service.metadata.name ? text(pod.spec?.hostname) : undefined;
  return {
    addresses: [...addresses],
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: "Pod", namespace, name, ...(uid === undefined ? {} : { uid }) },
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}

function hasEnded({ status = {} }: KubeObject): boolean {
  return status.phase === "Succeeded" || status.phase === "Failed";
}

/** Addresses that the Pod's status tells, in its order. */
function podAddresses({ status = {} }: KubeObject): string[] {
  const listed = objects(status.podIPs).map(({ ip }) => text(ip)).filter((ip) => ip !== undefined);
  const single = text(status.podIP);
  return listed.length > 0 || single === undefined ? listed : [single];
}

function isSet(value: Json | undefined): value is number | string {
  return typeof value === "number" && value !== 0 || typeof value === "string" && value !== "";
}

function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function texts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
