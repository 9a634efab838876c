/**
 * What selectors demand of single labels.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseSelector } from "#/base/selector_parser.ts";
import { labelRestrictions } from "#/projections/label_restrictions.ts";

Deno.test("labelRestrictions() demands what every match must have, and no more", () => {
  const cases: Readonly<Record<string, Record<string, string[] | "present">>> = {
    "all()": {},
    "a == 'x'": { a: ["x"] },
    "a in {'x', 'y'}": { a: ["x", "y"] },
    "has(a)": { a: "present" },
    "a contains 'x'": { a: "present" },
    "a != 'x'": {},
    "a not in {'x'}": {},
    "!has(a)": {},
    "!(a == 'x')": {},
    "a == 'x' && b == 'y'": { a: ["x"], b: ["y"] },
    "has(a) && a == 'x'": { a: ["x"] },
    "a in {'x', 'y'} && a in {'y', 'z'}": { a: ["y"] },
    "a == 'x' && a == 'y'": { a: [] },
    "a == 'x' || a == 'y'": { a: ["x", "y"] },
    "a == 'x' || has(a)": { a: "present" },
    "a == 'x' || b == 'y'": {},
    "(a == 'x' && b == 'y') || (a == 'z' && has(b))": { a: ["x", "z"], b: "present" },
    "a == 'x' || all()": {},
    "a in {}": { a: [] },
  };
  for (const [text, expected] of Object.entries(cases)) {
    const parsed = parseSelector(text);
    if (parsed.kind === "invalid") throw new Error(parsed.message);
    const found = [...labelRestrictions(parsed.selector)]
      .map(([label, demand]) => [label, demand === "present" ? demand : [...demand]]);
    assertEquals(Object.fromEntries(found), expected, text);
  }
});
