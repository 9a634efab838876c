/**
 * IP addresses as values: a family and a number. Lowest room; every address that the product reads passes through here once, at a border, and is
 * printed here again.
 *
 * @module
 */

/** Address family. */
export type IpVersion = 4 | 6;

/** An address. `value` is below 2^32 for family 4, below 2^128 for family 6. IPv4-mapped IPv6 addresses stay IPv6. */
export interface Ip {
  readonly version: IpVersion;
  readonly value: bigint;
}

/**
 * Bits of an address of the family: 32 or 128.
 *
 * @example
 * ```ts
 * import { ipBits } from "#/base/ip.ts";
 * if (ipBits(4) !== 32 || ipBits(6) !== 128) throw new Error();
 * ```
 */
export function ipBits(version: IpVersion): number {
  return version === 4 ? 32 : 128;
}

/**
 * Reads an address, or returns `undefined`.
 *
 * Strict, because forms that other programs read differently are how a filter is passed: four decimal octets without leading zeros for IPv4; for
 * IPv6 any of the forms of RFC 4291 (upper case and uncompressed too), without zone and without brackets.
 *
 * @example
 * ```ts
 * import { parseIp } from "#/base/ip.ts";
 * if (parseIp("10.0.0.1")?.value !== 0x0a000001n) throw new Error();
 * if (parseIp("010.0.0.1") !== undefined || parseIp("10.1") !== undefined) throw new Error();
 * ```
 */
export function parseIp(text: string): Ip | undefined {
  const value = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  return value === undefined ? undefined : { version: text.includes(":") ? 6 : 4, value };
}

/**
 * Prints an address canonically: dotted decimal, or RFC 5952 (lower case, the longest run of zero groups as `::`, IPv4-mapped in mixed form).
 * `parseIp(formatIp(ip))` equals `ip`.
 *
 * @example
 * ```ts
 * import { formatIp, parseIp } from "#/base/ip.ts";
 * if (formatIp(parseIp("2001:DB8:0:0:1:0:0:1")!) !== "2001:db8::1:0:0:1") throw new Error();
 * ```
 */
export function formatIp(ip: Ip): string {
  return ip.version === 4 ? formatIpv4(ip.value) : formatIpv6(ip.value);
}

/** Whether two addresses are the same, family included. */
export function ipEquals(a: Ip, b: Ip): boolean {
  return a.version === b.version && a.value === b.value;
}

/** Order of addresses: IPv4 first, then by number. Negative, zero or positive. */
export function compareIps(a: Ip, b: Ip): number {
  if (a.version !== b.version) return a.version - b.version;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

function parseIpv4(text: string): bigint | undefined {
  const match = IPV4.exec(text);
  if (match === null) return undefined;
  const octets = match.slice(1).map(Number);
  if (octets.some((octet) => octet > 255)) return undefined;
  return octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const compressed = halves.length === 2;
  const head = parseGroups(halves[0]!, !compressed);
  const tail = compressed ? parseGroups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (compressed ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** 16-bit groups of one side of `::`; the last may be a dotted IPv4 address where the whole address ends. */
function parseGroups(text: string, endsAddress: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.includes(".")) {
      const ipv4 = endsAddress && index === parts.length - 1 ? parseIpv4(part) : undefined;
      if (ipv4 === undefined) return undefined;
      groups.push(Number(ipv4 >> 16n), Number(ipv4 & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(parseInt(part, 16));
    } else return undefined;
  }
  return groups;
}

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".");
}

function formatIpv6(value: bigint): string {
  if (value >> 32n === 0xffffn) return `::ffff:${formatIpv4(value & 0xffffffffn)}`;
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.length < 2) return hex.join(":");
  return `${hex.slice(0, run.start).join(":")}::${hex.slice(run.start + run.length).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end += 1;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}
