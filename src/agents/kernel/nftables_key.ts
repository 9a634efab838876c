/**
 * Elements of nftables sets between text and key bytes. Pure.
 *
 * An interval is two elements: its first address, and the address after its last one marked as an end; an interval that reaches the last address of all
 * has no end. A key of several parts is their bytes one after the other, each padded to four.
 *
 * @module
 */
import { type Cidr, cidrIsMasked, formatCidrOrIp, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp, type Ip, ipBits, type IpVersion, parseIp } from "#/base/ip.ts";
import { formatProtocol, parseProtocol } from "#/base/protocol.ts";
import { formatAddress, ipBytes } from "./address_codec.ts";
import { KernelError } from "./kernel_error.ts";
import { malformed } from "./netlink_codec.ts";

/** One element as the kernel has it. */
export interface ElementKey {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly intervalEnd: boolean;
}

/** The kinds of set that can be read and written by key. */
export type SetKeyKind = "address" | "interval" | "addressPort";

const FLAG_INTERVAL = 4;
const ADDRESS_TYPES: ReadonlySet<number> = new Set([7, 8]);
const TYPE_PROTOCOL = 12;
const TYPE_SERVICE = 13;
const TYPE_BITS = 6;
const ADDRESS_PORT_TYPES: ReadonlySet<number> = new Set(
  [...ADDRESS_TYPES].map((address) => (address << 2 * TYPE_BITS) | (TYPE_PROTOCOL << TYPE_BITS) | TYPE_SERVICE),
);
const ADDRESS_PORT = /^(.+),([A-Za-z0-9]+):(\d{1,5})$/;
const PORT_MAX = 65535;

/** What a set is keyed by, from its flags and nft's own number of its key's type. Throws `EOPNOTSUPP` for anything else. */
export function setKeyKind(
  set: string,
  { flags, keyType }: { readonly flags: number; readonly keyType: number },
): SetKeyKind {
  const interval = (flags & FLAG_INTERVAL) !== 0;
  if (ADDRESS_TYPES.has(keyType)) return interval ? "interval" : "address";
  if (ADDRESS_PORT_TYPES.has(keyType) && !interval) return "addressPort";
  const detail = `key type ${keyType} with flags ${flags}`;
  throw new KernelError({ operation: "read the elements of set", subject: set, code: "EOPNOTSUPP", detail });
}

/**
 * The kernel's elements for one element's text.
 *
 * @example
 * ```ts
 * import { elementKey } from "#/agents/kernel/nftables_key.ts";
 * const [first, end] = elementKey("10.0.0.0/24", true);
 * if (first?.bytes.join() !== "10,0,0,0" || end?.bytes.join() !== "10,0,1,0") throw new Error("wrong interval");
 * ```
 */
export function elementKey(text: string, interval: boolean): readonly ElementKey[] {
  const addressPort = ADDRESS_PORT.exec(text);
  if (addressPort !== null && !interval) return [{ bytes: addressPortKey(text, addressPort), intervalEnd: false }];
  const cidr = parseCidrOrIp(text);
  if (cidr === undefined || !cidrIsMasked(cidr)) {
    throw invalid(text, "must be an address or a network without host bits");
  }
  const first = { bytes: ipBytes(firstIp(cidr)), intervalEnd: false };
  if (!interval) {
    if (cidr.prefixLength !== ipBits(cidr.version)) {
      throw invalid(text, "must be an address, for the set has no intervals");
    }
    return [first];
  }
  const end = cidr.address + (1n << BigInt(ipBits(cidr.version) - cidr.prefixLength));
  if (end === 1n << BigInt(ipBits(cidr.version))) return [first];
  return [first, { bytes: ipBytes({ version: cidr.version, value: end }), intervalEnd: true }];
}

