/**
 * Set elements between text and key bytes.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import { type ElementKey, elementKey, elementTexts, setKeyKind } from "#/agents/kernel/nftables_key.ts";

const key = (...bytes: number[]): ElementKey => ({ bytes: Uint8Array.from(bytes), intervalEnd: false });
const end = (...bytes: number[]): ElementKey => ({ bytes: Uint8Array.from(bytes), intervalEnd: true });

Deno.test("elementKey() makes intervals with an exclusive end, and none at the end of all addresses", () => {
  assertEquals(elementKey("10.0.0.255", true), [key(10, 0, 0, 255), end(10, 0, 1, 0)]);
  assertEquals(elementKey("10.0.0.0/8", true), [key(10, 0, 0, 0), end(11, 0, 0, 0)]);
  assertEquals(elementKey("255.0.0.0/8", true), [key(255, 0, 0, 0)]);
  assertEquals(elementKey("0.0.0.0/0", true), [key(0, 0, 0, 0)]);
  assertEquals(elementKey("10.0.0.1", false), [key(10, 0, 0, 1)]);
});

Deno.test("elementKey() pads the parts of a concatenation", () => {
  assertEquals(elementKey("10.0.0.1,tcp:8080", false), [key(10, 0, 0, 1, 6, 0, 0, 0, 0x1f, 0x90, 0, 0)]);
  assertEquals(elementKey("::1,udp:53", false)[0]?.bytes.length, 24);
});

Deno.test("elementKey() refuses what is no element of the set, naming it", () => {
  const cases = [["10.0.0.1/24", true], ["10.0.0.0/24", false], ["10.0.0.1,tcp:80", true], ["10.0.0.1,foo:80", false], [
    "10.0.0.1,tcp:65536",
    false,
  ], ["x", false]] as const;
  for (const [text, interval] of cases) assertThrows(() => elementKey(text, interval), KernelError, `"${text}"`);
});

Deno.test("elementTexts() reads intervals in all the ways nft writes them", () => {
  const cases: readonly { readonly name: string; readonly keys: ElementKey[]; readonly texts: string[] }[] = [
    { name: "none", keys: [], texts: [] },
    {
      name: "an end where nothing began",
      keys: [end(0, 0, 0, 0), key(10, 0, 0, 0), end(11, 0, 0, 0)],
      texts: ["10.0.0.0/8"],
    },
    {
      name: "adjacent, with the end between",
      keys: [key(10, 0, 1, 0), end(10, 0, 2, 0), key(10, 0, 0, 0), end(10, 0, 1, 0)],
      texts: ["10.0.0.0/24", "10.0.1.0/24"],
    },
    {
      name: "adjacent, without the end between",
      keys: [key(10, 0, 0, 0), key(10, 0, 1, 0), end(10, 0, 2, 0)],
      texts: ["10.0.0.0/24", "10.0.1.0/24"],
    },
    { name: "no network", keys: [key(10, 0, 0, 1), end(10, 0, 0, 4)], texts: ["10.0.0.1-10.0.0.3"] },
    { name: "open end", keys: [key(255, 255, 255, 255)], texts: ["255.255.255.255"] },
  ];
  for (const { name, keys, texts } of cases) assertEquals(elementTexts(keys, "interval"), texts, name);
});

Deno.test("elementTexts() undoes elementKey() for disjoint networks", () => {
  const networks = fc.uniqueArray(fc.nat(0xffff), { maxLength: 30 }).map((numbers) =>
    numbers.sort((a, b) => a - b).map((n) => `10.${n >> 8}.${n & 255}.0/24`)
  );
  fc.assert(fc.property(networks, (texts) => {
    assertEquals(elementTexts(texts.flatMap((text) => elementKey(text, true)).reverse(), "interval"), texts);
  }));
});

Deno.test("elementTexts() prints addresses with ports", () => {
  const texts = ["10.0.0.1,tcp:80", "10.0.0.1,udp:53"];
  assertEquals(elementTexts(texts.flatMap((text) => elementKey(text, false)), "addressPort"), texts);
});

Deno.test("setKeyKind() knows the sets it can read and refuses others", () => {
  assertEquals(setKeyKind("s", { flags: 0, keyType: 7 }), "address");
  assertEquals(setKeyKind("s", { flags: 4, keyType: 8 }), "interval");
  assertEquals(setKeyKind("s", { flags: 0, keyType: (7 << 12) | (12 << 6) | 13 }), "addressPort");
  assertEquals(assertThrows(() => setKeyKind("s", { flags: 0, keyType: 41 }), KernelError, '"s"').code, "EOPNOTSUPP");
});
