/**
 * The verdict kernel in TypeScript, on the same memory: what runs where WebAssembly fails, and the second opinion on it. Follows `kernel/verdict.as.ts` function by
 * function; the tests hold the two equal, result by result.
 *
 * @module
 */
import { ADDRESS_WORDS } from "./address_space.ts";
import { BLOCK_BITS, blockWord } from "./bit_row.ts";
import { CODES, GROUP_WORDS } from "./chain_program.ts";
import { BATCH_WORD, type Column, COLUMNS, MEMO_WORDS, NONE, SHARED, SIDE_WORD, SIDE_WORDS } from "./layout.ts";
import { FIELDS } from "./rule_group.ts";
import { findWords, hashWords } from "./word_table.ts";

/** What a kernel can do; the WebAssembly module has the same two functions. */
export interface VerdictKernel {
  /** Fills in the classes of the first `count` flows; how many lack one. */
  classify(count: number): number;
  /** Judges the first `count` flows of the batch's order; how many could not be judged. */
  evaluate(count: number): number;
}

type Words = Uint32Array;

const COLUMN_WORDS = Object.fromEntries(COLUMNS.map((column, at) => [column, BATCH_WORD + at])) as Record<
  Column,
  number
>;

/** The word at which a column begins. */
export function columnWord(words: Words, column: Column): number {
  return words[COLUMN_WORDS[column]]! >> 2;
}

/** The twin on a memory; `words` gives its words as they are now. */
export function kernelTwin(words: () => Words): VerdictKernel {
  return { classify: (count) => classify(words(), count), evaluate: (count) => evaluate(words(), count) };
}

function find(words: Words, descriptor: number, key: readonly number[]): number | undefined {
  return findWords(words, { address: words[descriptor]!, shift: words[descriptor + 1]! }, key);
}

function class4(words: Words, side: number, address: number): number {
  const host = find(words, side + ADDRESS_WORDS.hosts4, [address]);
  if (host !== undefined) return host;
  const top = (words[side + ADDRESS_WORDS.top4]! >> 2) + (address >>> 16);
  const pairs = words[side + ADDRESS_WORDS.intervals4]! >> 2;
  let low = words[top]!;
  let high = words[top + 1]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (words[pairs + middle * 2]! <= address) low = middle + 1;
    else high = middle;
  }
  return words[pairs + low * 2 - 1]!;
}

function isAtMost(words: Words, bound: number, key: readonly number[]): boolean {
  for (const [at, word] of key.entries()) if (words[bound + at] !== word) return words[bound + at]! < word;
  return true;
}

function class6(words: Words, side: number, key: readonly number[]): number {
  const host = find(words, side + ADDRESS_WORDS.hosts6, key);
  if (host !== undefined) return host;
  const bounds = words[side + ADDRESS_WORDS.bounds6]! >> 2;
  let low = 0;
  let high = words[side + ADDRESS_WORDS.count6]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAtMost(words, bounds + middle * 4, key)) low = middle + 1;
    else high = middle;
  }
  return words[(words[side + ADDRESS_WORDS.classes6]! >> 2) + low - 1]!;
}

function portClass(
  words: Words,
  side: number,
  { addressClass, protocol, port }: {
    readonly addressClass: number;
    readonly protocol: number;
    readonly port: number;
  },
): number {
  const own = words[(words[side + SIDE_WORDS.ports]! >> 2) + port]!;
  if (words[(words[side + SIDE_WORDS.flags]! >> 2) + addressClass] === 0) return own;
  return find(words, side + SIDE_WORDS.named, [addressClass, (protocol << 17) | port, own]) ?? NONE;
}

function classify(words: Words, count: number): number {
  const [inSource, inDestination, inService, inSport, inDport, wide] = COLUMNS.slice(1, 7).map((name) =>
    columnWord(words, name)
  ) as [number, number, number, number, number, number];
  const out = COLUMNS.slice(8, 13).map((name) => columnWord(words, name));
  let missing = 0;
  for (let at = 0; at < count; at++) {
    const raw = words[inService + at]!;
    const protocol = (raw >>> 17) & 255;
    const classOf = (side: number, given: number) => {
      if (raw >>> 25 === 0) return class4(words, side, given);
      return class6(words, side, [...words.subarray(wide + given * 4, wide + given * 4 + 4)]);
    };
    const source = classOf(SIDE_WORD.source, words[inSource + at]!);
    const destination = classOf(SIDE_WORD.destination, words[inDestination + at]!);
    const sport = portClass(words, SIDE_WORD.source, { addressClass: source, protocol, port: words[inSport + at]! });
    const dport = portClass(words, SIDE_WORD.destination, {
      addressClass: destination,
      protocol,
      port: words[inDport + at]!,
    });
    const service = find(words, SHARED.services, [raw]) ?? NONE;
    for (const [field, one] of [source, destination, sport, dport, service].entries()) words[out[field]! + at] = one;
    if (sport === NONE || dport === NONE || service === NONE) missing += 1;
  }
  return missing;
}

