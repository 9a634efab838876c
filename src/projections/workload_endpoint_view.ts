/**
 * The WorkloadEndpoint as a view of a Pod and of the sandbox that its node bound for it. Called by the fold (`views.ts`) whenever either changes.
 *
 * @module
 */
import { formatCidr, ipAsCidr } from "#/base/cidr.ts";
import { parseIp } from "#/base/ip.ts";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { derivedUid, interfaceNameFor, workloadEndpointName } from "#/base/names.ts";
import { namespaceProfileName, serviceAccountProfileName } from "#/policy/lowering/profile.ts";
import {
  NAMESPACE_LABEL,
  NAMESPACE_PREFIX,
  SERVICE_ACCOUNT_LABEL,
  SERVICE_ACCOUNT_PREFIX,
} from "#/policy/endpoint_labels.ts";
import type { BindingRecord } from "#/projections/cluster_state.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Orchestrator of Pods. WorkloadEndpoints with it are views, all others are written by users. */
export const POD_ORCHESTRATOR = "k8s";
/** Name of the interface inside every Pod. */
const POD_INTERFACE = "eth0";
/** Labels with these prefixes are inherited from profiles and never a Pod's own, so that no Pod can pose as another namespace's. */
const INHERITED_PREFIXES: readonly string[] = [NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX];
/** Service account of a Pod that names none. */
const DEFAULT_SERVICE_ACCOUNT = "default";

/**
 * The name of a Pod's WorkloadEndpoint, or `undefined` while the Pod has no node. It depends on the Pod's name and node alone.
 */
export function podEndpointName(pod: KubeObject): string | undefined {
  const node = pod.spec?.nodeName;
  if (typeof node !== "string" || node === "") return undefined;
  return workloadEndpointName({
    node,
    orchestrator: POD_ORCHESTRATOR,
    workload: pod.metadata.name,
    endpoint: POD_INTERFACE,
  });
}

/**
 * The WorkloadEndpoint of a Pod, without `resourceVersion`; `undefined` when it has none: no node, no address, the host's network, or finished.
 *
 * Addresses are the sandbox's, else those of the Pod's status. A sandbox of another node or of an earlier Pod of the same name is not this Pod's. The
 * status of a Pod that is going away is not believed, because its addresses may be another's already.
 *
 * @example
 * ```ts
 * import { workloadEndpointOf } from "#/projections/workload_endpoint_view.ts";
 * const endpoint = workloadEndpointOf({
 *   apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop", labels: { app: "web" } },
 *   spec: { nodeName: "node1" }, status: { podIPs: [{ ip: "192.168.0.5" }] },
 * }, undefined);
 * if (endpoint?.metadata.name !== "node1-k8s-web-eth0") throw new Error(JSON.stringify(endpoint));
 * ```
 */
export function workloadEndpointOf(pod: KubeObject, binding: BindingRecord | undefined): KubeObject | undefined {
  const spec = pod.spec ?? {};
  if (spec.hostNetwork === true || isFinished(pod)) return undefined;
  const sandbox = binding !== undefined && belongsTo(binding, pod) ? binding : undefined;
  const ipNetworks = hostNetworks(sandbox?.addresses ?? statusAddresses(pod));
  const name = ipNetworks.length === 0 ? undefined : podEndpointName(pod);
  if (name === undefined) return undefined;
  const namespace = pod.metadata.namespace ?? "";
  const serviceAccount = text(spec.serviceAccountName) ?? DEFAULT_SERVICE_ACCOUNT;
  const ports = podPorts(spec);
  const { uid, creationTimestamp } = pod.metadata;
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "WorkloadEndpoint",
    metadata: {
      name,
      namespace,
      ...(uid === undefined ? {} : { uid: derivedUid(uid) }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      labels: endpointLabels(pod, namespace, serviceAccount),
    },
    spec: {
      orchestrator: POD_ORCHESTRATOR,
      node: spec.nodeName,
      ...(sandbox === undefined ? {} : { containerID: sandbox.containerId }),
      pod: pod.metadata.name,
      endpoint: POD_INTERFACE,
      serviceAccountName: serviceAccount,
      ipNetworks,
      profiles: [namespaceProfileName(namespace), serviceAccountProfileName(namespace, serviceAccount)],
      interfaceName: sandbox?.interfaceName ?? interfaceNameFor(namespace, pod.metadata.name),
      ...(sandbox === undefined ? {} : { mac: sandbox.mac }),
      ...(ports.length === 0 ? {} : { ports }),
    },
  };
}

function belongsTo(binding: BindingRecord, pod: KubeObject): boolean {
  const samePod = binding.podUid === "" || pod.metadata.uid === undefined || binding.podUid === pod.metadata.uid;
  return samePod && binding.node === pod.spec?.nodeName;
}

function isFinished(pod: KubeObject): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

function statusAddresses(pod: KubeObject): string[] {
  if (pod.metadata.deletionTimestamp !== undefined) return [];
  const listed = objects(pod.status?.podIPs).map((entry) => text(entry.ip)).filter((ip) => ip !== undefined);
  const single = text(pod.status?.podIP);
  return listed.length > 0 || single === undefined ? listed : [single];
}

/** Addresses as networks of one address each; what cannot be read is left out. */
function hostNetworks(addresses: readonly string[]): string[] {
  return addresses.map((address) => parseIp(address)).filter((ip) => ip !== undefined).map((ip) =>
    formatCidr(ipAsCidr(ip))
  );
}

function endpointLabels(pod: KubeObject, namespace: string, serviceAccount: string): Record<string, string> {
  const own = Object.entries(pod.metadata.labels ?? {})
    .filter(([key]) => !INHERITED_PREFIXES.some((prefix) => key.startsWith(prefix)));
  return {
    ...Object.fromEntries(own),
    [NAMESPACE_LABEL]: namespace,
    "projectcalico.org/orchestrator": POD_ORCHESTRATOR,
    [SERVICE_ACCOUNT_LABEL]: serviceAccount,
  };
}

/** Ports of all containers that a rule may name or that are published on the host. */
function podPorts(spec: JsonObject): JsonObject[] {
  const containers = [...objects(spec.containers), ...objects(spec.initContainers)];
  return containers.flatMap((container) => objects(container.ports))
    .filter((port) => text(port.name) !== undefined || isSet(port.hostPort))
    .map((port) => ({
      ...(text(port.name) === undefined ? {} : { name: port.name }),
      protocol: text(port.protocol) ?? "TCP",
      port: port.containerPort,
      ...(isSet(port.hostPort) ? { hostPort: port.hostPort } : {}),
      ...(text(port.hostIP) === undefined ? {} : { hostIP: port.hostIP }),
    }));
}

function isSet(port: Json | undefined): boolean {
  return typeof port === "number" && port > 0;
}

function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
