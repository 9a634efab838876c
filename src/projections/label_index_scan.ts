/**
 * Which endpoints match one selector: either the few that meet its demand are tried one by one, or, where these are many, whole rows of endpoints are combined as
 * the program says, a row for each test that it names.
 *
 * @module
 */
import { collectSlots, type LabelStore } from "#/projections/label_index_labels.ts";
import { clearLanes, fillLane, type LabelIndex, runOnLanes } from "#/projections/label_index_lanes.ts";
import {
  countOfRight,
  firstOfLeft,
  firstOfRight,
  leftAt,
  nextOfLeft,
  nextOfRight,
  type Relation,
  rightAt,
} from "#/projections/label_index_relation.ts";
import { demandOf } from "#/projections/label_index_selectors.ts";
import { valuesOfSlot } from "#/wasm-policy/selector_leaves.ts";
import { ALWAYS_SLOT, FIRST_LEAF_SLOT, slotsOf } from "#/wasm-policy/selector_program.ts";

/** Lanes of a word. */
const WORD_LANES = 32;

/** With more than one candidate in so many endpoints, rows are cheaper than trying them one by one. */
const ROWS_CANDIDATES_PART = 32;

/** Numbers of the endpoints that match a selector, in no order. */
export function scanEndpoints(index: LabelIndex, selector: number): number[] {
  if (index.labels.endpoints.numbers.size === 0) return [];
  const demand = [...demandOf(index.selectors, selector)];
  const limit = index.labels.endpoints.ids.length / ROWS_CANDIDATES_PART;
  const candidates = demand.includes(ALWAYS_SLOT) ? undefined : candidatesOf(index.labels, demand, limit);
  return candidates === undefined ? scanRows(index, selector) : scanCandidates(index, selector, candidates);
}

/** Endpoints that may have one of some slots; `undefined` when there are more than `limit`. Ones whose own label hides the inherited one are among them. */
function candidatesOf(labels: LabelStore, slots: readonly number[], limit: number): ReadonlySet<number> | undefined {
  const candidates = new Set<number>();
  for (const slot of slots) {
    for (const value of valuesOfSlot(labels.leaves, slot)) {
      if (!addLefts(labels.endpoints.values, value, candidates, limit)) return undefined;
      const inherited = labels.parents.values;
      for (let pair = firstOfRight(inherited, value); pair !== 0; pair = nextOfRight(inherited, pair)) {
        if (!addLefts(labels.inherits, leftAt(inherited, pair), candidates, limit)) return undefined;
      }
    }
  }
  return candidates;
}

/** Adds all lefts of a right, unless there are too many. */
function addLefts(relation: Relation, right: number, into: Set<number>, limit: number): boolean {
  if (into.size + countOfRight(relation, right) > Math.max(limit, WORD_LANES)) return false;
  for (let pair = firstOfRight(relation, right); pair !== 0; pair = nextOfRight(relation, pair)) {
    into.add(leftAt(relation, pair));
  }
  return true;
}

function scanCandidates(index: LabelIndex, selector: number, candidates: ReadonlySet<number>): number[] {
  const matching: number[] = [];
  let group: number[] = [];
  const run = () => {
    let lanes = runOnLanes(index, selector);
    for (; lanes !== 0; lanes &= lanes - 1) matching.push(group[31 - Math.clz32(lanes & -lanes)]!);
    clearLanes(index.lanes);
    group = [];
  };
  for (const endpoint of candidates) {
    collectSlots(index.labels, endpoint, index.lanes.slots);
    fillLane(index, group.length, index.lanes.slots);
    group.push(endpoint);
    if (group.length === WORD_LANES) run();
  }
  if (group.length > 0) run();
  return matching;
}

function scanRows(index: LabelIndex, selector: number): number[] {
  const { labels, lanes, selectors } = index;
  const words = Math.ceil(labels.endpoints.ids.length / WORD_LANES);
  const slots = [...new Set(slotsOf(selectors.code, selectors.starts[selector]!))].filter((slot) =>
    slot >= FIRST_LEAF_SLOT
  );
  const rows = slots.map((slot) => rowOfSlot(labels, slot, words));
  const used = rowOfEndpoints(labels, words);
  fillLane(index, 0, slots);
  const matching: number[] = [];
  for (let word = 0; word < words; word++) {
    lanes.words[ALWAYS_SLOT] = used[word]!;
    for (let at = 0; at < slots.length; at++) lanes.words[slots[at]!] = rows[at]![word]!;
    let found = runOnLanes(index, selector);
    for (; found !== 0; found &= found - 1) matching.push(word * WORD_LANES + 31 - Math.clz32(found & -found));
  }
  clearLanes(lanes);
  return matching;
}

function rowOfEndpoints({ endpoints }: LabelStore, words: number): Int32Array {
  const row = new Int32Array(words);
  for (let endpoint = 0; endpoint < endpoints.labels.length; endpoint++) {
    if (endpoints.labels[endpoint] !== undefined) row[endpoint >>> 5]! |= 1 << (endpoint & 31);
  }
  return row;
}

/** A bit for each endpoint whose label, its own or inherited, passes a slot's test. */
function rowOfSlot(labels: LabelStore, slot: number, words: number): Int32Array {
  const row = new Int32Array(words);
  const { endpoints, parents, inherits, leaves } = labels;
  for (const value of valuesOfSlot(leaves, slot)) {
    for (let pair = firstOfRight(endpoints.values, value); pair !== 0; pair = nextOfRight(endpoints.values, pair)) {
      const endpoint = leftAt(endpoints.values, pair);
      row[endpoint >>> 5]! |= 1 << (endpoint & 31);
    }
    const key = leaves.valueKeys[value]!.number;
    for (let pair = firstOfRight(parents.values, value); pair !== 0; pair = nextOfRight(parents.values, pair)) {
      const parent = leftAt(parents.values, pair);
      for (let child = firstOfRight(inherits, parent); child !== 0; child = nextOfRight(inherits, child)) {
        const endpoint = leftAt(inherits, child);
        if (inheritsFrom(labels, endpoint, parent, key)) row[endpoint >>> 5]! |= 1 << (endpoint & 31);
      }
    }
  }
  return row;
}

/** Whether it is from this parent, which has the label, that an endpoint has it: neither its own nor one of an earlier parent hides it. */
function inheritsFrom(labels: LabelStore, endpoint: number, parent: number, key: number): boolean {
  if (bears(labels, labels.endpoints.values, endpoint, key)) return false;
  const { inherits } = labels;
  for (let pair = firstOfLeft(inherits, endpoint); pair !== 0; pair = nextOfLeft(inherits, pair)) {
    const each = rightAt(inherits, pair);
    if (each === parent) return true;
    if (bears(labels, labels.parents.values, each, key)) return false;
  }
  return false;
}

function bears({ leaves }: LabelStore, values: Relation, bearer: number, key: number): boolean {
  for (let pair = firstOfLeft(values, bearer); pair !== 0; pair = nextOfLeft(values, pair)) {
    if (leaves.valueKeys[rightAt(values, pair)]!.number === key) return true;
  }
  return false;
}
