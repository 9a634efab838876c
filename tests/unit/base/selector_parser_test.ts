/**
 * The selector language against vectors made with Calico's own parser (`testdata/selector_vectors.jsonl`): canonical form, matching, refusal.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import fc from "fast-check";
import { formatSelector, matchSelector, type Selector, setTest } from "#/base/selector.ts";
import { parseSelector, SELECTOR_DEPTH_MAX } from "#/base/selector_parser.ts";

/** One vector: `s` selector, `c` canonical form when it differs, `m` labels with the expected answer, `err` when it must be refused. */
interface Vector {
  readonly s: string;
  readonly c?: string;
  readonly m?: readonly [Readonly<Record<string, string>>, boolean][];
  readonly err?: boolean;
}

const VECTORS_PATH = fromFileUrl(new URL("./testdata/selector_vectors.jsonl", import.meta.url));
const VECTORS: readonly Vector[] = Deno.readTextFileSync(VECTORS_PATH).trim().split("\n")
  .map((line) => JSON.parse(line));

function parsed(text: string): Selector {
  const result = parseSelector(text);
  assert(result.kind === "parsed", result.kind === "invalid" ? result.message : "");
  return result.selector;
}

Deno.test("parseSelector() is tried with all 107 vectors", () => assertEquals(VECTORS.length, 107));

for (const { s, c, m, err } of VECTORS) {
  Deno.test(`parseSelector() of ${JSON.stringify(s)} is as in Calico`, () => {
    if (err === true) return assertEquals(parseSelector(s).kind, "invalid");
    const selector = parsed(s);
    assertEquals(formatSelector(selector), c ?? s);
    assertEquals(parsed(c ?? s), selector);
    for (const [labels, expected] of m ?? []) {
      const lookup = new Map(Object.entries(labels));
      assertEquals(matchSelector(selector, (key) => lookup.get(key)), expected, JSON.stringify(labels));
    }
  });
}

Deno.test("parseSelector() takes labels of 512 characters and no more", () => {
  assertEquals(parseSelector(`has(${"a".repeat(512)})`).kind, "parsed");
  assertEquals(parseSelector(`has(${"a".repeat(513)})`).kind, "invalid");
});

Deno.test("parseSelector() says where and what it expected", () => {
  const result = parseSelector("app == 'web' && env = 'prod'");
  assert(result.kind === "invalid");
  assertEquals(result.offset, 20);
  assertStringIncludes(result.message, "operator");
  assertStringIncludes(result.message, "\"= 'prod'\"");
});

Deno.test("parseSelector() bounds nesting instead of overflowing the stack", () => {
  const nested = (depth: number) => `${"(".repeat(depth)}all()${")".repeat(depth)}`;
  assertEquals(parseSelector(nested(SELECTOR_DEPTH_MAX)).kind, "parsed");
  assertEquals(parseSelector(nested(SELECTOR_DEPTH_MAX + 1)).kind, "invalid");
  assertEquals(parseSelector("(".repeat(1_000_000)).kind, "invalid");
});

const anyKey = fc.constantFrom("a", "in", "not", "has", "all", "k8s-app/x.y", "contains");
const anyValue = fc.constantFrom("", "b", "all()", "it's", 'say "x"', "é☃", " && ");
const anySelector: fc.Arbitrary<Selector> = fc.letrec<{ tree: Selector }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<Selector>({ kind: "all" }, { kind: "global" }),
    anyKey.map((key): Selector => ({ kind: "has", key })),
    fc.tuple(
      fc.constantFrom(
        "equals" as const,
        "notEquals" as const,
        "contains" as const,
        "startsWith" as const,
        "endsWith" as const,
      ),
      anyKey,
      anyValue,
    ).map(([kind, key, value]): Selector => ({ kind, key, value })),
    fc.tuple(fc.constantFrom("in" as const, "notIn" as const), anyKey, fc.array(anyValue, { maxLength: 3 }))
      .map(([kind, key, values]) => setTest(kind, key, values)),
    tie("tree").filter((tree) => tree.kind !== "not").map((operand): Selector => ({ kind: "not", operand })),
    fc.tuple(fc.constantFrom("and" as const, "or" as const), fc.array(tie("tree"), { minLength: 2, maxLength: 3 }))
      .map(([kind, operands]): Selector => ({ kind, operands })),
  ),
})).tree;

Deno.test("parseSelector() reads back what formatSelector() prints", () => {
  fc.assert(fc.property(anySelector, (selector) => assertEquals(parsed(formatSelector(selector)), selector)), {
    numRuns: 500,
  });
});

Deno.test("parseSelector() never throws", () => {
  const soup = fc.array(
    fc.constantFrom(
      "a",
      "(",
      ")",
      "has(",
      "all(",
      "global(",
      "!",
      "&&",
      "||",
      "==",
      "!=",
      "in",
      "not in",
      "{",
      "}",
      ",",
      '"x"',
      "'",
      " ",
      "\t",
      "\n",
      "é",
    ),
    { maxLength: 12 },
  ).map((parts) => parts.join(""));
  fc.assert(
    fc.property(soup, (text) => {
      const result = parseSelector(text);
      return result.kind === "parsed" || (result.offset >= 0 && result.offset <= text.length);
    }),
    { numRuns: 2000 },
  );
});