function rowsOf(
  words: Words,
  program: number,
  { field, number }: { readonly field: number; readonly number: number },
): number {
  const entry = program + 3 + field * 2;
  return number < words[entry + 1]! ? words[(words[entry]! >> 2) + number]! >> 2 : 0;
}

/** First rule at or after `start` that all rows have; `summary` is the length of theirs. */
function firstOfRows(
  words: Words,
  rows: readonly number[],
  { summary, start }: { readonly summary: number; readonly start: number },
): number {
  for (let word = start >>> 12; word < summary; word++) {
    let blocks = -1;
    for (const row of rows) blocks &= words[(row >> 2) + word]!;
    for (; blocks !== 0; blocks &= blocks - 1) {
      const block = word * 32 + 31 - Math.clz32(blocks & -blocks);
      if (block < start >>> 7) continue;
      const found = rows.map((row) => blockWord(words, { row, summary }, block));
      for (let part = 0; part < BLOCK_BITS / 32; part++) {
        const first = block * BLOCK_BITS + part * 32;
        let bits = first + 32 <= start ? 0 : first < start ? -1 << (start - first) : -1;
        for (const at of found) bits &= words[at + part]!;
        if (bits !== 0) return first + 31 - Math.clz32(bits & -bits);
      }
    }
  }
  return NONE;
}

function decide(words: Words, program: number, lists: readonly number[]): number {
  const count = words[program]!;
  const groups = words[program + 1]! >> 2;
  const codes = words[program + 2]! >> 2;
  for (let stage = 0;;) {
    let best = NONE;
    for (let index = 0; index < count; index++) {
      const group = groups + index * GROUP_WORDS;
      const start = words[(words[group + 2]! >> 2) + stage]!;
      const numbers = words[group + 1]! >> 2;
      if (start >= words[group + 3]! || words[numbers + start]! >= best) continue;
      const rows = lists.map((list) => words[list + index]!);
      const first = firstOfRows(words, rows, { summary: words[group]!, start });
      if (first !== NONE) best = Math.min(best, words[numbers + first]!);
    }
    const code = words[codes + best]!;
    if ((code & 3) !== CODES.pass) return ((best << 2) | code) >>> 0;
    stage = code >>> 2;
  }
}

function evaluate(words: Words, count: number): number {
  const order = columnWord(words, "order");
  const chainColumn = columnWord(words, "chain");
  const results = columnWord(words, "result");
  const classColumns = COLUMNS.slice(8, 13).map((name) => columnWord(words, name));
  const memo = words[SHARED.memo]! >> 2;
  let missing = 0;
  for (let index = 0; index < count; index++) {
    const at = words[order + index]!;
    const chain = words[chainColumn + at]!;
    const key = [chain + 1, ...classColumns.map((column) => words[column + at]!)];
    const pair = (hashWords([chain, ...key.slice(1)]) >>> 8) & words[SHARED.memoMask]! & ~1;
    const isIn = (slot: number) => key.every((word, part) => words[slot + part] === word);
    const first = memo + pair * MEMO_WORDS;
    const slot = isIn(first) || words[first] === 0 ? first : first + MEMO_WORDS;
    if (memo !== 0 && isIn(slot)) {
      words[results + at] = words[slot + key.length]!;
      words[SHARED.memoHits]! += 1;
      continue;
    }
    const program = words[(words[SHARED.chains]! >> 2) + chain]! >> 2;
    const lists = program === 0
      ? []
      : FIELDS.map((_, field) => rowsOf(words, program, { field, number: key[field + 1]! }));
    const result = lists.length === 0 || lists.includes(0) ? NONE : decide(words, program, lists);
    words[results + at] = result;
    if (result === NONE) missing += 1;
    else if (memo !== 0) words.set([...key, result], slot);
  }
  return missing;
}
