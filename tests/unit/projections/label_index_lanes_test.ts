/**
 * Lanes: what is told of an endpoint as it was and as it is.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { MatchDelta } from "#/projections/label_index.ts";
import { collectSlots } from "#/projections/label_index_labels.ts";
import { fillLane, matchLanes, PAIRED_LANES, runOnLanes, takeDeltas } from "#/projections/label_index_lanes.ts";
import { emptyParts, place, select } from "./label_index_parts.ts";

Deno.test("takeDeltas() tells what differs between the halves and leaves the lanes empty", () => {
  const parts = emptyParts();
  const web = select(parts, "app == 'web'");
  const all = select(parts, "all()");
  const endpoints = ["web", "db", "web"].map((app, at) => place(parts, `e${at}`, { app }));
  const fill = (lane: number, endpoint: number) => {
    collectSlots(parts.labels, endpoint, parts.lanes.slots);
    fillLane(parts, lane, parts.lanes.slots);
  };
  // The first comes, the second goes, the last stays.
  fill(PAIRED_LANES, endpoints[0]!);
  fill(1, endpoints[1]!);
  fill(15, endpoints[2]!);
  fill(15 + PAIRED_LANES, endpoints[2]!);
  const found: number[][] = [];
  matchLanes(parts, (selector, lanes) => found.push([selector, lanes]));
  const last = (1 << 15) | (1 << 31);
  assertEquals(found, [[web, (last | 1 << 16) >>> 0], [all, (last | 0b10 | 1 << 16) >>> 0]]);
  const deltas: MatchDelta[] = [];
  takeDeltas(parts, [endpoints[0]!, endpoints[1]!], deltas);
  assertEquals(deltas.map(({ selector, endpoint, change }) => `${selector} ${endpoint} ${change}`).sort(), [
    "all() e0 started",
    "all() e1 stopped",
    "app == 'web' e0 started",
  ]);
  assertEquals([parts.lanes.touched.length, runOnLanes(parts, all)], [0, 0]);
});
