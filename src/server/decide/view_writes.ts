/**
 * Writes to views. A v3 Node is a view of the core Node: what users write of it becomes annotations and labels of the core object, which is what the log
 * holds. WorkloadEndpoints that are views of Pods take no writes. The inverse of `projections/node_view.ts`; called where other objects are stored.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { isJsonObject, type JsonObject } from "#/base/json.ts";
import type { Rejection } from "#/base/problem.ts";
import { type ClusterState, getObject } from "#/projections/cluster_state.ts";
import { ENDPOINT_SLICES } from "#/projections/endpoint_slice_view.ts";
import { nodeFromCore } from "#/projections/node_view.ts";
import { diffValues } from "#/projections/object_diff.ts";
import { isView, NODES, WORKLOAD_ENDPOINTS } from "#/projections/views.ts";
import { NODE_ANNOTATIONS } from "#/resources/kinds/calico_node.ts";
import { collectionKey, type KubeObject, type ManagedFieldsEntry, type ObjectRef } from "#/resources/object.ts";
import { isWorkedOutSliceName } from "#/resources/service_endpoints.ts";
import type { Decision } from "#/server/decide/command.ts";
import { REASON_ANNOTATION, withReason } from "#/server/decide/drafts.ts";
import { LAST_APPLIED_ANNOTATION } from "#/server/decide/last_applied.ts";
import { listRulesOf } from "#/server/decide/list_rules.ts";
import { decodeOwners, encodeOwners, ownersAfterUpdate } from "#/server/decide/managed_fields.ts";
import { objectToJson } from "#/server/decide/object_json.ts";
import { forbidden, invalidObject } from "#/server/decide/refusals.ts";
import { type ObjectWrite, secondsOf, type Target, type WriteScope } from "#/server/decide/scope.ts";
import { storeObject } from "#/server/decide/store_object.ts";

const CORE_NODES = { group: "", plural: "nodes" } as const;
const VIEW_VERSION = "projectcalico.org/v3";

/** Annotation of the core Node for each field that its view shows from one. */
const ANNOTATED_FIELDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  [NODE_ANNOTATIONS.asNumber]: ["spec", "bgp", "asNumber"],
  [NODE_ANNOTATIONS.ipv4Address]: ["spec", "bgp", "ipv4Address"],
  [NODE_ANNOTATIONS.ipv6Address]: ["spec", "bgp", "ipv6Address"],
  [NODE_ANNOTATIONS.ipv4IPIPTunnelAddr]: ["spec", "bgp", "ipv4IPIPTunnelAddr"],
  [NODE_ANNOTATIONS.routeReflectorClusterID]: ["spec", "bgp", "routeReflectorClusterID"],
  [NODE_ANNOTATIONS.ipv4VXLANTunnelAddr]: ["spec", "ipv4VXLANTunnelAddr"],
  [NODE_ANNOTATIONS.ipv6VXLANTunnelAddr]: ["spec", "ipv6VXLANTunnelAddr"],
  [NODE_ANNOTATIONS.vxlanTunnelMACAddr]: ["spec", "vxlanTunnelMACAddr"],
  [NODE_ANNOTATIONS.interfaceIPv4Address]: ["spec", "wireguard", "interfaceIPv4Address"],
  [NODE_ANNOTATIONS.interfaceIPv6Address]: ["spec", "wireguard", "interfaceIPv6Address"],
  [NODE_ANNOTATIONS.wireguardPublicKey]: ["status", "wireguardPublicKey"],
  [NODE_ANNOTATIONS.wireguardPublicKeyV6]: ["status", "wireguardPublicKeyV6"],
};

/** Annotations of tools that a v3 Node need not keep, so that nobody is warned about them. */
const PASSING_ANNOTATIONS: readonly string[] = [LAST_APPLIED_ANNOTATION, REASON_ANNOTATION];

