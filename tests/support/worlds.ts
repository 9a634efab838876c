/**
 * Worlds for tests of the node projection: what is there at one time, as a map, and ways to get from one world to another by events. A follower takes the
 * events as the sync hub does and plays the agents of all nodes.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { canonicalJson, type Json } from "#/base/json.ts";
import type { BlockGranted, EndpointBound } from "#/events/catalog.ts";
import type { EventChanges } from "#/projections/cluster_state.ts";
import {
  applyChanges,
  buildFromState,
  createNodeProjection,
  flush,
  follow,
  type NodeProjection,
  nodeState,
} from "#/projections/node_projection.ts";
import type { NodeDelta, NodeState } from "#/projections/node_state.ts";
import type { KubeObject } from "#/resources/object.ts";
import { deltaFrames, itemFrames } from "#/sync/encode.ts";
import type { Frame } from "#/sync/frames.ts";
import { applyBatch, sortedItems } from "#/sync/slice.ts";
import { collectionOf, fact, type History, put, remove } from "#tests/support/history.ts";

/** An object or a fact that is there. */
export type Thing =
  | { readonly kind: "object"; readonly object: KubeObject }
  | { readonly kind: "binding"; readonly binding: EndpointBound }
  | { readonly kind: "block"; readonly block: BlockGranted };

/** What is there, by {@link thingKey}. */
export type World = ReadonlyMap<string, Thing>;

/** A world of objects, bindings and blocks. */
export function world(...things: readonly (KubeObject | EndpointBound | BlockGranted)[]): World {
  return new Map(things.map(thingOf).map((thing) => [thingKey(thing), thing]));
}

/** What tells a thing from all others. */
export function thingKey(thing: Thing): string {
  switch (thing.kind) {
    case "object":
      return `${collectionOf(thing.object)} ${thing.object.metadata.namespace ?? ""}/${thing.object.metadata.name}`;
    case "binding":
      return `binding ${thing.binding.namespace}/${thing.binding.pod}`;
    case "block":
      return `block ${thing.block.cidr}`;
  }
}

/** Appends the events that lead from one world to another, in the order that `arrange` puts the keys in. */
export function step(
  history: History,
  before: World,
  after: World,
  arrange: (keys: string[]) => string[] = (keys) => keys,
): EventChanges[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return arrange(keys).flatMap((key) => change(history, before.get(key), after.get(key)));
}

function change(history: History, before: Thing | undefined, after: Thing | undefined): EventChanges[] {
  if (canonicalJson(before as Json | undefined) === canonicalJson(after as Json | undefined)) return [];
  if (after?.kind === "object") return [put(history, after.object)];
  if (after?.kind === "binding") return [fact(history, "EndpointBound", after.binding)];
  if (after?.kind === "block") return [fact(history, "BlockGranted", after.block)];
  if (before?.kind === "object") return [remove(history, before.object)];
  if (before?.kind === "binding") return [fact(history, "EndpointUnbound", before.binding)];
  return before === undefined ? [] : [fact(history, "BlockReleased", before.block)];
}

function thingOf(thing: KubeObject | EndpointBound | BlockGranted): Thing {
  if ("containerId" in thing) return { kind: "binding", binding: thing as EndpointBound };
  return "cidr" in thing
    ? { kind: "block", block: thing as BlockGranted }
    : { kind: "object", object: thing as KubeObject };
}

/** A projection that is fed by events, and the node states that agents have made of its deltas. */
export interface Follower {
  readonly projection: NodeProjection;
  readonly agents: Map<string, NodeState>;
  /** How many deltas the agents have taken. */
  deltas: number;
}

/** Follows nodes from the empty cluster on. */
export function createFollower(nodes: readonly string[]): Follower {
  const projection = createNodeProjection();
  const agents = new Map<string, NodeState>();
  for (const node of nodes) {
    follow(projection, node);
    agents.set(node, applied(new Map(), "full", nodeState(projection, node).flatMap(itemFrames)));
  }
  return { projection, agents, deltas: 0 };
}

/** Takes changes; flushes after the last, after each, or not at all. */
export function feed(
  follower: Follower,
  history: History,
  changes: readonly EventChanges[],
  flushing: "once" | "each" | "never" = "once",
): void {
  for (const each of changes) {
    applyChanges(follower.projection, each, history.state.origins);
    if (flushing === "each") tellAgents(follower);
  }
  if (flushing === "once") tellAgents(follower);
}

/** Flushes, and has every agent apply its deltas one at a time, so that each must find what it refers to. */
export function tellAgents(follower: Follower): void {
  for (const [node, deltas] of flush(follower.projection)) {
    const state = follower.agents.get(node);
    if (state === undefined) continue;
    follower.agents.set(node, deltas.reduce((before, delta) => applyDelta(before, delta), state));
    follower.deltas += deltas.length;
  }
}

/** Asserts that every agent has what the projection says, and that this is what a projection made from nothing says. */
export function checkNodes(follower: Follower, history: History, hint = ""): void {
  const fresh = buildFromState(history.state);
  for (const [node, state] of follower.agents) {
    const desired = nodeState(fresh, node).map((item) => canonicalJson(item as unknown as Json));
    assertEquals(
      nodeState(follower.projection, node).map((item) => canonicalJson(item as unknown as Json)),
      desired,
      hint,
    );
    assertEquals(sortedItems(state).map((item) => canonicalJson(item as unknown as Json)), desired, `${hint} (agent)`);
  }
}

/**
 * The states of some nodes as text that does not depend on when things happened: the positions in rule ids are left out.
 */
export function timelessStates(history: History, nodes: readonly string[]): string[] {
  const fresh = buildFromState(history.state);
  return nodes.map((node) =>
    nodeState(fresh, node).map((item) => canonicalJson(item as unknown as Json)).join("\n")
      .replaceAll(/"id":"\d+\/([ie]\/\d+)"/g, '"id":"$1"')
  );
}

function applyDelta(state: NodeState, delta: NodeDelta): NodeState {
  return applied(state, "delta", deltaFrames(delta));
}

function applied(state: NodeState, type: "full" | "delta", frames: readonly Frame[]): NodeState {
  const outcome = applyBatch(state, [{ frame: "begin", type }, ...frames, { frame: "end", position: 0 }]);
  if (outcome.kind === "refused") throw new Error(outcome.message);
  return outcome.state;
}
