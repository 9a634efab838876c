/**
 * Which lists merge, and what tells their items apart.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { isJsonArray, itemElement, itemsByElement, listRulesOf, memberPath } from "#/server/decide/list_rules.ts";

Deno.test("listRulesOf() knows the lists of metadata for every kind and others by merge key alone", () => {
  const rules = listRulesOf({ "spec.containers": "name" });
  assertEquals(rules("spec.containers"), { kind: "map", key: "name" });
  assertEquals(rules("spec.constructor"), { kind: "atomic" });
  assertEquals(listRulesOf(undefined)("spec.containers"), { kind: "atomic" });
  assertEquals(listRulesOf(undefined)("metadata.finalizers"), { kind: "set" });
  assertEquals(listRulesOf(undefined)("metadata.ownerReferences"), { kind: "map", key: "uid" });
});

Deno.test("itemElement() names items as FieldsV1 does", () => {
  assertEquals(itemElement({ name: "web", image: "1" }, { kind: "map", key: "name" }), 'k:{"name":"web"}');
  assertEquals(itemElement({ port: 80 }, { kind: "map", key: "port" }), 'k:{"port":80}');
  assertEquals(itemElement({ image: "1" }, { kind: "map", key: "name" }), undefined);
  assertEquals(itemElement("x", { kind: "map", key: "name" }), undefined);
  assertEquals(itemElement("x", { kind: "set" }), 'v:"x"');
  assertEquals(itemElement({ a: 1 }, { kind: "set" }), undefined);
  assertEquals(itemElement("x", { kind: "atomic" }), undefined);
});

Deno.test("itemsByElement() refuses lists whose items cannot be told apart", () => {
  assertEquals(itemsByElement([{ name: "a" }, { name: "a" }], { kind: "map", key: "name" }), undefined);
  assertEquals(itemsByElement([{ name: "a" }, {}], { kind: "map", key: "name" }), undefined);
  assertEquals(itemsByElement(["a", "b"], { kind: "atomic" }), undefined);
  assertEquals([...itemsByElement(["b", "a"], { kind: "set" })!.keys()], ['v:"b"', 'v:"a"']);
});

Deno.test("memberPath() joins with dots from the root", () => {
  assertEquals(memberPath("", "spec"), "spec");
  assertEquals(memberPath("spec", "order"), "spec.order");
  assertEquals([isJsonArray([]), isJsonArray({})], [true, false]);
});
