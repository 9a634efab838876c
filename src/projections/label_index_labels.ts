/**
 * What the label index knows of labels: who bears which value of the labels that selectors mention, and whose children endpoints are. Labels that no selector
 * mentions are kept as they were given and not looked at; a label that is mentioned for the first time is looked up once in all of them.
 *
 * Labels are never merged into one map per endpoint; what an endpoint inherits is found by walking its own values and then those of its parents.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { Labels } from "#/projections/label_index.ts";
import {
  countOfRight,
  createRelation,
  firstOfLeft,
  nextOfLeft,
  relate,
  type Relation,
  rightAt,
  rightsOf,
  unrelateAll,
} from "#/projections/label_index_relation.ts";
import {
  acquireValue,
  createLeafTable,
  type LeafTable,
  mentionKey,
  releaseValue,
} from "#/wasm-policy/selector_leaves.ts";

/** Endpoints or parents, by small numbers that are given again when they are free. */
export interface Bearers {
  readonly ids: (string | undefined)[];
  readonly numbers: Map<string, number>;
  /** The labels as they were given; `undefined` for a free number, and for a parent that only its children speak of. */
  readonly labels: (Labels | undefined)[];
  readonly free: number[];
  /** Bearer to value, only of labels that are mentioned. */
  readonly values: Relation;
}

/** Labels of endpoints and parents. */
export interface LabelStore {
  readonly leaves: LeafTable;
  readonly endpoints: Bearers;
  readonly parents: Bearers;
  /** Endpoint to parent, in the order of the parents. */
  readonly inherits: Relation;
  /** How many bear each label that no selector mentions. */
  readonly unmentioned: Map<string, number>;
  /** By key number: the last walk that met the key. */
  readonly met: number[];
  walks: number;
}

/** Labels that stand for a parent's own during a walk: how its children will be. */
export interface ParentValues {
  readonly parent: number;
  readonly values: readonly number[];
}

/** No labels. */
export function createLabelStore(): LabelStore {
  return {
    leaves: createLeafTable(),
    endpoints: createBearers(),
    parents: createBearers(),
    inherits: createRelation(),
    unmentioned: new Map(),
    met: [],
    walks: 0,
  };
}

function createBearers(): Bearers {
  return { ids: [], numbers: new Map(), labels: [], free: [], values: createRelation() };
}

/** The number of an id, given at first sight. */
export function bearerNumber(bearers: Bearers, id: string): number {
  const known = bearers.numbers.get(id);
  if (known !== undefined) return known;
  const number = bearers.free.pop() ?? bearers.ids.length;
  bearers.numbers.set(id, number);
  bearers.ids[number] = id;
  bearers.labels[number] = undefined;
  return number;
}

/** Frees the number of an id that has no labels any more. */
export function freeBearer(bearers: Bearers, number: number): void {
  const id = bearers.ids[number];
  assert(id !== undefined && bearers.labels[number] === undefined, `Freed bearer must be without labels: ${number}`);
  bearers.numbers.delete(id);
  bearers.ids[number] = undefined;
  bearers.free.push(number);
}

/** Gives a bearer without labels its labels. */
export function putLabels(store: LabelStore, bearers: Bearers, number: number, labels: Labels): void {
  const values = valuesOf(store, labels);
  for (let at = values.length - 1; at >= 0; at--) relate(bearers.values, number, values[at]!);
  bearers.labels[number] = labels;
  for (const name of Object.keys(labels)) {
    if (!store.leaves.keys.has(name)) store.unmentioned.set(name, (store.unmentioned.get(name) ?? 0) + 1);
  }
}

/** Takes a bearer's labels away. */
export function dropLabels(store: LabelStore, bearers: Bearers, number: number): void {
  const labels = bearers.labels[number];
  if (labels === undefined) return;
  bearers.labels[number] = undefined;
  unrelateAll(bearers.values, number, (value) => releaseUnborneValue(store, value));
  for (const name of Object.keys(labels)) {
    const count = store.unmentioned.get(name);
    if (count === 1) store.unmentioned.delete(name);
    else if (count !== undefined) store.unmentioned.set(name, count - 1);
  }
}

