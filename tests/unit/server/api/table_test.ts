/**
 * @module
 */
import { assertEquals } from "@std/assert";
import type { PrinterColumn } from "#/resources/kind.ts";
import type { KubeObject } from "#/resources/object.ts";
import { humanDuration, includeObjectOf, metadataOf, tableOf } from "#/server/api/table.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Both sides of every border of kubectl's own formatter. */
const AGES: readonly (readonly [number, string])[] = [
  [-2 * SECOND, "<invalid>"],
  [-1 * SECOND, "0s"],
  [0, "0s"],
  [119 * SECOND, "119s"],
  [2 * MINUTE, "2m"],
  [2 * MINUTE + SECOND, "2m1s"],
  [10 * MINUTE - SECOND, "9m59s"],
  [10 * MINUTE + SECOND, "10m"],
  [3 * HOUR - SECOND, "179m"],
  [3 * HOUR, "3h"],
  [3 * HOUR + MINUTE, "3h1m"],
  [8 * HOUR, "8h"],
  [2 * DAY - SECOND, "47h"],
  [2 * DAY, "2d"],
  [2 * DAY + HOUR, "2d1h"],
  [8 * DAY + HOUR, "8d"],
  [2 * 365 * DAY - SECOND, "729d"],
  [2 * 365 * DAY, "2y"],
  [2 * 365 * DAY + DAY, "2y1d"],
  [8 * 365 * DAY + DAY, "8y"],
];

for (const [milliseconds, want] of AGES) {
  Deno.test(`humanDuration() of ${milliseconds} ms is ${want}`, () => assertEquals(humanDuration(milliseconds), want));
}

const COLUMNS: readonly PrinterColumn[] = [
  { name: "Name", type: "string", description: "n", priority: 0, cell: (object) => object.metadata.name },
  { name: "Order", type: "number", description: "o", priority: 1, cell: () => 3 },
  {
    name: "Age",
    type: "date",
    description: "a",
    priority: 0,
    cell: (object) => object.metadata.creationTimestamp ?? null,
  },
];

const OBJECT: KubeObject = {
  apiVersion: "v1",
  kind: "X",
  metadata: { name: "web", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { a: 1 },
};

const OPTIONS = {
  columns: COLUMNS,
  meta: { resourceVersion: "5" },
  include: "Metadata",
  now: Date.parse("2026-01-01T00:05:00Z"),
  withColumns: true,
} as const;

Deno.test("tableOf() prints cells, ages as text, and metadata for kubectl to read names from", () => {
  const table = tableOf([OBJECT], OPTIONS);
  assertEquals<unknown>(
    table.columnDefinitions?.map(({ name, type, format, priority }) => [name, type, format, priority]),
    [
      ["Name", "string", "name", 0],
      ["Order", "number", "", 1],
      ["Age", "string", "", 0],
    ],
  );
  assertEquals<unknown>(table.rows, [{ cells: ["web", 3, "5m"], object: metadataOf(OBJECT) }]);
});

Deno.test("tableOf() leaves out columns and objects where they are not wanted", () => {
  const table = tableOf([OBJECT], { ...OPTIONS, withColumns: false, include: "None" });
  assertEquals(table.columnDefinitions, null);
  assertEquals(Object.keys(table.rows[0]!), ["cells"]);
  assertEquals(tableOf([OBJECT], { ...OPTIONS, include: "Object" }).rows[0]!.object, OBJECT);
});

Deno.test("tableOf() says when a time is not known", () => {
  const { creationTimestamp: _, ...metadata } = OBJECT.metadata;
  assertEquals(tableOf([{ ...OBJECT, metadata }], OPTIONS).rows[0]!.cells.at(-1), "<unknown>");
});

Deno.test("includeObjectOf() defaults to Metadata", () => {
  assertEquals(includeObjectOf(new URLSearchParams("includeObject=Object")), "Object");
  assertEquals(includeObjectOf(new URLSearchParams("includeObject=None")), "None");
  assertEquals(includeObjectOf(new URLSearchParams("includeObject=x")), "Metadata");
});
