/**
 * The selector language: syntax tree, matching, printing, and building selectors from selectors. In `base` because resources validate with it and
 * policies mean it. The parser is `selector_parser.ts`, the identity of a selector `selector_id.ts`.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import { compareBytewise } from "#/base/bytewise.ts";

/**
 * A selector. `global` matches like `all`; rules give it a meaning of its own before it is matched (`policy/lowering/scope.ts`). `in` and `notIn` hold their
 * values sorted bytewise and without duplicates. `and` and `or` have two operands or more and are never flattened: nesting is part of the identity.
 */
export type Selector =
  | { readonly kind: "all" }
  | { readonly kind: "global" }
  | { readonly kind: "has"; readonly key: string }
  | TextTest
  | SetTest
  | { readonly kind: "not"; readonly operand: Selector }
  | { readonly kind: "and" | "or"; readonly operands: readonly Selector[] };

/** Compares a label's value with one text. */
export interface TextTest {
  readonly kind: "equals" | "notEquals" | "contains" | "startsWith" | "endsWith";
  readonly key: string;
  readonly value: string;
}

/** Compares a label's value with a set of texts. */
export interface SetTest {
  readonly kind: "in" | "notIn";
  readonly key: string;
  readonly values: readonly string[];
}

/** The value of a label, `undefined` where the label is missing; an empty value is present. */
export type LabelLookup = (key: string) => string | undefined;

/** What the two words without a label stand for, where that is not "everything". */
export interface WordMeaning {
  readonly all: boolean;
  readonly global: boolean;
}

const EVERYTHING: WordMeaning = { all: true, global: true };

/** The selector that matches everything. */
export const ALL: Selector = { kind: "all" };

/** `has(key)`. */
export function has(key: string): Selector {
  return { kind: "has", key };
}

/** `key == "value"`. */
export function equals(key: string, value: string): Selector {
  return { kind: "equals", key, value };
}

/** `key in {values}` or `key not in {values}`, with the values sorted and without duplicates. */
export function setTest(kind: SetTest["kind"], key: string, values: readonly string[]): Selector {
  return { kind, key, values: [...new Set(values)].sort(compareBytewise) };
}

/** The opposite; two negations cancel. */
export function not(operand: Selector): Selector {
  return operand.kind === "not" ? operand.operand : { kind: "not", operand };
}

/** All of the operands; a single one is itself, none is `all()`. Operands that are `and`s themselves stay nested. */
export function and(...operands: readonly Selector[]): Selector {
  if (operands.length === 0) return ALL;
  return operands.length === 1 ? operands[0]! : { kind: "and", operands };
}

/** Any of the operands; a single one is itself, none is `!all()`. */
export function or(...operands: readonly Selector[]): Selector {
  if (operands.length === 0) return not(ALL);
  return operands.length === 1 ? operands[0]! : { kind: "or", operands };
}

/**
 * Whether labels match a selector. Of a missing label every positive test is false and every negative one true.
 *
 * @param words what `all()` and `global()` answer; true unless said otherwise, as in a namespace selector, where `all()` asks for a namespace
 *
 * @example
 * ```ts
 * import { matchSelector } from "#/base/selector.ts";
 * const labels = new Map([["app", "web"]]);
 * const isWeb = { kind: "equals", key: "app", value: "web" } as const;
 * if (!matchSelector(isWeb, (key) => labels.get(key))) throw new Error();
 * if (!matchSelector({ kind: "notIn", key: "env", values: ["prod"] }, (key) => labels.get(key))) throw new Error();
 * ```
 */
