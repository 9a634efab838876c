/**
 * The order of UTF-8 bytes.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareBytewise } from "#/base/bytewise.ts";

function compareEncoded(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => new TextEncoder().encode(text));
  const at = left!.findIndex((byte, index) => byte !== right![index]);
  return Math.sign(at < 0 ? left!.length - right!.length : left![at]! - (right![at] ?? -1));
}

Deno.test("compareBytewise() orders as the UTF-8 bytes do", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "-", ".", "/", "0", "é", "\uffee", "\u{1f600}", "\u{10000}"),
  });
  fc.assert(
    fc.property(text, text, (a, b) => Math.sign(compareBytewise(a, b)) === compareEncoded(a, b)),
    { numRuns: 1000 },
  );
});

Deno.test("compareBytewise() puts - . / before a longer text's next letter", () => {
  assertEquals(["a0", "a/", "a.b", "a-b", "a"].sort(compareBytewise), ["a", "a-b", "a.b", "a/", "a0"]);
});
