/**
 * The bounded tail of what nodes were told: what it covers, and that it never claims more.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import type { NodeDelta } from "#/projections/node_state.ts";
import { DeltaTail } from "#/server/agents/delta_tail.ts";

function del(id: string): NodeDelta {
  return { op: "del", kind: "peer", id };
}

Deno.test("DeltaTail.after() gives a node its own deltas after a position, coalesced", () => {
  const tail = new DeltaTail(10);
  tail.know("a", 10);
  tail.know("b", 10);
  tail.add(12, new Map([["a", [del("x")]], ["b", [del("z")]]]));
  tail.add(15, new Map([["a", [del("y"), del("x")]]]));
  assertEquals(tail.after("a", 10), [del("x"), del("y")]);
  assertEquals(tail.after("a", 12), [del("y"), del("x")]);
  assertEquals(tail.after("a", 14), [del("y"), del("x")]);
  assertEquals(tail.after("a", 15), []);
  assertEquals(tail.after("b", 12), []);
});

Deno.test("DeltaTail.covers() only what it has heard of", () => {
  const tail = new DeltaTail(10);
  assertEquals(tail.covers("a", 99), false, "a node that nobody told");
  tail.know("a", 12);
  tail.know("a", 20);
  assertEquals([9, 11, 12].map((position) => tail.covers("a", position)), [false, false, true]);
  tail.know("b", 5);
  assertEquals([9, 10].map((position) => tail.covers("b", position)), [false, true]);
  tail.forget("a");
  assertEquals(tail.covers("a", 12), false);
  assertThrows(() => tail.after("a", 12), AssertionFailure);
});

Deno.test("DeltaTail.add() forgets the oldest beyond its bound", () => {
  const tail = new DeltaTail(0, 3);
  tail.know("a", 0);
  for (let position = 1; position <= 10; position++) tail.add(position, new Map([["a", [del(`p${position}`)]]]));
  assertEquals([6, 7].map((position) => tail.covers("a", position)), [false, true]);
  assertEquals(tail.after("a", 7), [del("p10"), del("p8"), del("p9")]);
  tail.add(11, new Map([["a", [del("1"), del("2"), del("3"), del("4")]]]));
  assertEquals([10, 11].map((position) => tail.covers("a", position)), [false, true], "one flush beyond the bound");
  tail.add(12, new Map());
  assertEquals(tail.after("a", 11), []);
});
