/**
 * The headers of a packet, cut into atoms that no rule tells apart: protocol with, for TCP, UDP and SCTP, source and destination port, and for ICMP and
 * ICMPv6 type and code. Sets of headers are sets of atoms, so that set arithmetic is exact and fast. Built for one question (`reach_world.ts`) from the
 * rules that can matter to it.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { PORT_MAX, type PortRange } from "#/base/port_range.ts";
import { PROTOCOLS_WITH_PORTS } from "#/base/protocol.ts";
import { ANY, type RuleIr, type SideIr } from "#/policy/ir.ts";

/** Members of a set of headers: bit `n` of word `n / 32` for atom `n`. Of as many words as its space has. */
export type HeaderSet = Uint32Array;

/** A protocol with a port of it: a member of an IP-and-port set, without the address. */
export interface ProtocolPort {
  /** IP protocol number. */
  readonly protocol: number;
  readonly port: number;
}

/** Two dimensions of one protocol, each cut at the numbers where intervals begin; the atom of a cell is `offset + row * columns + column`. */
export interface HeaderGrid {
  readonly protocol: number;
  readonly offset: number;
  /** Source ports, or ICMP types. */
  readonly rowStarts: readonly number[];
  /** Destination ports, or ICMP codes. */
  readonly columnStarts: readonly number[];
}

/** How headers are cut into atoms. */
export interface HeaderSpace {
  /** TCP, UDP, SCTP. */
  readonly ports: readonly HeaderGrid[];
  /** ICMP, ICMPv6. */
  readonly icmp: readonly HeaderGrid[];
  /** Every other protocol number with its atom; numbers that no rule names share one. */
  readonly plain: ReadonlyMap<number, number>;
  readonly atoms: number;
  /** Length of sets. */
  readonly words: number;
}

/** Protocols whose packets have a type and a code. */
export const ICMP_PROTOCOLS: readonly number[] = [1, 58];

/** Highest protocol number. */
export const PROTOCOL_MAX = 255;

/** Highest ICMP type and code. */
export const ICMP_MAX = 255;

/** The ports of a side with what its IP-and-port sets hold for the address at hand. */
export interface PortCondition {
  readonly ports: SideIr["ports"];
  readonly named: readonly ProtocolPort[];
  readonly notPorts: readonly PortRange[];
  readonly notNamed: readonly ProtocolPort[];
}

/** A condition that any port meets, and a packet without ports too. */
export const ANY_PORT: PortCondition = { ports: ANY, named: [], notPorts: [], notNamed: [] };

/** What a space must tell apart; ports of IP-and-port sets by the side that asks for them. */
export interface HeaderCuts {
  readonly rules: Iterable<RuleIr>;
  readonly sourcePorts: Iterable<ProtocolPort>;
  readonly destinationPorts: Iterable<ProtocolPort>;
  /** Protocols to be told apart besides those of the rules. */
  readonly protocols?: Iterable<number>;
}

/**
 * Cuts the headers so that every rule matches an atom wholly or not at all.
 *
 * @example
 * ```ts
 * import { headerSpaceOf } from "#/policy/reach/header_space.ts";
 * const space = headerSpaceOf({ rules: [], sourcePorts: [], destinationPorts: [{ protocol: 6, port: 80 }] });
 * if (space.ports[0]?.columnStarts.join() !== "1,80,81" || space.plain.size !== 251) throw new Error();
 * ```
 */
