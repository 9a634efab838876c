/**
 * One set of compiled policies made ready for questions about pairs of ends. Ends with equal chains and equal membership in whatever rules name are one
 * class; all work is done on classes. Built by `reach`, `diffReach` and `lint` for the length of one question.
 *
 * @module
 */
import { formatIp, type IpVersion, parseIp } from "#/base/ip.ts";
import {
  type AddressClass,
  addressClassAt,
  addressSpaceOf,
  type ClassedRange,
  createAddressClasses,
  withoutAddresses,
} from "#/policy/reach/address_space.ts";
import type { CompiledPolicies } from "#/policy/compiled.ts";
import { type HeaderSet, headerSpaceOf } from "#/policy/reach/header_space.ts";
import { ANY, type SideIr } from "#/policy/ir.ts";
import { type ChainObserver, judgeHeaders } from "#/policy/reach/reach_chain.ts";
import {
  addressNames,
  type ChainTable,
  createChainTable,
  headerCuts,
  matchSide,
  type ReachRule,
  rulesMask,
  type SideMatch,
} from "#/policy/reach/reach_rules.ts";
import { unionOfFamilies } from "#/policy/reach/reach_families.ts";
import { hostMarks, OPEN_WAY, type Way, type Ways, waysBetween, waysOf } from "#/policy/reach/reach_ways.ts";
import type { ReachPort } from "#/policy/reach/reach_end.ts";
import {
  ALL_HEADERS,
  createHeaderSets,
  type HeaderSets,
  internHeaders,
  intersectionOf,
  NO_HEADERS,
  unionOf,
} from "#/policy/reach/reach_sets.ts";

/** One address of an end, as far as policies can tell. */
export interface PointClass extends Way {
  readonly version: IpVersion;
  /** Index in {@link ReachWorld.classes}. */
  readonly addressClass: number;
}

/** Everything that questions about one state are answered from. Its maps grow by what was computed. */
export interface ReachWorld {
  readonly sets: HeaderSets;
  readonly table: ChainTable;
  readonly classes: readonly AddressClass[];
  /** Numbers of the classes of each family. */
  readonly classesOf: Readonly<Record<IpVersion, readonly number[]>>;
  readonly points: PointClass[];
  readonly pointIds: Map<string, number>;
  /** Classes of ends: sorted numbers of their points. */
  readonly ends: (readonly number[])[];
  readonly endIds: Map<string, number>;
  /** The class of each endpoint, by its id. */
  readonly endOf: Map<string, number>;
  /** The address space without the addresses of endpoints, sorted. */
  readonly outside: readonly ClassedRange[];
  readonly ways: Ways;
  readonly sides: Map<SideIr, SideMatch>;
  readonly sidesByText: Map<string, SideMatch>;
  readonly rows: Map<string, Int32Array>;
  readonly pairs: Map<number, number>;
}

/** What worlds are built with. */
export interface WorldOptions {
  /** Addresses that endpoints do not really have. */
  readonly synthetic?: ReadonlySet<string>;
  /** A port that the answers will be narrowed to. */
  readonly port?: ReachPort;
  /** `false` keeps policies apart that say the same. */
  readonly merges?: boolean;
}

/** More ends than a world has, so that two make one key. */
const ENDS_MAX = 2 ** 26;

/**
 * Builds worlds that share their sets of headers, so that answers of one can be compared with those of another.
 *
 * @example
 * ```ts
 * import { reachWorlds } from "#/policy/reach/reach_world.ts";
 * const nothing = { endpoints: [], hostEndpoints: [], policies: new Map(), sets: new Map() };
 * const [world] = reachWorlds([nothing]);
 * if (world?.outside.length !== 2) throw new Error("the two families");
 * ```
 */
export function reachWorlds(
  compiled: readonly CompiledPolicies[],
  options: WorldOptions = {},
): readonly ReachWorld[] {
  const tables = compiled.map((one) => createChainTable(one, options.merges ?? true));
  const ways = tables.map(waysOf);
  const cuts = tables.map(headerCuts);
  const { port } = options;
  const asked = port?.port === undefined ? [] : [{ protocol: port.protocol, port: port.port }];
  const space = headerSpaceOf({
    rules: cuts.flatMap(({ rules }) => [...rules]),
    sourcePorts: cuts.flatMap(({ sourcePorts }) => [...sourcePorts]),
    destinationPorts: [...cuts.flatMap(({ destinationPorts }) => [...destinationPorts]), ...asked],
    protocols: port === undefined ? [] : [port.protocol],
  });
  const sets = createHeaderSets(space);
  return tables.map((table, index) => worldOf(table, ways[index]!, sets, options.synthetic ?? new Set()));
}

