/**
 * Where things are in the memory of an image: word indexes that the engine writes and kernel and twin read. `kernel/verdict.as.ts` has the same in bytes; `abi()`
 * there grows with every change here.
 *
 * @module
 */

/** The version of the layout, told by the kernel too. */
export const LAYOUT_VERSION = 1;

/** First word of the descriptor of each end; `address_space.ts` fills in the first ten words of it and keeps its capacities in the upper half. */
export const SIDE_WORD = { source: 0, destination: 64 } as const;

/** Words of a side's descriptor, after those of its addresses. */
export const SIDE_WORDS = {
  /** Table of the class of each port. */
  ports: 10,
  /** By class of address: whether it has named ports. */
  flags: 11,
  /** Hash table from (class of address, protocol << 17 | port, the port's own class) to class of port, and its shift. */
  named: 12,
  /** Address of the classes of IPv4 addresses lately seen, pairs of address and class plus 1; 0 without. The kernel's alone. */
  recent: 14,
} as const;

/** Slots of recent classes of a side. */
export const RECENT_SLOTS = 2 ** 15;

/** Words that both ends share. */
export const SHARED = {
  /** Hash table from the word of a service to its class, and its shift. */
  services: 128,
  /** Address of a table: the program of each chain, 0 where there is none. */
  chains: 130,
  /** Address of the memo, 0 without; then the mask of its slots, and a count of hits. */
  memo: 132,
  memoMask: 133,
  memoHits: 134,
} as const;

/** First of the words with the addresses of the columns of a batch, in the order of {@link COLUMNS}. */
export const BATCH_WORD = 160;

/**
 * Columns of a batch, one word a flow: what is asked, `order` (which flows to judge, in which order), the classes, and the result: number of the decision << 2 |
 * code, or {@link NONE}. `wide` holds IPv6 addresses, four words each; `source` and `destination` of such flows are indexes into it.
 */
export const COLUMNS = [
  "chain",
  "source",
  "destination",
  "service",
  "sourcePort",
  "destinationPort",
  "wide",
  "order",
  "sourceClass",
  "destinationClass",
  "sourcePortClass",
  "destinationPortClass",
  "serviceClass",
  "result",
] as const;

/** A column of a batch. */
export type Column = typeof COLUMNS[number];

/** Words of a slot of the memo: chain plus 1, five classes, result, unused. */
export const MEMO_WORDS = 8;

/** No class, no result: the engine must make something first. */
export const NONE = 0xffff_ffff;

/**
 * Family, protocol and ICMP in one word.
 *
 * @example
 * ```ts
 * import { serviceOfWord, serviceWord } from "#/wasm-policy/layout.ts";
 * const service = { version: 6, protocol: 58, icmp: { type: 128, code: 0 } } as const;
 * if (JSON.stringify(serviceOfWord(serviceWord(service))) !== JSON.stringify(service)) throw new Error();
 * ```
 */
export function serviceWord(
  { version, protocol, icmp }: {
    readonly version: 4 | 6;
    readonly protocol: number;
    readonly icmp: { readonly type: number; readonly code: number } | undefined;
  },
): number {
  const ofIcmp = icmp === undefined ? 0 : 0x1_0000 | (icmp.type << 8) | icmp.code;
  return ((version === 6 ? 1 << 25 : 0) | (protocol << 17) | ofIcmp) >>> 0;
}

/** What {@link serviceWord} put together. */
export function serviceOfWord(word: number): {
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly icmp: { readonly type: number; readonly code: number } | undefined;
} {
  const icmp = (word & 0x1_0000) === 0 ? undefined : { type: (word >>> 8) & 255, code: word & 255 };
  return { version: word >>> 25 === 0 ? 4 : 6, protocol: (word >>> 17) & 255, icmp };
}
