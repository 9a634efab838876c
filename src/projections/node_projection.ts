/**
 * Node states of all nodes, kept up to date by changes of the cluster state. The last projection before the agents: the server's sync hub feeds it and
 * sends what a flush gives.
 *
 * Content is a function of the cluster state it stands for: however it came there, `nodeState` gives the same ({@link buildFromState} is the judge). Per
 * node only reference counts are kept; items are shared.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { ClusterState, EventChanges, ObjectOrigin } from "#/projections/cluster_state.ts";
import {
  applyToFabric,
  concernsFabric,
  copyFabric,
  createFabric,
  createFabricDirt,
  type Fabric,
  type FabricDirt,
} from "#/projections/fabric.ts";
import { diffFabrics, fabricItems } from "#/projections/fabric_items.ts";
import { NODE_ITEM_KINDS, type NodeDelta, type NodeItem, type NodeItemKind } from "#/projections/node_state.ts";
import { flushPolicies, isFlushed, policyItems } from "#/projections/policy_flush.ts";
import { applyToPolicies, createPolicyProjection, type PolicyProjection } from "#/projections/policy_projection.ts";
import { NODES } from "#/projections/views.ts";

/** Node states of all nodes. */
export interface NodeProjection {
  readonly policies: PolicyProjection;
  /** The fabric at the last flush and now; the same object while nothing differs. */
  flushedFabric: Fabric;
  fabric: Fabric;
  dirt: FabricDirt;
  /** Nodes with an object, nodes followed by name, and both: a flush tells changes of those. */
  readonly registered: Set<string>;
  readonly followed: Set<string>;
  readonly told: Set<string>;
  /** Position of the last change taken. */
  position: number;
}

/**
 * A projection of the empty cluster.
 *
 * @example
 * ```ts
 * import { createNodeProjection, nodeState } from "#/projections/node_projection.ts";
 * const [config] = nodeState(createNodeProjection(), "node1");
 * if (config?.kind !== "config" || config.node !== "node1") throw new Error();
 * ```
 */
export function createNodeProjection(): NodeProjection {
  const fabric = createFabric();
  return {
    policies: createPolicyProjection(),
    flushedFabric: fabric,
    fabric,
    dirt: createFabricDirt(),
    registered: new Set(),
    followed: new Set(),
    told: new Set(),
    position: 0,
  };
}

/** The projection of a state, from nothing. Already flushed. */
export function buildFromState(state: ClusterState): NodeProjection {
  const projection = createNodeProjection();
  const changes: EventChanges = {
    position: state.position,
    occurredAt: state.occurredAt,
    changes: [
      ...[...state.collections].flatMap(([collection, objects]) =>
        [...objects].map(([key, after]) => ({ kind: "object", collection, key, before: undefined, after }) as const)
      ),
      ...[...state.blocks].map(([cidr, after]) => ({ kind: "block", cidr, after }) as const),
    ],
  };
  applyChanges(projection, changes, state.origins);
  flush(projection);
  return projection;
}

/**
 * Takes the changes of one event. Nothing can be read until the next {@link flush}.
 *
 * @param origins of the state after the event, or after a later one that is taken before the flush
 */
export function applyChanges(
  projection: NodeProjection,
  { position, changes }: EventChanges,
  origins: ReadonlyMap<string, ObjectOrigin>,
): void {
  projection.position = position;
  for (const change of changes) {
    if (concernsFabric(change)) {
      if (projection.fabric === projection.flushedFabric) projection.fabric = copyFabric(projection.flushedFabric);
      applyToFabric(projection.fabric, projection.dirt, change);
    }
    if (change.kind !== "object") continue;
    applyToPolicies(projection.policies, change, origins);
    if (change.collection === NODES) register(projection, change.key.slice(1), change.after !== undefined);
  }
}

/**
 * What each node must be told since the last flush: puts and set changes with what they need before them, then deletions in reverse. Nodes without a
 * change are left out, and so are nodes that are neither registered nor followed. Deltas about shared items are one object for all nodes.
 */
export function flush(projection: NodeProjection): Map<string, NodeDelta[]> {
  const deltas = flushPolicies(projection.policies, projection.told);
  const { flushedFabric, fabric, dirt } = projection;
  if (fabric !== flushedFabric) {
    for (const [node, found] of diffFabrics(flushedFabric, fabric, dirt, projection.told)) {
      deltas.set(node, [...deltas.get(node) ?? [], ...found]);
    }
    projection.flushedFabric = fabric;
    projection.dirt = createFabricDirt();
  }
  for (const [node, found] of deltas) deltas.set(node, orderDeltas(found));
  return deltas;
}

/**
 * The whole state of a node in dependency order, by id within a kind. Shared items, not copies. Any name will do: a node that nobody registered has a
 * config without address, the pools and the routes.
 */
export function nodeState(projection: NodeProjection, node: string): NodeItem[] {
  assert(
    isFlushed(projection.policies) && projection.fabric === projection.flushedFabric,
    `Projection must be flushed before it is read: position ${projection.position}`,
  );
  const items = [...fabricItems(projection.fabric, node), ...policyItems(projection.policies, node)];
  return items.sort((a, b) => rankOf(a.kind) - rankOf(b.kind) || (a.id < b.id ? -1 : 1));
}

/** Has flushes tell changes of a node from now on, though nobody may have registered it. */
export function follow(projection: NodeProjection, node: string): void {
  projection.followed.add(node);
  projection.told.add(node);
}

function register(projection: NodeProjection, node: string, exists: boolean): void {
  if (exists) projection.registered.add(node);
  else projection.registered.delete(node);
  if (exists || projection.followed.has(node)) projection.told.add(node);
  else projection.told.delete(node);
}

/**
 * Deltas in the order in which they may be applied one by one: puts and set changes in dependency order, then deletions in reverse.
 *
 * @example
 * ```ts
 * import { orderDeltas } from "#/projections/node_projection.ts";
 * const [first] = orderDeltas([{ op: "del", kind: "set", id: "s:1" }, { op: "del", kind: "policy", id: "p" }]);
 * if (first?.op !== "del" || first.kind !== "policy") throw new Error();
 * ```
 */
export function orderDeltas(deltas: readonly NodeDelta[]): NodeDelta[] {
  const placed = deltas.map((delta) => {
    const { rank, id } = placeOf(delta);
    return { delta, rank, id };
  });
  placed.sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return placed.map(({ delta }) => delta);
}

function placeOf(delta: NodeDelta): { readonly rank: number; readonly id: string } {
  switch (delta.op) {
    case "put":
      return { rank: rankOf(delta.item.kind), id: delta.item.id };
    case "set":
      return { rank: rankOf("set"), id: delta.id };
    case "del":
      return { rank: 2 * NODE_ITEM_KINDS.length - rankOf(delta.kind), id: delta.id };
  }
}

function rankOf(kind: NodeItemKind): number {
  return NODE_ITEM_KINDS.indexOf(kind);
}