function worldOf(table: ChainTable, ways: Ways, sets: HeaderSets, synthetic: ReadonlySet<string>): ReachWorld {
  const { compiled } = table;
  const names = addressNames(table);
  const cuts = {
    nets: names.nets,
    sets: [...compiled.sets].filter(([id]) => names.sets.has(id)),
    marks: hostMarks(compiled),
  };
  const classTable = createAddressClasses();
  const space = addressSpaceOf(cuts, classTable);
  const realSpace = synthetic.size === 0 ? space : addressSpaceOf(cuts, classTable, synthetic);
  const addresses = compiled.endpoints.flatMap((endpoint) => endpoint.addresses.flatMap((text) => parseIp(text) ?? []));
  const { classes } = classTable;
  const ofVersion = (version: IpVersion) => [...classes.keys()].filter((index) => classes[index]!.version === version);
  const world: ReachWorld = {
    sets,
    table,
    classes,
    classesOf: { 4: ofVersion(4), 6: ofVersion(6) },
    points: [],
    pointIds: new Map(),
    ends: [],
    endIds: new Map(),
    endOf: new Map(),
    outside: withoutAddresses(realSpace, addresses.filter((ip) => !synthetic.has(formatIp(ip)))),
    ways,
    sides: new Map(),
    sidesByText: new Map(),
    rows: new Map(),
    pairs: new Map(),
  };
  for (const endpoint of compiled.endpoints) {
    const ips = endpoint.addresses.flatMap((text) => parseIp(text) ?? []);
    const points = ips.map((ip) => pointIn(world, addressClassAt(space, ip), ways.get(endpoint)!));
    world.endOf.set(endpoint.id, endIn(world, points));
  }
  return world;
}

/** The end that an address is which no workload has: the outside, or a node's own processes behind a host endpoint. */
export function outsideEnd(world: ReachWorld, addressClass: number): number {
  const { mark } = world.classes[addressClass]!;
  const host = mark === undefined ? undefined : world.table.compiled.hostEndpoints.find(({ id }) => id === mark);
  return endIn(world, [pointIn(world, addressClass, host === undefined ? OPEN_WAY : world.ways.get(host)!)]);
}

function pointIn(world: ReachWorld, addressClass: number, way: Way): number {
  const key = `${addressClass} ${way.end.kind} ${way.out.join()} ${way.in.join()} ${way.node}`;
  const known = world.pointIds.get(key);
  if (known !== undefined) return known;
  world.pointIds.set(key, world.points.length);
  world.points.push({ ...way, addressClass, version: world.classes[addressClass]!.version });
  return world.points.length - 1;
}

function endIn(world: ReachWorld, points: readonly number[]): number {
  const sorted = [...new Set(points)].sort((a, b) => a - b);
  const key = sorted.join();
  const known = world.endIds.get(key);
  if (known !== undefined) return known;
  world.endIds.set(key, world.ends.length);
  world.ends.push(sorted);
  return world.ends.length - 1;
}

/**
 * The number of the set of headers that may go from one class of ends to another: out of some address of the sender, into some address of the receiver
 * of the same family, let through by both chains. Where both families lead there, ICMP is IPv4's and ICMPv6 is IPv6's (`reach_families.ts`).
 */
export function allowedBetween(world: ReachWorld, from: number, to: number): number {
  const key = from * ENDS_MAX + to;
  const known = world.pairs.get(key);
  if (known !== undefined) return known;
  const [four, six] = ([4, 6] as const).map((version) => allowedInFamily(world, version, from, to));
  const allowed = four === undefined || six === undefined
    ? four ?? six ?? NO_HEADERS
    : unionOfFamilies(world.sets, four, six);
  world.pairs.set(key, allowed);
  return allowed;
}

/** The same by one family; `undefined` where one of the ends has no address of it. */
function allowedInFamily(world: ReachWorld, version: IpVersion, from: number, to: number): number | undefined {
  const pointsOf = (end: number) =>
    world.ends[end]!.map((point) => world.points[point]!).filter((point) => point.version === version);
  const [sources, targets] = [pointsOf(from), pointsOf(to)];
  if (sources.length === 0 || targets.length === 0) return undefined;
  let allowed = NO_HEADERS;
  for (const source of sources) {
    for (const target of targets) {
      allowed = unionOf(world.sets, allowed, allowedBetweenPoints(world, source, target));
    }
  }
  return allowed;
}

function allowedBetweenPoints(world: ReachWorld, source: PointClass, target: PointClass): number {
  const ways = waysBetween(world.table, source, target);
  if (ways === "closed") return NO_HEADERS;
  let allowed = ALL_HEADERS;
  for (const id of ways.out) {
    if (allowed === NO_HEADERS) break;
    allowed = intersectionOf(world.sets, allowed, rowOf(world, id, source.addressClass)[target.addressClass]!);
  }
  for (const id of ways.in) {
    if (allowed === NO_HEADERS) break;
    allowed = intersectionOf(world.sets, allowed, rowOf(world, id, target.addressClass)[source.addressClass]!);
  }
  return allowed;
}

