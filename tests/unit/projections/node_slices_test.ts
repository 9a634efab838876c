/**
 * Reference counts per node: what comes with a first use goes with the last, and what was touched is remembered from the last flush.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import {
  createNodeSlices,
  forgetTouched,
  holdersOf,
  keptBy,
  type NodeSlices,
  release,
  retain,
  setNeeds,
  type Shared,
  sharedOf,
  sliceOf,
} from "#/projections/node_slices.ts";

function namesOf(kept: Iterable<Shared>): string[] {
  return [...kept].map(({ kind, id }) => `${kind}:${id}`).sort();
}

function touchedOn(slices: NodeSlices, node: string): [string, boolean][] {
  return [...sliceOf(slices, node).touched].map(([{ id }, held]): [string, boolean] => [id, held]).sort();
}

Deno.test("retain() and release() carry needs along and count them", () => {
  const slices = createNodeSlices();
  const [a, b] = [sharedOf(slices, "endpoint", "a"), sharedOf(slices, "endpoint", "b")];
  const [policy, set] = [sharedOf(slices, "policy", "p"), sharedOf(slices, "set", "s")];
  setNeeds(slices, a, [policy]);
  setNeeds(slices, b, [policy]);
  setNeeds(slices, policy, [set]);
  const [n1, n2] = [sliceOf(slices, "n1"), sliceOf(slices, "n2")];
  retain(slices, n1, a);
  retain(slices, n1, b);
  retain(slices, n2, b);
  assertEquals([...holdersOf(set)].map(({ node }) => node), ["n1", "n2"]);
  release(slices, n1, a);
  assertEquals(namesOf(keptBy(slices, "n1")), ["endpoint:b", "policy:p", "set:s"]);
  release(slices, n1, b);
  assertEquals(namesOf(keptBy(slices, "n1")), []);
  assertEquals(namesOf(keptBy(slices, "n2")), ["endpoint:b", "policy:p", "set:s"]);
  assertEquals([...holdersOf(set)], [n2]);
  assertThrows(() => release(slices, n1, b), AssertionFailure);
  release(slices, n2, b);
  assertEquals([...holdersOf(set)], []);
});

Deno.test("setNeeds() changes every holder and never drops what is kept", () => {
  const slices = createNodeSlices();
  const policy = sharedOf(slices, "policy", "p");
  const [s, t, u] = ["s", "t", "u"].map((id) => sharedOf(slices, "set", id)) as [Shared, Shared, Shared];
  setNeeds(slices, policy, [s, t]);
  retain(slices, sliceOf(slices, "n1"), policy);
  forgetTouched(slices);
  assertEquals(slices.touched.size, 0);
  setNeeds(slices, policy, [t, u]);
  assertEquals(namesOf(keptBy(slices, "n1")), ["policy:p", "set:t", "set:u"]);
  assertEquals(touchedOn(slices, "n1"), [["s", true], ["u", false]]);
  setNeeds(slices, policy, []);
  assertEquals(namesOf(keptBy(slices, "n1")), ["policy:p"]);
});

Deno.test("retain() remembers whether a node had it at the last flush, whatever comes after", () => {
  const slices = createNodeSlices();
  const set = sharedOf(slices, "set", "s");
  retain(slices, sliceOf(slices, "n1"), set);
  release(slices, sliceOf(slices, "n1"), set);
  assertEquals(touchedOn(slices, "n1"), [["s", false]]);
  forgetTouched(slices);
  assertEquals(slices.nodes.size, 0, "a node that needs nothing is forgotten");
});
