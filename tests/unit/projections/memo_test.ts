/**
 * Shared items are made once.
 *
 * @module
 */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import { type ItemMemo, memoised } from "#/projections/memo.ts";
import type { SetItem } from "#/projections/node_state.ts";

Deno.test("memoised() makes an item once per name and kind", () => {
  const memo: ItemMemo = new Map();
  const make = (): SetItem => ({ kind: "set", id: "s:1", type: "net", members: [] });
  assertStrictEquals(memoised(memo, "set", "a", make), memoised(memo, "set", "a", make));
  assertEquals(memoised(memo, "set", "a", make) === memoised(memo, "set", "b", make), false);
  memo.set("route:a", make());
  assertThrows(() =>
    memoised(memo, "route", "a", () => {
      throw new Error("made");
    }), AssertionFailure);
});