/** What a chain lets through for an address of its own, by the class of the other address; classes of the other family are left at nothing. */
function rowOf(world: ReachWorld, chainId: number, own: number): Int32Array {
  const { key, groups } = groupsOf(world, chainId, own);
  const known = world.rows.get(key);
  if (known !== undefined) return known;
  const row = new Int32Array(world.classes.length);
  for (const peers of groups()) {
    const id = internHeaders(world.sets, judgePair(world, chainId, own, peers[0]!));
    for (const peer of peers) row[peer] = id;
  }
  world.rows.set(key, row);
  return row;
}

/** Classes of other addresses that a chain does not tell apart, and a key that is equal where an equal row comes out. */
interface PeerGroups {
  readonly key: string;
  readonly groups: () => Iterable<readonly number[]>;
}

/** The groups of peers of a chain for one class of own addresses, of whose family they are. */
export function groupsOf(world: ReachWorld, chainId: number, own: number): PeerGroups {
  const { direction, rules } = world.table.chains[chainId]!;
  const isEgress = direction === "egress";
  const { version } = world.classes[own]!;
  const variants = rules.map(({ ir }) =>
    ir.ipVersion === ANY || ir.ipVersion === version
      ? sideOf(world, isEgress ? ir.source : ir.destination).ofClass[own]!
      : -1
  );
  const groups = () => {
    const asked = rules.filter((_, index) => variants[index]! >= 0);
    const sides = asked.map(({ ir }) => sideOf(world, isEgress ? ir.destination : ir.source));
    const numbers = groupClasses(world, version, sides);
    const byNumber = new Map<number, number[]>();
    for (const peer of world.classesOf[version]) {
      const group = byNumber.get(numbers[peer]!);
      if (group === undefined) byNumber.set(numbers[peer]!, [peer]);
      else group.push(peer);
    }
    return byNumber.values();
  };
  return { key: `${chainId} ${version} ${variants.join()}`, groups };
}

/** Numbers the classes of a family so that those that no side tells apart have one number. */
function groupClasses(world: ReachWorld, version: IpVersion, sides: readonly SideMatch[]): Int32Array {
  const groups = new Int32Array(world.classes.length).fill(-1);
  for (const index of world.classesOf[version]) groups[index] = 0;
  let next = 1;
  for (const side of new Set(sides)) {
    if (side.isUniform) continue;
    const split = new Map<number, number>();
    for (const index of side.classes) {
      if (groups[index]! < 0) continue;
      const key = groups[index]! * side.variants.length + side.ofClass[index]!;
      let group = split.get(key);
      if (group === undefined) split.set(key, group = next++);
      groups[index] = group;
    }
  }
  return groups;
}

/**
 * What a chain lets through for one pair of classes of one family, computed anew.
 *
 * @param own class of the address of the endpoint whose chain it is
 */
export function judgePair(
  world: ReachWorld,
  chainId: number,
  own: number,
  peer: number,
  observer?: ChainObserver<ReachRule>,
): HeaderSet {
  const { direction, resolved } = world.table.chains[chainId]!;
  const [source, destination] = direction === "egress" ? [own, peer] : [peer, own];
  const matchOf = (rule: ReachRule) => ruleMask(world, rule, source, destination);
  return judgeHeaders(resolved, world.sets.sets[ALL_HEADERS]!, matchOf, observer);
}

/** The headers that a rule matches from one class of addresses to another of the same family; `undefined` for none. */
export function ruleMask(
  world: ReachWorld,
  rule: ReachRule,
  source: number,
  destination: number,
): HeaderSet | undefined {
  const { ir } = rule;
  if (ir.ipVersion !== ANY && ir.ipVersion !== world.classes[source]!.version) return undefined;
  const from = sideOf(world, ir.source);
  const to = sideOf(world, ir.destination);
  const variants = [from.ofClass[source]!, to.ofClass[destination]!] as const;
  if (variants[0] < 0 || variants[1] < 0) return undefined;
  return rulesMask(world.sets.space, rule, { match: from, variant: variants[0] }, { match: to, variant: variants[1] });
}

/** Whom a side means; equal sides share the answer. */
export function sideOf(world: ReachWorld, side: SideIr): SideMatch {
  const known = world.sides.get(side);
  if (known !== undefined) return known;
  const text = JSON.stringify(side);
  const match = world.sidesByText.get(text) ?? matchSide(side, world.classes);
  world.sidesByText.set(text, match);
  world.sides.set(side, match);
  return match;
}
