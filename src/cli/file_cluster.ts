/**
 * A directory of files as a cluster, for questions without a server: read, checked, and made into what the oracle and the compiled policies are asked.
 * What people should know of it (kinds that are ignored, Pods that are no endpoints) goes to standard error.
 *
 * @module
 */
import type { Flow } from "#/policy/oracle/flow.ts";
import { type ResolvedFlow, resolveFlow, type UnresolvedFlow } from "#/policy/oracle/flow.ts";
import type { EndText } from "#/policy/oracle/flow_text.ts";
import type { ManifestObject, Manifests } from "#/policy/manifests/manifest_document.ts";
import type { EndpointFacts } from "#/policy/reach/reach_question.ts";
import { endpointByName, type PolicyWorld, policyWorld } from "#/policy/oracle/world.ts";
import { manifestCrossProblems, type ManifestWorld, manifestWorld } from "#/projections/manifest_world.ts";
import { podSpecOf, podStatusOf } from "#/resources/kinds/pod.ts";
import { failOn, type FileReader, readManifestFiles } from "./manifest_files.ts";
import type { Output } from "./output.ts";

/** Files that were read. */
export interface FileCluster {
  readonly paths: readonly string[];
  readonly read: readonly ManifestObject[];
  readonly world: ManifestWorld;
}

/** Reads files as a cluster; every problem of every file ends the command. */
export async function readFileCluster(
  paths: readonly string[],
  output: Output,
  reader?: FileReader,
): Promise<FileCluster> {
  const manifests = await readManifestFiles(paths, reader);
  failOn(manifestCrossProblems(manifests.objects));
  noteIgnored(manifests, output);
  const world = manifestWorld(manifests.objects);
  for (const note of world.notes) output.note(note);
  return { paths, read: manifests.objects, world };
}

/** One line for every kind that was not read. */
export function noteIgnored({ ignored }: Manifests, output: Output): void {
  for (const { kind, apiVersion, count } of ignored) {
    output.note(`Ignored ${count} of kind ${kind} (${apiVersion}): policy does not rest on it`);
  }
}

/** What is known of the endpoints of files. */
export function endpointFactsOf({ workloads, synthetic }: ManifestWorld): EndpointFacts {
  return { workloads, synthetic: new Set([...synthetic.values()].flat()) };
}

/** Finds the ends of flows in a cluster of files. */
export interface FlowResolver {
  readonly policies: PolicyWorld;
  readonly resolve: (flow: Flow) => ResolvedFlow | UnresolvedFlow;
}

/**
 * Finds ends by the names of Pods and WorkloadEndpoints, else by those of workloads, which mean the first of their endpoints: one stands for all, as far as
 * their labels and ports are the same. A Pod in the network of its node means the address that its status tells.
 */
export function flowResolver(
  { read, world: { objects, workloads } }: Pick<FileCluster, "read" | "world">,
): FlowResolver {
  const policies = policyWorld(objects);
  const first = new Map<string, string>();
  for (const { id } of policies.endpoints) {
    const workload = workloads.get(id);
    if (workload !== undefined && !first.has(workload)) first.set(workload, id);
  }
  for (const { metadata, spec } of objects.workloadEndpoints) {
    const name = `${metadata.namespace ?? ""}/${typeof spec?.workload === "string" ? spec.workload : ""}`;
    if (!first.has(name)) first.set(name, `${metadata.namespace ?? ""}/${metadata.name}`);
  }
  const endOf = (end: EndText): EndText => {
    if (end.kind === "address" || endpointByName(policies, end.namespace, end.name) !== undefined) return end;
    const id = first.get(`${end.namespace}/${end.name}`);
    return id === undefined ? hostAddressOf(read, end) ?? end : { ...end, name: id.slice(id.indexOf("/") + 1) };
  };
  return {
    policies,
    resolve: (flow) =>
      resolveFlow(policies, { ...flow, source: endOf(flow.source), destination: endOf(flow.destination) }),
  };
}

/** The address of a Pod that is in the network of its node. */
function hostAddressOf(
  read: readonly ManifestObject[],
  { namespace, name }: Extract<EndText, { kind: "workload" }>,
): EndText | undefined {
  const pod = read.find(({ collection, object: { metadata } }) =>
    collection === "core/pods" && metadata.namespace === namespace && metadata.name === name
  )?.object;
  if (pod === undefined || podSpecOf(pod).hostNetwork !== true) return undefined;
  const { podIPs = [], podIP = "" } = podStatusOf(pod);
  const address = podIPs[0]?.ip ?? podIP;
  return address === "" ? undefined : { kind: "address", address };
}
