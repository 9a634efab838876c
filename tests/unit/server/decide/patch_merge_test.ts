/**
 * JSON merge patch against the cases of RFC 7386, appendix A, and the shapes that kubectl sends.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Json } from "#/base/json.ts";
import { mergePatch } from "#/server/decide/patch_merge.ts";

interface Case {
  readonly name: string;
  readonly target: Json | undefined;
  readonly patch: Json;
  readonly expected: Json;
}

const CASES: readonly Case[] = [
  { name: "replaces a member", target: { a: "b" }, patch: { a: "c" }, expected: { a: "c" } },
  { name: "adds a member", target: { a: "b" }, patch: { b: "c" }, expected: { a: "b", b: "c" } },
  { name: "removes the only member", target: { a: "b" }, patch: { a: null }, expected: {} },
  { name: "removes one of two members", target: { a: "b", b: "c" }, patch: { a: null }, expected: { b: "c" } },
  { name: "replaces a list by a scalar", target: { a: ["b"] }, patch: { a: "c" }, expected: { a: "c" } },
  { name: "replaces a scalar by a list", target: { a: "c" }, patch: { a: ["b"] }, expected: { a: ["b"] } },
  {
    name: "merges objects and removes inside",
    target: { a: { b: "c" } },
    patch: { a: { b: "d", c: null } },
    expected: { a: { b: "d" } },
  },
  { name: "replaces a list whole", target: { a: [{ b: "c" }] }, patch: { a: [1] }, expected: { a: [1] } },
  { name: "replaces the root by a list", target: ["a", "b"], patch: ["c", "d"], expected: ["c", "d"] },
  { name: "replaces the root by null", target: { a: "foo" }, patch: null, expected: null },
  { name: "keeps a null of the target", target: { e: null }, patch: { a: 1 }, expected: { e: null, a: 1 } },
  { name: "makes an object of a list", target: [1, 2], patch: { a: "b", c: null }, expected: { a: "b" } },
  {
    name: "drops nulls inside what is new",
    target: {},
    patch: { a: { bb: { ccc: null } } },
    expected: { a: { bb: {} } },
  },
  { name: "begins with nothing", target: undefined, patch: { a: 1 }, expected: { a: 1 } },
];

for (const { name, target, patch, expected } of CASES) {
  Deno.test(`mergePatch() ${name}`, () => assertEquals(mergePatch(target, patch), expected));
}

Deno.test("mergePatch() leaves its target as it was", () => {
  const target = { a: { b: 1 } };
  mergePatch(target, { a: { b: 2 } });
  assertEquals(target, { a: { b: 1 } });
});

Deno.test("mergePatch() takes __proto__ for a member like others", () => {
  const after = mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
  assertEquals(JSON.stringify(after), '{"__proto__":{"polluted":true}}');
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
});
