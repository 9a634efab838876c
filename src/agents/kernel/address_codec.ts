/**
 * Addresses, networks and MACs between their text and the bytes that the kernel takes. Pure. Text from outside is checked before it gets this
 * far; what is wrong here ends in a `KernelError` of code `EINVAL` all the same, so that nothing half-read is ever written.
 *
 * @module
 */
import { type Cidr, cidrIsMasked, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp, type Ip, ipBits, parseIp } from "#/base/ip.ts";
import { KernelError } from "./kernel_error.ts";
import { malformed, type Span, spanBytes } from "./netlink_codec.ts";

/** A network as bytes: 4 of them for IPv4, 16 for IPv6. */
export interface Prefix {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Number of leading bits that count; all of them for an address. */
  readonly bits: number;
}

/** What `parseCidrOrIp` takes of IPv4. */
const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})(?:\/(0|[1-9]\d?))?$/;
const MAC = /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/;

/**
 * The bytes of an IPv4 or IPv6 address.
 *
 * @example
 * ```ts
 * import { formatAddress, parseAddress } from "#/agents/kernel/address_codec.ts";
 * if (parseAddress("10.0.0.1").join() !== "10,0,0,1") throw new Error("wrong bytes");
 * if (formatAddress(parseAddress("fd00:0::1")) !== "fd00::1") throw new Error("wrong text");
 * ```
 */
export function parseAddress(text: string): Uint8Array<ArrayBuffer> {
  const ip = parseIp(text);
  if (ip === undefined) throw invalid("address", text, "must be an IPv4 or IPv6 address");
  return ipBytes(ip);
}

/** The bytes and length of a network `10.0.0.0/26`, or of a bare address (all bits). Host bits are kept. */
export function parsePrefix(text: string): Prefix {
  const cidr = parseCidrOrIp(text);
  if (cidr === undefined) throw invalid("network", text, "must be an address, or an address and a prefix length");
  return cidrPrefix(cidr);
}

/** Like {@link parsePrefix}, but refuses host bits: what a route leads to. */
export function parseDestination(text: string): Prefix {
  const ipv4 = parseIpv4Destination(text);
  if (ipv4 !== undefined) return ipv4;
  const cidr = parseCidrOrIp(text);
  if (cidr === undefined || !cidrIsMasked(cidr)) {
    throw invalid("route destination", text, "must be a network without bits beyond its prefix length");
  }
  return cidrPrefix(cidr);
}

/** The bytes of an address value. */
export function ipBytes(ip: Ip): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ipBits(ip.version) / 8);
  let rest = ip.value;
  for (let i = bytes.length - 1; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** The text of an address of 4 or 16 bytes, in the canonical form of `formatIp`. */
export function formatAddress(bytes: Uint8Array): string {
  // By hand for IPv4: a dump of 100,000 routes comes through here 200,000 times.
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length !== 16) throw malformed(`address has ${bytes.length} bytes: must be 4 or 16`);
  return formatIp({ version: 6, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) });
}

/** The text of a received address. */
export function spanAddress(span: Span): string {
  return formatAddress(spanBytes(span));
}

/** The bytes of a MAC `ee:ee:ee:ee:ee:ee`. */
export function parseMac(text: string): Uint8Array<ArrayBuffer> {
  if (!MAC.test(text)) throw invalid("MAC", text, "must be six two-digit hexadecimal numbers with colons");
  return Uint8Array.from(text.split(":"), (part) => parseInt(part, 16));
}

/** The text of a MAC, lower case with colons. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/**
 * The usual case without big numbers, which cost 3 us a time when a plan may hold 100,000 routes. `undefined` for all else, wrong text included.
 */
function parseIpv4Destination(text: string): Prefix | undefined {
  const match = IPV4.exec(text);
  if (match === null) return undefined;
  const octets = [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])] as const;
  const bits = match[5] === undefined ? 32 : Number(match[5]);
  const value = octets[0] * 0x1000000 + octets[1] * 0x10000 + octets[2] * 0x100 + octets[3];
  if (octets.some((octet) => octet > 255) || bits > 32 || value % 2 ** (32 - bits) !== 0) return undefined;
  return { bytes: Uint8Array.from(octets), bits };
}

function cidrPrefix(cidr: Cidr): Prefix {
  return { bytes: ipBytes({ version: cidr.version, value: cidr.address }), bits: cidr.prefixLength };
}

function invalid(what: string, text: string, detail: string): KernelError {
  return new KernelError({ operation: `read the ${what}`, subject: text, code: "EINVAL", detail });
}
