/**
 * The space of addresses: cut by networks and members of sets, looked up, printed.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import {
  addressClassAt,
  addressSpaceOf,
  createAddressClasses,
  formatAddressRange,
  parseAddressRange,
  parsePortMember,
  withoutAddresses,
} from "#/policy/reach/address_space.ts";

const CUTS = {
  nets: ["10.0.0.0/8", "10.1.0.0/16", "255.255.255.255/32", "bad"],
  sets: [
    ["s:a", { type: "net", members: ["10.1.0.0/24", "10.1.1.0/24", "fd00::1", "10.0.0.7"] }],
    ["n:b", { type: "ipPort", members: ["10.0.0.7,tcp:80", "10.0.0.7,udp:53", "10.0.0.8,tcp:80", "10.0.0.9,tcp:80"] }],
  ] as const,
};

const space = addressSpaceOf(CUTS, createAddressClasses());
const at = (text: string) => space.classes[addressClassAt(space, parseIp(text)!)]!;

Deno.test("addressSpaceOf() covers both families without a gap", () => {
  for (const version of [4, 6] as const) {
    const ranges = space.ranges[version];
    assertEquals(ranges[0]?.first, 0n);
    assertEquals(ranges.at(-1)?.last, version === 4 ? 2n ** 32n - 1n : 2n ** 128n - 1n);
    for (const [index, range] of ranges.entries()) {
      const before = ranges[index - 1];
      if (before === undefined) continue;
      assertEquals(range.first, before.last + 1n);
      assert(range.addressClass !== before.addressClass, "neighbours differ");
    }
  }
});

Deno.test("addressClassAt() knows networks, sets and ports of an address", () => {
  assertEquals(at("9.255.255.255").nets.size, 0);
  assertEquals([...at("10.0.0.0").nets], ["10.0.0.0/8"]);
  assertEquals([...at("10.1.255.255").nets].sort(), ["10.0.0.0/8", "10.1.0.0/16"]);
  assertEquals([at("10.1.1.255"), at("10.1.2.0")].map(({ sets }) => sets.has("s:a")), [true, false]);
  assertEquals([at("fd00::1"), at("fd00::2")].map(({ sets }) => sets.has("s:a")), [true, false]);
  assertEquals([...at("255.255.255.255").nets], ["255.255.255.255/32"]);
  assertEquals(at("10.0.0.7").ports.get("n:b"), [{ protocol: 6, port: 80 }, { protocol: 17, port: 53 }]);
  assertEquals(at("10.0.0.8"), at("10.0.0.9"), "equal ports, one class");
});

Deno.test("addressSpaceOf() passes over members that it is told to, and keeps marks apart", () => {
  const table = createAddressClasses();
  const marks = new Map([["10.0.0.1", "host"]]);
  const rest = addressSpaceOf({ ...CUTS, marks }, table, new Set(["10.0.0.7", "fd00::1"]));
  assertEquals(rest.ranges[6].length, 1);
  const mark = (text: string) => rest.classes[addressClassAt(rest, parseIp(text)!)]?.mark;
  assertEquals([mark("10.0.0.0"), mark("10.0.0.1"), mark("10.0.0.2")], [undefined, "host", undefined]);
});

Deno.test("withoutAddresses() takes single addresses out", () => {
  const whole = addressSpaceOf({ nets: [], sets: [] }, createAddressClasses());
  const rest = (...texts: string[]) =>
    withoutAddresses(whole, texts.map((text) => parseIp(text)!)).filter(({ version }) => version === 4)
      .map(formatAddressRange);
  assertEquals(rest(), ["0.0.0.0/0"]);
  assertEquals(rest("0.0.0.0", "255.255.255.255"), ["0.0.0.1-255.255.255.254"]);
  assertEquals(rest("128.0.0.0", "127.255.255.255", "128.0.0.0", "::1"), [
    "0.0.0.0-127.255.255.254",
    "128.0.0.1-255.255.255.255",
  ]);
});

Deno.test("formatAddressRange() prints a CIDR where there is one", () => {
  for (const text of ["10.0.0.0/8", "10.0.0.1/32", "::/0", "fd00::/127", "255.255.255.254/31"]) {
    assertEquals(formatAddressRange(parseAddressRange(text)!), text);
  }
  const { first } = parseAddressRange("10.0.0.1")!;
  assertEquals(formatAddressRange({ version: 4, first, last: first + 1n }), "10.0.0.1-10.0.0.2", "not aligned");
});

Deno.test("parsePortMember() reads both families and refuses the rest", () => {
  assertEquals(parsePortMember("10.0.0.1,udp:53"), { address: "10.0.0.1", protocol: 17, port: 53 });
  for (const text of ["10.0.0.1", "10.0.0.1,tcp", "x,tcp:1", "10.0.0.1,foo:1"]) {
    assertEquals(parsePortMember(text), undefined);
  }
});
