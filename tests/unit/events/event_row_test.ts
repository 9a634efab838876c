/**
 * Events as rows and back.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { COLUMN_NAMES, decodeRow, encodeBatch, type EventRow, SELECT_LIST } from "#/events/event_row.ts";
import { chainBatch } from "#/events/integrity.ts";
import { emptyHead } from "#/events/memory_log.ts";
import { fullDraft, placeAll } from "#tests/support/events.ts";

Deno.test("decodeRow() gives back what encodeBatch() took apart", () => {
  const head = emptyHead("test");
  const { events } = chainBatch(head, placeAll(head, [0, 1, 2, 3].map(fullDraft)));
  const records: Record<string, unknown>[] = JSON.parse(encodeBatch(events));
  // What the database does on the way: absent columns are null, instants come as milliseconds.
  const rows = records.map((record) =>
    COLUMN_NAMES.map((name) => name === "occurred_at" ? Date.parse(String(record[name])) : record[name] ?? null)
  );
  assertEquals(rows.map((row) => decodeRow(row as unknown as EventRow)), [...events]);
});

Deno.test("SELECT_LIST names every column once", () => {
  assertEquals(SELECT_LIST.split(", ").length, COLUMN_NAMES.length);
  assertEquals(new Set(COLUMN_NAMES).size, COLUMN_NAMES.length);
});
