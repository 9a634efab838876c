/**
 * Strategic merge patch: lists by key, sets, and the directives, on the shapes that kubectl sends for Pods and metadata.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { listRulesOf } from "#/server/decide/list_rules.ts";
import { strategicPatch } from "#/server/decide/patch_strategic.ts";

const RULES = listRulesOf({
  "spec.containers": "name",
  "spec.containers.ports": "containerPort",
  "status.conditions": "type",
});

interface Case {
  readonly name: string;
  readonly target: JsonObject;
  readonly patch: JsonObject;
  readonly expected: JsonObject;
}

const CASES: readonly Case[] = [
  {
    name: "merges objects and removes members that are null",
    target: { metadata: { labels: { a: "1", b: "2" } } },
    patch: { metadata: { labels: { a: null, c: "3" } } },
    expected: { metadata: { labels: { b: "2", c: "3" } } },
  },
  {
    name: "merges list items by key, nested ones too, and appends new ones",
    target: { spec: { containers: [{ name: "a", image: "1", ports: [{ containerPort: 80, name: "http" }] }] } },
    patch: {
      spec: {
        containers: [{ name: "b" }, { name: "a", ports: [{ containerPort: 80, name: "web" }, { containerPort: 81 }] }],
      },
    },
    expected: {
      spec: {
        containers: [
          { name: "a", image: "1", ports: [{ containerPort: 80, name: "web" }, { containerPort: 81 }] },
          { name: "b" },
        ],
      },
    },
  },
  {
    name: "replaces a list without a merge key",
    target: { spec: { tolerations: [{ key: "a" }, { key: "b" }] } },
    patch: { spec: { tolerations: [{ key: "c" }] } },
    expected: { spec: { tolerations: [{ key: "c" }] } },
  },
  {
    name: "removes a list item with $patch delete",
    target: { status: { conditions: [{ type: "Ready", status: "True" }, { type: "Other" }] } },
    patch: { status: { conditions: [{ type: "Other", $patch: "delete" }] } },
    expected: { status: { conditions: [{ type: "Ready", status: "True" }] } },
  },
  {
    name: "replaces a keyed list with an item of $patch replace",
    target: { spec: { containers: [{ name: "a" }, { name: "b" }] } },
    patch: { spec: { containers: [{ name: "c" }, { $patch: "replace" }] } },
    expected: { spec: { containers: [{ name: "c" }] } },
  },
  {
    name: "replaces an object with $patch replace",
    target: { spec: { a: 1, b: 2 } },
    patch: { spec: { $patch: "replace", c: 3 } },
    expected: { spec: { c: 3 } },
  },
  {
    name: "removes an object with $patch delete",
    target: { spec: { a: { b: 1 }, c: 2 } },
    patch: { spec: { a: { $patch: "delete" } } },
    expected: { spec: { c: 2 } },
  },
  {
    name: "adds to a set without repeating",
    target: { metadata: { finalizers: ["a", "b"] } },
    patch: { metadata: { finalizers: ["b", "c"] } },
    expected: { metadata: { finalizers: ["a", "b", "c"] } },
  },
  {
    name: "takes from a set with $deleteFromPrimitiveList before it adds",
    target: { metadata: { finalizers: ["a", "b"] } },
    patch: { metadata: { finalizers: ["c"], "$deleteFromPrimitiveList/finalizers": ["a", "z"] } },
    expected: { metadata: { finalizers: ["b", "c"] } },
  },
  {
    name: "sorts with $setElementOrder and keeps unnamed items before what they stood before",
    target: { spec: { containers: [{ name: "x" }, { name: "a" }, { name: "y" }, { name: "b" }, { name: "z" }] } },
    patch: {
      spec: {
        "$setElementOrder/containers": [{ name: "a" }, { name: "new" }, { name: "b" }],
        containers: [{ name: "new", image: "1" }],
      },
    },
    expected: {
      spec: {
        containers: [
          { name: "x" },
          { name: "a" },
          { name: "new", image: "1" },
          { name: "y" },
          { name: "b" },
          { name: "z" },
        ],
      },
    },
  },
  {
    name: "drops members that $retainKeys does not name",
    target: { spec: { strategy: { type: "Rolling", rolling: { max: 1 } } } },
    patch: { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } },
    expected: { spec: { strategy: { type: "Recreate" } } },
  },
  {
    name: "leaves out directives in what is new",
    target: {},
    patch: {
      spec: {
        "$setElementOrder/containers": [{ name: "a" }],
        $retainKeys: ["containers"],
        containers: [{ name: "a" }],
      },
    },
    expected: { spec: { containers: [{ name: "a" }] } },
  },
  {
    name: "replaces a stored list whose items cannot be told apart",
    target: { spec: { containers: [{ name: "a", image: "1" }, { name: "a" }] } },
    patch: { spec: { containers: [{ name: "a", image: "2" }] } },
    expected: { spec: { containers: [{ name: "a", image: "2" }] } },
  },
  {
    name: "ignores an item without its key",
    target: { spec: { containers: [{ name: "a" }] } },
    patch: { spec: { containers: [{ image: "2" }] } },
    expected: { spec: { containers: [{ name: "a" }] } },
  },
];

for (const { name, target, patch, expected } of CASES) {
  Deno.test(`strategicPatch() ${name}`, () => {
    const before = structuredClone(target);
    assertEquals(strategicPatch(target, patch, RULES), expected);
    assertEquals(target, before);
  });
}
