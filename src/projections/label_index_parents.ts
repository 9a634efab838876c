/**
 * A parent's labels change, and with them what all its children inherit. Few children are compared by words of lanes, many by blocks: each block holds 256 of
 * them as they were and as they will be, and only selectors that name a changed label are run on it.
 *
 * @module
 */
import type { Labels, MatchDelta } from "#/projections/label_index.ts";
import { collectSlots, dropLabels, type ParentValues, putLabels, valuesOf } from "#/projections/label_index_labels.ts";
import { fillLane, type LabelIndex, PAIRED_LANES, takeDeltas } from "#/projections/label_index_lanes.ts";
import { leftsOf, rightsOf } from "#/projections/label_index_relation.ts";
import { BLOCK_LANES, BLOCK_WORDS, createSelectorBlock, type SelectorBlock } from "#/wasm-policy/selector_blocks.ts";
import { FIRST_LEAF_SLOT, slotsOf } from "#/wasm-policy/selector_program.ts";

/** With fewer children, words are cheaper than blocks (benches/selector.ts). */
const BLOCK_CHILDREN_MIN = 128;
const HALF_LANES = BLOCK_LANES / 2;
const HALF_WORDS = BLOCK_WORDS / 2;
const WORD_LANES = 32;

/** Gives a parent other labels, or none. Returns what began or ceased to match. */
export function changeParent(index: LabelIndex, parent: number, next: Labels | undefined): MatchDelta[] {
  const { labels } = index;
  const instead = { parent, values: next === undefined ? [] : valuesOf(labels, next) };
  const deltas = compareChildren(index, instead);
  dropLabels(labels, labels.parents, parent);
  if (next !== undefined) putLabels(labels, labels.parents, parent, next);
  return deltas;
}

function compareChildren(index: LabelIndex, instead: ParentValues): MatchDelta[] {
  const { labels } = index;
  const changed = changedKeys(index, instead);
  if (changed.size === 0) return [];
  const children = [...new Set(leftsOf(labels.inherits, instead.parent))];
  if (children.length < BLOCK_CHILDREN_MIN) return compareByWords(index, instead, children);
  return compareByBlocks(index, instead, children, selectorsNaming(index, changed));
}

/** Numbers of the keys whose value changes, comes or goes. */
function changedKeys({ labels }: LabelIndex, { parent, values }: ParentValues): Set<number> {
  const before = new Set(rightsOf(labels.parents.values, parent));
  const changed = before.symmetricDifference(new Set(values));
  return new Set([...changed].map((value) => labels.leaves.valueKeys[value]!.number));
}

function compareByWords(index: LabelIndex, instead: ParentValues, children: readonly number[]): MatchDelta[] {
  const { labels, lanes } = index;
  const deltas: MatchDelta[] = [];
  for (let start = 0; start < children.length; start += PAIRED_LANES) {
    const group = children.slice(start, start + PAIRED_LANES);
    for (const [lane, child] of group.entries()) {
      collectSlots(labels, child, lanes.slots);
      fillLane(index, lane, lanes.slots);
      collectSlots(labels, child, lanes.slots, instead);
      fillLane(index, lane + PAIRED_LANES, lanes.slots);
    }
    takeDeltas(index, group, deltas);
  }
  return deltas;
}

/** Selectors with a test of one of some keys. */
function selectorsNaming({ labels, selectors }: LabelIndex, keys: ReadonlySet<number>): number[] {
  const { leaves } = labels;
  const named = leaves.tests.map((test) => test !== undefined && keys.has(leaves.keys.get(test.key)!.number));
  return [...selectors.numbers.values()].filter((selector) => {
    for (const slot of slotsOf(selectors.code, selectors.starts[selector]!)) {
      if (slot >= FIRST_LEAF_SLOT && named[slot]) return true;
    }
    return false;
  });
}

function compareByBlocks(
  index: LabelIndex,
  instead: ParentValues,
  children: readonly number[],
  numbers: readonly number[],
): MatchDelta[] {
  const { labels, lanes, selectors } = index;
  const deltas: MatchDelta[] = [];
  if (numbers.length === 0) return deltas;
  const block = loadedBlock(index, numbers);
  for (let start = 0; start < children.length; start += HALF_LANES) {
    const group = children.slice(start, start + HALF_LANES);
    for (const [lane, child] of group.entries()) {
      collectSlots(labels, child, lanes.slots);
      block.fill(lane, lanes.slots);
      collectSlots(labels, child, lanes.slots, instead);
      block.fill(lane + HALF_LANES, lanes.slots);
    }
    const { count, programs, words } = block.run();
    for (let result = 0; result < count; result++) {
      const selector = selectors.ids[numbers[programs[result]!]!]!;
      for (let word = 0; word < HALF_WORDS; word++) {
        const now = words[result * BLOCK_WORDS + HALF_WORDS + word]!;
        let differing = words[result * BLOCK_WORDS + word]! ^ now;
        for (; differing !== 0; differing &= differing - 1) {
          const bit = 31 - Math.clz32(differing & -differing);
          const endpoint = labels.endpoints.ids[group[word * WORD_LANES + bit]!]!;
          deltas.push({ selector, endpoint, change: (now >>> bit) & 1 ? "started" : "stopped" });
        }
      }
    }
    block.clear();
  }
  return deltas;
}

/** The block with copies of some selectors' programs. */
function loadedBlock(index: LabelIndex, numbers: readonly number[]): SelectorBlock {
  const { labels, selectors } = index;
  const block = index.block ??= createSelectorBlock();
  block.load({
    code: selectors.code.subarray(0, selectors.used),
    starts: numbers.map((number) => selectors.starts[number]!),
    slots: labels.leaves.tests.length,
    registers: selectors.registers,
  });
  return block;
}
