/**
 * Short ways to write the objects and facts that projections read, for tests.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import { interfaceNameFor } from "#/base/names.ts";
import type { BlockGranted, EndpointBound } from "#/events/catalog.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Labels or annotations. */
type Texts = Readonly<Record<string, string>>;

/** A Namespace. */
export function namespace(name: string, labels: Texts = {}): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** A ServiceAccount. */
export function serviceAccount(namespace: string, name: string, labels: Texts = {}): KubeObject {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace, labels } };
}

/** A core Node with an address on the fabric, `172.30.0.1/24`. */
export function node(
  name: string,
  address: string | undefined,
  labels: Texts = {},
  annotations: Texts = {},
): KubeObject {
  const network: Texts = address === undefined ? {} : { "projectcalico.org/IPv4Address": address };
  return { apiVersion: "v1", kind: "Node", metadata: { name, labels, annotations: { ...network, ...annotations } } };
}

/** What a test says of a Pod; the rest has defaults. */
export interface PodOptions {
  readonly node?: string;
  readonly labels?: Texts;
  readonly uid?: string;
  readonly ports?: readonly JsonObject[];
  readonly podIPs?: readonly string[];
  readonly phase?: string;
  readonly hostNetwork?: boolean;
  readonly serviceAccountName?: string;
  readonly deletionTimestamp?: string;
}

/** A Pod. */
export function pod(namespace: string, name: string, options: PodOptions = {}): KubeObject {
  const { deletionTimestamp, uid } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: options.labels ?? {},
      ...(uid === undefined ? {} : { uid }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    spec: {
      ...(options.node === undefined ? {} : { nodeName: options.node }),
      ...(options.hostNetwork === undefined ? {} : { hostNetwork: options.hostNetwork }),
      ...(options.serviceAccountName === undefined ? {} : { serviceAccountName: options.serviceAccountName }),
      containers: [{ name: "main", image: "x", ...(options.ports === undefined ? {} : { ports: options.ports }) }],
    },
    status: {
      phase: options.phase ?? "Running",
      ...(options.podIPs === undefined ? {} : { podIPs: options.podIPs.map((ip) => ({ ip })) }),
    },
  };
}

/** A Service. */
export function service(namespace: string, name: string, spec: JsonObject): KubeObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec };
}

/** A slice that a controller wrote for a Service. */
export function endpointSlice(
  namespace: string,
  name: string,
  service: string,
  addresses: readonly string[],
): KubeObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    endpoints: addresses.map((address) => ({ addresses: [address] })),
    ports: [{ name: "", protocol: "TCP", port: 80 }],
  };
}

/** The sandbox of a Pod. */
export function bound(
  namespace: string,
  name: string,
  options: {
    readonly node: string;
    readonly addresses: readonly string[];
    readonly containerId?: string;
    readonly podUid?: string;
  },
): EndpointBound {
  return {
    node: options.node,
    namespace,
    pod: name,
    podUid: options.podUid ?? "",
    containerId: options.containerId ?? `c-${name}`,
    interfaceName: interfaceNameFor(namespace, name),
    mac: "ee:ee:ee:ee:ee:01",
    addresses: options.addresses,
    netns: `/run/netns/${name}`,
  };
}

/** A block in a node's hands. */
export function block(cidr: string, node: string, pool = "pool"): BlockGranted {
  return { cidr, node, pool };
}

/** A v3 object of a cluster-scoped kind. */
export function v3(kind: string, name: string, spec: JsonObject): KubeObject {
  return { apiVersion: "projectcalico.org/v3", kind, metadata: { name }, spec };
}

/** A v3 object of a namespaced kind. */
export function namespacedV3(kind: string, namespace: string, name: string, spec: JsonObject): KubeObject {
  return { apiVersion: "projectcalico.org/v3", kind, metadata: { name, namespace }, spec };
}
