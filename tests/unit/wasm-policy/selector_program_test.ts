/**
 * Programs by hand: what they demand, what they are made of. That they match as trees do is in `tests/properties/selector_engines_test.ts`.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseSelector } from "#/base/selector_parser.ts";
import {
  ALWAYS_SLOT,
  compileSelector,
  type LeafTest,
  NEVER_SLOT,
  programLength,
  type SelectorProgram,
  slotsOf,
} from "#/wasm-policy/selector_program.ts";

/** Slots by the order of first sight; slot 2 is the cheapest. */
function compile(text: string): SelectorProgram {
  const parsed = parseSelector(text);
  if (parsed.kind === "invalid") throw new Error(parsed.message);
  const tests: string[] = [];
  const slotOf = (test: LeafTest) => {
    const name = JSON.stringify(test);
    if (!tests.includes(name)) tests.push(name);
    return tests.indexOf(name) + 2;
  };
  return compileSelector(parsed.selector, { slotOf, costOf: (slot) => slot });
}

const DEMANDS: readonly (readonly [string, readonly number[]])[] = [
  ["all()", [ALWAYS_SLOT]],
  ["!all()", [NEVER_SLOT]],
  ["a == 'x'", [2]],
  ["a != 'x'", [ALWAYS_SLOT]],
  ["!(a != 'x')", [2]],
  ["a in {}", [NEVER_SLOT]],
  ["a not in {}", [ALWAYS_SLOT]],
  ["a in {'x', 'y'}", [2]],
  ["a == 'x' && b == 'y'", [2]],
  ["!has(a) && b == 'y'", [3]],
  ["a == 'x' || b == 'y'", [2, 3]],
  ["a == 'x' || b != 'y'", [ALWAYS_SLOT]],
  ["!(a != 'x' && b != 'y')", [2, 3]],
  ["(a == 'x' || b == 'y') && c contains 'z'", [4]],
  ["a == 'x' || a == 'x'", [2]],
];

Deno.test("compileSelector() demands what every match has, and the cheapest of it", () => {
  for (const [text, expected] of DEMANDS) {
    const { code, demand } = compile(text);
    assertEquals([...demand], [...expected], text);
    assertEquals(code.slice(0, demand.length + 1), [demand.length, ...demand], text);
  }
});

Deno.test("compileSelector() needs registers only where nested parts meet", () => {
  assertEquals(compile("a == 'x' && (b == 'y' || !has(c))").registers, 0);
  assertEquals(compile("(a == 'x' || b == 'y') && (c == 'x' || !has(d))").registers, 1);
});

Deno.test("slotsOf() tells every slot of a program, and programLength() where the next begins", () => {
  const first = compile("(a == 'x' || b == 'y') && (c == 'x' || !has(d))").code;
  const code = Int32Array.from([...first, ...compile("has(a)").code]);
  assertEquals(programLength(code, 0), first.length);
  assertEquals([...slotsOf(code, 0)], [2, 3, 4, 5]);
  assertEquals([...slotsOf(code, first.length)], [2]);
});
