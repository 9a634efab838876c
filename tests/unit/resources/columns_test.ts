/**
 * Printer columns: cells of fields of every type.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { AGE_COLUMN, computedColumn, fieldColumn, NAME_COLUMN, valueAt, wide } from "#/resources/columns.ts";

const object = {
  apiVersion: "v1",
  kind: "A",
  metadata: { name: "a", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { text: "t", number: 0, flag: false, list: ["a", 1], map: { b: 1 } },
};

Deno.test("fieldColumn() prints a field, lists joined and objects as JSON, nothing where it is missing", () => {
  const cell = (path: string) => fieldColumn("X", path, "").cell(object);
  assertEquals(["spec.text", "spec.number", "spec.flag", "spec.list", "spec.map"].map(cell), [
    "t",
    0,
    false,
    "a,1",
    '{"b":1}',
  ]);
  assertEquals(["spec.none", "spec.text.deeper", "status.phase"].map(cell), [null, null, null]);
});

Deno.test("columns say whether they are wide, and what they hold", () => {
  assertEquals([NAME_COLUMN.cell(object), AGE_COLUMN.cell(object)], ["a", "2026-01-01T00:00:00Z"]);
  assertEquals([NAME_COLUMN.priority, wide(NAME_COLUMN).priority], [0, 1]);
  assertEquals(fieldColumn("N", "spec.number", "d", "integer").type, "integer");
  assertEquals(computedColumn("C", "d", (any) => any.kind).cell(object), "A");
  assertEquals(valueAt(object, "spec.map"), { b: 1 });
});
