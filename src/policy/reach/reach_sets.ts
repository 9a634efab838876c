/**
 * Sets of headers as small numbers: equal sets have equal numbers, and what was computed of two once is looked up the next time. Makes questions about
 * many pairs of ends cheap, because few different sets occur in them. Called by `reach_world.ts` and by whoever tells its answers.
 *
 * @module
 */
import { PORT_MAX } from "#/base/port_range.ts";
import { canonicalProtocolName, formatProtocol, type ProtocolName } from "#/base/protocol.ts";
import type { Connections, ProtocolConnections } from "#/policy/reach/connection_set.ts";
import {
  allHeaders,
  difference,
  hasAtom,
  hasCell,
  type HeaderGrid,
  type HeaderSet,
  type HeaderSpace,
  ICMP_MAX,
  intersection,
  noHeaders,
  PROTOCOL_MAX,
  union,
} from "#/policy/reach/header_space.ts";

/** Sets met so far. Grows for as long as one question is worked on. */
export interface HeaderSets {
  readonly space: HeaderSpace;
  /** By number. */
  readonly sets: HeaderSet[];
  readonly ids: Map<string, number>;
  readonly results: Readonly<Record<SetOperation, Map<number, number>>>;
  /** What each set is told as, by number. */
  readonly told: Map<number, Connections>;
  /** One object for equal texts, so that equal connections are identical. */
  readonly byText: Map<string, Connections>;
}

type SetOperation = "intersection" | "union" | "difference";

/** The number of the set of no headers. */
export const NO_HEADERS = 0;

/** The number of the set of all headers. */
export const ALL_HEADERS = 1;

/** Above every number of a set, so that two make one key; products stay below 2^53. */
const SETS_MAX = 2 ** 26;

/** A table that holds the empty set and the full one. */
export function createHeaderSets(space: HeaderSpace): HeaderSets {
  const table: HeaderSets = {
    space,
    sets: [],
    ids: new Map(),
    results: { intersection: new Map(), union: new Map(), difference: new Map() },
    told: new Map(),
    byText: new Map(),
  };
  internHeaders(table, noHeaders(space));
  internHeaders(table, allHeaders(space));
  return table;
}

/** The number of a set. The set must not change any more. */
export function internHeaders(table: HeaderSets, set: HeaderSet): number {
  const key = set.join();
  const known = table.ids.get(key);
  if (known !== undefined) return known;
  const id = table.sets.length;
  table.ids.set(key, id);
  table.sets.push(set);
  return id;
}

/**
 * The number of what two sets have in common.
 *
 * @example
 * ```ts
 * import { headerSpaceOf } from "#/policy/reach/header_space.ts";
 * import { ALL_HEADERS, createHeaderSets, NO_HEADERS, intersectionOf } from "#/policy/reach/reach_sets.ts";
 * const table = createHeaderSets(headerSpaceOf({ rules: [], sourcePorts: [], destinationPorts: [] }));
 * if (intersectionOf(table, ALL_HEADERS, NO_HEADERS) !== NO_HEADERS) throw new Error();
 * ```
 */
export function intersectionOf(table: HeaderSets, a: number, b: number): number {
  if (a === b || b === ALL_HEADERS) return a;
  if (a === ALL_HEADERS) return b;
  return a === NO_HEADERS || b === NO_HEADERS ? NO_HEADERS : lookUp(table, "intersection", a, b, intersection);
}

/** The number of what either of two sets holds. */
export function unionOf(table: HeaderSets, a: number, b: number): number {
  if (a === b || b === NO_HEADERS) return a;
  if (a === NO_HEADERS) return b;
  return a === ALL_HEADERS || b === ALL_HEADERS ? ALL_HEADERS : lookUp(table, "union", a, b, union);
}

/** The number of what the first set holds and the second does not. */
export function differenceOf(table: HeaderSets, a: number, b: number): number {
  if (a === b || a === NO_HEADERS || b === ALL_HEADERS) return NO_HEADERS;
  return b === NO_HEADERS ? a : lookUp(table, "difference", a, b, difference);
}

function lookUp(
  table: HeaderSets,
  operation: SetOperation,
  a: number,
  b: number,
  compute: (a: HeaderSet, b: HeaderSet) => HeaderSet,
): number {
  const key = a * SETS_MAX + b;
  const known = table.results[operation].get(key);
  if (known !== undefined) return known;
  const id = internHeaders(table, compute(table.sets[a]!, table.sets[b]!));
  table.results[operation].set(key, id);
  return id;
}

