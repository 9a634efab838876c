/**
 * Shared items made once: what several nodes' slices have in common is one object, so that it is compared and encoded once. Used by routes and pools.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { NodeItem, NodeItemKind } from "#/projections/node_state.ts";

/** Items by a name of the maker's choice. */
export type ItemMemo = Map<string, NodeItem>;

/**
 * The item under a name, made at the first asking.
 *
 * @param name unique within the kind
 *
 * @example
 * ```ts
 * import { type ItemMemo, memoised } from "#/projections/memo.ts";
 * const memo: ItemMemo = new Map();
 * const make = () => ({ kind: "set", id: "s:1", type: "net", members: [] }) as const;
 * if (memoised(memo, "set", "s:1", make) !== memoised(memo, "set", "s:1", make)) throw new Error("made twice");
 * ```
 */
export function memoised<K extends NodeItemKind>(
  memo: ItemMemo,
  kind: K,
  name: string,
  make: () => Extract<NodeItem, { kind: K }>,
): Extract<NodeItem, { kind: K }> {
  const known = memo.get(`${kind}:${name}`);
  if (known !== undefined && isOfKind(known, kind)) return known;
  assert(known === undefined, `Memo must hold an item of kind "${kind}" under "${name}"`);
  const item = make();
  memo.set(`${kind}:${name}`, item);
  return item;
}

function isOfKind<K extends NodeItemKind>(item: NodeItem, kind: K): item is Extract<NodeItem, { kind: K }> {
  return item.kind === kind;
}
