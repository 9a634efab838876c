/** Tests of the FNV-1a hash against published vectors. @module */
import { assertEquals } from "@std/assert";
import { fnv1a } from "#/ipam/fnv.ts";

Deno.test("fnv1a() gives the published values", () => {
  const vectors: readonly (readonly [string, number])[] = [
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
  ];
  for (const [text, expected] of vectors) assertEquals(fnv1a(text), expected, text);
});

Deno.test("fnv1a() spreads nodes that are numbered over a small range", () => {
  const starts = new Set(Array.from({ length: 9 }, (_, index) => fnv1a(`node${index + 1}`) % 1024));
  assertEquals(starts.size, 9);
});