/**
 * The same set, made to hold every source port of the connections that it holds with some. What is told of two sets is compared in this form.
 */
export function anySourcePort(table: HeaderSets, id: number): number {
  if (id === NO_HEADERS || id === ALL_HEADERS) return id;
  const set = table.sets[id]!;
  const widened = set.slice();
  for (const grid of table.space.ports) {
    const columns = grid.columnStarts.length;
    for (let column = 0; column < columns; column++) {
      if (!hasColumn(set, grid, column)) continue;
      for (let row = 0; row < grid.rowStarts.length; row++) {
        const atom = grid.offset + row * columns + column;
        widened[atom >>> 5]! |= 1 << (atom & 31);
      }
    }
  }
  return internHeaders(table, widened);
}

/** What a set is told as: connections that it holds with some source port. Equal answers are one object. */
export function connectionsOf(table: HeaderSets, id: number): Connections {
  const known = table.told.get(id);
  if (known !== undefined) return known;
  const connections = tell(table.space, table.sets[id]!, anySourcePort(table, id) === ALL_HEADERS);
  const text = JSON.stringify(connections);
  const one = table.byText.get(text) ?? connections;
  table.byText.set(text, one);
  table.told.set(id, one);
  return one;
}

function tell(space: HeaderSpace, set: HeaderSet, isAll: boolean): Connections {
  if (isAll) return "All";
  const entries = new Map<number, ProtocolConnections>();
  for (const grid of space.ports) {
    const protocol = nameOf(grid.protocol);
    const ports = intervals(grid.columnStarts, PORT_MAX, (column) => hasColumn(set, grid, column));
    if (ports.length > 0) entries.set(grid.protocol, { protocol, ports });
  }
  for (const grid of space.icmp) {
    const protocol = nameOf(grid.protocol);
    const types = typesOf(set, grid);
    if (types === "all") entries.set(grid.protocol, { protocol });
    else if (types.length > 0) entries.set(grid.protocol, { protocol, types });
  }
  for (const [protocol, atom] of space.plain) {
    if (hasAtom(set, atom)) entries.set(protocol, { protocol: nameOf(protocol) });
  }
  return Array.from({ length: PROTOCOL_MAX + 1 }, (_, protocol) => entries.get(protocol))
    .filter((entry) => entry !== undefined);
}

function hasColumn(set: HeaderSet, grid: HeaderGrid, column: number): boolean {
  return grid.rowStarts.some((_, row) => hasCell(set, grid, row, column));
}

/** Types with their codes; a type with all codes once. */
function typesOf(set: HeaderSet, grid: HeaderGrid): "all" | readonly (readonly [number, number | null])[] {
  const types: [number, number | null][] = [];
  let isAll = true;
  for (const [row, type] of grid.rowStarts.entries()) {
    const last = (grid.rowStarts[row + 1] ?? ICMP_MAX + 1) - 1;
    const codes = intervals(grid.columnStarts, ICMP_MAX, (column) => hasCell(set, grid, row, column));
    const isWhole = codes.length === 1 && codes[0]![0] === 0 && codes[0]![1] === ICMP_MAX;
    isAll &&= isWhole;
    const listed = isWhole ? [null] : codes.flatMap(([low, high]) => numbersFrom(low, high));
    for (const one of numbersFrom(type, last)) {
      types.push(...listed.map((code): [number, number | null] => [one, code]));
    }
  }
  return isAll ? "all" : types;
}

/** The fewest intervals that cover the chosen parts of a dimension. */
function intervals(
  starts: readonly number[],
  max: number,
  isChosen: (index: number) => boolean,
): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const [index, low] of starts.entries()) {
    if (!isChosen(index)) continue;
    const high = (starts[index + 1] ?? max + 1) - 1;
    const last = found.at(-1);
    if (last?.[1] === low - 1) last[1] = high;
    else found.push([low, high]);
  }
  return found;
}

function numbersFrom(low: number, high: number): readonly number[] {
  return Array.from({ length: high - low + 1 }, (_, index) => low + index);
}

function nameOf(protocol: number): ProtocolName | number {
  return canonicalProtocolName(formatProtocol(protocol)) ?? protocol;
}
