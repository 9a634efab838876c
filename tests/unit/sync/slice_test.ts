/**
 * Batches are applied whole or not at all, and a damaged saved slice is never taken for one.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type NodeItem, nodeItemKey, type NodeState } from "#/projections/node_state.ts";
import type { Frame } from "#/sync/frames.ts";
import { applyBatch, formatSavedSlice, parseSavedSlice, type Slice, sortedItems } from "#/sync/slice.ts";
import { ITEMS } from "./frame_samples.ts";

const STATE: NodeState = new Map(ITEMS.map((item) => [nodeItemKey(item), item]));

function batch(type: "full" | "delta", ...body: readonly Frame[]): Frame[] {
  return [{ frame: "begin", type }, ...body, { frame: "end", position: 5 }];
}

function puts(items: readonly NodeItem[]): Frame[] {
  return items.map((item) => ({ frame: "put", item }));
}

Deno.test("applyBatch() makes a full state anew and changes one by a delta, without touching the old", () => {
  const full = applyBatch(new Map([["peer:old", ITEMS.at(-1)!]]), batch("full", ...puts(ITEMS)));
  assert(full.kind === "applied");
  assertEquals([full.position, full.state], [5, STATE]);
  const delta = applyBatch(
    full.state,
    batch(
      "delta",
      { frame: "set", id: "s:1", add: ["10.0.0.0", "10.0.0.2"], del: ["10.0.0.1", "absent"] },
      { frame: "del", kind: "peer", id: "Mesh_172_30_0_2" },
      { frame: "del", kind: "peer", id: "never there" },
    ),
  );
  assert(delta.kind === "applied");
  assertEquals(delta.state.get("set:s:1"), { kind: "set", id: "s:1", type: "net", members: ["10.0.0.0", "10.0.0.2"] });
  assertEquals(delta.state.size, STATE.size - 1);
  assertEquals(full.state, STATE);
});

Deno.test("applyBatch() takes changes of a set in the order in which they come", () => {
  const set: NodeItem = { kind: "set", id: "s:1", type: "net", members: ["z"] };
  const outcome = applyBatch(
    STATE,
    batch(
      "delta",
      { frame: "set", id: "s:1", add: ["lost"], del: [] },
      { frame: "put", item: set },
      { frame: "set", id: "s:1", add: ["b", "a"], del: [] },
      { frame: "set", id: "s:1", add: [], del: ["b"] },
    ),
  );
  assertEquals(outcome.kind === "applied" ? outcome.state.get("set:s:1") : outcome, { ...set, members: ["a", "z"] });
});

Deno.test("applyBatch() refuses a whole batch for one fault", () => {
  const del = (kind: NodeItem["kind"], id: string): Frame => ({ frame: "del", kind, id });
  const cases: readonly (readonly [string, readonly Frame[], string])[] = [
    ["nothing", [], 'must start with "begin"'],
    ["no begin", [{ frame: "end", position: 1 }], 'must start with "begin"'],
    ["no end", [{ frame: "begin", type: "delta" }], 'must finish with "end"'],
    ["ping inside", batch("delta", { frame: "ping", position: 1 }), 'only "put", "set" and "del"'],
    ["members of no set", batch("delta", { frame: "set", id: "s:9", add: [], del: [] }), '"s:9"'],
    ["no config", batch("full", ...puts(ITEMS.slice(1))), "must hold its config"],
    ["missing policy", batch("delta", del("policy", "GlobalNetworkPolicy//p")), '"endpoint:shop/e" names "policy:'],
    ["missing set", batch("delta", del("set", "s:1")), 'names "set:s:1"'],
    ["missing port set", batch("delta", del("set", "n:1")), 'names "set:n:1"'],
  ];
  for (const [name, frames, message] of cases) {
    const outcome = applyBatch(STATE, frames);
    assert(outcome.kind === "refused", name);
    assertStringIncludes(outcome.message, message, name);
  }
  assertEquals(
    applyBatch(STATE, batch("delta", del("profile", "Profile//kns.shop"))).kind,
    "applied",
    "a missing profile denies",
  );
});

const SLICE: Slice = { logId: "log", epoch: 2, position: 17, state: STATE };

Deno.test("parseSavedSlice() reads back formatSavedSlice(), which does not depend on the order of items", () => {
  const text = formatSavedSlice(SLICE);
  const read = parseSavedSlice(text);
  assert("state" in read);
  assertEquals([read.logId, read.epoch, read.position], ["log", 2, 17]);
  assertEquals(JSON.stringify(sortedItems(read.state)), JSON.stringify(sortedItems(STATE)));
  assertEquals(formatSavedSlice({ ...SLICE, state: new Map([...STATE].reverse()) }), text);
});

Deno.test("parseSavedSlice() refuses every damaged text", () => {
  const text = formatSavedSlice(SLICE);
  for (let length = 0; length < text.length; length += 7) {
    assert("kind" in parseSavedSlice(text.slice(0, length)), `cut at ${length}`);
  }
  for (let at = 0; at < text.length; at += 11) {
    const changed = text.slice(0, at) + (text[at] === "x" ? "y" : "x") + text.slice(at + 1);
    assert("kind" in parseSavedSlice(changed), `changed at ${at}`);
  }
  assert("kind" in parseSavedSlice(text + text));
  assert("kind" in parseSavedSlice(`${text}\n`));
});

Deno.test("sortedItems() puts what is named before what names it", () => {
  const keys = sortedItems(new Map([...STATE].reverse())).map(nodeItemKey);
  assertEquals(keys.slice(0, 6), [
    "config:node",
    "set:n:1",
    "set:s:1",
    "policy:GlobalNetworkPolicy//p",
    "profile:Profile//kns.shop",
    "endpoint:shop/e",
  ]);
});
