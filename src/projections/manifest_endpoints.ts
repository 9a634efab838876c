/**
 * Endpoints of files: the WorkloadEndpoint of every Pod, of one Pod for every workload that has none in the files, and those that stand in the files
 * themselves. Addresses that nobody knows are made up from ranges that no network uses.
 *
 * @module
 */
import { formatIp, type Ip, parseIp } from "#/base/ip.ts";
import { interfaceNameFor } from "#/base/names.ts";
import { ownerOf, WORKLOAD_KINDS } from "#/policy/manifests/manifest_workloads.ts";
import type { ManifestObject } from "#/policy/manifests/manifest_document.ts";
import { workloadEndpointOf } from "#/projections/workload_endpoint_view.ts";
import { podSpecOf, podStatusOf } from "#/resources/kinds/pod.ts";
import { workloadEndpointSpecOf } from "#/resources/kinds/workload_endpoint.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";

/** First made-up addresses: below 240.0.0.0/4 (reserved) and 100::/64 (discard-only), which no network uses. */
const SYNTHETIC_FIRST: readonly Ip[] = [parseIp("240.0.0.1")!, parseIp("100::1")!];

/** Node of Pods that have none. Policy does not look at it; an endpoint must have one. */
const UNSCHEDULED_NODE = "unscheduled";

/** Endpoints, and how they came to be. */
export interface ManifestEndpoints {
  readonly endpoints: readonly KubeObject[];
  /** All Pods, those that stand for workloads too. */
  readonly pods: readonly KubeObject[];
  /** The same with their addresses, and Pods for endpoints that stand without: what Services select from. */
  readonly servicePods: readonly KubeObject[];
  /** Made-up addresses, by endpoint id. */
  readonly synthetic: ReadonlyMap<string, readonly string[]>;
  /** What people should know: Pods that are no endpoints. */
  readonly notes: readonly string[];
}

/**
 * Makes the endpoints. A Pod whose endpoint stands in the files has that one; a workload counts whatever its number of replicas, unless another one
 * owns it and it has none.
 *
 * @param known made-up addresses that endpoints already have, so that two sets of files can be compared
 */
export function manifestEndpoints(
  objects: readonly ManifestObject[],
  known: ReadonlyMap<string, readonly string[]> = new Map(),
): ManifestEndpoints {
  const written = objects.filter(({ collection }) => collection === "projectcalico.org/workloadendpoints")
    .map(({ object }) => object);
  const pods = objects.filter(({ collection }) => collection === "core/pods").map(({ object }) => object);
  const all = [...pods, ...standIns(objects, pods)];
  const covered = new Set(
    written.map((endpoint) => `${endpoint.metadata.namespace ?? ""}/${workloadEndpointSpecOf(endpoint).pod ?? ""}`),
  );
  const notes: string[] = [];
  const drafts = [...written.map(withInterface)];
  for (const pod of all) {
    if (covered.has(objectKey(pod.metadata))) continue;
    const reason = noEndpointReason(pod);
    if (reason === undefined) drafts.push(endpointOf(pod));
    else notes.push(`Pod ${objectKey(pod.metadata)} is no workload endpoint: ${reason}`);
  }
  const synthetic = syntheticAddresses(drafts, known);
  const endpoints = drafts.map((endpoint) => withAddresses(endpoint, synthetic.get(objectKey(endpoint.metadata))));
  return { endpoints, pods: all, servicePods: addressedPods(all, endpoints), synthetic, notes };
}

/** Pods as Services see them: with the addresses of their endpoints. */
function addressedPods(pods: readonly KubeObject[], endpoints: readonly KubeObject[]): KubeObject[] {
  const left = new Map(pods.map((pod) => [objectKey(pod.metadata), pod]));
  const ofEndpoints = endpoints.flatMap((endpoint): KubeObject[] => {
    const { namespace = "", labels } = endpoint.metadata;
    const { pod: name = "", ipNetworks = [], ports = [] } = workloadEndpointSpecOf(endpoint);
    if (name === "") return [];
    const pod = left.get(`${namespace}/${name}`);
    left.delete(`${namespace}/${name}`);
    const podIPs = ipNetworks.map((net) => ({ ip: net.slice(0, net.indexOf("/")) }));
    if (pod !== undefined) return [{ ...pod, status: { ...pod.status, podIPs } }];
    const container = {
      name: "ports",
      ports: ports.map(({ port, ...others }) => ({ ...others, containerPort: port })),
    };
    const metadata = { name, namespace, labels };
    return [{ apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [container] }, status: { podIPs } }];
  });
  return [...ofEndpoints, ...left.values()];
}

/**
 * One Pod for every workload that no Pod belongs to. It has the workload's name unless a Pod has it already, or a workload of a kind that goes before.
 */
