/** The table of bench rows. @module */
import { assertEquals } from "@std/assert";
import { duration, formatTable, perSecond } from "../../../benches/support/rows.ts";

Deno.test("formatTable() shows what there is and says whether a target is met", () => {
  const table = formatTable([
    {
      bench: "append",
      ours: "10/s",
      counterpart: "20/s plain",
      ratio: { median: 0.5, min: 0.25, max: 12.4 },
      target: { text: ">= 0.6x", met: false },
      values: {},
    },
    { bench: "memory", ours: "70 MB", target: { text: "<= 80 MB", met: true }, values: {} },
    { bench: "effect", ours: "6 ms", target: { text: "P4" }, values: {} },
  ]);
  assertEquals(table.split("\n").map((line) => line.split(/ {2,}/)), [
    ["bench", "ours", "counterpart", "as fast", "target"],
    ["------", "-----", "-----------", "---------------", "---------------"],
    ["append", "10/s", "20/s plain", "0.50x (0.25-12)", ">= 0.6x: MISSED"],
    ["memory", "70 MB", "-", "-", "<= 80 MB: met"],
    ["effect", "6 ms", "-", "-", "(P4)"],
  ]);
});

Deno.test("duration() and perSecond() choose a unit that people read", () => {
  assertEquals([2500, 25, 2.5, 0.025, 0.0025, 0.00025].map(duration), [
    "2.50 s",
    "25 ms",
    "2.5 ms",
    "25 us",
    "2.5 us",
    "250 ns",
  ]);
  assertEquals(perSecond(12345.6), "12,346/s");
});
