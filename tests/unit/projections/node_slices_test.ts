/**
 * Reference counts per node: what comes with a first use goes with the last, and what was touched is remembered from the last flush.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import {
  createNodeSlices,
  holds,
  keysOf,
  nodesHolding,
  release,
  retain,
  setDependencies,
} from "#/projections/node_slices.ts";

Deno.test("retain() and release() carry dependencies along and count them", () => {
  const slices = createNodeSlices();
  setDependencies(slices, "endpoint:a", ["policy:p"]);
  setDependencies(slices, "endpoint:b", ["policy:p"]);
  setDependencies(slices, "policy:p", ["set:s"]);
  retain(slices, "n1", "endpoint:a");
  retain(slices, "n1", "endpoint:b");
  retain(slices, "n2", "endpoint:b");
  assertEquals([...nodesHolding(slices, "set:s")], ["n1", "n2"]);
  release(slices, "n1", "endpoint:a");
  assertEquals([...keysOf(slices, "n1")].sort(), ["endpoint:b", "policy:p", "set:s"]);
  release(slices, "n1", "endpoint:b");
  assertEquals([...keysOf(slices, "n1")], []);
  assertEquals(holds(slices, "n2", "set:s"), true);
  assertThrows(() => release(slices, "n1", "endpoint:b"), AssertionFailure);
});

Deno.test("setDependencies() changes every holder and never drops what is kept", () => {
  const slices = createNodeSlices();
  setDependencies(slices, "policy:p", ["set:s", "set:t"]);
  retain(slices, "n1", "policy:p");
  slices.touched.clear();
  setDependencies(slices, "policy:p", ["set:t", "set:u"]);
  assertEquals([...keysOf(slices, "n1")].sort(), ["policy:p", "set:t", "set:u"]);
  assertEquals([...slices.touched.get("n1") ?? []].sort(), [["set:s", true], ["set:u", false]]);
  setDependencies(slices, "policy:p", []);
  assertEquals([...keysOf(slices, "n1")], ["policy:p"]);
  assertEquals(slices.dependencies.size, 0);
});

Deno.test("retain() remembers whether a key was there at the last flush, whatever comes after", () => {
  const slices = createNodeSlices();
  retain(slices, "n1", "set:s");
  release(slices, "n1", "set:s");
  assertEquals(slices.touched.get("n1")?.get("set:s"), false);
});