function standIns(objects: readonly ManifestObject[], pods: readonly KubeObject[]): KubeObject[] {
  const rank = ({ collection }: ManifestObject) => WORKLOAD_KINDS.findIndex((kind) => kind.collection === collection);
  const workloads = objects.filter(({ template }) => template !== undefined).sort((a, b) => rank(a) - rank(b));
  const known = new Map(workloads.map(({ object }) => [workloadKey(object.kind, object), object]));
  const find = (key: string) => known.get(key);
  const peopled = new Set(pods.map((pod) => {
    const owner = ownerOf(pod, find);
    return owner === undefined ? "" : `${owner.kind}/${pod.metadata.namespace ?? ""}/${owner.name}`;
  }));
  const names = new Set(pods.map((pod) => objectKey(pod.metadata)));
  const made: KubeObject[] = [];
  for (const { object, template } of workloads) {
    if (isPartOfAnother(object, find) || peopled.has(workloadKey(object.kind, object))) continue;
    const { name } = object.metadata;
    const isTaken = names.has(objectKey(object.metadata));
    const { apiVersion, kind } = object;
    const metadata = {
      ...template!.metadata,
      name: isTaken ? `${name}-${kind.toLowerCase()}` : name,
      ownerReferences: [{ apiVersion, kind, name, uid: object.metadata.uid ?? "", controller: true }],
    };
    names.add(objectKey(metadata));
    made.push({ ...template!, metadata });
  }
  return made;
}

/** Whether another workload made it: then that one stands for it, or, where that one is not in the files, the Pods that it has. */
function isPartOfAnother(object: KubeObject, find: (key: string) => KubeObject | undefined): boolean {
  const owner = ownerOf(object, find);
  if (owner === undefined) return false;
  return find(`${owner.kind}/${object.metadata.namespace ?? ""}/${owner.name}`) !== undefined ||
    object.spec?.replicas === 0;
}

function workloadKey(kind: string, { metadata }: KubeObject): string {
  return `${kind}/${objectKey(metadata)}`;
}

function noEndpointReason(pod: KubeObject): string | undefined {
  if (podSpecOf(pod).hostNetwork === true) return "it is in the network of its node";
  const { phase } = podStatusOf(pod);
  if (phase === "Succeeded" || phase === "Failed") return "it has finished";
  return pod.metadata.deletionTimestamp === undefined ? undefined : "it is being deleted";
}

/** The endpoint of a Pod as the projection makes it; without addresses where the Pod has none. */
function endpointOf(pod: KubeObject): KubeObject {
  const { nodeName = "" } = podSpecOf(pod);
  const spec = { ...pod.spec, nodeName: nodeName === "" ? UNSCHEDULED_NODE : nodeName };
  const made = workloadEndpointOf({ ...pod, spec }, undefined);
  if (made !== undefined) return made;
  const addressed = workloadEndpointOf({ ...pod, spec, status: { podIPs: [{ ip: "240.0.0.0" }] } }, undefined)!;
  return { ...addressed, spec: { ...addressed.spec, ipNetworks: [] } };
}

/** An endpoint must have an interface for policy to be enforced on it. */
function withInterface(endpoint: KubeObject): KubeObject {
  const { namespace = "", name } = endpoint.metadata;
  const { interfaceName, pod } = workloadEndpointSpecOf(endpoint);
  if ((interfaceName ?? "") !== "") return endpoint;
  return { ...endpoint, spec: { ...endpoint.spec, interfaceName: interfaceNameFor(namespace, pod ?? name) } };
}

function withAddresses(endpoint: KubeObject, synthetic: readonly string[] | undefined): KubeObject {
  if (synthetic === undefined) return endpoint;
  return {
    ...endpoint,
    spec: { ...endpoint.spec, ipNetworks: synthetic.map((ip) => `${ip}/${ip.includes(":") ? 128 : 32}`) },
  };
}

/** One address of each family for every endpoint without any, in order of ids, beside those that are taken. */
function syntheticAddresses(
  endpoints: readonly KubeObject[],
  known: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly string[]> {
  const taken = new Set([...known.values()].flat());
  for (const endpoint of endpoints) {
    for (const net of workloadEndpointSpecOf(endpoint).ipNetworks ?? []) taken.add(net.slice(0, net.indexOf("/")));
  }
  const bare = endpoints.filter((endpoint) => (workloadEndpointSpecOf(endpoint).ipNetworks ?? []).length === 0)
    .map((endpoint) => objectKey(endpoint.metadata)).sort();
  const given = new Map<string, readonly string[]>();
  let next = 0n;
  const free = (): readonly string[] => {
    for (;; next++) {
      const addresses = SYNTHETIC_FIRST.map((ip) => formatIp({ ...ip, value: ip.value + next }));
      if (addresses.some((address) => taken.has(address))) continue;
      next++;
      return addresses;
    }
  };
  for (const id of bare) given.set(id, known.get(id) ?? free());
  return given;
}
