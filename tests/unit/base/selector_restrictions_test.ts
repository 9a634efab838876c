/**
 * What selectors demand of labels: by table, and that no match breaks a demand.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { matchSelector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import { isImpossible, type LabelRestrictions, selectorRestrictions } from "#/base/selector_restrictions.ts";

function restrictions(text: string): LabelRestrictions {
  const result = parseSelector(text);
  assert(result.kind === "parsed", text);
  return selectorRestrictions(result.selector);
}

/** `+a` present, `-a` absent, `+a=x|y` present with one of the values. */
function shown(found: LabelRestrictions): string {
  return [...found].map(([key, { present, absent, values }]) =>
    `${present ? "+" : ""}${absent ? "-" : ""}${key}${values === undefined ? "" : `=${values.join("|")}`}`
  ).sort().join(" ");
}

const TABLE: readonly [string, string][] = [
  ["all()", ""],
  ["a == 'x'", "+a=x"],
  ["a in {'y', 'x'}", "+a=x|y"],
  ["has(a)", "+a"],
  ["a starts with 'x'", "+a"],
  ["!has(a)", "-a"],
  ["a != 'x'", ""],
  ["a not in {'x'}", ""],
  ["!a == 'x'", ""],
  ["a == 'x' && has(b)", "+a=x +b"],
  ["a in {'x', 'y'} && a in {'y', 'z'}", "+a=y"],
  ["a == 'x' && a == 'y'", "+a="],
  ["has(a) && !has(a)", "+-a"],
  ["a == 'x' || a == 'y'", "+a=x|y"],
  ["a == 'x' || has(a)", "+a"],
  ["a == 'x' || b == 'y'", ""],
  ["a == 'x' || !has(a)", ""],
  ["!has(a) || !has(a)", "-a"],
  ["(a == 'x' && b == 'y') || (a == 'z' && c == 'y')", "+a=x|z"],
  ["(has(a) && !has(a)) || b == 'x'", "+b=x"],
  ["a in {}", "+a="],
];

for (const [text, expected] of TABLE) {
  Deno.test(`selectorRestrictions() of ${text} is "${expected}"`, () =>
    assertEquals(shown(restrictions(text)), expected));
}

Deno.test("isImpossible() sees contradictions and empty lists", () => {
  assertEquals(
    ["has(a) && !has(a)", "a in {}", "a == 'x' && a == 'y'"].map((text) => isImpossible(restrictions(text))),
    [
      true,
      true,
      true,
    ],
  );
  assertEquals(isImpossible(restrictions("a == 'x' && b != 'y'")), false);
});

Deno.test("selectorRestrictions() never rules out labels that match", () => {
  const leaf = fc.constantFrom(
    "a == 'x'",
    "a in {'x', 'y'}",
    "b != 'x'",
    "has(a)",
    "!has(b)",
    "b in {}",
    "a contains 'x'",
    "!a == 'y'",
  );
  const tree = fc.tuple(leaf, leaf, leaf, fc.constantFrom("&&", "||"), fc.constantFrom("&&", "||"), fc.boolean())
    .map(([a, b, c, first, second, negated]) => `${a} ${first} ${negated ? "!" : ""}(${b} ${second} ${c})`);
  const label = fc.constantFrom(undefined, "x", "y", "z");
  fc.assert(
    fc.property(tree, label, label, (text, a, b) => {
      const result = parseSelector(text);
      assert(result.kind === "parsed", text);
      const lookup = (key: string) => key === "a" ? a : b;
      if (!matchSelector(result.selector, lookup)) return true;
      const demands = selectorRestrictions(result.selector);
      return !isImpossible(demands) && [...demands].every(([key, { present, absent, values }]) => {
        const value = lookup(key);
        return (!present || value !== undefined) && (!absent || value === undefined) &&
          (values === undefined || (value !== undefined && values.includes(value)));
      });
    }),
    { numRuns: 3000 },
  );
});
