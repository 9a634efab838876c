/**
 * Which node needs which shared item, and how often: node -> key -> count, never a copy per node. An endpoint on a node is a root; it needs policies and
 * profiles, which need sets. The policy projection tells the roots and the dependencies; this file counts, and remembers what was touched since
 * the last flush.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";

/** Reference counts of all nodes. Keys are those of `nodeItemKey`. */
export interface NodeSlices {
  readonly counts: Map<string, Map<string, number>>;
  readonly holders: Multimap<string, string>;
  readonly dependencies: Map<string, readonly string[]>;
  /** By node and key: whether the node had the key at the last flush. Only for pairs that came or went since. */
  readonly touched: Map<string, Map<string, boolean>>;
}

const NOTHING: ReadonlySet<string> = new Set();

/** No node needs anything. */
export function createNodeSlices(): NodeSlices {
  return { counts: new Map(), holders: new Map(), dependencies: new Map(), touched: new Map() };
}

/**
 * Counts one use of a key on a node; with the first, one use of each of its dependencies.
 *
 * @example
 * ```ts
 * import { createNodeSlices, keysOf, retain, setDependencies } from "#/projections/node_slices.ts";
 * const slices = createNodeSlices();
 * setDependencies(slices, "endpoint:shop/web", ["policy:p"]);
 * setDependencies(slices, "policy:p", ["set:s:1"]);
 * retain(slices, "node1", "endpoint:shop/web");
 * if ([...keysOf(slices, "node1")].join() !== "endpoint:shop/web,policy:p,set:s:1") throw new Error();
 * ```
 */
export function retain(slices: NodeSlices, node: string, key: string): void {
  let counts = slices.counts.get(node);
  if (counts === undefined) slices.counts.set(node, counts = new Map());
  const count = counts.get(key) ?? 0;
  counts.set(key, count + 1);
  if (count > 0) return;
  touch(slices, node, key, false);
  addTo(slices.holders, key, node);
  for (const dependency of slices.dependencies.get(key) ?? []) retain(slices, node, dependency);
}

/** Ends one use of a key on a node; with the last, one use of each of its dependencies. */
export function release(slices: NodeSlices, node: string, key: string): void {
  const counts = slices.counts.get(node);
  const count = counts?.get(key);
  assert(counts !== undefined && count !== undefined, `Released key must be in use on "${node}": "${key}"`);
  if (count > 1) {
    counts.set(key, count - 1);
    return;
  }
  counts.delete(key);
  if (counts.size === 0) slices.counts.delete(node);
  touch(slices, node, key, true);
  removeFrom(slices.holders, key, node);
  for (const dependency of slices.dependencies.get(key) ?? []) release(slices, node, dependency);
}

/** Says what a key needs from now on, on every node that has it. New needs come before old ones go, so that a shared one is never dropped between. */
export function setDependencies(slices: NodeSlices, key: string, next: readonly string[]): void {
  const old = slices.dependencies.get(key) ?? [];
  if (next.length === 0) slices.dependencies.delete(key);
  else slices.dependencies.set(key, next);
  for (const node of slices.holders.get(key) ?? NOTHING) {
    for (const dependency of next) retain(slices, node, dependency);
    for (const dependency of old) release(slices, node, dependency);
  }
}

/** Nodes that need a key now. */
export function nodesHolding(slices: NodeSlices, key: string): ReadonlySet<string> {
  return slices.holders.get(key) ?? NOTHING;
}

/** Keys that a node needs now. */
export function keysOf(slices: NodeSlices, node: string): Iterable<string> {
  return slices.counts.get(node)?.keys() ?? [];
}

/** Whether a node needs a key now. */
export function holds(slices: NodeSlices, node: string, key: string): boolean {
  return slices.counts.get(node)?.has(key) ?? false;
}

function touch(slices: NodeSlices, node: string, key: string, wasThere: boolean): void {
  let keys = slices.touched.get(node);
  if (keys === undefined) slices.touched.set(node, keys = new Map());
  if (!keys.has(key)) keys.set(key, wasThere);
}
