/**
 * The selectors of the label index: compiled programs side by side in one array, each filed under the slots of which every match of it has one, so that most
 * selectors are never tried on most endpoints.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { Selector } from "#/base/selector.ts";
import { type LabelStore, mentionLabel } from "#/projections/label_index_labels.ts";
import {
  countOfRight,
  createRelation,
  relate,
  type Relation,
  rightsOf,
  unrelateAll,
} from "#/projections/label_index_relation.ts";
import { acquireLeaf, releaseLeaf, valuesOfSlot } from "#/wasm-policy/selector_leaves.ts";
import { compileSelector, FIRST_LEAF_SLOT, programLength, slotsOf } from "#/wasm-policy/selector_program.ts";

/** Selectors by number. */
export interface SelectorStore {
  readonly ids: (string | undefined)[];
  readonly numbers: Map<string, number>;
  readonly uses: number[];
  readonly free: number[];
  /** Programs; where each begins; how much is used, and how much of that is of selectors that are gone. */
  code: Int32Array;
  readonly starts: number[];
  used: number;
  wasted: number;
  /** Registers of the program that uses most. */
  registers: number;
  /** Selector to the slots it is filed under. */
  readonly filed: Relation;
}

/** Wasted integers of programs below which nothing is moved. */
const WASTED_INTEGERS_MIN = 4_096;

/** A test for presence, or of a part of a text, is met by more endpoints than one for an exact value, before any endpoint is there to be counted. */
const GENERAL_TEST_COST = 8;

/** No selectors. */
export function createSelectorStore(): SelectorStore {
  return {
    ids: [],
    numbers: new Map(),
    uses: [],
    free: [],
    code: new Int32Array(1_024),
    starts: [],
    used: 0,
    wasted: 0,
    registers: 0,
    filed: createRelation(),
  };
}

/** Compiles and files a selector that is not there yet, with one use, and returns its number. */
export function putSelector(store: SelectorStore, labels: LabelStore, id: string, selector: Selector): number {
  assert(!store.numbers.has(id), `Selector must be new to be put: "${id}"`);
  const program = compileSelector(selector, {
    slotOf(test) {
      mentionLabel(labels, test.key);
      return acquireLeaf(labels.leaves, test);
    },
    costOf: (slot) => costOf(store, labels, slot),
  });
  const number = store.free.pop() ?? store.ids.length;
  store.ids[number] = id;
  store.numbers.set(id, number);
  store.uses[number] = 1;
  store.starts[number] = store.used;
  store.registers = Math.max(store.registers, program.registers);
  if (store.used + program.code.length > store.code.length) {
    const longer = new Int32Array(Math.max(store.used + program.code.length, store.code.length * 1.5));
    longer.set(store.code);
    store.code = longer;
  }
  store.code.set(program.code, store.used);
  store.used += program.code.length;
  for (const slot of program.demand) relate(store.filed, number, slot);
  return number;
}

/** Forgets a selector. */
export function dropSelector(store: SelectorStore, labels: LabelStore, number: number): void {
  const id = store.ids[number];
  const start = store.starts[number]!;
  assert(id !== undefined, `Dropped selector must exist: ${number}`);
  for (const slot of slotsOf(store.code, start)) if (slot >= FIRST_LEAF_SLOT) releaseLeaf(labels.leaves, slot);
  unrelateAll(store.filed, number);
  store.numbers.delete(id);
  store.ids[number] = undefined;
  store.free.push(number);
  store.wasted += programLength(store.code, start);
  if (store.wasted > WASTED_INTEGERS_MIN && store.wasted * 2 > store.used) closeGaps(store);
}

/** The slots that a selector is filed under: each of its matches has one of them. */
export function demandOf(store: SelectorStore, number: number): Iterable<number> {
  return rightsOf(store.filed, number);
}

/** About how many endpoints and parents have a slot set. */
export function bearersOfSlot(labels: LabelStore, slot: number): number {
  let count = 0;
  for (const value of valuesOfSlot(labels.leaves, slot)) {
    count += countOfRight(labels.endpoints.values, value) + countOfRight(labels.parents.values, value);
  }
  return count;
}

/** Trying a selector costs once for each endpoint with the slot; sharing a slot with many selectors makes each endpoint dear. */
function costOf(store: SelectorStore, labels: LabelStore, slot: number): number {
  const test = labels.leaves.tests[slot];
  const isExact = test?.kind === "equals" || test?.kind === "in";
  const bearers = isExact ? bearersOfSlot(labels, slot) : bearersOfKey(labels, test?.key ?? "");
  return (bearers + 1) * (countOfRight(store.filed, slot) + 1) * (isExact ? 1 : GENERAL_TEST_COST);
}

/** How many values of a label there are; a hint that costs nothing, where counting bearers would visit every value. */
function bearersOfKey(labels: LabelStore, name: string): number {
  return labels.leaves.keys.get(name)?.values.size ?? 0;
}

function closeGaps(store: SelectorStore): void {
  const order = [...store.numbers.values()].sort((a, b) => store.starts[a]! - store.starts[b]!);
  let used = 0;
  for (const number of order) {
    const start = store.starts[number]!;
    const length = programLength(store.code, start);
    store.code.copyWithin(used, start, start + length);
    store.starts[number] = used;
    used += length;
  }
  store.used = used;
  store.wasted = 0;
}
