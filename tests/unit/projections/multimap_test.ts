/**
 * Maps of values hold no key without any, few values or many.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";

Deno.test("removeFrom() leaves no key without values behind and takes what is not there", () => {
  const map: Multimap<string, number> = new Map();
  addTo(map, "a", 1);
  addTo(map, "a", 2);
  removeFrom(map, "a", 1);
  removeFrom(map, "a", 9);
  removeFrom(map, "b", 1);
  assertEquals([...map], [["a", [2]]]);
  removeFrom(map, "a", 2);
  assertEquals(map.size, 0);
});

Deno.test("addTo() holds each value once, be they few or many", () => {
  const map: Multimap<string, number> = new Map();
  for (const value of [...Array(20).keys(), ...Array(20).keys()]) addTo(map, "a", value);
  for (const value of [3, 3, 4]) addTo(map, "b", value);
  assertEquals([...map.get("a")!], [...Array(20).keys()]);
  assertEquals([...map.get("b")!], [3, 4]);
  for (const value of Array(20).keys()) removeFrom(map, "a", value);
  assertEquals([...map.keys()], ["b"]);
});
