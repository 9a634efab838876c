/**
 * Building selectors from selectors. Matching and printing are tested with the vectors in `selector_parser_test.ts`.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  ALL,
  and,
  containsGlobal,
  equals,
  formatSelector,
  has,
  matchSelector,
  not,
  or,
  prefixKeys,
  replaceWords,
  type Selector,
  setTest,
} from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";

function parsed(text: string): Selector {
  const result = parseSelector(text);
  if (result.kind === "invalid") throw new Error(result.message);
  return result.selector;
}

Deno.test("and() and or() keep nesting, and collapse nothing but single operands", () => {
  const inner = and(has("a"), has("b"));
  assertEquals(formatSelector(and(inner, has("c"))), "((has(a) && has(b)) && has(c))");
  assertEquals(and(inner), inner);
  assertEquals(and(), ALL);
  assertEquals(formatSelector(or()), "!all()");
  assertEquals(formatSelector(or(has("a"), equals("b", "c"))), '(has(a) || b == "c")');
});

Deno.test("not() cancels a negation", () => {
  assertEquals(not(not(has("a"))), has("a"));
  assertEquals(formatSelector(not(and(has("a"), has("b")))), "!(has(a) && has(b))");
});

Deno.test("setTest() sorts bytewise and drops duplicates", () => {
  assertEquals(
    formatSelector(setTest("notIn", "a", ["\u{1f600}", "\uffee", "b", "b"])),
    'a not in {"b", "\uffee", "\u{1f600}"}',
  );
});

Deno.test("prefixKeys() changes keys only, everywhere", () => {
  const source = `!(a == "a" && (b in {"b"} || !has(c))) || all() && d starts with "d"`;
  assertEquals(
    formatSelector(prefixKeys(parsed(source), "pcns.")),
    `(!(pcns.a == "a" && (pcns.b in {"b"} || !has(pcns.c))) || (all() && pcns.d starts with "d"))`,
  );
});

Deno.test("replaceWords() leaves texts that look like words alone", () => {
  const replaced = replaceWords(parsed(`all() && (a == "all()" || !global())`), {
    all: has("n"),
    global: not(has("n")),
  });
  assertEquals(formatSelector(replaced), `(has(n) && (a == "all()" || has(n)))`);
  assertEquals(replaceWords(parsed("global()"), { all: has("n") }), { kind: "global" });
});

Deno.test("containsGlobal() finds it at any depth", () => {
  assertEquals(["a == 'global()'", "all()", "!(a == 'b' || global())"].map((text) => containsGlobal(parsed(text))), [
    false,
    false,
    true,
  ]);
});

Deno.test("matchSelector() lets the caller say what the two words mean", () => {
  const none = () => undefined;
  assertEquals(matchSelector(parsed("all() && !global()"), none, { all: true, global: false }), true);
  assertEquals(matchSelector(parsed("!all()"), none, { all: false, global: false }), true);
  assertEquals(matchSelector(parsed("a == 'b' || (all() && !has(c))"), none, { all: false, global: true }), false);
});
