/**
 * Differences between states.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { diffStates, diffValues } from "#/projections/object_diff.ts";
import { createState } from "#/projections/fold.ts";
import type { KubeObject } from "#/resources/object.ts";

function state(objects: readonly KubeObject[], collection = "projectcalico.org/tiers") {
  const made = createState();
  made.collections.set(collection, new Map(objects.map((object) => [`/${object.metadata.name}`, object])));
  return made;
}

function tier(name: string, order: number, resourceVersion = "1"): KubeObject {
  return { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name, resourceVersion }, spec: { order } };
}

Deno.test("diffValues() tells each field by its path", () => {
  assertEquals(diffValues({ a: { b: [1, 2] }, c: 1 }, { a: { b: [1, 3, 4] }, d: null }), [
    { path: "a.b[1]", before: 2, after: 3 },
    { path: "a.b[2]", after: 4 },
    { path: "c", before: 1 },
    { path: "d", after: null },
  ]);
});

Deno.test("diffValues() does not see the order of keys", () => {
  assertEquals(diffValues({ a: 1, b: 2 }, { b: 2, a: 1 }), []);
});

Deno.test("diffStates() tells added, removed and changed objects, sorted", () => {
  const differences = diffStates(state([tier("b", 1), tier("c", 1)]), state([tier("a", 1), tier("c", 2, "9")]));
  assertEquals(differences.map(({ name, change, fields }) => [name, change, fields.map(({ path }) => path)]), [
    ["a", "added", []],
    ["b", "removed", []],
    ["c", "changed", ["spec.order"]],
  ]);
});

Deno.test("diffStates() does not count a new resourceVersion alone", () => {
  assertEquals(diffStates(state([tier("c", 1)]), state([tier("c", 1, "9")])), []);
});

Deno.test("diffStates() leaves out views of other objects", () => {
  assertEquals(diffStates(state([]), state([tier("n", 1)], "projectcalico.org/nodes")), []);
});
