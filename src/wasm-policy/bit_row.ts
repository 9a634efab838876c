/**
 * Rows of bits as the kernel reads them: one bit for each rule of a group, in blocks of 128, of which only those with a bit set are kept. A summary has a bit for
 * each block; words beside it count the blocks before, so that a block is found by one population count.
 *
 * Layout from a multiple of 16: summary (`summaryWords`), counts (as many), padding to 16, blocks of 16 bytes.
 *
 * @module
 */
import type { Arena } from "./arena.ts";

/** Rules of a block. */
export const BLOCK_BITS = 128;
const BLOCK_WORDS = BLOCK_BITS / 32;

/** Words of a summary: a bit for each block, an even number of words because the kernel reads two at a time. */
export function summaryWords(rules: number): number {
  const blocks = Math.max(1, Math.ceil(rules / BLOCK_BITS));
  return Math.ceil(blocks / 64) * 2;
}

/** Bytes from the start of a row to its first block. */
export function blocksOffset(words: number): number {
  return (words * 8 + 15) & ~15;
}

/** Words of a row of so many rules before it is packed. */
export function looseWords(rules: number): number {
  return Math.max(1, Math.ceil(rules / BLOCK_BITS)) * BLOCK_WORDS;
}

/**
 * Packs bits into the arena.
 *
 * @param bits `looseWords(rules)` words; rule `n` is bit `n & 31` of word `n >> 5`
 * @returns the row's address
 *
 * @example
 * ```ts
 * import { createArena } from "#/wasm-policy/arena.ts";
 * import { looseWords, packRow, rowHas } from "#/wasm-policy/bit_row.ts";
 * const arena = createArena();
 * const bits = new Uint32Array(looseWords(300));
 * bits[290 >> 5] = 1 << (290 & 31);
 * const row = packRow(arena, bits, 300);
 * if (!rowHas(arena.words, { row, rules: 300 }, 290) || rowHas(arena.words, { row, rules: 300 }, 289)) throw new Error();
 * ```
 */
export function packRow(arena: Arena, bits: Uint32Array, rules: number): number {
  const words = summaryWords(rules);
  let count = 0;
  for (let at = 0; at < bits.length; at += BLOCK_WORDS) if (isSet(bits, at)) count += 1;
  const row = arena.allocate(blocksOffset(words) + count * 16);
  let to = (row + blocksOffset(words)) >> 2;
  let before = 0;
  for (let word = 0; word < words; word++) {
    let summary = 0;
    arena.words[(row >> 2) + words + word] = before;
    for (let bit = 0; bit < 32; bit++) {
      const at = (word * 32 + bit) * BLOCK_WORDS;
      if (at >= bits.length || !isSet(bits, at)) continue;
      summary |= 1 << bit;
      for (let part = 0; part < BLOCK_WORDS; part++) arena.words[to++] = bits[at + part]!;
      before += 1;
    }
    arena.words[(row >> 2) + word] = summary;
  }
  return row;
}

/**
 * Packs the row of a few rules, without looking at all blocks.
 *
 * @param set the rules, ascending, without duplicates
 */
export function packSparseRow(arena: Arena, set: readonly number[], rules: number): number {
  const words = summaryWords(rules);
  let count = 0;
  for (let at = 0, last = -1; at < set.length; at++) {
    if (set[at]! >> 7 !== last) count += 1;
    last = set[at]! >> 7;
  }
  const row = arena.allocate(blocksOffset(words) + count * 16);
  const to = arena.words;
  const summary = row >> 2;
  const blocks = (row + blocksOffset(words)) >> 2;
  for (let at = 0, last = -1, block = -1; at < set.length; at++) {
    const rule = set[at]!;
    if (rule >> 7 !== last) block += 1;
    last = rule >> 7;
    to[summary + (last >> 5)]! |= 1 << (last & 31);
    to[blocks + block * BLOCK_WORDS + ((rule >> 5) & 3)]! |= 1 << (rule & 31);
  }
  for (let word = 1; word < words; word++) {
    to[summary + words + word] = to[summary + words + word - 1]! + countBits(to[summary + word - 1]!);
  }
  return row;
}

function isSet(bits: Uint32Array, at: number): boolean {
  return (bits[at]! | bits[at + 1]! | bits[at + 2]! | bits[at + 3]!) !== 0;
}

/** Bits set in a word. */
export function countBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Word index of a block of a row whose summary has its bit set. */
export function blockWord(
  words: Uint32Array,
  { row, summary: length }: { readonly row: number; readonly summary: number },
  block: number,
): number {
  const at = (row >> 2) + (block >> 5);
  const below = words[at]! & ((1 << (block & 31)) - 1);
  return ((row + blocksOffset(length)) >> 2) + (words[at + length]! + countBits(below)) * BLOCK_WORDS;
}

/** Whether a row has a rule. */
export function rowHas(
  words: Uint32Array,
  { row, rules }: { readonly row: number; readonly rules: number },
  rule: number,
): boolean {
  const block = rule >> 7;
  if ((words[(row >> 2) + (block >> 5)]! >>> (block & 31) & 1) === 0) return false;
  const at = blockWord(words, { row, summary: summaryWords(rules) }, block);
  return (words[at + ((rule >> 5) & 3)]! >>> (rule & 31) & 1) === 1;
}
