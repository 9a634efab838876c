/**
 * Destinations cut into ranges: in order, with about as many flows each, none left out; and what parts came to, put together.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { destinationRanges, joinRows } from "#/wasm-policy/flow_parts.ts";
import { NONE } from "#/wasm-policy/layout.ts";

const CUTS: readonly (readonly [destinations: readonly number[], parts: number, ranges: string])[] = [
  [[], 2, "0-4"],
  [[0, 0, 0], 2, "0-4"],
  [[2, 0, 1, 0], 1, "0-4"],
  [[2, 0, 1, 0], 2, "0-1 1-4"],
  [[NONE, 0, NONE, 1], 2, "0-3 3-4"],
  [[2, 2, NONE], 2, "0-3 3-4"],
  [[0, 1, 2, NONE], 9, "0-1 1-2 2-3 3-4"],
  [[0, 0, 0, 0, 0, 1, 2], 2, "0-1 1-4"],
];

for (const [destinations, parts, wanted] of CUTS) {
  Deno.test(`destinationRanges() cuts [${destinations}] in ${parts} as ${wanted}`, () => {
    const flows = { endpoints: ["a", "b", "c"], destinationEndpoint: Uint32Array.from(destinations) };
    assertEquals(destinationRanges(flows, parts).map(({ from, end }) => `${from}-${end}`).join(" "), wanted);
  });
}

Deno.test("joinRows() puts columns one after the other, state by state", () => {
  const ends = (...results: readonly number[]) => [{ egress: Uint32Array.from(results), ingress: Uint32Array.of() }];
  const joined = joinRows([
    { rows: Uint32Array.of(5), counts: Uint32Array.of(2), results: ends(7) },
    { rows: Uint32Array.of(0, 1), counts: Uint32Array.of(1, 3), results: ends(8, 9) },
  ]);
  assertEquals([...joined.rows], [5, 0, 1]);
  assertEquals([...joined.counts], [2, 1, 3]);
  assertEquals([...joined.results[0]!.egress], [7, 8, 9]);
});
