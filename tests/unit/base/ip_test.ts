/**
 * Addresses: what is read, what is refused, how it is printed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareIps, formatIp, type Ip, ipBits, ipEquals, parseIp } from "#/base/ip.ts";

const READABLE: readonly { text: string; printed?: string; value: bigint }[] = [
  { text: "0.0.0.0", value: 0n },
  { text: "255.255.255.255", value: 0xffffffffn },
  { text: "192.168.0.1", value: 0xc0a80001n },
  { text: "::", value: 0n },
  { text: "::1", value: 1n },
  { text: "1::", value: 1n << 112n },
  { text: "2001:db8::8:800:200c:417a", value: 0x20010db80000000000080800200c417an },
  {
    text: "2001:DB8:0:0:8:800:200C:417A",
    printed: "2001:db8::8:800:200c:417a",
    value: 0x20010db80000000000080800200c417an,
  },
  { text: "2001:db8:0:1:1:1:1:1", value: 0x20010db8000000010001000100010001n },
  { text: "2001:0:0:1:0:0:0:1", printed: "2001:0:0:1::1", value: 0x20010000000000010000000000000001n },
  { text: "2001:db8:0:0:1:0:0:1", printed: "2001:db8::1:0:0:1", value: 0x20010db8000000000001000000000001n },
  { text: "::ffff:192.0.2.1", value: 0xffffc0000201n },
  { text: "64:ff9b::192.0.2.33", printed: "64:ff9b::c000:221", value: 0x64ff9b0000000000000000c0000221n },
  { text: "1:2:3:4:5:6:7::", printed: "1:2:3:4:5:6:7:0", value: 0x10002000300040005000600070000n },
  { text: "::2:3:4:5:6:7:8", printed: "0:2:3:4:5:6:7:8", value: 0x2000300040005000600070008n },
];

for (const { text, printed, value } of READABLE) {
  Deno.test(`parseIp() reads "${text}" and formatIp() prints it canonically`, () => {
    const ip = parseIp(text);
    assertEquals(ip, { version: text.includes(":") ? 6 : 4, value });
    assertEquals(formatIp(ip!), printed ?? text);
  });
}

const REFUSED = [
  "",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "01.2.3.4",
  "1.2.3.4 ",
  " 1.2.3.4",
  "1.2.3.-4",
  "0x1.2.3.4",
  "1.2.3.4/32",
  "16909060",
  ":",
  ":::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1::2::3",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "12345::",
  "g::",
  "fe80::1%eth0",
  "[::1]",
  "1.2.3.4::",
  "::1.2.3.4:5",
  "::1.2.3.04",
  "1:",
  ":1",
];

for (const text of REFUSED) {
  Deno.test(`parseIp() refuses ${JSON.stringify(text)}`, () => assertEquals(parseIp(text), undefined));
}

const anyIp: fc.Arbitrary<Ip> = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }).map((value): Ip => ({ version: 4, value })),
  fc.array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
    .map((groups): Ip => ({ version: 6, value: groups.reduce((value, group) => (value << 16n) | group, 0n) })),
);

Deno.test("formatIp() prints what parseIp() reads back", () => {
  fc.assert(fc.property(anyIp, (ip) => ipEquals(parseIp(formatIp(ip))!, ip)), { numRuns: 500 });
});

Deno.test("compareIps() puts IPv4 before IPv6 and orders by number", () => {
  const sorted = ["::1", "10.0.0.2", "::", "10.0.0.1"].map((text) => parseIp(text)!).sort(compareIps).map(formatIp);
  assertEquals(sorted, ["10.0.0.1", "10.0.0.2", "::", "::1"]);
});

Deno.test("ipEquals() tells families apart", () => {
  assertEquals(ipEquals(parseIp("0.0.0.1")!, parseIp("::1")!), false);
  assertEquals(ipBits(4) + ipBits(6), 160);
});
