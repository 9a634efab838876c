/**
 * Frames as bytes, each made once for all receivers. What many nodes share is kept as long as the item or delta itself; what only one node has is not
 * kept with the item, because that would hold every endpoint twice.
 *
 * @module
 */
import type { NodeDelta, NodeItem, NodeItemKind } from "#/projections/node_state.ts";
import { deltaFrames, encodeFrame, encodeFrames, itemFrames } from "#/sync/encode.ts";
import type { Frame } from "#/sync/frames.ts";

/** Kinds whose items many nodes have. */
const SHARED_KINDS: readonly NodeItemKind[] = ["set", "policy", "profile", "pool", "route"];

/** Encodes, and remembers. */
export interface FrameCache {
  frame(frame: Frame): Uint8Array;
  item(item: NodeItem): Uint8Array;
  delta(delta: NodeDelta): Uint8Array;
}

/** A cache that forgets what nobody else holds. */
export function createFrameCache(): FrameCache {
  const encoder = new TextEncoder();
  const items = new WeakMap<NodeItem, Uint8Array>();
  const deltas = new WeakMap<NodeDelta, Uint8Array>();
  const item = (each: NodeItem): Uint8Array => {
    const known = items.get(each);
    if (known !== undefined) return known;
    const bytes = encoder.encode(encodeFrames(itemFrames(each)));
    if (SHARED_KINDS.includes(each.kind)) items.set(each, bytes);
    return bytes;
  };
  const delta = (each: NodeDelta): Uint8Array => {
    if (each.op === "put" && SHARED_KINDS.includes(each.item.kind)) return item(each.item);
    let bytes = deltas.get(each);
    if (bytes === undefined) deltas.set(each, bytes = encoder.encode(encodeFrames(deltaFrames(each))));
    return bytes;
  };
  return { frame: (frame) => encoder.encode(encodeFrame(frame)), item, delta };
}

/**
 * Several pieces as one.
 *
 * @example
 * ```ts
 * import { joinBytes } from "#/server/agents/frame_cache.ts";
 * if (joinBytes([new Uint8Array([1]), new Uint8Array([2, 3])]).length !== 3) throw new Error();
 * ```
 */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
