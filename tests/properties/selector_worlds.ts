/**
 * Random selectors, labels and parents for the tests of matching: few keys and values, so that everything meets everything; values that are empty, begin or end
 * alike; labels that are missing or hidden by an own one.
 *
 * @module
 */
import fc from "fast-check";
import { type Selector, setTest } from "#/base/selector.ts";

/** Keys that selectors mention; endpoints also bear `unmentioned`. */
export const KEYS: readonly string[] = ["app", "env", "pcns.env", "constructor", "__proto__"];

const key = fc.constantFrom(...KEYS);
const value = fc.constantFrom("", "a", "b", "ab", "ba", "aba");

/** Labels, without a prototype's help: `__proto__` is a label like any other. */
export const labels: fc.Arbitrary<Readonly<Record<string, string>>> = fc.array(
  fc.tuple(fc.oneof({ weight: 9, arbitrary: key }, fc.constant("unmentioned")), value),
  { maxLength: 5 },
).map((entries) => Object.fromEntries(entries));

/** Selectors of every kind, nested. */
export const selector: fc.Arbitrary<Selector> = fc.letrec<{ node: Selector; leaf: Selector }>((tie) => ({
  leaf: fc.oneof(
    fc.constant<Selector>({ kind: "all" }),
    fc.constant<Selector>({ kind: "global" }),
    key.map((name): Selector => ({ kind: "has", key: name })),
    fc.record({
      kind: fc.constantFrom("equals", "notEquals", "contains", "startsWith", "endsWith"),
      key,
      value,
    }),
    fc.tuple(fc.constantFrom("in" as const, "notIn" as const), key, fc.array(value, { maxLength: 3 }))
      .map(([kind, name, values]) => setTest(kind, name, values)),
  ),
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("leaf"),
    tie("node").map((operand): Selector => ({ kind: "not", operand })),
    fc.record({
      kind: fc.constantFrom("and", "or"),
      operands: fc.array(tie("node"), { minLength: 2, maxLength: 4 }),
    }),
  ),
})).node;
