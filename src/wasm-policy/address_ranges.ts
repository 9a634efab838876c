/**
 * Networks as merged ranges of addresses, and the difference of two such lists: what changes in the classes when a set's members do.
 *
 * @module
 */
import { parseCidrOrIp } from "#/base/cidr.ts";
import { ipBits } from "#/base/ip.ts";
import type { Address, AddressRange } from "./address_family.ts";

/** Ranges of both families, each merged and sorted. */
export interface Ranges {
  readonly v4: readonly AddressRange<number>[];
  readonly v6: readonly AddressRange<bigint>[];
}

/** No address. */
export const NO_RANGES: Ranges = { v4: [], v6: [] };

/**
 * The addresses of networks and hosts, as text. What cannot be read holds none.
 *
 * @example
 * ```ts
 * import { rangesOf } from "#/wasm-policy/address_ranges.ts";
 * const { v4, v6 } = rangesOf(["10.0.0.0/31", "10.0.0.2", "::1"]);
 * if (v4.length !== 1 || v4[0]!.end !== 0x0a000003 || v6[0]!.from !== 1n) throw new Error();
 * ```
 */
export function rangesOf(members: readonly string[]): Ranges {
  const v4: AddressRange<number>[] = [];
  const v6: AddressRange<bigint>[] = [];
  for (const member of members) {
    const host = ipv4Number(member);
    if (host !== undefined) {
      v4.push({ from: host, end: host + 1 });
      continue;
    }
    const cidr = parseCidrOrIp(member);
    if (cidr === undefined) continue;
    const bits = BigInt(ipBits(cidr.version) - cidr.prefixLength);
    const from = (cidr.address >> bits) << bits;
    const end = from + (1n << bits);
    if (cidr.version === 4) v4.push({ from: Number(from), end: Number(end) });
    else v6.push({ from, end });
  }
  return { v4: merged(v4), v6: merged(v6) };
}

/** A dotted address; `undefined` for everything else. By far the most members are such, and big numbers would be slow. */
function ipv4Number(text: string): number | undefined {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at) - 48;
    if (code >= 0 && code <= 9 && octet !== 0) octet = (octet < 0 ? 0 : octet * 10) + code;
    else if (code === -2 && octet >= 0 && octet <= 255 && dots < 3) {
      value = value * 256 + octet;
      octet = -1;
      dots += 1;
    } else return undefined;
  }
  return dots === 3 && octet >= 0 && octet <= 255 ? value * 256 + octet : undefined;
}

function merged<A extends Address>(ranges: AddressRange<A>[]): AddressRange<A>[] {
  ranges.sort((a, b) => a.from < b.from ? -1 : a.from > b.from ? 1 : 0);
  const result: AddressRange<A>[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last === undefined || last.end < range.from) result.push(range);
    else if (last.end < range.end) result[result.length - 1] = { from: last.from, end: range.end };
  }
  return result;
}

/**
 * What the first list holds and the second does not. Both merged and sorted; so is the result.
 *
 * @example
 * ```ts
 * import { rangesWithout } from "#/wasm-policy/address_ranges.ts";
 * const left = rangesWithout([{ from: 1, end: 9 }], [{ from: 3, end: 4 }]);
 * if (JSON.stringify(left) !== '[{"from":1,"end":3},{"from":4,"end":9}]') throw new Error();
 * ```
 */
export function rangesWithout<A extends Address>(
  ranges: readonly AddressRange<A>[],
  removed: readonly AddressRange<A>[],
): AddressRange<A>[] {
  const result: AddressRange<A>[] = [];
  let at = 0;
  for (const range of ranges) {
    let from = range.from;
    while (at < removed.length && removed[at]!.end <= from) at += 1;
    for (let next = at; next < removed.length && removed[next]!.from < range.end; next++) {
      const hole = removed[next]!;
      if (from < hole.from) result.push({ from, end: hole.from });
      if (from < hole.end) from = hole.end;
    }
    if (from < range.end) result.push({ from, end: range.end });
  }
  return result;
}