export function matchSelector(selector: Selector, lookup: LabelLookup, words: WordMeaning = EVERYTHING): boolean {
  switch (selector.kind) {
    case "all":
      return words.all;
    case "global":
      return words.global;
    case "has":
      return lookup(selector.key) !== undefined;
    case "equals":
      return lookup(selector.key) === selector.value;
    case "notEquals":
      return lookup(selector.key) !== selector.value;
    case "contains":
      return lookup(selector.key)?.includes(selector.value) ?? false;
    case "startsWith":
      return lookup(selector.key)?.startsWith(selector.value) ?? false;
    case "endsWith":
      return lookup(selector.key)?.endsWith(selector.value) ?? false;
    case "in":
    case "notIn": {
      const value = lookup(selector.key);
      const isMember = value !== undefined && selector.values.includes(value);
      return selector.kind === "in" ? isMember : !isMember;
    }
    case "not":
      return !matchSelector(selector.operand, lookup, words);
    case "and":
      return selector.operands.every((operand) => matchSelector(operand, lookup, words));
    case "or":
      return selector.operands.some((operand) => matchSelector(operand, lookup, words));
    default:
      return assertNever(selector);
  }
}

const TEXT_OPERATORS: Readonly<Record<TextTest["kind"], string>> = {
  equals: "==",
  notEquals: "!=",
  contains: "contains",
  startsWith: "starts with",
  endsWith: "ends with",
};

/**
 * The canonical text of a selector: what users are shown and what identities are made of. Parsing it gives the same tree.
 *
 * @example
 * ```ts
 * import { formatSelector } from "#/base/selector.ts";
 * const text = formatSelector({ kind: "not", operand: { kind: "in", key: "a", values: ["b", "c"] } });
 * if (text !== '!a in {"b", "c"}') throw new Error(text);
 * ```
 */
export function formatSelector(selector: Selector): string {
  switch (selector.kind) {
    case "all":
      return "all()";
    case "global":
      return "global()";
    case "has":
      return `has(${selector.key})`;
    case "equals":
    case "notEquals":
    case "contains":
    case "startsWith":
    case "endsWith":
      return `${selector.key} ${TEXT_OPERATORS[selector.kind]} ${quote(selector.value)}`;
    case "in":
    case "notIn":
      return `${selector.key} ${selector.kind === "in" ? "in" : "not in"} {${selector.values.map(quote).join(", ")}}`;
    case "not":
      return `!${formatSelector(selector.operand)}`;
    case "and":
    case "or":
      return `(${selector.operands.map(formatSelector).join(selector.kind === "and" ? " && " : " || ")})`;
    default:
      return assertNever(selector);
  }
}

function quote(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

/** The same selector with `all()` and `global()` replaced, at every depth, by the selectors given; one that is left out stays. */
export function replaceWords(
  selector: Selector,
  words: { readonly all?: Selector; readonly global?: Selector },
): Selector {
  switch (selector.kind) {
    case "all":
      return words.all ?? selector;
    case "global":
      return words.global ?? selector;
    case "not":
      return not(replaceWords(selector.operand, words));
    case "and":
    case "or":
      return { kind: selector.kind, operands: selector.operands.map((operand) => replaceWords(operand, words)) };
    default:
      return selector;
  }
}

/** Whether `global()` occurs anywhere in the selector; most fields refuse it. */
export function containsGlobal(selector: Selector): boolean {
  switch (selector.kind) {
    case "global":
      return true;
    case "not":
      return containsGlobal(selector.operand);
    case "and":
    case "or":
      return selector.operands.some(containsGlobal);
    default:
      return false;
  }
}

/**
 * The same selector about other labels: every key gets the prefix. How a namespace selector becomes a selector of endpoints (`pcns.`).
 *
 * @example
 * ```ts
 * import { formatSelector, prefixKeys } from "#/base/selector.ts";
 * if (formatSelector(prefixKeys({ kind: "has", key: "env" }, "pcns.")) !== "has(pcns.env)") throw new Error();
 * ```
 */
export function prefixKeys(selector: Selector, prefix: string): Selector {
  switch (selector.kind) {
    case "all":
    case "global":
      return selector;
    case "not":
      return { kind: "not", operand: prefixKeys(selector.operand, prefix) };
    case "and":
    case "or":
      return { kind: selector.kind, operands: selector.operands.map((operand) => prefixKeys(operand, prefix)) };
    default:
      return { ...selector, key: prefix + selector.key };
  }
}
