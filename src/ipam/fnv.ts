/**
 * The FNV-1a hash: spreads names over numbers the same way in every process and for ever. No protection against anybody who picks the names.
 *
 * @module
 */

const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/**
 * The 32-bit FNV-1a hash of a text's UTF-8 bytes, as an unsigned number.
 *
 * @example
 * ```ts
 * import { fnv1a } from "#/ipam/fnv.ts";
 * if (fnv1a("") !== 0x811c9dc5 || fnv1a("foobar") !== 0xbf9cf968) throw new Error();
 * ```
 */
export function fnv1a(text: string): number {
  let hash = OFFSET_BASIS;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, PRIME);
  return hash >>> 0;
}
