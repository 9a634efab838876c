/**
 * Decoders under random and damaged bytes: a value or a clear error, and no look outside the message.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import {
  decodeAnswer,
  MessageWriter,
  type NetlinkMessage,
  spanText,
  visitMessages,
} from "#/agents/kernel/netlink_codec.ts";
import { userDataText } from "#/agents/kernel/nftables_codec.ts";
import { decodeAddress, decodeNeighbour } from "#/agents/kernel/rtnetlink_address.ts";
import { decodeLink } from "#/agents/kernel/rtnetlink_link.ts";
import { decodeRoute, routeStepRequest } from "#/agents/kernel/rtnetlink_route.ts";

/** What stands before and after the bytes given to a decoder; it must never come out of one. */
const SENTINEL = 0x5a;
const SENTINEL_BYTES = 64;

const DECODERS: readonly ((message: NetlinkMessage) => unknown)[] = [
  decodeLink,
  decodeRoute,
  decodeAddress,
  decodeNeighbour,
  decodeAnswer,
  spanText,
  (message) => userDataText(message, 0),
];

/** Runs all decoders over bytes that lie amid sentinels; they may only give a value or a `KernelError`. */
function decodeAll(bytes: Uint8Array, sentinel: number): unknown[] {
  const buffer = new Uint8Array(bytes.length + 2 * SENTINEL_BYTES).fill(sentinel);
  buffer.set(bytes, SENTINEL_BYTES);
  const view = new DataView(buffer.buffer, SENTINEL_BYTES);
  return DECODERS.map((decode) => {
    const results: unknown[] = [];
    try {
      visitMessages(view, bytes.length, (message) => results.push(decode(message)));
    } catch (error) {
      assert(error instanceof KernelError, `Expected a KernelError: got ${error}`);
      assertEquals(error.code, "EBADMSG");
      results.push(error.detail);
    }
    return results;
  });
}

/** A message with a right header around random bytes, so that decoders get past the first check. */
const wrapped = fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 0xffff })).map(
  ([body, flags]) => {
    const writer = new MessageWriter();
    writer.begin({ type: 2, flags, sequence: 1 });
    for (const byte of body) writer.u8(byte);
    writer.end();
    return writer.bytes().slice();
  },
);

/** A real message with a few bytes changed. */
const damaged = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }).map((changes) => {
  const writer = new MessageWriter();
  const route = { destination: "fd00::/64", gateway: "fe80::1", protocol: 80, priority: 9 } as const;
  writer.begin({ type: 24, flags: 0x300, sequence: 1 });
  routeStepRequest({ kind: "set", route }, 3).write(writer);
  writer.end();
  const bytes = writer.bytes().slice();
  for (const [at, value] of changes) bytes[at] = value;
  return bytes;
});

Deno.test("decoders end with a value or EBADMSG whatever the bytes are, and never look outside them", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), wrapped, damaged), (bytes) => {
      assertEquals(decodeAll(bytes, SENTINEL), decodeAll(bytes, 0xff));
    }),
    { numRuns: 3000 },
  );
});
