/**
 * Protocols: names and numbers.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  canonicalProtocolName,
  formatProtocol,
  parseProtocol,
  PROTOCOL_NUMBERS,
  protocolHasPorts,
} from "#/base/protocol.ts";

Deno.test("parseProtocol() reads every name in any case", () => {
  for (const [name, number] of Object.entries(PROTOCOL_NUMBERS)) {
    assertEquals([name, name.toLowerCase(), name.toUpperCase()].map(parseProtocol), [number, number, number]);
    assertEquals(formatProtocol(number), name);
  }
  assertEquals(Object.values(PROTOCOL_NUMBERS).sort((a, b) => a - b), [1, 6, 17, 58, 132, 136]);
});

Deno.test("parseProtocol() reads numbers from 1 to 255 and nothing else", () => {
  assertEquals([1, 255, "1", "255"].map(parseProtocol), [1, 255, 1, 255]);
  for (const bad of [0, 256, -6, 6.5, NaN, "", "0", "06", "256", "http", "TCP "]) {
    assertEquals(parseProtocol(bad), undefined, String(bad));
  }
});

Deno.test("canonicalProtocolName() gives the stored spelling", () => {
  assertEquals(["icmpV6", "udplite", "6"].map(canonicalProtocolName), ["ICMPv6", "UDPLite", undefined]);
});

Deno.test("formatProtocol() prints numbers without a name", () => assertEquals(formatProtocol(89), "89"));

Deno.test("protocolHasPorts() leaves UDPLite out", () => {
  assertEquals([6, 17, 132, 136, 1, 58].map(protocolHasPorts), [true, true, true, false, false, false]);
});