/** Whether a reference is to a v3 Node. */
export function isNodeView(ref: ObjectRef): boolean {
  return collectionKey(ref) === NODES;
}

/** The core Node behind a v3 Node. */
export function coreNodeRef(ref: ObjectRef): ObjectRef {
  return { ...CORE_NODES, namespace: "", name: ref.name };
}

/**
 * Why an object takes no writes, or `undefined`: WorkloadEndpoints of Pods follow their Pod, and EndpointSlices under the names of views follow their Service
 * and its Pods.
 */
export function endpointRefusal(ref: ObjectRef, object: KubeObject): Rejection | undefined {
  const collection = collectionKey(ref);
  if (collection === ENDPOINT_SLICES) return sliceRefusal(ref);
  if (collection !== WORKLOAD_ENDPOINTS || !isView(collection, object)) return undefined;
  const pod = typeof object.spec?.pod === "string" ? ` "${ref.namespace}/${object.spec.pod}"` : "";
  return forbidden(ref, `it is a view of Pod${pod}: change the Pod instead`);
}

function sliceRefusal(ref: ObjectRef): Rejection | undefined {
  if (!isWorkedOutSliceName(ref.name)) return undefined;
  return forbidden(ref, "its name is kept for views of Services and their Pods: write a slice under another name");
}

/** What a write finds under a reference. A v3 Node comes with the managed fields of its own writers, which the core Node keeps for it. */
export function liveObject(state: ClusterState, ref: ObjectRef): Pick<Target, "live" | "versions"> {
  const object = getObject(state, collectionKey(ref), ref.namespace, ref.name);
  if (object === undefined) return { live: undefined, versions: [] };
  const core = isNodeView(ref) ? getObject(state, "core/nodes", "", ref.name) : undefined;
  const live = core === undefined ? object : withManagedFields(object, viewOwners(core));
  const versions = [object, core].map((known) => known?.metadata.resourceVersion).filter((one) => one !== undefined);
  return { live, versions };
}

/**
 * The core Node that has a v3 Node as its view. Fields of the view that are worked out (addresses of the node's status, orchestrator references, Pod
 * networks) stay as the core Node has them; so does everything that the view does not show.
 *
 * @param core as it is now; `undefined` when the v3 Node is new
 *
 * @example
 * ```ts
 * import { coreFromNode } from "#/server/decide/view_writes.ts";
 * const core = coreFromNode(undefined, {
 *   apiVersion: "projectcalico.org/v3", kind: "Node", metadata: { name: "node1" }, spec: { bgp: { asNumber: 64512 } },
 * });
 * if (core.metadata.annotations?.["projectcalico.org/ASNumber"] !== "64512") throw new Error(JSON.stringify(core));
 * ```
 */
export function coreFromNode(core: KubeObject | undefined, node: KubeObject): KubeObject {
  const base = core ?? { apiVersion: "v1", kind: "Node", metadata: newCoreMetadata(node) };
  const { labels: _, annotations: __, resourceVersion: ___, ...metadata } = base.metadata;
  const annotations = new Map(Object.entries(base.metadata.annotations ?? {}));
  for (const [key, path] of Object.entries(ANNOTATED_FIELDS)) {
    const value = valueAt(objectToJson(node), path);
    if (value === undefined) annotations.delete(key);
    else annotations.set(key, value);
  }
  const labels = node.metadata.labels;
  return {
    ...base,
    metadata: {
      ...metadata,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
    },
  };
}

