/**
 * Which class every address of one family has: networks as intervals, single hosts in a hash table before them. Half of an address space (`address_space.ts`).
 *
 * A class is the list of atoms (sets, or lists of networks in rules) that hold the address. Hosts are most of all members, and adding one is one entry; so they
 * are kept out of the intervals.
 *
 * @module
 */
import type { Arena } from "./arena.ts";
import type { IdList, ListInterner } from "./list_interner.ts";
import { createWordTable, type WordTable } from "./word_table.ts";

/** Addresses of a family as numbers that compare: `number` for IPv4, `bigint` for IPv6. */
export type Address = number | bigint;

/** Addresses from `from` to before `end`. */
export interface AddressRange<A extends Address> {
  readonly from: A;
  readonly end: A;
}

/** What differs between the families. */
export interface FamilyTraits<A extends Address> {
  readonly zero: A;
  /** One past the last address. */
  readonly end: A;
  readonly keyWords: number;
  next(address: A): A;
  /** Most significant word first. */
  words(address: A): number[];
  fromWords(words: readonly number[]): A;
}

/** IPv4. */
export const FAMILY_4: FamilyTraits<number> = {
  zero: 0,
  end: 2 ** 32,
  keyWords: 1,
  next: (address) => address + 1,
  words: (address) => [address],
  fromWords: ([word = 0]) => word,
};

/** IPv6. */
export const FAMILY_6: FamilyTraits<bigint> = {
  zero: 0n,
  end: 1n << 128n,
  keyWords: 4,
  next: (address) => address + 1n,
  words: (address) => [96n, 64n, 32n, 0n].map((shift) => Number((address >> shift) & 0xffff_ffffn)),
  fromWords: (words) => words.reduce((value, word) => (value << 32n) | BigInt(word), 0n),
};

/** The classes of one family's addresses. */
export interface AddressFamily<A extends Address> {
  readonly hosts: WordTable;
  /** Intervals: the first address of each, sorted, with its class. */
  readonly bounds: readonly A[];
  readonly classes: readonly number[];
  /** Whether intervals have changed since `isChanged` was last reset. */
  isChanged: boolean;
  /** Fills an empty family; `ranges` are merged and by atom number. */
  load(ranges: readonly (readonly AddressRange<A>[])[]): void;
  /** Gives an atom to the addresses of a range, or takes it away. */
  toggle(atom: number, range: AddressRange<A>, change: "add" | "remove"): void;
  classOf(address: A): number;
}

/** Index of the interval that holds an address. */
export function intervalAt<A extends Address>(bounds: readonly A[], address: A): number {
  let low = 0;
  let high = bounds.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (bounds[middle]! <= address) low = middle;
    else high = middle;
  }
  return low;
}

/** An empty family: every address has the class of the empty list. */
export function createAddressFamily<A extends Address>(
  traits: FamilyTraits<A>,
  { arena, lists }: { readonly arena: Arena; readonly lists: ListInterner },
): AddressFamily<A> {
  let bounds: A[] = [traits.zero];
  let classes: number[] = [0];
  let hosts = createWordTable(arena, traits.keyWords);
  const isHost = ({ from, end }: AddressRange<A>) => traits.next(from) === end;
  const splitAt = (address: A): number => {
    if (address === traits.end) return bounds.length;
    const at = intervalAt(bounds, address);
    if (bounds[at] === address) return at;
    bounds.splice(at + 1, 0, address);
    classes.splice(at + 1, 0, classes[at]!);
    return at + 1;
  };
  const classOf = (address: A) => hosts.get(traits.words(address)) ?? classes[intervalAt(bounds, address)]!;
  const family: AddressFamily<A> = {
    isChanged: true,
    get hosts() {
      return hosts;
    },
    get bounds() {
      return bounds;
    },
    get classes() {
      return classes;
    },
    classOf,
    load(ranges) {
      ({ bounds, classes } = sweep(traits, ranges, lists));
      const atoms = hostAtoms(ranges, isHost);
      hosts = createWordTable(arena, traits.keyWords, atoms.size * 2 + 2);
      for (const [address, list] of atoms) {
        const nets = lists.list(classes[intervalAt(bounds, address)]!);
        hosts.set(traits.words(address), lists.id(nets.length === 0 ? list : union(nets, list)));
      }
    },
    toggle(atom, range, change) {
      const changed = (id: number) => change === "add" ? lists.with(id, atom) : lists.without(id, atom);
      if (isHost(range)) {
        hosts.set(traits.words(range.from), changed(classOf(range.from)));
        return;
      }
      const first = splitAt(range.from);
      const end = splitAt(range.end);
      for (let at = first; at < end; at++) classes[at] = changed(classes[at]!);
      for (const [key, id] of hostsIn(traits, hosts, range)) hosts.set(key, changed(id));
      family.isChanged = true;
    },
  };
  return family;
}

