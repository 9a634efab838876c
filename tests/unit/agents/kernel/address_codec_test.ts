/**
 * Addresses, networks and MACs between text and bytes.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  formatAddress,
  formatMac,
  parseAddress,
  parseDestination,
  parseMac,
  parsePrefix,
} from "#/agents/kernel/address_codec.ts";
import { cidrIsMasked, formatCidr, parseCidrOrIp } from "#/base/cidr.ts";
import { KernelError } from "#/agents/kernel/kernel_error.ts";

Deno.test("parseAddress() and formatAddress() are each other's inverse", () => {
  for (const text of ["0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "fd00::1", "2001:db8::1:0:0:1"]) {
    assertEquals(formatAddress(parseAddress(text)), text);
  }
  assertEquals(Array.from(parseAddress("fd00::102")), [0xfd, ...new Array(13).fill(0), 1, 2]);
});

Deno.test("parsePrefix() keeps host bits, parseDestination() refuses them", () => {
  assertEquals(parsePrefix("10.0.0.1/24"), { bytes: Uint8Array.of(10, 0, 0, 1), bits: 24 });
  assertEquals(parsePrefix("10.0.0.1").bits, 32);
  assertEquals(parseDestination("fd00::/8").bits, 8);
  for (const text of ["10.0.0.1/24", "10.0.0.0/33", "10.0.0/8", ""]) {
    assertEquals(assertThrows(() => parseDestination(text), KernelError, `"${text}"`).code, "EINVAL");
  }
});

Deno.test("parseDestination() agrees with parseCidrOrIp() on every text", () => {
  const octet = fc.oneof(fc.constantFrom("0", "255", "256", "01", "", "10"), fc.nat(300).map(String));
  const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join("."));
  const length = fc.oneof(
    fc.constant(""),
    fc.integer({ min: -1, max: 40 }).map((bits) => `/${bits}`),
    fc.constant("/08"),
  );
  const text = fc.oneof(
    fc.tuple(ipv4, length).map((parts) => parts.join("")),
    fc.constantFrom("fd00::/8", "fd00::1/64"),
  );
  fc.assert(fc.property(text, (text) => {
    const cidr = parseCidrOrIp(text);
    if (cidr === undefined || !cidrIsMasked(cidr)) {
      assertThrows(() => parseDestination(text), KernelError);
    } else {
      const { bytes, bits } = parseDestination(text);
      assertEquals(`${formatAddress(bytes)}/${bits}`, formatCidr(cidr));
    }
  }));
});

Deno.test("parseMac() and formatMac() are each other's inverse", () => {
  assertEquals(formatMac(parseMac("EE:ee:00:01:0a:ff")), "ee:ee:00:01:0a:ff");
  for (const text of ["ee:ee:ee:ee:ee", "ee-ee-ee-ee-ee-ee", "gg:00:00:00:00:00"]) {
    assertThrows(() => parseMac(text), KernelError, text);
  }
});

Deno.test("formatAddress() refuses other lengths", () => {
  assertEquals(assertThrows(() => formatAddress(new Uint8Array(5)), KernelError).code, "EBADMSG");
});
