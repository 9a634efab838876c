/**
 * Many deltas as few; that they come to the same is tried at random in `tests/properties/projection_test.ts`.
 *
 * @module
 */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { coalesceDeltas } from "#/projections/coalesce.ts";
import type { NodeDelta, NodeItem } from "#/projections/node_state.ts";

const SET: NodeItem = { kind: "set", id: "s", type: "net", members: ["a", "b"] };
const put: NodeDelta = { op: "put", item: SET };
const del: NodeDelta = { op: "del", kind: "set", id: "s" };
const change = (add: string[], gone: string[]): NodeDelta => ({ op: "set", id: "s", add, del: gone });

Deno.test("coalesceDeltas() makes one delta of all about one item", () => {
  const cases: readonly (readonly [string, NodeDelta[], NodeDelta[]])[] = [
    ["put, change", [put, change(["c"], ["a"])], [{ op: "put", item: { ...SET, members: ["b", "c"] } }]],
    ["change, change", [change(["c"], ["a"]), change(["a"], ["c"])], [change(["a"], ["c"])]],
    ["change, put", [change(["c"], []), put], [put]],
    ["put, del", [put, del], [del]],
    ["del, put", [del, put], [put]],
    ["put, del, put, change", [put, del, put, change([], ["b"])], [{ op: "put", item: { ...SET, members: ["a"] } }]],
  ];
  for (const [name, deltas, expected] of cases) assertEquals(coalesceDeltas(deltas), expected, name);
});

Deno.test("coalesceDeltas() keeps the objects of deltas that stand alone", () => {
  assertStrictEquals(coalesceDeltas([put])[0], put);
});

Deno.test("coalesceDeltas() puts what is needed first and deletes it last", () => {
  const config: NodeItem = { kind: "config", id: "node", node: "n", ipv4Address: undefined, blocks: [] };
  const kinds = coalesceDeltas([
    { op: "del", kind: "set", id: "old" },
    { op: "del", kind: "endpoint", id: "e" },
    put,
    { op: "put", item: config },
  ]).map((delta) => delta.op === "put" ? delta.item.kind : delta.op === "del" ? `no ${delta.kind}` : delta.op);
  assertEquals(kinds, ["config", "set", "no endpoint", "no set"]);
});
