/**
 * The addresses of both families, cut into intervals that no rule tells apart: by the networks that rules name and the members of sets. Intervals of one
 * class are in the same networks and sets. Built for one question (`reach_world.ts`), which looks up its endpoints and walks what lies outside them.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import { cidrFirst, cidrLast, parseCidrOrIp } from "#/base/cidr.ts";
import { compareIps, formatIp, type Ip, ipBits, type IpVersion, parseIp } from "#/base/ip.ts";
import { parseProtocol } from "#/base/protocol.ts";
import type { CompiledSet } from "#/policy/compiled.ts";
import type { ProtocolPort } from "#/policy/reach/header_space.ts";

/** What the addresses of one class have in common. */
export interface AddressClass {
  readonly version: IpVersion;
  /** Networks, as rules name them, that hold it. */
  readonly nets: ReadonlySet<string>;
  /** Ids of address sets that hold it. */
  readonly sets: ReadonlySet<string>;
  /** What IP-and-port sets hold for it, by the set's id. */
  readonly ports: ReadonlyMap<string, readonly ProtocolPort[]>;
  /** What the caller marked the address with. */
  readonly mark: string | undefined;
}

/** Addresses from `first` to `last`, both in it. */
export interface AddressRange {
  readonly version: IpVersion;
  readonly first: bigint;
  readonly last: bigint;
}

/** A range of addresses of one class. */
export interface ClassedRange extends AddressRange {
  /** Index in {@link AddressSpace.classes}. */
  readonly addressClass: number;
}

/** The whole of both families: ranges sorted, adjacent, of different classes next to each other. */
export interface AddressSpace {
  readonly classes: readonly AddressClass[];
  readonly ranges: Readonly<Record<IpVersion, readonly ClassedRange[]>>;
}

/** What cuts the space: networks and sets that rules name. */
export interface AddressCuts {
  readonly nets: Iterable<string>;
  readonly sets: Iterable<readonly [string, CompiledSet]>;
  /** Single addresses, canonical text, that are to be told apart, each with a text of the caller's. */
  readonly marks?: ReadonlyMap<string, string>;
}

/** Something true of all addresses of a range. */
type Label =
  | { readonly kind: "net"; readonly net: string }
  | { readonly kind: "set"; readonly id: string }
  | { readonly kind: "ports"; readonly id: string; readonly ports: readonly ProtocolPort[] }
  | { readonly kind: "mark"; readonly mark: string };

interface LabelledRange extends AddressRange {
  readonly label: number;
}

/** Classes by their labels, shared by spaces that are to have the same class numbers. */
export interface AddressClassTable {
  readonly classes: AddressClass[];
  readonly ids: Map<string, number>;
}

/** A table without classes. */
export function createAddressClasses(): AddressClassTable {
  return { classes: [], ids: new Map() };
}

/**
 * Cuts the space. Members and networks that cannot be read hold nothing.
 *
 * @param table grows by the classes met; give the same one to spaces whose classes are to be compared
 * @param without host members, canonical text, that are to be passed over
 *
 * @example
 * ```ts
 * import { addressSpaceOf, createAddressClasses } from "#/policy/reach/address_space.ts";
 * const space = addressSpaceOf({ nets: ["10.0.0.0/8"], sets: [] }, createAddressClasses());
 * if (space.ranges[4].length !== 3 || space.ranges[6].length !== 1) throw new Error();
 * if (!space.classes[space.ranges[4][1]!.addressClass]!.nets.has("10.0.0.0/8")) throw new Error();
 * ```
 */
