/**
 * Networks as values: an address and a prefix length. Used by resources (pools, nets), policy, IPAM and routes; read and printed here only.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { compareIps, formatIp, type Ip, ipBits, type IpVersion, parseIp } from "#/base/ip.ts";

/** A network. `address` may have host bits set (as users write network sets); {@link maskCidr} clears them. */
export interface Cidr {
  readonly version: IpVersion;
  readonly address: bigint;
  /** 0 to 32, or 0 to 128. */
  readonly prefixLength: number;
}

/**
 * Reads `address/length`, or returns `undefined`. The length is required and has no leading zeros; host bits are kept.
 *
 * @example
 * ```ts
 * import { parseCidr } from "#/base/cidr.ts";
 * if (parseCidr("10.0.0.0/8")?.prefixLength !== 8) throw new Error();
 * if (parseCidr("10.0.0.0") !== undefined || parseCidr("10.0.0.0/33") !== undefined) throw new Error();
 * ```
 */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text);
  const ip = match === null ? undefined : parseIp(match[1]!);
  if (match === null || ip === undefined) return undefined;
  const prefixLength = Number(match[2]);
  return prefixLength <= ipBits(ip.version) ? { version: ip.version, address: ip.value, prefixLength } : undefined;
}

/**
 * Reads a network, or an address as the network of that address alone.
 *
 * @example
 * ```ts
 * import { formatCidr, parseCidrOrIp } from "#/base/cidr.ts";
 * if (formatCidr(parseCidrOrIp("10.0.0.1")!) !== "10.0.0.1/32") throw new Error();
 * ```
 */
export function parseCidrOrIp(text: string): Cidr | undefined {
  const ip = parseIp(text);
  return ip === undefined ? parseCidr(text) : ipAsCidr(ip);
}

/** The network that holds one address: `/32` or `/128`. */
export function ipAsCidr(ip: Ip): Cidr {
  return { version: ip.version, address: ip.value, prefixLength: ipBits(ip.version) };
}

/** Prints `address/length`; `parseCidr` reads it back. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp({ version: cidr.version, value: cidr.address })}/${cidr.prefixLength}`;
}

/** Prints like {@link formatCidr}, but a host prefix as the bare address: the form of set members. */
export function formatCidrOrIp(cidr: Cidr): string {
  const isHost = cidr.prefixLength === ipBits(cidr.version);
  return isHost ? formatIp({ version: cidr.version, value: cidr.address }) : formatCidr(cidr);
}

/** The same network with host bits cleared. */
export function maskCidr(cidr: Cidr): Cidr {
  const bits = hostBits(cidr);
  return { ...cidr, address: (cidr.address >> bits) << bits };
}

/** Whether the host bits are zero already. */
export function cidrIsMasked(cidr: Cidr): boolean {
  return maskCidr(cidr).address === cidr.address;
}

/**
 * Whether the network holds the address; never across families.
 *
 * @example
 * ```ts
 * import { cidrContains, parseCidr } from "#/base/cidr.ts";
 * import { parseIp } from "#/base/ip.ts";
 * if (!cidrContains(parseCidr("10.0.0.0/31")!, parseIp("10.0.0.1")!)) throw new Error();
 * if (cidrContains(parseCidr("0.0.0.0/0")!, parseIp("::1")!)) throw new Error();
 * ```
 */
export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  return cidr.version === ip.version && cidr.address >> hostBits(cidr) === ip.value >> hostBits(cidr);
}

/** Whether every address of `inner` is in `outer`. */
export function cidrContainsCidr(outer: Cidr, inner: Cidr): boolean {
  return inner.prefixLength >= outer.prefixLength &&
    cidrContains(outer, { version: inner.version, value: inner.address });
}

/** Whether the two have an address in common. Networks nest or are apart. */
export function cidrOverlaps(a: Cidr, b: Cidr): boolean {
  return cidrContainsCidr(a, b) || cidrContainsCidr(b, a);
}

/** How many addresses it holds. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << hostBits(cidr);
}

/** Its first address, the network address. */
export function cidrFirst(cidr: Cidr): Ip {
  return { version: cidr.version, value: maskCidr(cidr).address };
}

/** Its last address. */
export function cidrLast(cidr: Cidr): Ip {
  return cidrNth(cidr, cidrSize(cidr) - 1n);
}

/**
 * Its address number `index`, counted from 0 at the network address.
 *
 * @param index 0 to `cidrSize(cidr) - 1`; anything else is a bug of the caller
 */
export function cidrNth(cidr: Cidr, index: bigint): Ip {
  assert(index >= 0n && index < cidrSize(cidr), `Address index must be within ${formatCidr(cidr)}: ${index}`);
  return { version: cidr.version, value: maskCidr(cidr).address + index };
}

/** Order of networks: by first address (IPv4 first), then the wider one first. Negative, zero or positive. */
export function compareCidrs(a: Cidr, b: Cidr): number {
  return compareIps(cidrFirst(a), cidrFirst(b)) || a.prefixLength - b.prefixLength;
}

function hostBits(cidr: Cidr): bigint {
  return BigInt(ipBits(cidr.version) - cidr.prefixLength);
}
