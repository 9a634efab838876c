/**
 * Hash tables of an image: keys of one to four words, each with a number. They lie in the arena, where kernel and twin look keys up; keys are compared whole,
 * so that equal hashes never mix two of them.
 *
 * Layout of a slot: the key's words, then the value plus 1; 0 there means empty. Linear probing, at most half full, nothing is ever removed.
 *
 * @module
 */
import type { Arena } from "./arena.ts";

/** A key: one to four unsigned words. */
export type WordKey = readonly number[];

/** A table from keys of a fixed length to numbers below 2^32 - 1. */
export interface WordTable {
  /** Address of slot 0; changes when the table grows. */
  readonly address: number;
  /** `hash >>> shift` is the first slot to look at. */
  readonly shift: number;
  get(key: WordKey): number | undefined;
  set(key: WordKey, value: number): void;
  entries(): Iterable<readonly [WordKey, number]>;
}

/**
 * The hash that kernel, twin and table share.
 *
 * @example
 * ```ts
 * import { hashWords } from "#/wasm-policy/word_table.ts";
 * if (hashWords([1, 2]) === hashWords([2, 1])) throw new Error();
 * ```
 */
export function hashWords(key: WordKey): number {
  let hash = 0;
  for (let at = 0; at < key.length; at++) {
    const mixed = hash ^ key[at]!;
    hash = Math.imul(mixed, 0x9e3779b1) ^ (mixed >>> 15);
  }
  return Math.imul(hash, 0x85ebca6b) >>> 0;
}

/** The value of a key, or `undefined`, read from the words of a memory. */
export function findWords(
  words: Uint32Array,
  table: { readonly address: number; readonly shift: number },
  key: WordKey,
): number | undefined {
  const stride = key.length + 1;
  const mask = (2 ** (32 - table.shift)) - 1;
  for (let slot = hashWords(key) >>> table.shift;; slot = (slot + 1) & mask) {
    const at = (table.address >> 2) + slot * stride;
    const value = words[at + key.length]!;
    if (value === 0) return undefined;
    if (isAt(words, at, key)) return value - 1;
  }
}

function isAt(words: Uint32Array, at: number, key: WordKey): boolean {
  for (let index = 0; index < key.length; index++) if (words[at + index] !== key[index]) return false;
  return true;
}

/** Makes a table. `slots` is rounded up to a power of two of at least 16. */
export function createWordTable(arena: Arena, keyWords: number, slots = 16): WordTable {
  const stride = keyWords + 1;
  let bits = Math.max(4, Math.ceil(Math.log2(slots)));
  let count = 0;
  let address = arena.allocate(stride * 4 * 2 ** bits);
  const place = (key: WordKey): number => {
    const { words } = arena;
    const mask = 2 ** bits - 1;
    for (let slot = hashWords(key) >>> (32 - bits);; slot = (slot + 1) & mask) {
      const at = (address >> 2) + slot * stride;
      if (words[at + keyWords] === 0 || isAt(words, at, key)) return at;
    }
  };
  const write = (key: WordKey, stored: number) => {
    const { words } = arena;
    const at = place(key);
    if (words[at + keyWords] === 0) {
      count += 1;
      for (let index = 0; index < keyWords; index++) words[at + index] = key[index]!;
    }
    words[at + keyWords] = stored;
  };
  function* entries(): Generator<readonly [WordKey, number]> {
    for (let slot = 0; slot < 2 ** bits; slot++) {
      const at = (address >> 2) + slot * stride;
      const stored = arena.words[at + keyWords]!;
      if (stored !== 0) yield [[...arena.words.subarray(at, at + keyWords)], stored - 1];
    }
  }
  return {
    get address() {
      return address;
    },
    get shift() {
      return 32 - bits;
    },
    get: (key) => findWords(arena.words, { address, shift: 32 - bits }, key),
    set(key, value) {
      if (2 * (count + 1) > 2 ** bits) {
        const old = [...entries()];
        bits += 1;
        count = 0;
        address = arena.allocate(stride * 4 * 2 ** bits);
        for (const [oldKey, oldValue] of old) write(oldKey, oldValue + 1);
      }
      write(key, value + 1);
    },
    entries,
  };
}
