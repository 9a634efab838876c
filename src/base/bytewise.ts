/**
 * The order of texts by their UTF-8 bytes, which is the order of Go and of Postgres' "C" collation; JavaScript's own compares UTF-16 units and
 * differs beyond U+FFFF. Ordering rules that other programs must share use this one.
 *
 * @module
 */

/**
 * Compares two texts by their UTF-8 bytes: negative, zero or positive.
 *
 * @example
 * ```ts
 * import { compareBytewise } from "#/base/bytewise.ts";
 * if (compareBytewise("a-b", "a/") >= 0) throw new Error();
 * if (compareBytewise("\u{1F600}", "\uFF5E") <= 0) throw new Error("beyond U+FFFF comes last");
 * ```
 */
export function compareBytewise(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return utf8Rank(left) - utf8Rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF, so that they rank above every other unit. */
function utf8Rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
