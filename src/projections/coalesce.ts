/**
 * Many deltas of one node as few: what an agent that was away must be told, however often things changed meanwhile. Used by the sync hub when several
 * flushes wait for one reader.
 *
 * @module
 */
import { type NodeDelta, nodeItemKey } from "#/projections/node_state.ts";
import { orderDeltas } from "#/projections/node_projection.ts";

/**
 * At most one delta for each item, with the effect of all of them in order. A deletion stays even when the item was put by the same deltas, because whether
 * the reader had it before is not known here; deleting what is not there changes nothing. Deltas that stand alone stay the same objects.
 *
 * @example
 * ```ts
 * import { coalesceDeltas } from "#/projections/coalesce.ts";
 * const deltas = coalesceDeltas([
 *   { op: "set", id: "s:1", add: ["10.0.0.1"], del: [] },
 *   { op: "set", id: "s:1", add: ["10.0.0.2"], del: ["10.0.0.1"] },
 * ]);
 * if (JSON.stringify(deltas) !== '[{"op":"set","id":"s:1","add":["10.0.0.2"],"del":["10.0.0.1"]}]') throw new Error();
 * ```
 */
export function coalesceDeltas(deltas: readonly NodeDelta[]): NodeDelta[] {
  const latest = new Map<string, NodeDelta>();
  for (const delta of deltas) {
    const key = keyOf(delta);
    const earlier = latest.get(key);
    latest.set(key, delta.op === "set" && earlier !== undefined ? mergeSet(earlier, delta) : delta);
  }
  return orderDeltas([...latest.values()]);
}

function keyOf(delta: NodeDelta): string {
  switch (delta.op) {
    case "put":
      return nodeItemKey(delta.item);
    case "set":
      return `set:${delta.id}`;
    case "del":
      return nodeItemKey(delta);
  }
}

function mergeSet(earlier: NodeDelta, later: Extract<NodeDelta, { op: "set" }>): NodeDelta {
  if (earlier.op === "set") {
    const add = without(earlier.add, later.del);
    const del = without(earlier.del, later.add);
    return { op: "set", id: later.id, add: union(add, later.add), del: union(del, later.del) };
  }
  if (earlier.op === "del" || earlier.item.kind !== "set") return later;
  const members = union(without(earlier.item.members, later.del), later.add);
  return { op: "put", item: { ...earlier.item, members } };
}

function without(texts: readonly string[], gone: readonly string[]): string[] {
  const excluded = new Set(gone);
  return texts.filter((text) => !excluded.has(text));
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].sort();
}
