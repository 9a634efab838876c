/**
 * Classes of addresses, for one end of packets: atoms (a set, or a list of networks written in a rule) and which of them hold an address. Source and destination
 * have a space each, because an end that few rules look at then has few classes. Read by the kernel through the tables that `publish` writes.
 *
 * Atoms and classes are only ever added: what a class means never changes, so whatever was worked out for it stays true while members come and go.
 *
 * @module
 */
import type { Ip } from "#/base/ip.ts";
import { type Address, type AddressFamily, createAddressFamily, FAMILY_4, FAMILY_6 } from "./address_family.ts";
import { type Ranges, rangesWithout } from "./address_ranges.ts";
import type { Arena } from "./arena.ts";
import { createListInterner, type IdList, type ListInterner } from "./list_interner.ts";

/** Index of the first word of each kind of table in a side's descriptor; see `kernel/verdict.as.ts`. */
export const ADDRESS_WORDS = {
  hosts4: 0,
  top4: 2,
  /** Pairs of first address and class. */
  intervals4: 3,
  hosts6: 5,
  bounds6: 7,
  classes6: 8,
  count6: 9,
} as const;

/** Entries of the table that says where the intervals of each /16 begin, and where the last ends. */
const TOP = 65_536 + 1;

/** Atoms of one end of packets and the classes they make. */
export interface AddressSpace {
  readonly lists: ListInterner;
  /** The number of an atom, made when it is new; `ranges` is then asked for its addresses. */
  atom(key: string, ranges: () => Ranges): number;
  /** Changes the addresses of an atom; nothing when no rule of this end has named it. */
  change(key: string, ranges: Ranges): void;
  classOf(ip: Ip): number;
  /** Works out classes for the atoms made so far; `classOf` and `publish` do it by themselves. */
  load(): void;
  /** Writes what changed into the arena, and the addresses of it into the descriptor at word `descriptor`. */
  publish(descriptor: number): void;
  /** Atoms by number. */
  readonly keys: readonly string[];
  readonly v4: AddressFamily<number>;
  readonly v6: AddressFamily<bigint>;
}

/** A space without atoms. Atoms made before the first `publish` are loaded at once, which is much faster. */
export function createAddressSpace(arena: Arena, lists = createListInterner()): AddressSpace {
  const numbers = new Map<string, number>();
  const keys: string[] = [];
  const ranges: Ranges[] = [];
  const v4 = createAddressFamily(FAMILY_4, { arena, lists });
  const v6 = createAddressFamily(FAMILY_6, { arena, lists });
  let isLoaded = false;
  const load = () => {
    if (isLoaded) return;
    isLoaded = true;
    v4.load(ranges.map((one) => one.v4));
    v6.load(ranges.map((one) => one.v6));
  };
  const replace = (atom: number, before: Ranges, after: Ranges) => {
    ranges[atom] = after;
    if (!isLoaded) return;
    toggleDifference(v4, atom, { before: before.v4, after: after.v4 });
    toggleDifference(v6, atom, { before: before.v6, after: after.v6 });
  };
  return {
    lists,
    keys,
    v4,
    v6,
    load,
    atom(key, rangesOfKey) {
      const known = numbers.get(key);
      if (known !== undefined) return known;
      const atom = keys.push(key) - 1;
      numbers.set(key, atom);
      replace(atom, { v4: [], v6: [] }, rangesOfKey());
      return atom;
    },
    change(key, after) {
      const atom = numbers.get(key);
      if (atom !== undefined) replace(atom, ranges[atom]!, after);
    },
    classOf(ip) {
      load();
      return ip.version === 4 ? v4.classOf(Number(ip.value)) : v6.classOf(ip.value);
    },
    publish(descriptor) {
      load();
      publish4(arena, v4, descriptor);
      publish6(arena, v6, descriptor);
    },
  };
}

function toggleDifference<A extends Address>(
  family: AddressFamily<A>,
  atom: number,
  { before, after }: {
    readonly before: readonly { readonly from: A; readonly end: A }[];
    readonly after: readonly { readonly from: A; readonly end: A }[];
  },
): void {
  for (const range of rangesWithout(before, after)) family.toggle(atom, range, "remove");
  for (const range of rangesWithout(after, before)) family.toggle(atom, range, "add");
}

