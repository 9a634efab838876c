/**
 * The tests of labels that selectors are made of, each once, and the values that labels have. A value knows the slots of the tests that it passes, so that the text
 * of a label is looked at once per distinct value, however many endpoints bear it and however many selectors ask. Only labels that some selector mentions are here.
 *
 * @module
 */
import { assert, assertNever } from "#/base/assert.ts";
import { FIRST_LEAF_SLOT, type LeafTest } from "#/wasm-policy/selector_program.ts";

/** A label that selectors mention. */
export interface LabelKey {
  readonly name: string;
  readonly number: number;
  /** Numbers of the values that something bears. */
  readonly values: Map<string, number>;
  /** Slots of the tests for exact values, by value. */
  readonly exact: Map<string, number[]>;
  /** Slots of the other tests. */
  readonly general: number[];
}

/** Tests by slot and values by number, both counted. */
export interface LeafTable {
  readonly keys: Map<string, LabelKey>;
  readonly keysByNumber: LabelKey[];
  /** By slot; `undefined` for the two constant slots and for free ones. */
  readonly tests: (LeafTest | undefined)[];
  readonly testUses: number[];
  readonly freeSlots: number[];
  /** By value number. */
  readonly valueKeys: LabelKey[];
  readonly valueTexts: string[];
  /** Slots of the tests that a value passes. */
  readonly valueSlots: (readonly number[])[];
  readonly freeValues: number[];
}

const NO_SLOTS: readonly number[] = [];

/**
 * An empty table.
 *
 * @example
 * ```ts
 * import { acquireLeaf, acquireValue, createLeafTable, mentionKey } from "#/wasm-policy/selector_leaves.ts";
 * const table = createLeafTable();
 * const value = acquireValue(table, mentionKey(table, "app"), "web");
 * const slot = acquireLeaf(table, { kind: "startsWith", key: "app", value: "w" });
 * if (table.valueSlots[value]?.join() !== `${slot}`) throw new Error();
 * ```
 */
export function createLeafTable(): LeafTable {
  return {
    keys: new Map(),
    keysByNumber: [],
    tests: Array.from({ length: FIRST_LEAF_SLOT }, () => undefined),
    testUses: Array.from({ length: FIRST_LEAF_SLOT }, () => 0),
    freeSlots: [],
    valueKeys: [],
    valueTexts: [],
    valueSlots: [],
    freeValues: [],
  };
}

/** The key of a name, made at its first mention. Keys stay for good: there are as many as names that selectors ever mentioned. */
export function mentionKey(table: LeafTable, name: string): LabelKey {
  let key = table.keys.get(name);
  if (key === undefined) {
    key = { name, number: table.keysByNumber.length, values: new Map(), exact: new Map(), general: [] };
    table.keys.set(name, key);
    table.keysByNumber.push(key);
  }
  return key;
}

/** Counts a use of a test and returns its slot; equal tests have one slot. */
export function acquireLeaf(table: LeafTable, test: LeafTest): number {
  const key = mentionKey(table, test.key);
  const texts = exactValuesOf(test);
  const siblings = texts === undefined ? key.general : key.exact.get(texts[0]!) ?? NO_SLOTS;
  const known = siblings.find((slot) => isSameTest(table.tests[slot]!, test));
  if (known !== undefined) {
    table.testUses[known]! += 1;
    return known;
  }
  const slot = table.freeSlots.pop() ?? table.tests.length;
  table.tests[slot] = test;
  table.testUses[slot] = 1;
  if (texts === undefined) key.general.push(slot);
  for (const text of texts ?? []) pushTo(key.exact, text, slot);
  for (const value of valuesPassing(key, test)) table.valueSlots[value] = [...table.valueSlots[value]!, slot];
  return slot;
}

/** Ends a use of a test; with the last its slot is free. */
export function releaseLeaf(table: LeafTable, slot: number): void {
  const test = table.tests[slot];
  assert(test !== undefined, `Released test must be in use: slot ${slot}`);
  table.testUses[slot]! -= 1;
  if (table.testUses[slot]! > 0) return;
  const key = mentionKey(table, test.key);
  for (const value of valuesPassing(key, test)) {
    table.valueSlots[value] = table.valueSlots[value]!.filter((each) => each !== slot);
  }
  const texts = exactValuesOf(test);
  if (texts === undefined) key.general.splice(key.general.indexOf(slot), 1);
  for (const text of texts ?? []) {
    const left = key.exact.get(text)!.filter((each) => each !== slot);
    if (left.length === 0) key.exact.delete(text);
    else key.exact.set(text, left);
  }
  table.tests[slot] = undefined;
  table.freeSlots.push(slot);
}

/** The number of a value, given at its first bearer. The caller counts bearers, and calls {@link releaseValue} with the last. */
export function acquireValue(table: LeafTable, key: LabelKey, text: string): number {
  const known = key.values.get(text);
  if (known !== undefined) return known;
  const value = table.freeValues.pop() ?? table.valueTexts.length;
  const general = key.general.filter((slot) => passes(table.tests[slot]!, text));
  key.values.set(text, value);
  table.valueKeys[value] = key;
  table.valueTexts[value] = text;
  const exact = key.exact.get(text);
  table.valueSlots[value] = exact === undefined && general.length === 0 ? NO_SLOTS : [...exact ?? NO_SLOTS, ...general];
  return value;
}

/** Forgets a value that nothing bears any more; its number is free. */
export function releaseValue(table: LeafTable, value: number): void {
  table.valueKeys[value]!.values.delete(table.valueTexts[value]!);
  table.valueTexts[value] = "";
  table.valueSlots[value] = NO_SLOTS;
  table.freeValues.push(value);
}

/** The values in use that pass the test of a slot. */
export function valuesOfSlot(table: LeafTable, slot: number): Iterable<number> {
  const test = table.tests[slot];
  return test === undefined ? [] : valuesPassing(mentionKey(table, test.key), test);
}

function* valuesPassing(key: LabelKey, test: LeafTest): Iterable<number> {
  const texts = exactValuesOf(test);
  if (texts === undefined) {
    for (const [text, value] of key.values) if (passes(test, text)) yield value;
    return;
  }
  for (const text of texts) {
    const value = key.values.get(text);
    if (value !== undefined) yield value;
  }
}

function exactValuesOf(test: LeafTest): readonly string[] | undefined {
  if (test.kind === "equals") return [test.value];
  return test.kind === "in" ? test.values : undefined;
}

function passes(test: LeafTest, text: string): boolean {
  switch (test.kind) {
    case "has":
      return true;
    case "equals":
      return text === test.value;
    case "in":
      return test.values.includes(text);
    case "contains":
      return text.includes(test.value);
    case "startsWith":
      return text.startsWith(test.value);
    case "endsWith":
      return text.endsWith(test.value);
    default:
      return assertNever(test);
  }
}

/** Whether two tests of one label are the same; values of sets are sorted and without duplicates. */
function isSameTest(a: LeafTest, b: LeafTest): boolean {
  if (a.kind === "in" || b.kind === "in") {
    return a.kind === "in" && b.kind === "in" && a.values.length === b.values.length &&
      a.values.every((value, at) => value === b.values[at]);
  }
  return a.kind === b.kind && (a.kind === "has" || b.kind === "has" || a.value === b.value);
}

function pushTo(map: Map<string, number[]>, key: string, slot: number): void {
  const slots = map.get(key);
  if (slots === undefined) map.set(key, [slot]);
  else slots.push(slot);
}
