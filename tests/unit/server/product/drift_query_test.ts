/**
 * Drift as it was reported.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { DriftFound } from "#/events/catalog.ts";
import { createMemoryLog } from "#/events/memory_log.ts";
import { createState } from "#/projections/fold.ts";
import { factDraft, factObject } from "#/server/decide/fact_drafts.ts";
import { readDriftRows } from "#/server/product/drift_query.ts";
import { placeAll, PLAIN_CONTEXT } from "#tests/support/events.ts";

Deno.test("readDriftRows() tells the reports of the nodes asked for, oldest first, up to a position", async () => {
  const log = createMemoryLog("log");
  const report = (node: string, subject: DriftFound["subject"]) =>
    factDraft({ state: createState(), context: PLAIN_CONTEXT }, "DriftFound", factObject("Drift", node), {
      ...{ node, subject, position: 1, differences: [`missing ${subject}`], repaired: true },
    });
  const head = await log.head();
  await log.append(head, placeAll(head, [report("b", "route"), report("a", "nftables"), report("b", "link")]));
  const rows = await readDriftRows(log, { nodes: ["a", "b"], to: 3 });
  assertEquals(rows.map(({ position, node, differences }) => [position, node, differences[0]]), [
    [1, "b", "missing route"],
    [2, "a", "missing nftables"],
    [3, "b", "missing link"],
  ]);
  assertEquals((await readDriftRows(log, { nodes: ["b"], to: 2 })).map(({ position }) => position), [1]);
});