/** Copies numbers into the arena: where they were if they fit there, or else to a new place with room to grow. */
function write(arena: Arena, word: number, numbers: ArrayLike<number>): void {
  const capacity = arena.words[word + 1] ?? 0;
  if (numbers.length > capacity) {
    const grown = Math.ceil(numbers.length * 1.25) + 8;
    const address = arena.allocate(grown * 4);
    arena.words[word] = address;
    arena.words[word + 1] = grown;
  }
  arena.words.set(numbers, arena.words[word]! >> 2);
}

/** Words after the descriptor's own in which `write` keeps addresses and capacities. */
const ROOM_WORDS = 32;

function publish4(arena: Arena, family: AddressFamily<number>, descriptor: number): void {
  if (family.isChanged) {
    const top = new Uint32Array(TOP);
    const { bounds } = family;
    for (let high = 0, at = 0; high < TOP; high++) {
      while (at < bounds.length && bounds[at]! < high * 65_536) at += 1;
      top[high] = at;
    }
    const room = descriptor + ROOM_WORDS;
    write(arena, room, top);
    const pairs = new Uint32Array(bounds.length * 2);
    for (let at = 0; at < bounds.length; at++) pairs.set([bounds[at]!, family.classes[at]!], at * 2);
    write(arena, room + 2, pairs);
    arena.words[descriptor + ADDRESS_WORDS.top4] = arena.words[room]!;
    arena.words[descriptor + ADDRESS_WORDS.intervals4] = arena.words[room + 2]!;
    family.isChanged = false;
  }
  arena.words[descriptor + ADDRESS_WORDS.hosts4] = family.hosts.address;
  arena.words[descriptor + ADDRESS_WORDS.hosts4 + 1] = family.hosts.shift;
}

function publish6(arena: Arena, family: AddressFamily<bigint>, descriptor: number): void {
  if (family.isChanged) {
    const room = descriptor + ROOM_WORDS + 6;
    write(arena, room, family.bounds.flatMap((bound) => FAMILY_6.words(bound)));
    write(arena, room + 2, family.classes);
    arena.words[descriptor + ADDRESS_WORDS.bounds6] = arena.words[room]!;
    arena.words[descriptor + ADDRESS_WORDS.classes6] = arena.words[room + 2]!;
    arena.words[descriptor + ADDRESS_WORDS.count6] = family.bounds.length;
    family.isChanged = false;
  }
  arena.words[descriptor + ADDRESS_WORDS.hosts6] = family.hosts.address;
  arena.words[descriptor + ADDRESS_WORDS.hosts6 + 1] = family.hosts.shift;
}

/**
 * The space in words that do not depend on how it came about: intervals and hosts with the names of the atoms that hold them, neighbours alike joined. Two
 * spaces that say the same have the same text; for tests and for comparing images.
 *
 * @param named atoms that count; others have been left behind by rules that are gone
 */
export function canonicalSpace(space: AddressSpace, named: ReadonlySet<string>): string[] {
  const names = (list: IdList) =>
    list.map((atom) => space.keys[atom]!).filter((key) => named.has(key)).sort().join(" ");
  space.load();
  return [
    ...canonicalFamily(space.v4, { names: (id) => names(space.lists.list(id)), traits: FAMILY_4 }),
    ...canonicalFamily(space.v6, { names: (id) => names(space.lists.list(id)), traits: FAMILY_6 }),
  ];
}

function canonicalFamily<A extends Address>(
  family: AddressFamily<A>,
  { names, traits }: { readonly names: (id: number) => string; readonly traits: typeof FAMILY_4 | typeof FAMILY_6 },
): string[] {
  const { fromWords, next } = traits as unknown as { fromWords(words: readonly number[]): A; next(address: A): A };
  const points = new Set<A>(family.bounds);
  for (const [key] of family.hosts.entries()) {
    const host = fromWords(key);
    points.add(host);
    if (next(host) !== (traits.end as Address)) points.add(next(host));
  }
  const lines: string[] = [];
  let last: string | undefined;
  for (const point of [...points].sort((a, b) => a < b ? -1 : a > b ? 1 : 0)) {
    const text = names(family.classOf(point));
    if (text !== last) lines.push(`${traits.keyWords === 1 ? 4 : 6} ${point}: ${text}`);
    last = text;
  }
  return lines;
}
