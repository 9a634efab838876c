/**
 * The agent's end of a stream: what it makes of frames and what it refuses.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { NodeItem } from "#/projections/node_state.ts";
import type { Frame } from "#/sync/frames.ts";
import type { Slice } from "#/sync/slice.ts";
import { createSliceReader, type SliceEvent } from "#/sync/slice_reader.ts";
import { FRAMES } from "./frame_samples.ts";

const CONFIG: NodeItem = { kind: "config", id: "node", node: "n1", ipv4Address: undefined, blocks: [] };
const START: Slice = { logId: "log", epoch: 2, position: 10, state: new Map([["config:node", CONFIG]]) };

function hello(change: Partial<Extract<Frame, { frame: "hello" }>> = {}): Frame {
  return { frame: "hello", contract: 1, logId: "log", epoch: 2, from: 10, ...change };
}

function full(position: number): Frame[] {
  return [{ frame: "begin", type: "full" }, { frame: "put", item: CONFIG }, { frame: "end", position }];
}

function readAll(start: Slice | undefined, ...frames: readonly Frame[]): SliceEvent[] {
  const reader = createSliceReader(start);
  return frames.map((frame) => reader.read(frame));
}

Deno.test("createSliceReader() gives a slice for each whole batch and position for each ping", () => {
  const events = readAll(undefined, ...FRAMES);
  const told = events.flatMap((event) =>
    event.kind === "slice" || event.kind === "position" ? [[event.kind, event.slice.position]] : []
  );
  assertEquals(told, [["slice", 10], ["slice", 12], ["position", 14]]);
  const last = events.at(-1);
  assert(last?.kind === "position");
  assertEquals([last.slice.logId, last.slice.epoch, last.slice.state.has("peer:Mesh_172_30_0_2")], ["log", 2, false]);
});

Deno.test("createSliceReader() keeps the slice that it has until a batch is whole", () => {
  const reader = createSliceReader(START);
  for (const frame of [hello({ from: 0 }), ...full(20).slice(0, -1)]) reader.read(frame);
  assertEquals(reader.current(), START);
  reader.read({ frame: "end", position: 20 });
  assertEquals(reader.current()?.position, 20);
});

Deno.test("createSliceReader() resumes with a delta or only a ping", () => {
  const delta = readAll(START, hello(), { frame: "begin", type: "delta" }, { frame: "end", position: 11 });
  assertEquals(delta.at(-1)?.kind, "slice");
  const ping = readAll(START, hello(), { frame: "ping", position: 12 }).at(-1);
  assertEquals(ping, { kind: "position", slice: { ...START, position: 12 } });
});

Deno.test("createSliceReader() takes a full batch of a later epoch, though its position is lower", () => {
  const last = readAll(START, hello({ epoch: 3, from: 0 }), ...full(4)).at(-1);
  assert(last?.kind === "slice");
  assertEquals([last.slice.epoch, last.slice.position], [3, 4]);
});

Deno.test("createSliceReader() refuses what would take the node back or elsewhere", () => {
  const begin: Frame = { frame: "begin", type: "delta" };
  const cases: readonly (readonly [string, Slice | undefined, readonly Frame[], string])[] = [
    ["no hello", START, [begin], 'must start with "hello"'],
    ["two hellos", START, [hello(), hello()], 'must have one "hello"'],
    ["another contract", START, [hello({ contract: 2 })], "contract 1: 2"],
    ["another log", START, [hello({ logId: "other" })], '"log": "other"'],
    ["an earlier epoch", START, [hello({ epoch: 1 })], "epoch 1"],
    ["an earlier full", START, [hello({ from: 0 }), ...full(9)], "position 9"],
    ["an earlier delta", START, [hello(), begin, { frame: "end", position: 9 }], "position 9"],
    ["an earlier ping", START, [hello(), { frame: "ping", position: 9 }], "position 9"],
    ["delta without resume", START, [hello({ from: 0 }), begin], "must be full"],
    ["delta after a resume from elsewhere", START, [hello({ from: 8 }), begin], "must be full"],
    ["delta at first", undefined, [hello({ from: 0 }), begin], "must be full"],
    ["a put outside", START, [hello(), { frame: "put", item: CONFIG }], "must be within a batch"],
    ["a broken batch", START, [hello(), begin, { frame: "set", id: "s", add: [], del: [] }, {
      frame: "end",
      position: 11,
    }], "A set must be there"],
  ];
  for (const [name, start, frames, message] of cases) {
    const last = readAll(start, ...frames).at(-1);
    assert(last?.kind === "refused", name);
    assertStringIncludes(last.message, message, name);
  }
});

Deno.test("createSliceReader() does not take a ping before the first slice for one", () => {
  assertEquals(readAll(START, hello({ from: 0 }), { frame: "ping", position: 12 }).at(-1), { kind: "none" });
});
