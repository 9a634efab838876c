/**
 * The kinds of Kubernetes that make Pods from a template, and which Pods belong to which of them. Used where files stand in for a cluster: there one
 * Pod, made from the template, stands for all that the workload would have.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { KubeObject, OwnerReference } from "#/resources/object.ts";

/** A kind that makes Pods. */
export interface WorkloadKind {
  readonly kind: string;
  /** `group/plural`. */
  readonly collection: string;
  /** Groups that it is or was in; any version of them. */
  readonly groups: readonly string[];
  /** Where its Pod template stands. */
  readonly template: readonly string[];
}

const TEMPLATE: readonly string[] = ["spec", "template"];

/** The kinds, in the order in which they are preferred as the owner of a name. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = [
  { kind: "Deployment", collection: "apps/deployments", groups: ["apps", "extensions"], template: TEMPLATE },
  { kind: "StatefulSet", collection: "apps/statefulsets", groups: ["apps"], template: TEMPLATE },
  { kind: "DaemonSet", collection: "apps/daemonsets", groups: ["apps", "extensions"], template: TEMPLATE },
  { kind: "ReplicaSet", collection: "apps/replicasets", groups: ["apps", "extensions"], template: TEMPLATE },
  { kind: "ReplicationController", collection: "core/replicationcontrollers", groups: [""], template: TEMPLATE },
  {
    kind: "CronJob",
    collection: "batch/cronjobs",
    groups: ["batch"],
    template: ["spec", "jobTemplate", "spec", "template"],
  },
  { kind: "Job", collection: "batch/jobs", groups: ["batch"], template: TEMPLATE },
];

/** Label of Pods and ReplicaSets that a Deployment made: what it appends to its name to name its ReplicaSets. */
const TEMPLATE_HASH_LABEL = "pod-template-hash";

/** The workload kind of an object by what it says of itself; `undefined` for other kinds. */
export function workloadKindOf(group: string, kind: string): WorkloadKind | undefined {
  return WORKLOAD_KINDS.find((known) => known.kind === kind && known.groups.includes(group));
}

/** The Pod that a workload's template describes, with the workload's name and namespace; `undefined` without a template. */
export function podTemplateOf(workload: JsonObject, kind: WorkloadKind): JsonObject | undefined {
  let template: Json | undefined = workload;
  for (const key of kind.template) template = isJsonObject(template) ? template[key] : undefined;
  const metadata = isJsonObject(workload.metadata) ? workload.metadata : {};
  if (!isJsonObject(template)) return undefined;
  const own = isJsonObject(template.metadata) ? template.metadata : {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    ...template,
    metadata: { ...own, name: metadata.name, namespace: metadata.namespace },
  };
}

/** A workload by kind and name within a namespace. */
export interface WorkloadName {
  readonly kind: string;
  readonly name: string;
}

/**
 * The workload that a Pod belongs to: its controller, and that one's controller, as far up as is known. A ReplicaSet that is not among the objects is
 * taken for its Deployment's when its name ends with the Pod's template hash, or is that of a known Deployment with one more part.
 *
 * @param object a Pod, or a workload that another one made
 * @param find an object by `kind/namespace/name`
 * @returns `undefined` for what has no controller
 *
 * @example
 * ```ts
 * import { ownerOf } from "#/policy/manifests/manifest_workloads.ts";
 * const owner = ownerOf({
 *   apiVersion: "v1", kind: "Pod",
 *   metadata: {
 *     name: "web-7d4b-x2x", namespace: "shop", labels: { "pod-template-hash": "7d4b" },
 *     ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-7d4b", uid: "u", controller: true }],
 *   },
 * }, () => undefined);
 * if (owner?.kind !== "Deployment" || owner.name !== "web") throw new Error(JSON.stringify(owner));
 * ```
 */
export function ownerOf(object: KubeObject, find: (key: string) => KubeObject | undefined): WorkloadName | undefined {
  let current = object;
  let owner: WorkloadName | undefined;
  // Each kind stands above the last one at most once: Pod, ReplicaSet or Job, Deployment or CronJob.
  for (let levels = 0; levels < WORKLOAD_KINDS.length; levels++) {
    const reference = controllerOf(current);
    if (reference === undefined) return owner;
    const above = find(`${reference.kind}/${object.metadata.namespace ?? ""}/${reference.name}`);
    if (above === undefined) {
      return deploymentOf(current, reference, find) ?? { kind: reference.kind, name: reference.name };
    }
    owner = { kind: reference.kind, name: reference.name };
    current = above;
  }
  return owner;
}

function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  const references = Array.isArray(metadata.ownerReferences) ? metadata.ownerReferences : [];
  return references.find((reference) => reference.controller === true) ??
    (references.length === 1 ? references[0] : undefined);
}

function deploymentOf(
  { metadata }: KubeObject,
  { kind, name }: OwnerReference,
  find: (key: string) => KubeObject | undefined,
): WorkloadName | undefined {
  if (kind !== "ReplicaSet") return undefined;
  const hash = metadata.labels?.[TEMPLATE_HASH_LABEL];
  const isHashed = hash !== undefined && name.endsWith(`-${hash}`);
  const deployment = name.slice(0, isHashed ? -hash.length - 1 : Math.max(name.lastIndexOf("-"), 0));
  const isKnown = find(`Deployment/${metadata.namespace ?? ""}/${deployment}`) !== undefined;
  return isHashed || isKnown ? { kind: "Deployment", name: deployment } : undefined;
}