export function headerSpaceOf(cuts: HeaderCuts): HeaderSpace {
  const rows = new Map<number, Set<number>>(PROTOCOLS_WITH_PORTS.map((protocol) => [protocol, new Set([1])]));
  const columns = new Map<number, Set<number>>(PROTOCOLS_WITH_PORTS.map((protocol) => [protocol, new Set([1])]));
  const types = new Map<number, Set<number>>(ICMP_PROTOCOLS.map((protocol) => [protocol, new Set([0])]));
  const codes = new Map<number, Set<number>>(ICMP_PROTOCOLS.map((protocol) => [protocol, new Set([0])]));
  const named = new Set<number>(cuts.protocols ?? []);
  for (const rule of cuts.rules) {
    for (const protocol of rule.protocol === ANY ? PROTOCOLS_WITH_PORTS : [rule.protocol]) {
      cutPorts(rows.get(protocol), rule.source);
      cutPorts(columns.get(protocol), rule.destination);
    }
    for (const match of [rule.icmp, rule.notIcmp]) {
      if (match === undefined || match === ANY) continue;
      for (const protocol of ICMP_PROTOCOLS) {
        cut(types.get(protocol), match.type, match.type, ICMP_MAX);
        if (match.code !== ANY) cut(codes.get(protocol), match.code, match.code, ICMP_MAX);
      }
    }
    for (const protocol of [rule.protocol, rule.notProtocol]) if (typeof protocol === "number") named.add(protocol);
  }
  for (const { protocol, port } of cuts.sourcePorts) cut(rows.get(protocol), port, port, PORT_MAX);
  for (const { protocol, port } of cuts.destinationPorts) cut(columns.get(protocol), port, port, PORT_MAX);
  let atoms = 0;
  const grid = (protocol: number, rowCuts: Set<number>, columnCuts: Set<number>): HeaderGrid => {
    const rowStarts = [...rowCuts].sort((a, b) => a - b);
    const columnStarts = [...columnCuts].sort((a, b) => a - b);
    const offset = atoms;
    atoms += rowStarts.length * columnStarts.length;
    return { protocol, offset, rowStarts, columnStarts };
  };
  const ports = PROTOCOLS_WITH_PORTS.map((protocol) => grid(protocol, rows.get(protocol)!, columns.get(protocol)!));
  const icmp = ICMP_PROTOCOLS.map((protocol) => grid(protocol, types.get(protocol)!, codes.get(protocol)!));
  const plain = new Map<number, number>();
  let others: number | undefined;
  for (let protocol = 0; protocol <= PROTOCOL_MAX; protocol++) {
    if (rows.has(protocol) || types.has(protocol)) continue;
    plain.set(protocol, named.has(protocol) ? atoms++ : others ??= atoms++);
  }
  return { ports, icmp, plain, atoms, words: Math.ceil(atoms / 32) };
}

function cutPorts(starts: Set<number> | undefined, side: SideIr): void {
  for (const { min, max } of side.ports === ANY ? [] : side.ports) cut(starts, min, max, PORT_MAX);
  for (const { min, max } of side.notPorts) cut(starts, min, max, PORT_MAX);
}

/** Makes intervals begin at `min` and after `max`. A protocol without such a dimension has no cuts. */
function cut(starts: Set<number> | undefined, min: number, max: number, limit: number): void {
  starts?.add(min);
  if (max < limit) starts?.add(max + 1);
}

/** The set of no headers. */
export function noHeaders(space: HeaderSpace): HeaderSet {
  return new Uint32Array(space.words);
}

/** The set of all headers. */
export function allHeaders(space: HeaderSpace): HeaderSet {
  const set = new Uint32Array(space.words).fill(0xffff_ffff);
  if (space.atoms % 32 !== 0) set[space.words - 1] = 2 ** (space.atoms % 32) - 1;
  return set;
}

/** Whether the set holds nothing. */
export function isEmpty(set: HeaderSet): boolean {
  for (let word = 0; word < set.length; word++) if (set[word] !== 0) return false;
  return true;
}

/** Whether the two have a header in common. */
export function overlaps(a: HeaderSet, b: HeaderSet): boolean {
  for (let word = 0; word < a.length; word++) if ((a[word]! & b[word]!) !== 0) return true;
  return false;
}

/** What is in both. */
export function intersection(a: HeaderSet, b: HeaderSet): HeaderSet {
  return a.map((word, at) => word & b[at]!);
}

/** What is in the first and not in the second. */
export function difference(a: HeaderSet, b: HeaderSet): HeaderSet {
  return a.map((word, at) => word & ~b[at]!);
}

/** What is in either. */
export function union(a: HeaderSet, b: HeaderSet): HeaderSet {
  return a.map((word, at) => word | b[at]!);
}

