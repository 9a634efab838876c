/**
 * The whole matrix of endpoints and selectors by each engine, for the selector bench: the tree walk over merged labels, and blocks by the twin and by the kernel.
 *
 * @module
 */
import { matchSelector } from "#/base/selector.ts";
import {
  bearerNumber,
  collectSlots,
  createLabelStore,
  type LabelStore,
  putLabels,
  setParents,
} from "#/projections/label_index_labels.ts";
import { createSelectorStore, putSelector, type SelectorStore } from "#/projections/label_index_selectors.ts";
import { BLOCK_LANES, BLOCK_WORDS, type SelectorBlock } from "#/wasm-policy/selector_blocks.ts";
import type { LabelWorld } from "./label_world.ts";

/** A world as the block engines take it: labels as slots, selectors as programs. Endpoints are sorted by namespace, so that blocks hold what belongs together. */
export interface Matrix {
  readonly labels: LabelStore;
  readonly selectors: SelectorStore;
  readonly endpoints: number;
}

/** Brings a world into form. */
export function createMatrix(world: LabelWorld): Matrix {
  const labels = createLabelStore();
  const selectors = createSelectorStore();
  for (const { id, selector } of world.selectors) putSelector(selectors, labels, id, selector);
  for (const [id, parent] of world.parents) putLabels(labels, labels.parents, bearerNumber(labels.parents, id), parent);
  for (const { id, labels: own, parent } of world.endpoints.toSorted((a, b) => a.parent < b.parent ? -1 : 1)) {
    const number = bearerNumber(labels.endpoints, id);
    putLabels(labels, labels.endpoints, number, own);
    setParents(labels, number, [parent]);
  }
  return { labels, selectors, endpoints: world.endpoints.length };
}

/** Loads all programs; done once, as an index would. */
export function loadMatrix(block: SelectorBlock, { labels, selectors }: Matrix): void {
  block.load({
    code: selectors.code.subarray(0, selectors.used),
    starts: selectors.starts,
    slots: labels.leaves.tests.length,
    registers: selectors.registers,
  });
}

/** Runs every selector on every endpoint, and counts the pairs that match, by selector. */
export function runMatrix(block: SelectorBlock, { labels, selectors, endpoints }: Matrix): Int32Array {
  const counts = new Int32Array(selectors.ids.length);
  const slots: number[] = [];
  for (let start = 0; start < endpoints; start += BLOCK_LANES) {
    const lanes = Math.min(BLOCK_LANES, endpoints - start);
    for (let lane = 0; lane < lanes; lane++) {
      collectSlots(labels, start + lane, slots);
      block.fill(lane, slots);
    }
    const { count, programs, words } = block.run();
    for (let result = 0; result < count; result++) {
      let pairs = 0;
      for (let word = 0; word < BLOCK_WORDS; word++) pairs += bitCount(words[result * BLOCK_WORDS + word]!);
      counts[programs[result]!]! += pairs;
    }
    block.clear();
  }
  return counts;
}

/** Each endpoint's own and inherited labels in one map, as the tree walk wants them. */
export function mergedLabels(world: LabelWorld): ReadonlyMap<string, string>[] {
  return world.endpoints.map(({ labels, parent }) =>
    new Map(Object.entries({ ...world.parents.get(parent), ...labels }))
  );
}

/** The same by walking trees, for every `step`-th selector. */
export function walkMatrix(
  world: LabelWorld,
  merged: readonly ReadonlyMap<string, string>[],
  step: number,
): Map<number, number> {
  const counts = new Map<number, number>();
  for (let at = 0; at < world.selectors.length; at += step) {
    const { selector } = world.selectors[at]!;
    let count = 0;
    for (const labels of merged) if (matchSelector(selector, (key) => labels.get(key))) count += 1;
    counts.set(at, count);
  }
  return counts;
}

function bitCount(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
