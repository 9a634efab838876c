/**
 * Networks: what is read, and the arithmetic at their edges.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AssertionFailure } from "#/base/assert.ts";
import {
  type Cidr,
  cidrContains,
  cidrContainsCidr,
  cidrFirst,
  cidrIsMasked,
  cidrLast,
  cidrNth,
  cidrOverlaps,
  cidrSize,
  compareCidrs,
  formatCidr,
  formatCidrOrIp,
  ipAsCidr,
  maskCidr,
  parseCidr,
  parseCidrOrIp,
} from "#/base/cidr.ts";
import { formatIp, parseIp } from "#/base/ip.ts";

function cidr(text: string): Cidr {
  const parsed = parseCidrOrIp(text);
  assert(parsed !== undefined, text);
  return parsed;
}

Deno.test("parseCidr() keeps host bits and needs a length", () => {
  assertEquals(formatCidr(cidr("10.1.2.3/8")), "10.1.2.3/8");
  assertEquals(formatCidr(cidr("2001:DB8::/32")), "2001:db8::/32");
  for (
    const text of [
      "10.0.0.0",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0.0/08",
      "10.0.0.0/-1",
      "10.0.0.0/8/8",
      "::/129",
      "10.0.0.0/ 8",
    ]
  ) {
    assertEquals(parseCidr(text), undefined, text);
  }
});

Deno.test("parseCidrOrIp() takes an address for its own network", () => {
  assertEquals(formatCidr(cidr("10.0.0.1")), "10.0.0.1/32");
  assertEquals(formatCidr(cidr("::1")), "::1/128");
  assertEquals(ipAsCidr(parseIp("::1")!), cidr("::1/128"));
});

Deno.test("formatCidrOrIp() prints host prefixes bare", () => {
  assertEquals(["10.0.0.1/32", "10.0.0.0/31", "::1/128"].map((text) => formatCidrOrIp(cidr(text))), [
    "10.0.0.1",
    "10.0.0.0/31",
    "::1",
  ]);
});

Deno.test("maskCidr() clears host bits, cidrIsMasked() sees them", () => {
  assertEquals(formatCidr(maskCidr(cidr("10.1.2.3/8"))), "10.0.0.0/8");
  assertEquals(formatCidr(maskCidr(cidr("10.1.2.3/0"))), "0.0.0.0/0");
  assertEquals(formatCidr(maskCidr(cidr("2001:db8::ffff/112"))), "2001:db8::/112");
  assertEquals(cidrIsMasked(cidr("10.1.2.3/8")), false);
  assertEquals(cidrIsMasked(cidr("10.1.2.3/32")), true);
});

const CONTAINS: readonly [string, string, boolean][] = [
  ["10.0.0.0/31", "10.0.0.0", true],
  ["10.0.0.0/31", "10.0.0.1", true],
  ["10.0.0.0/31", "10.0.0.2", false],
  ["10.0.0.7/29", "10.0.0.0", true],
  ["10.0.0.5/32", "10.0.0.5", true],
  ["10.0.0.5/32", "10.0.0.4", false],
  ["0.0.0.0/0", "255.255.255.255", true],
  ["0.0.0.0/0", "::", false],
  ["::/0", "10.0.0.1", false],
  ["2001:db8::/33", "2001:db8:7fff::", true],
  ["2001:db8::/33", "2001:db8:8000::", false],
];

for (const [net, ip, expected] of CONTAINS) {
  Deno.test(`cidrContains() of ${net} and ${ip} is ${expected}`, () =>
    assertEquals(cidrContains(cidr(net), parseIp(ip)!), expected));
}

Deno.test("cidrContainsCidr() and cidrOverlaps() nest or are apart", () => {
  assertEquals(cidrContainsCidr(cidr("10.0.0.0/8"), cidr("10.9.0.0/16")), true);
  assertEquals(cidrContainsCidr(cidr("10.9.0.0/16"), cidr("10.0.0.0/8")), false);
  assertEquals(cidrOverlaps(cidr("10.9.0.0/16"), cidr("10.0.0.0/8")), true);
  assertEquals(cidrOverlaps(cidr("10.0.0.0/9"), cidr("10.128.0.0/9")), false);
  assertEquals(cidrOverlaps(cidr("0.0.0.0/0"), cidr("::/0")), false);
});

Deno.test("cidrNth() counts from the network address and refuses what lies outside", () => {
  const net = cidr("192.168.1.77/26");
  assertEquals(cidrSize(net), 64n);
  assertEquals([cidrFirst(net), cidrNth(net, 1n), cidrLast(net)].map(formatIp), [
    "192.168.1.64",
    "192.168.1.65",
    "192.168.1.127",
  ]);
  assertThrows(() => cidrNth(net, 64n), AssertionFailure, "192.168.1.77/26");
  assertThrows(() => cidrNth(net, -1n), AssertionFailure);
});

Deno.test("compareCidrs() puts a wider network before those in it", () => {
  const sorted = ["::/0", "10.0.0.0/8", "9.0.0.0/8", "10.0.0.1/32", "10.0.0.0/7"].map(cidr).sort(compareCidrs);
  assertEquals(sorted.map(formatCidr), ["9.0.0.0/8", "10.0.0.0/7", "10.0.0.0/8", "10.0.0.1/32", "::/0"]);
});

Deno.test("cidrContains() holds exactly from cidrFirst() to cidrLast()", () => {
  const arbitrary = fc.tuple(fc.bigInt({ min: 1n, max: (1n << 32n) - 2n }), fc.integer({ min: 1, max: 32 }));
  fc.assert(fc.property(arbitrary, ([address, prefixLength]) => {
    const net: Cidr = { version: 4, address, prefixLength };
    const [first, last] = [cidrFirst(net), cidrLast(net)];
    return cidrContains(net, first) && cidrContains(net, last) &&
      !cidrContains(net, { version: 4, value: first.value - 1n }) &&
      !cidrContains(net, { version: 4, value: last.value + 1n }) && last.value - first.value + 1n === cidrSize(net);
  }));
});