/**
 * The texts of the kernel's elements, sorted by key. An interval that is no network is printed `10.0.0.1-10.0.0.5`.
 *
 * @example
 * ```ts
 * import { elementKey, elementTexts } from "#/agents/kernel/nftables_key.ts";
 * const keys = ["10.1.0.0/16", "10.0.0.9"].flatMap((text) => elementKey(text, true));
 * if (elementTexts(keys, "interval").join() !== "10.0.0.9,10.1.0.0/16") throw new Error("not sorted");
 * ```
 */
export function elementTexts(keys: readonly ElementKey[], kind: SetKeyKind): readonly string[] {
  const sorted = [...keys].sort(compareKeys);
  switch (kind) {
    case "address":
      return sorted.map((key) => formatAddress(key.bytes));
    case "addressPort":
      return sorted.map((key) => addressPortText(key.bytes));
    case "interval":
      return intervalTexts(sorted);
  }
}

/** By bytes; at the same place an end comes before a start. */
function compareKeys(a: ElementKey, b: ElementKey): number {
  for (let i = 0; i < a.bytes.length; i++) {
    const difference = (a.bytes[i] ?? 0) - (b.bytes[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return Number(b.intervalEnd) - Number(a.intervalEnd);
}

/** Pairs starts with ends. nft leaves out an end where the next interval begins, and marks an end where none began. */
function intervalTexts(sorted: readonly ElementKey[]): readonly string[] {
  const texts: string[] = [];
  let start: Ip | undefined;
  for (const { bytes, intervalEnd } of sorted) {
    const ip = bytesIp(bytes);
    if (start !== undefined) texts.push(rangeText(start, ip.value - 1n));
    start = intervalEnd ? undefined : ip;
  }
  if (start !== undefined) texts.push(rangeText(start, (1n << BigInt(ipBits(start.version))) - 1n));
  return texts;
}

function rangeText(first: Ip, last: bigint): string {
  const size = last - first.value + 1n;
  const hostBits = BigInt(size.toString(2).length - 1);
  const isNetwork = size === 1n << hostBits && first.value % size === 0n;
  if (!isNetwork) return `${formatIp(first)}-${formatIp({ version: first.version, value: last })}`;
  const prefixLength = ipBits(first.version) - Number(hostBits);
  return formatCidrOrIp({ version: first.version, address: first.value, prefixLength });
}

function addressPortKey(text: string, match: RegExpExecArray): Uint8Array<ArrayBuffer> {
  const ip = parseIp(match[1] ?? "");
  const protocol = parseProtocol(match[2] ?? "");
  const port = Number(match[3]);
  if (ip === undefined || protocol === undefined || port > PORT_MAX) {
    throw invalid(text, 'must be like "10.0.0.1,tcp:80"');
  }
  const address = ipBytes(ip);
  const key = new Uint8Array(address.length + 8);
  key.set(address);
  key[address.length] = protocol;
  new DataView(key.buffer).setUint16(address.length + 4, port, false);
  return key;
}

function addressPortText(bytes: Uint8Array<ArrayBuffer>): string {
  const addressBytes = bytes.length - 8;
  if (addressBytes !== 4 && addressBytes !== 16) throw malformed(`set key has ${bytes.length} bytes: must be 12 or 24`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const protocol = formatProtocol(view.getUint8(addressBytes)).toLowerCase();
  return `${formatAddress(bytes.subarray(0, addressBytes))},${protocol}:${view.getUint16(addressBytes + 4, false)}`;
}

function firstIp(cidr: Cidr): Ip {
  return { version: cidr.version, value: cidr.address };
}

function bytesIp(bytes: Uint8Array): Ip {
  const version: IpVersion | undefined = bytes.length === 4 ? 4 : bytes.length === 16 ? 6 : undefined;
  if (version === undefined) throw malformed(`set key has ${bytes.length} bytes: must be 4 or 16`);
  return { version, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) };
}

function invalid(text: string, detail: string): KernelError {
  return new KernelError({ operation: "read the set element", subject: text, code: "EINVAL", detail });
}