/**
 * The headers that a rule matches, its addresses left aside.
 *
 * @param source the rule's source ports, with what its sets of named ports hold for the sender
 * @param destination the same for the receiver
 */
export function ruleHeaders(
  space: HeaderSpace,
  rule: RuleIr,
  source: PortCondition,
  destination: PortCondition,
): HeaderSet {
  const set = noHeaders(space);
  const { icmp, notIcmp } = rule;
  const isMeant = (protocol: number) =>
    (rule.protocol === ANY || rule.protocol === protocol) && rule.notProtocol !== protocol;
  for (const grid of space.ports) {
    if (icmp !== ANY || !isMeant(grid.protocol)) continue;
    fillGrid(
      set,
      grid,
      (port) => meetsPort(source, grid.protocol, port),
      (port) => meetsPort(destination, grid.protocol, port),
    );
  }
  if (!meetsWithoutPort(source) || !meetsWithoutPort(destination)) return set;
  for (const grid of space.icmp) {
    if (!isMeant(grid.protocol)) continue;
    for (const [row, type] of grid.rowStarts.entries()) {
      for (const [column, code] of grid.columnStarts.entries()) {
        const meets = (match: Exclude<RuleIr["icmp"], typeof ANY>) =>
          match.type === type && (match.code === ANY || match.code === code);
        if ((icmp === ANY || meets(icmp)) && (notIcmp === undefined || !meets(notIcmp))) {
          addCell(set, grid, row, column);
        }
      }
    }
  }
  for (const [protocol, atom] of space.plain) if (icmp === ANY && isMeant(protocol)) addAtom(set, atom);
  return set;
}

/** The headers of one protocol, or of one destination port of it. The space must tell it apart. */
export function headersOfPort(space: HeaderSpace, protocol: number, port: number | undefined): HeaderSet {
  const set = noHeaders(space);
  for (const grid of [...space.ports, ...space.icmp]) {
    if (grid.protocol === protocol) fillGrid(set, grid, () => true, (start) => port === undefined || start === port);
  }
  const atom = space.plain.get(protocol);
  if (atom !== undefined) addAtom(set, atom);
  return set;
}

/** Whether the set holds the cell of a grid. */
export function hasCell(set: HeaderSet, grid: HeaderGrid, row: number, column: number): boolean {
  return hasAtom(set, grid.offset + row * grid.columnStarts.length + column);
}

/** Whether the set holds an atom. */
export function hasAtom(set: HeaderSet, atom: number): boolean {
  return (set[atom >>> 5]! & (1 << (atom & 31))) !== 0;
}

function addAtom(set: HeaderSet, atom: number): void {
  assert(atom >>> 5 < set.length, `Atom must be in the space: ${atom}`);
  set[atom >>> 5]! |= 1 << (atom & 31);
}

function addCell(set: HeaderSet, grid: HeaderGrid, row: number, column: number): void {
  addAtom(set, grid.offset + row * grid.columnStarts.length + column);
}

function fillGrid(
  set: HeaderSet,
  grid: HeaderGrid,
  hasRow: (start: number) => boolean,
  hasColumn: (start: number) => boolean,
): void {
  const columns = [...grid.columnStarts.keys()].filter((column) => hasColumn(grid.columnStarts[column]!));
  for (const [row, start] of grid.rowStarts.entries()) {
    if (hasRow(start)) { for (const column of columns) addCell(set, grid, row, column); }
  }
}

function meetsPort(condition: PortCondition, protocol: number, port: number): boolean {
  const isIn = (ranges: readonly PortRange[]) => ranges.some(({ min, max }) => min <= port && port <= max);
  const isNamed = (ports: readonly ProtocolPort[]) =>
    ports.some((one) => one.port === port && one.protocol === protocol);
  return (condition.ports === ANY || isIn(condition.ports) || isNamed(condition.named)) &&
    !isIn(condition.notPorts) && !isNamed(condition.notNamed);
}

/** A packet that has no port meets a list of ports never, and the absence of one always. */
function meetsWithoutPort(condition: PortCondition): boolean {
  return condition.ports === ANY;
}
