/**
 * Sets of fields: the text form, the fields a document names, how two objects differ, and what is left without some.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import {
  compareFields,
  decodeFields,
  encodeFields,
  fieldPathOf,
  type FieldSet,
  isWithin,
  namedFields,
  printField,
  withAncestors,
  withoutFields,
} from "#/server/decide/field_set.ts";
import { listRulesOf } from "#/server/decide/list_rules.ts";

const RULES = listRulesOf({ "spec.containers": "name" });

function printed(set: FieldSet): string[] {
  return [...set].map(printField).sort();
}

const POD: JsonObject = {
  metadata: { labels: { app: "web" }, finalizers: ["a"] },
  spec: { containers: [{ name: "c", image: "1" }], args: ["x", "y"], empty: {} },
};

Deno.test("namedFields() has leaves, atomic lists, empty objects and list items, but no objects above them", () => {
  assertEquals(printed(namedFields(POD, RULES)), [
    '.metadata.finalizers[="a"]',
    ".metadata.labels.app",
    ".spec.args",
    '.spec.containers[name="c"]',
    '.spec.containers[name="c"].image',
    '.spec.containers[name="c"].name',
    ".spec.empty",
  ]);
});

Deno.test("encodeFields() writes FieldsV1 and decodeFields() reads it back", () => {
  const fields = {
    "f:metadata": { "f:finalizers": { 'v:"a"': {} }, "f:labels": { ".": {}, "f:app": {} } },
    "f:spec": { "f:containers": { 'k:{"name":"c"}': { ".": {}, "f:image": {} } } },
  };
  assertEquals(JSON.stringify(encodeFields(decodeFields(fields))), JSON.stringify(fields));
});

Deno.test("decodeFields() ignores what is no object", () => {
  assertEquals(printed(decodeFields({ "f:spec": { "f:a": 1, "f:b": {} }, "f:c": null })), [".spec.b"]);
});

Deno.test("printField() survives keys that are not JSON", () => {
  assertEquals(printField(fieldPathOf("f:spec", "k:{broken")), ".spec[]");
});

interface Comparison {
  readonly name: string;
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly added?: string[];
  readonly modified?: string[];
  readonly removed?: string[];
}

const COMPARISONS: readonly Comparison[] = [
  { name: "nothing in equal objects", before: POD, after: structuredClone(POD) },
  {
    name: "a changed scalar",
    before: { spec: { a: 1, b: 2 } },
    after: { spec: { a: 1, b: 3 } },
    modified: [".spec.b"],
  },
  {
    name: "what is added with everything below",
    before: {},
    after: { spec: { a: { b: 1 } } },
    added: [".spec", ".spec.a", ".spec.a.b"],
  },
  {
    name: "what is removed with everything below",
    before: { spec: { a: { b: 1 }, c: 1 } },
    after: { spec: { c: 1 } },
    removed: [".spec.a", ".spec.a.b"],
  },
  { name: "an atomic list as one field", before: { l: [1, 2] }, after: { l: [1, 3] }, modified: [".l"] },
  {
    name: "keyed items by key, whatever their order",
    before: { spec: { containers: [{ name: "a", i: 1 }, { name: "b" }] } },
    after: { spec: { containers: [{ name: "c" }, { name: "a", i: 2 }] } },
    added: ['.spec.containers[name="c"]', '.spec.containers[name="c"].name'],
    modified: ['.spec.containers[name="a"].i'],
    removed: ['.spec.containers[name="b"]', '.spec.containers[name="b"].name'],
  },
  {
    name: "an object that became a scalar",
    before: { a: { b: 1 } },
    after: { a: "x" },
    modified: [".a"],
    removed: [".a.b"],
  },
  {
    name: "a keyed list whose items can no longer be told apart as one field",
    before: { spec: { containers: [{ name: "a" }] } },
    after: { spec: { containers: [{ name: "a" }, { name: "a" }] } },
    modified: [".spec.containers"],
    removed: ['.spec.containers[name="a"]', '.spec.containers[name="a"].name'],
  },
];

for (const { name, before, after, added = [], modified = [], removed = [] } of COMPARISONS) {
  Deno.test(`compareFields() tells ${name}`, () => {
    const comparison = compareFields(before, after, RULES);
    assertEquals(
      {
        added: printed(comparison.added),
        modified: printed(comparison.modified),
        removed: printed(comparison.removed),
      },
      { added, modified, removed },
    );
  });
}

Deno.test("withAncestors() adds every object and list above", () => {
  const set = withAncestors(new Set([fieldPathOf("f:spec", "f:a", "f:b")]));
  assertEquals(printed(set), [".spec", ".spec.a", ".spec.a.b"]);
});

Deno.test("withoutFields() removes fields with everything below, in objects, keyed lists and sets", () => {
  const gone = new Set([
    fieldPathOf("f:spec", "f:containers", 'k:{"name":"c"}', "f:image"),
    fieldPathOf("f:metadata", "f:labels"),
    fieldPathOf("f:metadata", "f:finalizers", 'v:"a"'),
  ]);
  assertEquals(withoutFields(POD, gone, RULES), {
    metadata: { finalizers: [] },
    spec: { containers: [{ name: "c" }], args: ["x", "y"], empty: {} },
  });
});

Deno.test("isWithin() knows a path and what is below it from a longer name", () => {
  assertEquals(isWithin(fieldPathOf("f:spec", "f:a"), "f:spec"), true);
  assertEquals(isWithin("f:spec", "f:spec"), true);
  assertEquals(isWithin("f:specific", "f:spec"), false);
});
