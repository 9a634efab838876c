/**
 * User data of nftables objects.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { userDataText } from "#/agents/kernel/nftables_codec.ts";

const span = (...bytes: number[]) => ({
  view: new DataView(Uint8Array.from(bytes).buffer),
  start: 0,
  end: bytes.length,
});

Deno.test("userDataText() finds the text of a type, and none in what is no such list", () => {
  assertEquals(userDataText(span(2, 1, 9, 0, 3, 0x61, 0x62, 0), 0), "ab");
  assertEquals(userDataText(span(0, 2, 0x61, 0x62), 0), "ab");
  assertEquals(userDataText(span(2, 1, 9), 0), undefined);
  assertEquals(userDataText(span(0, 9, 0x61), 0), undefined);
  assertEquals(userDataText(span(0), 0), undefined);
});
