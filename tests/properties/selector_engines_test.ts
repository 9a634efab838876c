/**
 * The selector kernel, its twin, the word interpreter and the tree walk of `matchSelector` on random nested selectors and labels: every pair must come out alike,
 * and lanes without an endpoint must match nothing.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { matchSelector, type Selector } from "#/base/selector.ts";
import { BLOCK_LANES, BLOCK_WORDS, createSelectorBlock, type SelectorBlock } from "#/wasm-policy/selector_blocks.ts";
import {
  acquireLeaf,
  acquireValue,
  createLeafTable,
  type LeafTable,
  mentionKey,
} from "#/wasm-policy/selector_leaves.ts";
import { ALWAYS_SLOT, compileSelector, runOnWord } from "#/wasm-policy/selector_program.ts";
import { KEYS, labels, selector } from "./selector_worlds.ts";

type Labels = Readonly<Record<string, string>>;

/** Programs one after the other. */
interface Programs {
  readonly code: Int32Array;
  readonly starts: number[];
  readonly demands: (readonly number[])[];
  readonly registers: number;
}

function compiled(table: LeafTable, selectors: readonly Selector[]): Programs {
  const code: number[] = [];
  const starts: number[] = [];
  const demands: (readonly number[])[] = [];
  let registers = 0;
  for (const each of selectors) {
    // The costs differ, so that demands are chosen and not merely taken.
    const program = compileSelector(each, { slotOf: (test) => acquireLeaf(table, test), costOf: (slot) => slot % 5 });
    starts.push(code.length);
    demands.push(program.demand);
    code.push(...program.code);
    registers = Math.max(registers, program.registers);
  }
  return { code: Int32Array.from(code), starts, demands, registers };
}

function slotsOf(table: LeafTable, bearer: Labels): number[] {
  return Object.entries(bearer).filter(([name]) => KEYS.includes(name))
    .flatMap(([name, text]) => [...table.valueSlots[acquireValue(table, mentionKey(table, name), text)]!]);
}

function treeMatches(each: Selector, bearer: Labels): boolean {
  return matchSelector(each, (name) => Object.hasOwn(bearer, name) ? bearer[name] : undefined);
}

function blockMatches(
  block: SelectorBlock,
  programs: Programs,
  table: LeafTable,
  lanes: ReadonlyMap<number, number[]>,
): Set<string> {
  block.load({ ...programs, slots: table.tests.length });
  // Twice, with clearing between: what a run leaves behind must not show in the next.
  for (const [lane, slots] of lanes) block.fill(BLOCK_LANES - 1 - lane, slots);
  block.run();
  block.clear();
  for (const [lane, slots] of lanes) block.fill(lane, slots);
  const { count, programs: found, words } = block.run();
  const pairs = new Set<string>();
  for (let result = 0; result < count; result++) {
    for (let lane = 0; lane < BLOCK_LANES; lane++) {
      if ((words[result * BLOCK_WORDS + (lane >>> 5)]! >>> (lane & 31)) & 1) pairs.add(`${found[result]} ${lane}`);
    }
  }
  return pairs;
}

Deno.test("kernel, twin, words and tree agree on every selector and endpoint, and on lanes without one", () => {
  const kernel = createSelectorBlock("kernel");
  const twin = createSelectorBlock("twin");
  assertEquals([kernel.engine, twin.engine], ["kernel", "twin"]);
  const seen = { matching: 0, other: 0, nested: 0 };
  fc.assert(
    fc.property(
      fc.array(selector, { minLength: 1, maxLength: 12 }),
      fc.uniqueArray(fc.tuple(fc.nat(BLOCK_LANES - 1), labels), { maxLength: 40, selector: ([lane]) => lane }),
      (selectors, endpoints) => {
        const table = createLeafTable();
        // Half of the values are there before the tests that they pass, half come after.
        const early = endpoints.slice(0, endpoints.length / 2);
        for (const [, bearer] of early) slotsOf(table, bearer);
        const programs = compiled(table, selectors);
        const lanes = new Map(endpoints.map(([lane, bearer]) => [lane, slotsOf(table, bearer)] as const));
        const expected = new Set<string>();
        for (const [at, each] of selectors.entries()) {
          for (const [lane, bearer] of endpoints) {
            const matches = treeMatches(each, bearer);
            if (matches) expected.add(`${at} ${lane}`);
            seen[matches ? "matching" : "other"] += 1;
            checkOnWord(programs, at, lanes.get(lane)!, matches);
          }
        }
        if (programs.registers > 0) seen.nested += 1;
        assertEquals(blockMatches(twin, programs, table, lanes), expected);
        assertEquals(blockMatches(kernel, programs, table, lanes), expected);
      },
    ),
    { numRuns: 300 },
  );
  assert(seen.matching > 1_000 && seen.other > 1_000 && seen.nested > 20, JSON.stringify(seen));
});

/** One lane of a word says the same, and a match has a slot of the demand. */
function checkOnWord(programs: Programs, at: number, slots: readonly number[], expected: boolean): void {
  const truth: number[] = [];
  for (const slot of [ALWAYS_SLOT, ...slots]) truth[slot] = 1 << 7;
  const word = runOnWord(programs.code, programs.starts[at]!, truth, []);
  assertEquals(word, expected ? 1 << 7 : 0);
  if (expected) assert(programs.demands[at]!.some((slot) => slot === ALWAYS_SLOT || slots.includes(slot)));
}