export function addressSpaceOf(
  cuts: AddressCuts,
  table: AddressClassTable,
  without: ReadonlySet<string> = new Set(),
): AddressSpace {
  const labels: Label[] = [];
  const labelled: LabelledRange[] = [];
  const add = (texts: Iterable<string>, label: Label) => {
    labels.push(label);
    for (const text of texts) {
      const range = without.has(text) ? undefined : parseAddressRange(text);
      if (range !== undefined) labelled.push({ ...range, label: labels.length - 1 });
    }
  };
  for (const net of new Set(cuts.nets)) add([net], { kind: "net", net });
  for (const [id, set] of cuts.sets) {
    if (set.type === "net") add(set.members, { kind: "set", id });
    else for (const { addresses, ports } of holdersByPorts(set)) add(addresses, { kind: "ports", id, ports });
  }
  for (const [address, mark] of cuts.marks ?? []) add([address], { kind: "mark", mark });
  const rangesOf = (version: IpVersion) =>
    sweep(version, labelled.filter((range) => range.version === version), (active) => {
      const key = `${version} ${active.map((label) => labelKey(labels[label]!)).sort().join("\n")}`;
      return internClass(table, key, () => classOf(version, active.map((label) => labels[label]!)));
    });
  return { classes: table.classes, ranges: { 4: rangesOf(4), 6: rangesOf(6) } };
}

/** The range of a CIDR, or of an address alone; `undefined` for another text. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const cidr = parseCidrOrIp(text);
  if (cidr === undefined) return undefined;
  return { version: cidr.version, first: cidrFirst(cidr).value, last: cidrLast(cidr).value };
}

/** The class of an address. */
export function addressClassAt(space: AddressSpace, ip: Ip): number {
  const ranges = space.ranges[ip.version];
  let low = 0;
  let high = ranges.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (ranges[middle]!.first <= ip.value) low = middle;
    else high = middle - 1;
  }
  return ranges[low]!.addressClass;
}

/** The same ranges without some addresses. Ranges on either side of one stay apart. */
export function withoutAddresses(space: AddressSpace, addresses: readonly Ip[]): readonly ClassedRange[] {
  const sorted = [...addresses].sort(compareIps);
  const rest: ClassedRange[] = [];
  let next = 0;
  for (const range of [...space.ranges[4], ...space.ranges[6]]) {
    let { first } = range;
    for (; next < sorted.length && isAtMost(sorted[next]!, range); next++) {
      const { value } = sorted[next]!;
      if (value > first) rest.push({ ...range, first, last: value - 1n });
      if (value >= first) first = value + 1n;
    }
    if (first <= range.last) rest.push({ ...range, first });
  }
  return rest;
}

/**
 * Prints a range: as a CIDR where it is one (`10.0.0.1/32` for a single address), else `first-last`.
 *
 * @example
 * ```ts
 * import { formatAddressRange } from "#/policy/reach/address_space.ts";
 * if (formatAddressRange({ version: 4, first: 0n, last: 0xffffffffn }) !== "0.0.0.0/0") throw new Error();
 * if (formatAddressRange({ version: 4, first: 1n, last: 2n }) !== "0.0.0.1-0.0.0.2") throw new Error();
 * ```
 */
export function formatAddressRange({ version, first, last }: AddressRange): string {
  const size = last - first + 1n;
  const firstText = formatIp({ version, value: first });
  if ((size & (size - 1n)) === 0n && first % size === 0n) {
    return `${firstText}/${ipBits(version) - (size.toString(2).length - 1)}`;
  }
  return `${firstText}-${formatIp({ version, value: last })}`;
}

/** Whether the address, in the order of all addresses, is not beyond the range. */
function isAtMost(ip: Ip, range: AddressRange): boolean {
  return ip.version < range.version || (ip.version === range.version && ip.value <= range.last);
}

