/**
 * Endpoints of one selector, by candidates and by rows: both ways over one cluster.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { bearerNumber, putLabels } from "#/projections/label_index_labels.ts";
import { scanEndpoints } from "#/projections/label_index_scan.ts";
import { emptyParts, place, select } from "./label_index_parts.ts";

/** Enough that a label of half of them is combined in rows. */
const ENDPOINTS = 500;

const CASES: readonly (readonly [string, (at: number) => boolean])[] = [
  ["all()", () => true],
  ["!all()", () => false],
  ["unique == 'u7'", (at) => at === 7],
  ["unique in {'u7', 'u9', 'nobody'}", (at) => at === 7 || at === 9],
  ["half == 'a'", (at) => at % 2 === 0],
  ["half == 'a' && unique != 'u4'", (at) => at % 2 === 0 && at !== 4],
  ["!has(half) || unique == 'u3'", (at) => at === 3],
  ["env == 'prod'", (at) => at % 3 === 0 && at % 5 !== 0],
  ["env == 'dev'", (at) => at % 5 === 0],
  ["!has(env)", (at) => at % 3 !== 0 && at % 5 !== 0],
];

Deno.test("scanEndpoints() finds own and inherited labels, hidden ones not", () => {
  const parts = emptyParts();
  const { labels } = parts;
  putLabels(labels, labels.parents, bearerNumber(labels.parents, "prod"), { env: "prod" });
  const numbers = Array.from({ length: ENDPOINTS }, (_, at) =>
    place(
      parts,
      `e${at}`,
      { unique: `u${at}`, half: at % 2 === 0 ? "a" : "b", ...at % 5 === 0 ? { env: "dev" } : {} },
      at % 3 === 0 ? ["none", "prod"] : ["none"],
    ));
  for (const [text, matches] of CASES) {
    const expected = numbers.filter((_, at) => matches(at));
    assertEquals(scanEndpoints(parts, select(parts, text)).sort((a, b) => a - b), expected, text);
  }
});
