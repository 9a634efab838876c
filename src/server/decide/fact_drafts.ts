/**
 * Makes the events of facts: what nodes tell, and what follows when a node is gone. Called by the decisions that accept them.
 *
 * @module
 */
import { FACT_PLURALS, FACT_SCHEMA_VERSION, type FactPayloads, type FactType, TORTIE_GROUP } from "#/events/catalog.ts";
import { dashed, type EndpointUnbound } from "#/events/catalog.ts";
import { type EventContext, type EventDraft, streamOf } from "#/events/envelope.ts";
import { compareBytewise } from "#/base/bytewise.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";

/** The part of an event's object that facts differ in. */
export interface FactObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The object of a fact that belongs to the cluster. */
export function factObject(kind: string, name: string): FactObject {
  return { kind, namespace: "", name, uid: "" };
}

/** The object of a fact about a Pod's sandbox. */
export function endpointObject(
  { namespace, pod }: Pick<EndpointUnbound, "namespace" | "pod">,
  uid: string,
): FactObject {
  return { kind: "Endpoint", namespace, name: pod, uid };
}

/** The event of a fact, with the next revision of its stream. */
export function factDraft<T extends FactType>(
  { state, context }: { readonly state: ClusterState; readonly context: EventContext },
  type: T,
  object: FactObject,
  payload: FactPayloads[T],
): EventDraft {
  const { namespace, name } = object;
  const stream = streamOf({ group: TORTIE_GROUP, plural: FACT_PLURALS[type], namespace, name });
  return {
    stream,
    revision: (state.origins.get(stream)?.revision ?? 0) + 1,
    type,
    schemaVersion: FACT_SCHEMA_VERSION,
    object: { group: TORTIE_GROUP, ...object },
    payload: JSON.stringify(payload),
    context,
  };
}

/**
 * What ends with a node that is deleted: its sandboxes, the addresses it had assigned and its blocks, in this order. Only its owner may take a block back
 * otherwise; with the node gone there is no owner left to ask (design section 8).
 */
export function departureDrafts(
  scope: { readonly state: ClusterState; readonly context: EventContext },
  node: string,
): EventDraft[] {
  const ofNode = <R extends { readonly node: string }>(records: ReadonlyMap<string, R>): R[] =>
    [...records].filter(([, record]) => record.node === node).sort(([a], [b]) => compareBytewise(a, b))
      .map(([, record]) => record);
  const { bindings, addresses, blocks } = scope.state;
  return [
    ...ofNode(bindings).map(({ namespace, pod, podUid, containerId }) =>
      factDraft(scope, "EndpointUnbound", endpointObject({ namespace, pod }, podUid), {
        node,
        namespace,
        pod,
        containerId,
      })
    ),
    ...ofNode(addresses).map(({ address, block, handle }) =>
      factDraft(scope, "AddressReleased", factObject("Address", dashed(address)), { address, block, node, handle })
    ),
    ...ofNode(blocks).map(({ cidr, pool }) =>
      factDraft(scope, "BlockReleased", factObject("Block", dashed(cidr)), { cidr, node, pool })
    ),
  ];
}
