/**
 * The parser of the selector language, by recursive descent on the grammar of the policy reference (also `docs/` for users):
 *
 *     selector = [ or ]          or = and { "||" and }          and = unary { "&&" unary }          unary = { "!" } primary
 *     primary  = "has(" label ")" | "all()" | "global()" | "(" or ")" | label test
 *
 * Only space and tab are white space. Operator words count only after a label, so that a label may be called `in` or `has`.
 *
 * @module
 */
import { ALL, and, has, not, or, type Selector, setTest, type TextTest } from "#/base/selector.ts";

/** A selector, or why the text is none. */
export type SelectorParse =
  | { readonly kind: "parsed"; readonly selector: Selector }
  | { readonly kind: "invalid"; readonly message: string; readonly offset: number };

/** Longest label key, in characters. */
export const LABEL_LENGTH_MAX = 512;
/** Deepest nesting of parentheses. More than a text of 1,024 characters (the longest that the API accepts) can hold. */
export const SELECTOR_DEPTH_MAX = 520;

/**
 * Reads a selector. Empty and blank texts are `all()`.
 *
 * @returns the tree, or the first fault with its offset in UTF-16 units
 *
 * @example
 * ```ts
 * import { formatSelector } from "#/base/selector.ts";
 * import { parseSelector } from "#/base/selector_parser.ts";
 * const parsed = parseSelector("run=='access' && env not in {'prod'}");
 * if (parsed.kind !== "parsed") throw new Error(parsed.message);
 * if (formatSelector(parsed.selector) !== '(run == "access" && env not in {"prod"})') throw new Error();
 * if (parseSelector("run = 'access'").kind !== "invalid") throw new Error();
 * ```
 */
export function parseSelector(text: string): SelectorParse {
  const cursor = new Cursor(text);
  try {
    if (cursor.atEnd()) return { kind: "parsed", selector: ALL };
    const selector = parseOr(cursor, 0);
    if (!cursor.atEnd()) cursor.fail('an operator "&&" or "||", or the end');
    return { kind: "parsed", selector };
  } catch (fault) {
    if (fault instanceof SyntaxFault) return { kind: "invalid", message: fault.message, offset: fault.offset };
    throw fault;
  }
}

/** Leaves the descent at the first fault; never leaves this file. */
class SyntaxFault extends Error {
  constructor(message: string, readonly offset: number) {
    super(message);
  }
}

/** A place in the text. Every `take` skips white space before what it looks for. */
class Cursor {
  #at = 0;

  constructor(readonly text: string) {}

  /** Takes a match of a sticky pattern and returns its first group (or all of it), or `undefined`. */
  take(pattern: RegExp): string | undefined {
    this.#skipBlanks();
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match[1] ?? match[0];
  }

  expect(pattern: RegExp, what: string): string {
    return this.take(pattern) ?? this.fail(what);
  }

  atEnd(): boolean {
    this.#skipBlanks();
    return this.#at === this.text.length;
  }

  fail(expected: string): never {
    const found = this.#at === this.text.length ? "the end" : JSON.stringify(this.text.slice(this.#at, this.#at + 16));
    throw new SyntaxFault(`Expected ${expected} at offset ${this.#at}: found ${found}`, this.#at);
  }

  #skipBlanks(): void {
    while (this.text[this.#at] === " " || this.text[this.#at] === "\t") this.#at += 1;
  }
}

function parseOr(cursor: Cursor, depth: number): Selector {
  const operands = [parseAnd(cursor, depth)];
  while (cursor.take(/\|\|/y) !== undefined) operands.push(parseAnd(cursor, depth));
  return or(...operands);
}

function parseAnd(cursor: Cursor, depth: number): Selector {
  const operands = [parseUnary(cursor, depth)];
  while (cursor.take(/&&/y) !== undefined) operands.push(parseUnary(cursor, depth));
  return and(...operands);
}

function parseUnary(cursor: Cursor, depth: number): Selector {
  let negated = false;
  while (cursor.take(/!/y) !== undefined) negated = !negated;
  const operand = parsePrimary(cursor, depth);
  return negated ? not(operand) : operand;
}

function parsePrimary(cursor: Cursor, depth: number): Selector {
  if (cursor.take(/has\(/y) !== undefined) {
    const selector = has(takeLabel(cursor));
    expectClosing(cursor);
    return selector;
  }
  const named = cursor.take(/(all|global)\(/y);
  if (named !== undefined) {
    expectClosing(cursor);
    return named === "all" ? ALL : { kind: "global" };
  }
  if (cursor.take(/\(/y) !== undefined) {
    if (depth === SELECTOR_DEPTH_MAX) cursor.fail(`at most ${SELECTOR_DEPTH_MAX} nested parentheses`);
    const selector = parseOr(cursor, depth + 1);
    expectClosing(cursor);
    return selector;
  }
  return parseTest(cursor, takeLabel(cursor));
}

function takeLabel(cursor: Cursor): string {
  const label = cursor.expect(/[A-Za-z0-9_./-]+/y, 'a label, "has(", "all()", "global()" or "("');
  if (label.length > LABEL_LENGTH_MAX) cursor.fail(`a label of at most ${LABEL_LENGTH_MAX} characters before this`);
  return label;
}

function expectClosing(cursor: Cursor): void {
  cursor.expect(/\)/y, '")"');
}

const TEXT_TESTS: readonly { readonly pattern: RegExp; readonly kind: TextTest["kind"] }[] = [
  { pattern: /==/y, kind: "equals" },
  { pattern: /!=/y, kind: "notEquals" },
  { pattern: /contains/y, kind: "contains" },
  { pattern: /starts[ \t]*with/y, kind: "startsWith" },
  { pattern: /ends[ \t]*with/y, kind: "endsWith" },
];

/** What follows a label. A word boundary after operator words needs no check: only a quote or a brace may follow. */
function parseTest(cursor: Cursor, key: string): Selector {
  for (const { pattern, kind } of TEXT_TESTS) {
    if (cursor.take(pattern) !== undefined) return { kind, key, value: takeString(cursor) };
  }
  if (cursor.take(/not[ \t]*in/y) !== undefined) return setTest("notIn", key, takeSet(cursor));
  if (cursor.take(/in/y) !== undefined) return setTest("in", key, takeSet(cursor));
  return cursor.fail("an operator (==, !=, in, not in, contains, starts with, ends with)");
}

function takeString(cursor: Cursor): string {
  const quoted = cursor.expect(/"[^"]*"|'[^']*'/y, "a quoted text");
  return quoted.slice(1, -1);
}

function takeSet(cursor: Cursor): readonly string[] {
  cursor.expect(/\{/y, '"{"');
  const values: string[] = [];
  while (cursor.take(/\}/y) === undefined) {
    values.push(takeString(cursor));
    if (cursor.take(/,/y) === undefined) {
      cursor.expect(/\}/y, '"," or "}"');
      break;
    }
  }
  return values;
}
