/**
 * Classes of addresses beside the plain question which atoms hold an address: random members that come and go, both families, as JavaScript and as the kernel's
 * tables have them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { cidrContains, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp, type Ip, parseIp } from "#/base/ip.ts";
import { createAddressFamily, FAMILY_4, intervalAt } from "#/wasm-policy/address_family.ts";
import { rangesOf, rangesWithout } from "#/wasm-policy/address_ranges.ts";
import { type AddressSpace, canonicalSpace, createAddressSpace } from "#/wasm-policy/address_space.ts";
import { createArena } from "#/wasm-policy/arena.ts";
import { createListInterner } from "#/wasm-policy/list_interner.ts";

const MEMBERS = [
  "0.0.0.0/0",
  "10.0.0.0/8",
  "10.0.0.0/30",
  "10.0.0.2",
  "10.0.0.3",
  "10.0.1.0/24",
  "10.0.0.0/23",
  "255.255.255.255",
  "128.0.0.0/1",
  "::/0",
  "fd00::/126",
  "fd00::2",
  "ffff::/16",
  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];
const PROBES = [
  "0.0.0.0",
  "9.255.255.255",
  "10.0.0.0",
  "10.0.0.2",
  "10.0.0.3",
  "10.0.0.4",
  "10.0.1.255",
  "10.0.2.0",
  "128.0.0.0",
  "255.255.255.255",
  "::",
  "fd00::2",
  "fd00::3",
  "fd00::4",
  "ffff::",
  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
].map((text) => parseIp(text)!);
const ATOMS = ["a", "b", "c"];

const members = fc.uniqueArray(fc.constantFrom(...MEMBERS), { maxLength: 6 });
const worlds = fc.array(fc.record({ atom: fc.constantFrom(...ATOMS), members }), { maxLength: 8 });

function holders(sets: ReadonlyMap<string, readonly string[]>, ip: Ip): string[] {
  return ATOMS.filter((atom) => sets.get(atom)?.some((member) => cidrContains(parseCidrOrIp(member)!, ip)));
}

function told(space: AddressSpace, ip: Ip): string[] {
  return space.lists.list(space.classOf(ip)).map((atom) => space.keys[atom]!).sort();
}

for (const [name, hash] of [["", undefined], [", even if all hashes collide", () => 1]] as const) {
  Deno.test(`AddressSpace.classOf() tells which atoms hold an address${name}`, () => {
    fc.assert(fc.property(members, members, members, worlds, (a, b, c, changes) => {
      const sets = new Map([["a", a], ["b", b], ["c", c]]);
      const space = createAddressSpace(createArena(), createListInterner(hash));
      for (const [key, list] of sets) space.atom(key, () => rangesOf(list));
      const check = () => {
        for (const ip of PROBES) assertEquals(told(space, ip), holders(sets, ip), formatIp(ip));
      };
      check();
      for (const { atom, members: next } of changes) {
        sets.set(atom, next);
        space.change(atom, rangesOf(next));
        check();
      }
      const fresh = createAddressSpace(createArena());
      for (const [key, list] of [...sets].toReversed()) fresh.atom(key, () => rangesOf(list));
      assertEquals(canonicalSpace(space, new Set(ATOMS)), canonicalSpace(fresh, new Set(ATOMS)));
    }));
  });
}

Deno.test("AddressSpace.atom() joins a space that is in use", () => {
  const space = createAddressSpace(createArena());
  space.atom("a", () => rangesOf(["10.0.0.0/8"]));
  assertEquals(told(space, parseIp("10.1.1.1")!), ["a"]);
  space.atom("b", () => rangesOf(["10.1.0.0/16"]));
  assertEquals(told(space, parseIp("10.1.1.1")!), ["a", "b"]);
  space.change("unknown", rangesOf(["10.0.0.0/8"]));
  assertEquals(told(space, parseIp("10.2.1.1")!), ["a"]);
});

Deno.test("rangesOf() merges, reads both families, and leaves out what cannot be read", () => {
  assertEquals(rangesOf(["10.0.0.0/31", "10.0.0.2", "nonsense", "010.0.0.9", "10.0.0.256"]).v4, [{
    from: 0x0a000000,
    end: 0x0a000003,
  }]);
  assertEquals(rangesOf(["0.0.0.0/0"]).v4, [{ from: 0, end: 2 ** 32 }]);
  assertEquals(rangesOf(["::/0"]).v6, [{ from: 0n, end: 1n << 128n }]);
});

Deno.test("rangesWithout() is what one list holds and the other does not", () => {
  const range = (from: number, end: number) => ({ from, end });
  assertEquals(rangesWithout([range(0, 10)], []), [range(0, 10)]);
  assertEquals(rangesWithout([range(0, 10)], [range(0, 10)]), []);
  assertEquals(rangesWithout([range(0, 4), range(6, 9)], [range(2, 7)]), [range(0, 2), range(7, 9)]);
  assertEquals(rangesWithout([range(5, 6)], [range(0, 2), range(8, 9)]), [range(5, 6)]);
});

Deno.test("createAddressFamily() keeps hosts out of the intervals", () => {
  const family = createAddressFamily(FAMILY_4, { arena: createArena(), lists: createListInterner() });
  family.load([[{ from: 7, end: 8 }], [{ from: 0, end: 16 }]]);
  assertEquals([family.bounds, [...family.hosts.entries()].length], [[0, 16], 1]);
  assertEquals(intervalAt(family.bounds, 15), 0);
});
