/**
 * Which objects are views of others, and which views a change touches. The fold asks it after every change and keeps the views in the same collections
 * as stored objects, so that readers need not know the difference.
 *
 * @module
 */
import {
  type Change,
  type ClusterState,
  type FactChange,
  getObject,
  type ObjectChange,
} from "#/projections/cluster_state.ts";
import { ENDPOINT_SLICES, slicesAfter } from "#/projections/endpoint_slice_view.ts";
import { nodeFromCore } from "#/projections/node_view.ts";
import { POD_ORCHESTRATOR, podEndpointName, workloadEndpointOf } from "#/projections/workload_endpoint_view.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";
import { isWorkedOutSliceName } from "#/resources/service_endpoints.ts";

/** Collection of the v3 Nodes, all of them views of core Nodes. */
export const NODES = "projectcalico.org/nodes";
/** Collection of the WorkloadEndpoints: views of Pods, and objects that users wrote for other orchestrators. */
export const WORKLOAD_ENDPOINTS = "projectcalico.org/workloadendpoints";

/** A view as it must be after a change; absent when it must not be there. */
export interface ViewUpdate {
  readonly collection: string;
  readonly key: string;
  readonly object: KubeObject | undefined;
}

/**
 * Whether an object of the collection is a view, which nobody writes: every v3 Node, a WorkloadEndpoint of the orchestrator `k8s`, and an EndpointSlice
 * under a name that is kept for views.
 *
 * @example
 * ```ts
 * import { isView } from "#/projections/views.ts";
 * const endpoint = { apiVersion: "projectcalico.org/v3", kind: "WorkloadEndpoint", metadata: { name: "e", namespace: "n" }, spec: { orchestrator: "vm" } };
 * if (isView("projectcalico.org/workloadendpoints", endpoint)) throw new Error();
 * ```
 */
export function isView(collection: string, object: KubeObject): boolean {
  if (collection === NODES) return true;
  if (collection === ENDPOINT_SLICES) return isWorkedOutSliceName(object.metadata.name);
  return collection === WORKLOAD_ENDPOINTS && object.spec?.orchestrator === POD_ORCHESTRATOR;
}

/** The views that a change touches, as they must be in the state after it. A view may come out as it was. */
export function viewsAfter(state: ClusterState, change: Change): ViewUpdate[] {
  if (change.kind === "binding") return viewsAfterBinding(state, change);
  if (change.kind !== "object") return [];
  switch (change.collection) {
    case "core/nodes": {
      const object = change.after === undefined ? undefined : nodeFromCore(change.after);
      return [{ collection: NODES, key: change.key, object }];
    }
    case "core/pods":
      return [...viewsAfterPod(state, change), ...sliceUpdates(state, change)];
    case "core/services":
    case ENDPOINT_SLICES:
      return sliceUpdates(state, change);
    default:
      return [];
  }
}

function sliceUpdates(state: ClusterState, change: ObjectChange): ViewUpdate[] {
  return slicesAfter(state, change).map((update) => ({ collection: ENDPOINT_SLICES, ...update }));
}

function viewsAfterPod(state: ClusterState, change: ObjectChange): ViewUpdate[] {
  const updates = change.after === undefined ? [] : endpointUpdates(state, change.after);
  // A Pod has one node for life; should the log say otherwise, the view under the old node's name goes.
  if (change.before?.spec?.nodeName === change.after?.spec?.nodeName) return updates;
  const before = change.before === undefined ? undefined : endpointKey(change.before);
  if (before === undefined || updates.some((update) => update.key === before)) return updates;
  return [{ collection: WORKLOAD_ENDPOINTS, key: before, object: undefined }, ...updates];
}

function viewsAfterBinding(state: ClusterState, change: Extract<FactChange, { kind: "binding" }>): ViewUpdate[] {
  const fact = change.after ?? change.before;
  const pod = fact === undefined ? undefined : getObject(state, "core/pods", fact.namespace, fact.pod);
  return pod === undefined ? [] : endpointUpdates(state, pod);
}

function endpointUpdates(state: ClusterState, pod: KubeObject): ViewUpdate[] {
  const key = endpointKey(pod);
  if (key === undefined) return [];
  const object = workloadEndpointOf(pod, state.bindings.get(objectKey(pod.metadata)));
  return [{ collection: WORKLOAD_ENDPOINTS, key, object }];
}

function endpointKey(pod: KubeObject): string | undefined {
  const name = podEndpointName(pod);
  return name === undefined ? undefined : `${pod.metadata.namespace ?? ""}/${name}`;
}