/** Ranges of at most so many addresses are asked address by address; of larger ones all hosts are gone through. */
const PROBED_ADDRESSES_MAX = 256;

/** Hosts of a range, with their classes. */
function hostsIn<A extends Address>(
  traits: FamilyTraits<A>,
  hosts: WordTable,
  { from, end }: AddressRange<A>,
): readonly (readonly [readonly number[], number])[] {
  const probed: (readonly [readonly number[], number])[] = [];
  let address = from;
  for (let count = 0; count < PROBED_ADDRESSES_MAX && address < end; count++, address = traits.next(address)) {
    const key = traits.words(address);
    const id = hosts.get(key);
    if (id !== undefined) probed.push([key, id]);
  }
  if (address >= end) return probed;
  return [...hosts.entries()].filter(([key]) => {
    const host = traits.fromWords(key);
    return from <= host && host < end;
  });
}

function union(a: IdList, b: IdList): IdList {
  return [...new Set([...a, ...b])].sort((one, other) => one - other);
}

/** The atoms of each host, in ascending order. */
function hostAtoms<A extends Address>(
  ranges: readonly (readonly AddressRange<A>[])[],
  isHost: (range: AddressRange<A>) => boolean,
): Map<A, number[]> {
  const found = new Map<A, number[]>();
  for (const [atom, list] of ranges.entries()) {
    for (const range of list) {
      if (!isHost(range)) continue;
      const atoms = found.get(range.from);
      if (atoms === undefined) found.set(range.from, [atom]);
      else atoms.push(atom);
    }
  }
  return found;
}

/** Intervals between all edges of networks, each with the atoms that cover it. */
function sweep<A extends Address>(
  traits: FamilyTraits<A>,
  ranges: readonly (readonly AddressRange<A>[])[],
  lists: ListInterner,
): { readonly bounds: A[]; readonly classes: number[] } {
  const edges: { readonly at: A; readonly atom: number; readonly isStart: boolean }[] = [];
  for (const [atom, list] of ranges.entries()) {
    for (const { from, end } of list) {
      if (traits.next(from) === end) continue;
      edges.push({ at: from, atom, isStart: true });
      if (end !== traits.end) edges.push({ at: end, atom, isStart: false });
    }
  }
  edges.sort((a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : 0);
  const bounds: A[] = [traits.zero];
  const classes: number[] = [0];
  const active: number[] = [];
  for (let index = 0; index < edges.length;) {
    const at = edges[index]!.at;
    for (; index < edges.length && edges[index]!.at === at; index++) toggleSorted(active, edges[index]!);
    const id = lists.id([...active]);
    if (bounds.at(-1) === at) classes[classes.length - 1] = id;
    else if (classes.at(-1) !== id) {
      bounds.push(at);
      classes.push(id);
    }
  }
  return { bounds, classes };
}

function toggleSorted(active: number[], { atom, isStart }: { readonly atom: number; readonly isStart: boolean }): void {
  let low = 0;
  for (let high = active.length; low < high;) {
    const middle = (low + high) >> 1;
    if (active[middle]! < atom) low = middle + 1;
    else high = middle;
  }
  if (isStart) active.splice(low, 0, atom);
  else active.splice(low, 1);
}
