/**
 * Matching of a few endpoints against all selectors that may match them: each endpoint is a lane of one word, as it was and as it will be, and what differs between
 * the two is what began or ceased to match. Matches are not stored anywhere; they are a function of labels and selectors, and so are their changes.
 *
 * @module
 */
import type { MatchDelta } from "#/projections/label_index.ts";
import type { LabelStore } from "#/projections/label_index_labels.ts";
import { firstOfRight, leftAt, nextOfRight } from "#/projections/label_index_relation.ts";
import type { SelectorStore } from "#/projections/label_index_selectors.ts";
import type { SelectorBlock } from "#/wasm-policy/selector_blocks.ts";
import { ALWAYS_SLOT, runOnWord } from "#/wasm-policy/selector_program.ts";

/** Everything the index holds. */
export interface LabelIndex {
  readonly labels: LabelStore;
  readonly selectors: SelectorStore;
  readonly lanes: Lanes;
  /** Grows with every change, so that answers computed before it are known to be stale. */
  version: number;
  /** Made when many endpoints are first compared at once. */
  block: SelectorBlock | undefined;
}

/** One word of lanes per slot, empty between uses. */
export interface Lanes {
  words: Int32Array;
  /** Slots whose word is not zero. */
  readonly touched: number[];
  readonly registers: number[];
  /** By selector number: the last round that tried it. */
  readonly tried: number[];
  rounds: number;
  /** Scratch for slots of one endpoint. */
  readonly slots: number[];
}

/** Endpoints that fit into a word twice: lane `n` as it was, lane `n + 16` as it is now. */
export const PAIRED_LANES = 16;
const PAIRED_MASK = (1 << PAIRED_LANES) - 1;

/** Empty lanes. */
export function createLanes(): Lanes {
  return { words: new Int32Array(1_024), touched: [], registers: [], tried: [], rounds: 0, slots: [] };
}

/** Puts an endpoint into a lane. */
export function fillLane({ lanes, labels }: LabelIndex, lane: number, slots: readonly number[]): void {
  if (lanes.words.length < labels.leaves.tests.length) {
    const longer = new Int32Array(labels.leaves.tests.length * 2);
    longer.set(lanes.words);
    lanes.words = longer;
  }
  const { words, touched } = lanes;
  const bit = 1 << lane;
  if (words[ALWAYS_SLOT] === 0) touched.push(ALWAYS_SLOT);
  words[ALWAYS_SLOT]! |= bit;
  for (let at = 0; at < slots.length; at++) {
    const slot = slots[at]!;
    if (words[slot] === 0) touched.push(slot);
    words[slot]! |= bit;
  }
}

/** Takes everything out of the lanes. */
export function clearLanes({ words, touched }: Lanes): void {
  for (const slot of touched) words[slot] = 0;
  touched.length = 0;
}

/** Tries each selector that some lane may match, once, and tells the lanes that do. Selectors that demand nothing come last. */
export function matchLanes(index: LabelIndex, found: (selector: number, lanes: number) => void): void {
  index.lanes.rounds += 1;
  for (const slot of index.lanes.touched) if (slot !== ALWAYS_SLOT) tryFiled(index, slot, found);
  tryFiled(index, ALWAYS_SLOT, found);
}

/** Runs one selector on the lanes. */
export function runOnLanes({ lanes, selectors }: LabelIndex, selector: number): number {
  return runOnWord(selectors.code, selectors.starts[selector]!, lanes.words, lanes.registers);
}

/**
 * Adds to `deltas` what differs between the lower and the upper half of the lanes, and empties them.
 *
 * @param endpoints numbers of the endpoints by lane
 */
export function takeDeltas(index: LabelIndex, endpoints: readonly number[], deltas: MatchDelta[]): void {
  const { lanes, selectors, labels } = index;
  if (differs(lanes)) {
    matchLanes(index, (selector, matching) => {
      const now = matching >>> PAIRED_LANES;
      let changed = (matching & PAIRED_MASK) ^ now;
      while (changed !== 0) {
        const lane = 31 - Math.clz32(changed);
        changed ^= 1 << lane;
        deltas.push({
          selector: selectors.ids[selector]!,
          endpoint: labels.endpoints.ids[endpoints[lane]!]!,
          change: (now >>> lane) & 1 ? "started" : "stopped",
        });
      }
    });
  }
  clearLanes(lanes);
}

/** Whether any slot is set otherwise in the upper half. */
function differs({ words, touched }: Lanes): boolean {
  return touched.some((slot) => (words[slot]! & PAIRED_MASK) !== words[slot]! >>> PAIRED_LANES);
}

function tryFiled(index: LabelIndex, slot: number, found: (selector: number, lanes: number) => void): void {
  const { lanes, selectors } = index;
  const { filed } = selectors;
  for (let pair = firstOfRight(filed, slot); pair !== 0; pair = nextOfRight(filed, pair)) {
    const selector = leftAt(filed, pair);
    if (lanes.tried[selector] === lanes.rounds) continue;
    lanes.tried[selector] = lanes.rounds;
    const matching = runOnLanes(index, selector);
    if (matching !== 0) found(selector, matching);
  }
}
