/**
 * Classes of ports, for one end of packets: atoms are lists of ranges as rules write them, and single ports that address-and-port sets name. As in
 * `address_space.ts`, atoms and classes are only ever added.
 *
 * @module
 */
import { PORT_MAX, type PortRange } from "#/base/port_range.ts";
import type { Arena } from "./arena.ts";
import { createListInterner, type ListInterner } from "./list_interner.ts";

/** The "port" of a packet that has none. No range holds it. */
export const NO_PORT = PORT_MAX + 1;

/** Atoms of ports and the classes they make. */
export interface PortSpace {
  readonly lists: ListInterner;
  /** Address of the table: a word with the class of each port, {@link NO_PORT} the last. */
  readonly address: number;
  /** The number of a list of ranges. */
  ranges(ranges: readonly PortRange[]): number;
  /** The number of an atom that no port has by itself: a port of certain addresses. Such atoms join a class by `lists.with`. */
  named(key: string): number;
  classOf(port: number): number;
}

/** A space without atoms: every port has the class of the empty list. */
export function createPortSpace(arena: Arena): PortSpace {
  const lists = createListInterner();
  const numbers = new Map<string, number>();
  const address = arena.allocate((NO_PORT + 1) * 4);
  const numberOf = (key: string, make: (atom: number) => void): number => {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    const atom = numbers.size;
    numbers.set(key, atom);
    make(atom);
    return atom;
  };
  const add = (atom: number, { min, max }: PortRange) => {
    const joined = new Map<number, number>();
    for (let at = (address >> 2) + min; at <= (address >> 2) + max; at++) {
      const before = arena.words[at]!;
      let after = joined.get(before);
      if (after === undefined) joined.set(before, after = lists.with(before, atom));
      arena.words[at] = after;
    }
  };
  return {
    lists,
    address,
    ranges: (ranges) =>
      numberOf(
        ranges.map(({ min, max }) => `${min}-${max}`).join(),
        (atom) => {
          for (const range of ranges) add(atom, range);
        },
      ),
    named: (key) => numberOf(key, () => {}),
    classOf: (port) => arena.words[(address >> 2) + port]!,
  };
}
