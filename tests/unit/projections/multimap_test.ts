/**
 * Maps of sets hold no empty set.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";

Deno.test("removeFrom() leaves no empty set behind and takes what is not there", () => {
  const map: Multimap<string, number> = new Map();
  addTo(map, "a", 1);
  addTo(map, "a", 2);
  removeFrom(map, "a", 1);
  removeFrom(map, "a", 9);
  removeFrom(map, "b", 1);
  assertEquals([...map], [["a", new Set([2])]]);
  removeFrom(map, "a", 2);
  assertEquals(map.size, 0);
});
