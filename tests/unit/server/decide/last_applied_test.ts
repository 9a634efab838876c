/**
 * What server-side apply knows of kubectl's annotation.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { printField } from "#/server/decide/field_set.ts";
import { LAST_APPLIED_ANNOTATION, withLastApplied, yieldedFields } from "#/server/decide/last_applied.ts";
import { listRulesOf } from "#/server/decide/list_rules.ts";

const RULES = listRulesOf(undefined);

function annotated(text: string, spec: JsonObject): JsonObject {
  return { metadata: { name: "x", annotations: { [LAST_APPLIED_ANNOTATION]: text } }, spec };
}

Deno.test("yieldedFields() are those that still have the value once applied, for kubectl alone", () => {
  const live = annotated(JSON.stringify({ metadata: { name: "x" }, spec: { a: 1, b: 1, c: 1 } }), { a: 1, b: 2, d: 1 });
  assertEquals([...yieldedFields(live, "kubectl", RULES)].map(printField).sort(), [".metadata.name", ".spec.a"]);
  assertEquals(yieldedFields(live, "ann", RULES).size, 0);
});

Deno.test("yieldedFields() are none where the annotation is missing or unreadable", () => {
  for (const live of [{}, { metadata: {} }, annotated("", {}), annotated("{", {}), annotated("[]", {})]) {
    assertEquals(yieldedFields(live, "kubectl", RULES).size, 0);
  }
});

Deno.test("withLastApplied() brings an annotation up to date and makes none", () => {
  const config = { metadata: { name: "x" }, spec: { a: 2 } };
  const live = annotated("{}", { a: 1 });
  const text = `${JSON.stringify(config)}\n`;
  assertEquals(withLastApplied({ ...live, spec: { a: 2 } }, live, config, "kubectl"), annotated(text, { a: 2 }));
  assertEquals(withLastApplied(live, live, config, "ann"), live);
  assertEquals(withLastApplied(config, config, config, "kubectl"), config);
});
