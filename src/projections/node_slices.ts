/**
 * Which node needs which item, and how often: reference counts, never a copy per node. An endpoint on a node is a root; it needs policies and profiles,
 * which need sets. The policy projection tells the roots and the needs; this file counts, and remembers what was touched since the last flush.
 *
 * Every item has one {@link Shared} that the others point at, so that counting along the needs looks nothing up by name.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { NodeItem, NodeItemKind } from "#/projections/node_state.ts";

/** Kinds of items that are needed because of an endpoint on the node. */
export type SharedKind = Extract<NodeItemKind, "set" | "policy" | "profile" | "endpoint">;

/** Something that nodes may need: one item for all of them. */
export interface Shared {
  readonly kind: SharedKind;
  readonly id: string;
  /** As of the last flush; `undefined` for what is missing, and always for sets, whose items `ip_sets.ts` keeps. */
  item: NodeItem | undefined;
  /** What a node needs as well that needs this. */
  needs: readonly Shared[];
  /** Nodes that need it now. One is by far the most frequent number, and then there is no collection. */
  holders: NodeSlice | Set<NodeSlice> | undefined;
}

/** What one node needs. */
export interface NodeSlice {
  readonly node: string;
  readonly counts: Map<Shared, number>;
  /** Whether the node had it at the last flush; only for what came or went since. */
  readonly touched: Map<Shared, boolean>;
}

/** Reference counts of all nodes. */
export interface NodeSlices {
  /** What there is to be needed, by id. */
  readonly shared: Readonly<Record<SharedKind, Map<string, Shared>>>;
  readonly nodes: Map<string, NodeSlice>;
  /** Nodes for which something came or went since the last flush. */
  readonly touched: Set<NodeSlice>;
}

const NOTHING: readonly never[] = [];

/** No node needs anything. */
export function createNodeSlices(): NodeSlices {
  const shared = { set: new Map(), policy: new Map(), profile: new Map(), endpoint: new Map() };
  return { shared, nodes: new Map(), touched: new Set() };
}

/** What stands for an item, made at first sight. */
export function sharedOf({ shared }: NodeSlices, kind: SharedKind, id: string): Shared {
  let found = shared[kind].get(id);
  if (found === undefined) {
    found = { kind, id, item: undefined, needs: NOTHING, holders: undefined };
    shared[kind].set(id, found);
  }
  return found;
}

/** The slice of a node, made at first sight. */
export function sliceOf(slices: NodeSlices, node: string): NodeSlice {
  let slice = slices.nodes.get(node);
  if (slice === undefined) {
    slice = { node, counts: new Map(), touched: new Map() };
    slices.nodes.set(node, slice);
  }
  return slice;
}

/**
 * Counts one use on a node; with the first, one use of everything that is needed with it.
 *
 * @example
 * ```ts
 * import { createNodeSlices, keptBy, retain, setNeeds, sharedOf, sliceOf } from "#/projections/node_slices.ts";
 * const slices = createNodeSlices();
 * const [endpoint, policy] = [sharedOf(slices, "endpoint", "shop/web"), sharedOf(slices, "policy", "p")];
 * setNeeds(slices, endpoint, [policy]);
 * retain(slices, sliceOf(slices, "node1"), endpoint);
 * if ([...keptBy(slices, "node1")].map(({ id }) => id).join() !== "shop/web,p") throw new Error();
 * ```
 */
export function retain(slices: NodeSlices, slice: NodeSlice, shared: Shared): void {
  const count = slice.counts.get(shared) ?? 0;
  slice.counts.set(shared, count + 1);
  if (count > 0) return;
  touch(slices, slice, shared, false);
  addHolder(shared, slice);
  for (const need of shared.needs) retain(slices, slice, need);
}

/** Ends one use on a node; with the last, one use of everything that is needed with it. */
export function release(slices: NodeSlices, slice: NodeSlice, shared: Shared): void {
  const count = slice.counts.get(shared);
  assert(count !== undefined, `Released item must be in use on "${slice.node}": "${shared.kind}:${shared.id}"`);
  if (count > 1) {
    slice.counts.set(shared, count - 1);
    return;
  }
  slice.counts.delete(shared);
  touch(slices, slice, shared, true);
  removeHolder(shared, slice);
  for (const need of shared.needs) release(slices, slice, need);
}

/** Says what is needed with something from now on, on every node that has it. New needs come before old ones go, so that a common one is never dropped between. */
export function setNeeds(slices: NodeSlices, shared: Shared, next: readonly Shared[]): void {
  const old = shared.needs;
  shared.needs = next;
  for (const slice of holdersOf(shared)) {
    for (const need of next) retain(slices, slice, need);
    for (const need of old) release(slices, slice, need);
  }
}

/** Nodes that need something now. */
export function holdersOf({ holders }: Shared): Iterable<NodeSlice> {
  if (holders === undefined) return NOTHING;
  return holders instanceof Set ? holders : [holders];
}

/** What a node needs now. */
export function keptBy(slices: NodeSlices, node: string): Iterable<Shared> {
  return slices.nodes.get(node)?.counts.keys() ?? NOTHING;
}

/** Begins to count changes anew; nodes that need nothing are forgotten. */
export function forgetTouched(slices: NodeSlices): void {
  for (const slice of slices.touched) {
    slice.touched.clear();
    if (slice.counts.size === 0) slices.nodes.delete(slice.node);
  }
  slices.touched.clear();
}

function addHolder(shared: Shared, slice: NodeSlice): void {
  const { holders } = shared;
  if (holders === undefined) shared.holders = slice;
  else if (holders instanceof Set) holders.add(slice);
  else shared.holders = new Set([holders, slice]);
}

function removeHolder(shared: Shared, slice: NodeSlice): void {
  const { holders } = shared;
  if (holders instanceof Set) {
    holders.delete(slice);
    if (holders.size === 0) shared.holders = undefined;
  } else shared.holders = undefined;
}

function touch(slices: NodeSlices, slice: NodeSlice, shared: Shared, wasThere: boolean): void {
  if (slice.touched.has(shared)) return;
  slice.touched.set(shared, wasThere);
  slices.touched.add(slice);
}
