/**
 * Selectors as the label index keeps them: programs that move when others go, and slots to be filed under.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import { scanEndpoints } from "#/projections/label_index_scan.ts";
import { bearersOfSlot, demandOf, dropSelector } from "#/projections/label_index_selectors.ts";
import { ALWAYS_SLOT, NEVER_SLOT } from "#/wasm-policy/selector_program.ts";
import { emptyParts, place, select } from "./label_index_parts.ts";

Deno.test("dropSelector() closes the gaps that it leaves, and other programs still say the same", () => {
  const parts = emptyParts();
  const endpoint = place(parts, "e", { app: "web" });
  const numbers = Array.from({ length: 2_000 }, (_, at) => select(parts, `app == 'web' && !has(x${at})`));
  const before = parts.selectors.used;
  for (const number of numbers) if (number % 10 !== 0) dropSelector(parts.selectors, parts.labels, number);
  if (parts.selectors.used > before / 2) throw new Error(`Gaps must be closed: ${parts.selectors.used} of ${before}`);
  for (const number of numbers.filter((each) => each % 10 === 0)) {
    assertEquals(scanEndpoints(parts, number), [endpoint]);
  }
  assertThrows(() => dropSelector(parts.selectors, parts.labels, 1), AssertionFailure);
});

Deno.test("demandOf() spreads selectors of one common label over their rare ones", () => {
  const parts = emptyParts();
  for (let at = 0; at < 5; at++) place(parts, `e${at}`, { app: "web", ns: `n${at}` });
  const filed = [0, 1, 2].map((at) => [...demandOf(parts.selectors, select(parts, `app == 'web' && ns == 'n${at}'`))]);
  assertEquals(new Set(filed.flat()).size, 3);
  assertEquals(filed.map(([slot]) => bearersOfSlot(parts.labels, slot!)), [1, 1, 1]);
  assertEquals([...demandOf(parts.selectors, select(parts, "!has(app)"))], [ALWAYS_SLOT]);
  assertEquals([...demandOf(parts.selectors, select(parts, "app in {}"))], [NEVER_SLOT]);
});