/** Walks the edges of the ranges in order; what is active between two edges makes the class. */
function sweep(
  version: IpVersion,
  labelled: readonly LabelledRange[],
  classFor: (active: readonly number[]) => number,
): readonly ClassedRange[] {
  const end = (1n << BigInt(ipBits(version))) - 1n;
  const edges = labelled.flatMap(({ first, last, label }) => [{ at: first, label, step: 1 }, {
    at: last + 1n,
    label,
    step: -1,
  }]).sort((a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : 0);
  const active = new Map<number, number>();
  const ranges: ClassedRange[] = [];
  let next = 0;
  for (let first = 0n; first <= end;) {
    for (; edges[next]?.at === first; next++) {
      const { label, step } = edges[next]!;
      const count = (active.get(label) ?? 0) + step;
      if (count === 0) active.delete(label);
      else active.set(label, count);
    }
    const last = (edges[next]?.at ?? end + 1n) - 1n;
    const addressClass = classFor([...active.keys()]);
    const previous = ranges.at(-1);
    if (previous?.addressClass === addressClass) ranges[ranges.length - 1] = { ...previous, last };
    else ranges.push({ version, first, last, addressClass });
    first = last + 1n;
  }
  return ranges;
}

function internClass(table: AddressClassTable, key: string, make: () => AddressClass): number {
  const known = table.ids.get(key);
  if (known !== undefined) return known;
  table.ids.set(key, table.classes.length);
  table.classes.push(make());
  return table.classes.length - 1;
}

function classOf(version: IpVersion, labels: readonly Label[]): AddressClass {
  return {
    version,
    nets: new Set(labels.flatMap((label) => label.kind === "net" ? [label.net] : [])),
    sets: new Set(labels.flatMap((label) => label.kind === "set" ? [label.id] : [])),
    ports: new Map(labels.flatMap((label) => label.kind === "ports" ? [[label.id, label.ports]] : [])),
    mark: labels.find((label) => label.kind === "mark")?.mark,
  };
}

function labelKey(label: Label): string {
  switch (label.kind) {
    case "net":
      return `net ${label.net}`;
    case "set":
      return `set ${label.id}`;
    case "ports":
      return `ports ${label.id} ${portsKey(label.ports)}`;
    case "mark":
      return `mark ${label.mark}`;
    default:
      return assertNever(label);
  }
}

function portsKey(ports: readonly ProtocolPort[]): string {
  return ports.map(({ protocol, port }) => `${protocol}:${port}`).join();
}

/** The addresses of an IP-and-port set, those together for which it holds the same ports. */
function holdersByPorts(set: CompiledSet): Iterable<{ addresses: string[]; ports: readonly ProtocolPort[] }> {
  const byAddress = new Map<string, ProtocolPort[]>();
  for (const { address, ...port } of set.members.flatMap((text) => parsePortMember(text) ?? [])) {
    const ports = byAddress.get(address);
    if (ports === undefined) byAddress.set(address, [port]);
    else ports.push(port);
  }
  const byPorts = new Map<string, { addresses: string[]; ports: readonly ProtocolPort[] }>();
  for (const [address, ports] of byAddress) {
    ports.sort((a, b) => a.protocol - b.protocol || a.port - b.port);
    const holders = byPorts.get(portsKey(ports));
    if (holders === undefined) byPorts.set(portsKey(ports), { addresses: [address], ports });
    else holders.addresses.push(address);
  }
  return byPorts.values();
}

/**
 * Reads a member of an IP-and-port set, `10.0.0.1,tcp:8080`; `undefined` for another text.
 *
 * @example
 * ```ts
 * import { parsePortMember } from "#/policy/reach/address_space.ts";
 * const member = parsePortMember("fd00::1,tcp:8080");
 * if (member?.address !== "fd00::1" || member.protocol !== 6 || member.port !== 8080) throw new Error();
 * ```
 */
export function parsePortMember(text: string): { readonly address: string } & ProtocolPort | undefined {
  const match = /^([^,]+),([^:]+):(\d{1,5})$/.exec(text);
  const ip = parseIp(match?.[1] ?? "");
  const protocol = parseProtocol(match?.[2] ?? "");
  if (match === null || ip === undefined || protocol === undefined) return undefined;
  return { address: formatIp(ip), protocol, port: Number(match[3]) };
}
