/** Numbers for lists: equal ones alone are equal, whatever the hash. @module */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createListInterner, type IdList } from "#/wasm-policy/list_interner.ts";

const lists = fc.array(fc.uniqueArray(fc.nat(12), { maxLength: 6 }).map((list) => list.sort((a, b) => a - b)));

for (const [name, hash] of [["its own hash", undefined], ["a hash that is always the same", () => 7]] as const) {
  Deno.test(`createListInterner() gives equal numbers to equal lists alone, with ${name}`, () => {
    fc.assert(fc.property(lists, (all: readonly IdList[]) => {
      const interner = createListInterner(hash);
      const ids = all.map((list) => interner.id(list));
      for (const [at, list] of all.entries()) {
        assertEquals(interner.list(ids[at]!), list);
        for (const [other, id] of ids.entries()) assertEquals(id === ids[at], all[other]!.join() === list.join());
      }
    }));
  });
}

Deno.test("ListInterner.with() and without() keep lists sorted, and change nothing where nothing changes", () => {
  const interner = createListInterner();
  const two = interner.with(interner.with(0, 9), 4);
  assertEquals(interner.list(two), [4, 9]);
  assertEquals([interner.with(two, 9), interner.without(two, 5)], [two, two]);
  assertEquals(interner.without(interner.without(two, 4), 9), 0);
});
