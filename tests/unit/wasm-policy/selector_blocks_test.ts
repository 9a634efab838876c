/**
 * Blocks by hand: lanes without an endpoint, clearing, other programs, and both engines alike. Random ones are in `tests/properties/selector_engines_test.ts`.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Selector } from "#/base/selector.ts";
import { BLOCK_LANES, BLOCK_WORDS, createSelectorBlock, type SelectorBlock } from "#/wasm-policy/selector_blocks.ts";
import { compileSelector } from "#/wasm-policy/selector_program.ts";

const SLOT = 2;
const HAS: Selector = { kind: "has", key: "a" };
const HAS_NOT: Selector = { kind: "not", operand: HAS };

function load(block: SelectorBlock, selectors: readonly Selector[]): void {
  const codes = selectors.map((each) => compileSelector(each, { slotOf: () => SLOT, costOf: () => 1 }).code);
  const starts = codes.map((_, at) => codes.slice(0, at).flat().length);
  block.load({ code: Int32Array.from(codes.flat()), starts, slots: SLOT + 1, registers: 0 });
}

/** Programs that match with the number of lanes that they match in. */
function matches(block: SelectorBlock): number[][] {
  const { count, programs, words } = block.run();
  return Array.from({ length: count }, (_, at) => {
    const result = [...words.subarray(at * BLOCK_WORDS, (at + 1) * BLOCK_WORDS)];
    const lanes = result.reduce((sum, word) => sum + (word >>> 0).toString(2).replaceAll("0", "").length, 0);
    return [programs[at]!, lanes];
  });
}

for (const engine of ["kernel", "twin"] as const) {
  Deno.test(`createSelectorBlock("${engine}") matches no lane without an endpoint`, () => {
    const block = createSelectorBlock(engine);
    assertEquals(block.engine, engine);
    load(block, [HAS, HAS_NOT, { kind: "all" }]);
    assertEquals(matches(block), []);
    block.fill(0, []);
    block.fill(BLOCK_LANES - 1, [SLOT]);
    assertEquals(matches(block), [[0, 1], [1, 1], [2, 2]]);
    block.clear();
    assertEquals(matches(block), []);
  });

  Deno.test(`createSelectorBlock("${engine}") takes other programs, more and fewer`, () => {
    const block = createSelectorBlock(engine);
    load(block, [HAS]);
    block.fill(3, [SLOT]);
    load(block, Array.from({ length: 5_000 }, () => HAS_NOT));
    assertEquals(matches(block), []);
    block.fill(3, []);
    assertEquals(matches(block).length, 5_000);
    load(block, [HAS_NOT, HAS]);
    for (let lane = 0; lane < BLOCK_LANES; lane++) block.fill(lane, [SLOT]);
    assertEquals(matches(block), [[1, BLOCK_LANES]]);
  });
}
