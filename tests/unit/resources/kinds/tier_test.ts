/**
 * Tier: names, defaults, and the built-in tiers that stay as they are.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { BUILTIN_TIERS, builtinTier, tier, tierSpecOf } from "#/resources/kinds/tier.ts";
import { admitted, calicoObject, cellsOf, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = calicoObject("Tier", { name: "platform" }, { order: 100, defaultAction: "Pass" });

testKind(tier, base, [
  { name: "order and action" },
  { name: "a negative order", spec: { order: -0.5 } },
  { name: "an observed condition", status: { conditions: [{ type: "Ready", status: "True" }] } },
  { name: "a name with a dot", metadata: { name: "a.b" }, problems: ["metadata.name FieldValueInvalid"] },
  {
    name: "a name of 64 characters",
    metadata: { name: "a".repeat(64) },
    problems: ["metadata.name FieldValueInvalid"],
  },
  {
    name: "another action",
    spec: { defaultAction: "Allow" },
    problems: ["spec.defaultAction FieldValueNotSupported"],
    message: 'Unsupported value: "Allow": supported values: "Pass", "Deny"',
  },
  { name: "an order that is a text", spec: { order: "1" }, problems: ["spec.order FieldValueTypeInvalid"] },
  { name: "a spec that is a list", spec: { order: [] }, problems: ["spec.order FieldValueTypeInvalid"] },
  {
    name: "a condition of unknown status",
    status: { conditions: [{ type: "Ready", status: "Maybe" }] },
    problems: ["status.conditions[0].status FieldValueNotSupported"],
  },
  ...Object.entries(BUILTIN_TIERS).map(([name, spec]) => ({
    name: `the built-in tier ${name} as it is`,
    metadata: { name },
    spec: { ...spec },
  })),
  {
    name: "another order of the built-in tier default",
    metadata: { name: "default" },
    spec: { order: 5, defaultAction: "Deny" },
    problems: ["spec.order FieldValueForbidden"],
    message: 'must be 1000000 in the built-in tier "default": 5',
  },
  {
    name: "another action of the built-in tier kube-admin",
    metadata: { name: "kube-admin" },
    spec: { order: 1000, defaultAction: "Deny" },
    problems: ["spec.defaultAction FieldValueForbidden"],
  },
]);

Deno.test("tier.defaults() fills in order and action, of built-in tiers their own", () => {
  const specOf = (name: string) => tierSpecOf(admitted(tier, calicoObject("Tier", { name })));
  assertEquals(specOf("platform"), { order: 1_000_000, defaultAction: "Deny" });
  assertEquals(specOf("constructor"), { order: 1_000_000, defaultAction: "Deny" });
  assertEquals(specOf("kube-admin"), { order: 1_000, defaultAction: "Pass" });
  assertEquals(specOf("kube-baseline"), { order: 10_000_000, defaultAction: "Pass" });
});

Deno.test("builtinTier() knows three tiers and nothing that objects inherit", () => {
  assertEquals(["kube-admin", "default", "kube-baseline"].map((name) => builtinTier(name) !== undefined), [
    true,
    true,
    true,
  ]);
  assertEquals(["toString", "__proto__", "platform"].map(builtinTier), [undefined, undefined, undefined]);
});

Deno.test("tier.columns show order and action", () => {
  assertEquals(cellsOf(tier, base), { Name: "platform", Order: 100, DefaultAction: "Pass", Age: null });
});