/** Numbers of the values of those labels that are mentioned. A value that nobody bears yet is borne soon, or released. */
export function valuesOf(store: LabelStore, labels: Labels): number[] {
  const values: number[] = [];
  for (const name of Object.keys(labels)) {
    const key = store.leaves.keys.get(name);
    if (key !== undefined) values.push(acquireValue(store.leaves, key, labels[name]!));
  }
  return values;
}

function releaseUnborneValue(store: LabelStore, value: number): void {
  const { endpoints, parents, leaves } = store;
  if (countOfRight(endpoints.values, value) + countOfRight(parents.values, value) === 0) releaseValue(leaves, value);
}

/** Sees to it that the values of a label are known; its first mention looks at all who are there. */
export function mentionLabel(store: LabelStore, name: string): void {
  if (store.leaves.keys.has(name)) return;
  const key = mentionKey(store.leaves, name);
  if (!store.unmentioned.delete(name)) return;
  for (const bearers of [store.endpoints, store.parents]) {
    for (const [number, labels] of bearers.labels.entries()) {
      if (labels === undefined || !Object.hasOwn(labels, name)) continue;
      relate(bearers.values, number, acquireValue(store.leaves, key, labels[name]!));
    }
  }
}

/** Sets the parents of an endpoint; they need not have labels, and may be repeated. */
export function setParents(store: LabelStore, endpoint: number, parents: readonly string[]): void {
  for (let at = parents.length - 1; at >= 0; at--) {
    relate(store.inherits, endpoint, bearerNumber(store.parents, parents[at]!));
  }
}

/** Ends what an endpoint inherits; parents that have neither labels nor children are forgotten. */
export function dropParents(store: LabelStore, endpoint: number): void {
  unrelateAll(store.inherits, endpoint, (parent) => forgetEmptyParent(store, parent));
}

/** Forgets a parent that has neither labels nor children. */
export function forgetEmptyParent(store: LabelStore, parent: number): void {
  if (store.parents.labels[parent] !== undefined || countOfRight(store.inherits, parent) > 0) return;
  if (store.parents.ids[parent] !== undefined) freeBearer(store.parents, parent);
}

/** The parents' ids of an endpoint, in order. */
export function* parentsOf(store: LabelStore, endpoint: number): Iterable<string> {
  for (const parent of rightsOf(store.inherits, endpoint)) yield store.parents.ids[parent]!;
}

/**
 * The slots of the tests that an endpoint's labels pass, each once: its own labels win, then the first parent that has the label.
 *
 * @param into emptied and filled; the caller keeps it, because this is called for every change of every endpoint
 * @param instead values to take for those of one parent
 */
export function collectSlots(store: LabelStore, endpoint: number, into: number[], instead?: ParentValues): void {
  into.length = 0;
  store.walks += 1;
  const { values } = store.endpoints;
  for (let pair = firstOfLeft(values, endpoint); pair !== 0; pair = nextOfLeft(values, pair)) {
    meetValue(store, rightAt(values, pair), into);
  }
  const { inherits } = store;
  for (let pair = firstOfLeft(inherits, endpoint); pair !== 0; pair = nextOfLeft(inherits, pair)) {
    const parent = rightAt(inherits, pair);
    if (parent === instead?.parent) {
      for (const value of instead.values) meetValue(store, value, into);
      continue;
    }
    const inherited = store.parents.values;
    for (let each = firstOfLeft(inherited, parent); each !== 0; each = nextOfLeft(inherited, each)) {
      meetValue(store, rightAt(inherited, each), into);
    }
  }
}

function meetValue(store: LabelStore, value: number, into: number[]): void {
  const key = store.leaves.valueKeys[value]!.number;
  if (store.met[key] === store.walks) return;
  store.met[key] = store.walks;
  const slots = store.leaves.valueSlots[value]!;
  for (let at = 0; at < slots.length; at++) into.push(slots[at]!);
}

/** Whether two maps of labels are the same. */
export function sameLabels(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}
