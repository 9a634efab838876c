/**
 * Frames as text, with large sets split.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { SetItem } from "#/projections/node_state.ts";
import { deltaFrames, encodeFrames, itemFrames, SET_MEMBERS_PER_FRAME_MAX } from "#/sync/encode.ts";
import { applyBatch } from "#/sync/slice.ts";
import { ITEMS } from "./frame_samples.ts";

const MEMBERS = Array.from({ length: SET_MEMBERS_PER_FRAME_MAX * 2 + 1 }, (_, at) => `m${String(at).padStart(6, "0")}`);
const LARGE: SetItem = { kind: "set", id: "large", type: "net", members: MEMBERS };

Deno.test("itemFrames() splits a large set into frames that come to the same", () => {
  const frames = itemFrames(LARGE);
  assertEquals(frames.map((frame) => frame.frame), ["put", "set", "set"]);
  const outcome = applyBatch(new Map(), [
    { frame: "begin", type: "full" },
    { frame: "put", item: ITEMS[0]! },
    ...frames,
    { frame: "end", position: 1 },
  ]);
  assertEquals(outcome.kind === "applied" ? outcome.state.get("set:large") : outcome, LARGE);
  const small = { ...LARGE, members: MEMBERS.slice(0, SET_MEMBERS_PER_FRAME_MAX) };
  assertEquals(itemFrames(small), [{ frame: "put", item: small }]);
});

Deno.test("deltaFrames() splits a large change of members", () => {
  const frames = deltaFrames({ op: "set", id: "large", add: MEMBERS, del: ["x"] });
  assertEquals(frames.map((frame) => frame.frame === "set" ? [frame.add.length, frame.del.length] : frame), [
    [SET_MEMBERS_PER_FRAME_MAX, 0],
    [SET_MEMBERS_PER_FRAME_MAX, 0],
    [1, 0],
    [0, 1],
  ]);
  assertEquals(deltaFrames({ op: "set", id: "s", add: ["a"], del: ["b"] }), [{
    frame: "set",
    id: "s",
    add: ["a"],
    del: ["b"],
  }]);
  assertEquals(deltaFrames({ op: "del", kind: "peer", id: "p" }), [{ frame: "del", kind: "peer", id: "p" }]);
});

Deno.test("encodeFrames() writes one line for each frame", () => {
  const text = encodeFrames([{ frame: "begin", type: "full" }, { frame: "end", position: 3 }]);
  assertEquals(text, '{"frame":"begin","type":"full"}\n{"frame":"end","position":3}\n');
});
