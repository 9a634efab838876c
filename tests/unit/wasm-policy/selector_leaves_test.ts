/**
 * Tests and values by hand: which slots a value has as tests and values come and go. Random ones are in `tests/properties/selector_engines_test.ts`.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import {
  acquireLeaf,
  acquireValue,
  createLeafTable,
  mentionKey,
  releaseLeaf,
  releaseValue,
  valuesOfSlot,
} from "#/wasm-policy/selector_leaves.ts";

Deno.test("acquireLeaf() gives equal tests one slot and tells values that are there already", () => {
  const table = createLeafTable();
  const key = mentionKey(table, "app");
  const [web, empty] = [acquireValue(table, key, "web"), acquireValue(table, key, "")];
  const has = acquireLeaf(table, { kind: "has", key: "app" });
  const either = acquireLeaf(table, { kind: "in", key: "app", values: ["db", "web"] });
  const equals = acquireLeaf(table, { kind: "equals", key: "app", value: "web" });
  assertEquals(acquireLeaf(table, { kind: "in", key: "app", values: ["db", "web"] }), either);
  assertEquals(acquireLeaf(table, { kind: "has", key: "app" }), has);
  assertEquals(new Set([has, either, equals]).size, 3);
  assertEquals(table.valueSlots[web], [has, either, equals]);
  assertEquals(table.valueSlots[empty], [has]);
  assertEquals([...valuesOfSlot(table, has)], [web, empty]);
});

Deno.test("acquireValue() has the slots of the tests that are there already, textual ones too", () => {
  const table = createLeafTable();
  const kinds = ["contains", "startsWith", "endsWith", "equals"] as const;
  const slots = kinds.map((kind) => acquireLeaf(table, { kind, key: "app", value: "a" }));
  const key = mentionKey(table, "app");
  const passed = (text: string) =>
    kinds.filter((_, at) => table.valueSlots[acquireValue(table, key, text)]!.includes(slots[at]!));
  assertEquals(passed("a"), [...kinds]);
  assertEquals(passed("ab"), ["contains", "startsWith"]);
  assertEquals(passed("ba"), ["contains", "endsWith"]);
  assertEquals(passed("bab"), ["contains"]);
  assertEquals(passed(""), []);
});

Deno.test("releaseLeaf() frees a slot with its last use, and values forget it", () => {
  const table = createLeafTable();
  const value = acquireValue(table, mentionKey(table, "app"), "web");
  const test = { kind: "equals", key: "app", value: "web" } as const;
  const slot = acquireLeaf(table, test);
  acquireLeaf(table, test);
  releaseLeaf(table, slot);
  assertEquals(table.valueSlots[value], [slot]);
  releaseLeaf(table, slot);
  assertEquals(table.valueSlots[value], []);
  assertThrows(() => releaseLeaf(table, slot), AssertionFailure);
  assertEquals(acquireLeaf(table, { kind: "has", key: "app" }), slot);
});

Deno.test("releaseValue() frees a number for another value", () => {
  const table = createLeafTable();
  const key = mentionKey(table, "app");
  const value = acquireValue(table, key, "web");
  releaseValue(table, value);
  assertEquals(key.values.size, 0);
  assertEquals(acquireValue(table, mentionKey(table, "env"), "prod"), value);
  assertEquals(table.valueKeys[value]?.name, "env");
});
