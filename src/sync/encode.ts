/**
 * Frames as text: one JSON object a line. The server writes streams with it, the agent its saved slice. `decode.ts` reads it back.
 *
 * @module
 */
import type { NodeDelta, NodeItem } from "#/projections/node_state.ts";
import type { Frame } from "#/sync/frames.ts";

/** Members of a set in one frame; larger sets take several, so that no line grows without bound. */
export const SET_MEMBERS_PER_FRAME_MAX = 10_000;

/**
 * One frame as a line, with its newline.
 *
 * @example
 * ```ts
 * import { encodeFrame } from "#/sync/encode.ts";
 * if (encodeFrame({ frame: "ping", position: 7 }) !== '{"frame":"ping","position":7}\n') throw new Error();
 * ```
 */
export function encodeFrame(frame: Frame): string {
  return `${JSON.stringify(frame)}\n`;
}

/** Several frames as lines. */
export function encodeFrames(frames: Iterable<Frame>): string {
  let text = "";
  for (const frame of frames) text += encodeFrame(frame);
  return text;
}

/** The frames that put one item: one, or for a large set one `put` and then `set` frames that add the rest. */
export function itemFrames(item: NodeItem): Frame[] {
  if (item.kind !== "set" || item.members.length <= SET_MEMBERS_PER_FRAME_MAX) return [{ frame: "put", item }];
  const [first, ...rest] = chunks(item.members);
  return [
    { frame: "put", item: { ...item, members: first ?? [] } },
    ...rest.map((add): Frame => ({ frame: "set", id: item.id, add, del: [] })),
  ];
}

/** The frames of one difference. */
export function deltaFrames(delta: NodeDelta): Frame[] {
  switch (delta.op) {
    case "put":
      return itemFrames(delta.item);
    case "del":
      return [{ frame: "del", kind: delta.kind, id: delta.id }];
    case "set": {
      const { id, add, del } = delta;
      if (add.length + del.length <= SET_MEMBERS_PER_FRAME_MAX) return [{ frame: "set", id, add, del }];
      return [
        ...chunks(add).map((part): Frame => ({ frame: "set", id, add: part, del: [] })),
        ...chunks(del).map((part): Frame => ({ frame: "set", id, add: [], del: part })),
      ];
    }
  }
}

function chunks(members: readonly string[]): (readonly string[])[] {
  const count = Math.ceil(members.length / SET_MEMBERS_PER_FRAME_MAX);
  return Array.from(
    { length: count },
    (_, at) => members.slice(at * SET_MEMBERS_PER_FRAME_MAX, (at + 1) * SET_MEMBERS_PER_FRAME_MAX),
  );
}