function newCoreMetadata({ metadata }: KubeObject): KubeObject["metadata"] {
  const { name, uid, creationTimestamp, generation } = metadata;
  return {
    name,
    ...(uid === undefined ? {} : { uid }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(generation === undefined ? {} : { generation }),
  };
}

function valueAt(object: JsonObject, path: readonly string[]): string | undefined {
  let value: unknown = object;
  for (const member of path) value = isJsonObject(value) ? value[member] : undefined;
  return typeof value === "string" && value !== "" || typeof value === "number" ? String(value) : undefined;
}

/** Stores a v3 Node by storing the core Node. Fields that the view cannot keep are told in warnings. */
export function storeNodeView(scope: WriteScope, write: ObjectWrite): Decision {
  const kind = scope.kinds.find(CORE_NODES.group, CORE_NODES.plural);
  assert(kind !== undefined, "Expected the kind of core Nodes to be served");
  const ref = coreNodeRef(write.ref);
  const before = getObject(scope.state, "core/nodes", "", ref.name);
  const admission = scope.kinds.admit(kind, coreFromNode(before, write.after), before, "Ignore");
  if (admission.problems.length > 0) return invalidObject(kind, ref.name, admission.problems);
  const after = withManagedFields(admission.object, coreOwners(scope, write, before, admission.object));
  const asked = { ...scope, context: withReason(scope.context, write.after) };
  const decision = storeObject(asked, { ...write, kind, ref, before, after });
  if (decision.kind === "rejected") return decision;
  const view = withManagedFields(nodeFromCore(after), viewOwners(after));
  const { resourceVersion } = decision.object?.metadata ?? {};
  return {
    ...decision,
    object: resourceVersion === undefined ? view : { ...view, metadata: { ...view.metadata, resourceVersion } },
    warnings: [...decision.warnings, ...lostFields(write, view)],
  };
}

/** The core Node's own record after the write, with that of the view carried along. */
function coreOwners(
  scope: WriteScope,
  { after: view, manager }: ObjectWrite,
  before: KubeObject | undefined,
  after: KubeObject,
): readonly ManagedFieldsEntry[] {
  const owners = (decodeOwners(before?.metadata.managedFields) ?? []).filter((owner) =>
    owner.apiVersion !== VIEW_VERSION
  );
  const updated = ownersAfterUpdate({
    before: before === undefined ? {} : objectToJson(before),
    after: objectToJson(after),
    owners,
    writer: { manager, operation: "Update", apiVersion: "v1", subresource: "" },
    time: secondsOf(scope.inputs),
    rules: listRulesOf(scope.kinds.find(CORE_NODES.group, CORE_NODES.plural)?.mergeKeys),
  });
  return encodeOwners([...updated, ...decodeOwners(view.metadata.managedFields) ?? []]);
}

function viewOwners(core: KubeObject): readonly ManagedFieldsEntry[] {
  return (core.metadata.managedFields ?? []).filter((entry) => entry.apiVersion === VIEW_VERSION);
}

function withManagedFields(object: KubeObject, managedFields: readonly ManagedFieldsEntry[]): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(managedFields.length === 0 ? {} : { managedFields }) } };
}

/** Warnings for what the user changed and the view does not show. */
function lostFields({ before, after }: ObjectWrite, view: KubeObject): readonly string[] {
  const asked = new Set(keepable(before, after).map(({ path }) => path));
  return keepable(view, after).filter(({ path, after: wanted }) => wanted !== undefined && asked.has(path))
    .map(({ path }) => `${path} of a Node is worked out from the core Node: the value given was not kept`);
}

function keepable(before: KubeObject | undefined, after: KubeObject): ReturnType<typeof diffValues> {
  return diffValues(shown(before), shown(after)).filter(({ path }) => path !== "");
}

function shown(object: KubeObject | undefined): JsonObject {
  const annotations = Object.entries(object?.metadata.annotations ?? {})
    .filter(([key]) => !PASSING_ANNOTATIONS.includes(key));
  const { finalizers, ownerReferences } = object?.metadata ?? {};
  const metadata: JsonObject = {
    ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
    ...(finalizers === undefined ? {} : { finalizers }),
    ...(ownerReferences === undefined ? {} : { ownerReferences: ownerReferences.map(({ uid }) => uid) }),
  };
  return { metadata, spec: object?.spec ?? {}, status: object?.status ?? {} };
}
