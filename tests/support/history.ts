/**
 * Histories for tests of projections: objects and facts come and go by name, and the events that say so are folded as they are made. Kinds are those that
 * the network reads; nothing is validated, because projections must take whatever the log holds.
 *
 * @module
 */
import type { FactPayloads, FactType, IntentVerb } from "#/events/catalog.ts";
import type { EventChanges } from "#/projections/cluster_state.ts";
import { applyEvent, createState, type FoldableEvent, type MutableClusterState } from "#/projections/fold.ts";
import { dashed, FACT_PLURALS, TORTIE_GROUP } from "#/events/catalog.ts";
import type { JsonObject } from "#/base/json.ts";
import { canonicalJson } from "#/base/json.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";
import { PLAIN_CONTEXT } from "#tests/support/events.ts";

/** Collections of the kinds that tests write. */
const COLLECTIONS: Readonly<Record<string, string>> = {
  "v1 Namespace": "core/namespaces",
  "v1 Pod": "core/pods",
  "v1 Node": "core/nodes",
  "v1 Service": "core/services",
  "v1 ServiceAccount": "core/serviceaccounts",
  "projectcalico.org/v3 Tier": "projectcalico.org/tiers",
  "projectcalico.org/v3 NetworkPolicy": "projectcalico.org/networkpolicies",
  "projectcalico.org/v3 StagedGlobalNetworkPolicy": "projectcalico.org/stagedglobalnetworkpolicies",
  "projectcalico.org/v3 StagedNetworkPolicy": "projectcalico.org/stagednetworkpolicies",
  "projectcalico.org/v3 GlobalNetworkPolicy": "projectcalico.org/globalnetworkpolicies",
  "projectcalico.org/v3 NetworkSet": "projectcalico.org/networksets",
  "projectcalico.org/v3 GlobalNetworkSet": "projectcalico.org/globalnetworksets",
  "projectcalico.org/v3 IPPool": "projectcalico.org/ippools",
  "projectcalico.org/v3 BGPPeer": "projectcalico.org/bgppeers",
  "projectcalico.org/v3 BGPConfiguration": "projectcalico.org/bgpconfigurations",
  "projectcalico.org/v3 StagedKubernetesNetworkPolicy": "projectcalico.org/stagedkubernetesnetworkpolicies",
  "projectcalico.org/v3 HostEndpoint": "projectcalico.org/hostendpoints",
  "projectcalico.org/v3 Profile": "projectcalico.org/profiles",
  "networking.k8s.io/v1 NetworkPolicy": "networking.k8s.io/networkpolicies",
  "policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy": "policy.networking.k8s.io/adminnetworkpolicies",
  "policy.networking.k8s.io/v1alpha1 BaselineAdminNetworkPolicy":
    "policy.networking.k8s.io/baselineadminnetworkpolicies",
  "policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy": "policy.networking.k8s.io/clusternetworkpolicies",
  "discovery.k8s.io/v1 EndpointSlice": "discovery.k8s.io/endpointslices",
  "projectcalico.org/v3 WorkloadEndpoint": "projectcalico.org/workloadendpoints",
  "projectcalico.org/v3 Node": "projectcalico.org/nodes",
};

/** A log in the making and the state that it folds to. */
export interface History {
  readonly events: FoldableEvent[];
  readonly state: MutableClusterState;
}

/** A history without events. */
export function createHistory(): History {
  return { events: [], state: createState() };
}

/** The collection that an object is kept in. */
export function collectionOf(object: KubeObject): string {
  const collection = COLLECTIONS[`${object.apiVersion} ${object.kind}`];
  if (collection === undefined) throw new Error(`Kind must be known to tests: "${object.apiVersion} ${object.kind}"`);
  return collection;
}

/** Creates or replaces an object. The generation grows when the spec changes. */
export function put(history: History, object: KubeObject): EventChanges {
  const old = history.state.collections.get(collectionOf(object))?.get(objectKey(object.metadata));
  const sameSpec = old !== undefined && canonicalJson(old.spec) === canonicalJson(object.spec);
  const generation = old === undefined ? 1 : (old.metadata.generation ?? 0) + (sameSpec ? 0 : 1);
  const stored = { ...object, metadata: { ...object.metadata, generation } };
  return intent(history, stored, old === undefined ? "Created" : "Updated");
}

/** Deletes an object, there or not. */
export function remove(history: History, object: KubeObject): EventChanges {
  return intent(history, object, "Deleted");
}

/** Appends a fact. */
export function fact<T extends FactType>(history: History, type: T, payload: FactPayloads[T]): EventChanges {
  const name = factName(type, payload as unknown as JsonObject);
  return append(history, { stream: `${TORTIE_GROUP}/${FACT_PLURALS[type]}/${name}`, type, payload });
}

/** Appends any event at all and folds it. */
export function append(
  history: History,
  event: { readonly stream: string; readonly type: string; readonly payload: unknown; readonly schemaVersion?: number },
): EventChanges {
  const position = history.state.position + 1;
  const [group, , namespace, ...name] = event.stream.split("/");
  const placed: FoldableEvent = {
    position,
    occurredAt: new Date(position * 1000).toISOString(),
    stream: event.stream,
    revision: (history.state.origins.get(event.stream)?.revision ?? 0) + 1,
    type: event.type,
    schemaVersion: event.schemaVersion ?? 1,
    object: {
      group: group === "core" ? "" : group!,
      kind: "",
      namespace: namespace === "-" ? "" : namespace!,
      name: name.join("/"),
      uid: "",
    },
    payload: typeof event.payload === "string" ? event.payload : JSON.stringify(event.payload),
    context: PLAIN_CONTEXT,
  };
  history.events.push(placed);
  return applyEvent(history.state, placed);
}

function intent(history: History, object: KubeObject, verb: IntentVerb): EventChanges {
  const { namespace, name } = object.metadata;
  const stream = `${collectionOf(object)}/${namespace ?? "-"}/${name}`;
  return append(history, { stream, type: `${object.kind}${verb}`, payload: { object } });
}

function factName(type: FactType, payload: JsonObject): string {
  switch (FACT_PLURALS[type]) {
    case "endpoints":
      return `${payload.namespace}/${payload.pod}`;
    case "blocks":
      return `-/${dashed(String(payload.cidr))}`;
    case "addresses":
      return `-/${dashed(String(payload.address))}`;
    default:
      return `-/${payload.node}`;
  }
}
