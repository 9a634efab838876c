/** Tests of blocks: who has which ordinal, and the order of reuse. @module */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import { parseCidr } from "#/base/cidr.ts";
import {
  addressesOfHandle,
  assignFromBlock,
  type Block,
  emptyBlock,
  orderFree,
  releaseFromBlock,
  reserveInBlock,
} from "#/ipam/block.ts";

function block(cidr: string): Block {
  return emptyBlock(parseCidr(cidr)!);
}

function assign(from: Block, handle: string, skip?: ReadonlySet<string>): { block: Block; address: string } {
  const assignment = assignFromBlock(from, handle, skip);
  assert(assignment !== undefined, `no address for ${handle}`);
  return assignment;
}

Deno.test("emptyBlock() holds every address of the network, IPv4 and IPv6", () => {
  assertEquals(block("10.0.0.0/30").free, [0, 1, 2, 3]);
  assertEquals(block("fd00::/126").free, [0, 1, 2, 3]);
  assertEquals(block("10.0.0.7/32").free, [0]);
});

Deno.test("emptyBlock() refuses host bits and blocks beyond the bound", () => {
  assertThrows(() => block("10.0.0.1/30"), AssertionFailure, "host bits");
  assertThrows(() => block("10.0.0.0/8"), AssertionFailure, "small");
});

Deno.test("assignFromBlock() is idempotent by handle and ends when the block is full", () => {
  const first = assign(block("10.0.0.0/31"), "a");
  assertEquals(first.address, "10.0.0.0");
  assertEquals(assign(first.block, "a"), { block: first.block, address: "10.0.0.0" });
  const second = assign(first.block, "b");
  assertEquals(second.address, "10.0.0.1");
  assertEquals(assignFromBlock(second.block, "c"), undefined);
  assertEquals(assign(second.block, "b").address, "10.0.0.1");
});

Deno.test("assignFromBlock() leaves skipped addresses in the queue", () => {
  const skipping = assign(block("10.0.0.0/30"), "a", new Set(["10.0.0.0", "10.0.0.1"]));
  assertEquals(skipping.address, "10.0.0.2");
  assertEquals(assign(skipping.block, "b").address, "10.0.0.0");
  assertEquals(assignFromBlock(block("10.0.0.0/31"), "a", new Set(["10.0.0.0", "10.0.0.1"])), undefined);
});

Deno.test("releaseFromBlock() queues the address last, so that the longest free one is used next", () => {
  const taken = assign(assign(block("10.0.0.0/30"), "a").block, "b").block;
  const released = releaseFromBlock(taken, "10.0.0.0", "a");
  assertEquals(released.free, [2, 3, 0]);
  assertEquals(assign(released, "c").address, "10.0.0.2");
});

Deno.test("releaseFromBlock() frees nothing for another handle, an unassigned or a foreign address", () => {
  const taken = assign(block("10.0.0.0/30"), "a").block;
  for (const [address, handle] of [["10.0.0.0", "b"], ["10.0.0.1", "a"], ["10.0.1.0", "a"], ["nonsense", "a"]]) {
    assertEquals(releaseFromBlock(taken, address!, handle!), taken, address);
  }
});

Deno.test("reserveInBlock() takes a certain address once", () => {
  const reserved = reserveInBlock(block("10.0.0.0/30"), "10.0.0.2", "a");
  assert(reserved.kind === "reserved");
  assertEquals(reserved.block.free, [0, 1, 3]);
  assertEquals(reserveInBlock(reserved.block, "10.0.0.2", "a"), { kind: "reserved", block: reserved.block });
  assertEquals(reserveInBlock(reserved.block, "10.0.0.2", "b"), { kind: "taken", handle: "a" });
  assertEquals(reserveInBlock(reserved.block, "10.0.0.4", "b"), { kind: "outside" });
  assertEquals(addressesOfHandle(reserved.block, "a"), ["10.0.0.2"]);
});

Deno.test("orderFree() restores the order of reuse and ignores what is not free", () => {
  const reserved = reserveInBlock(block("10.0.0.0/30"), "10.0.0.1", "a");
  assert(reserved.kind === "reserved");
  assertEquals(orderFree(reserved.block, [3, 1, 9, 0]).free, [3, 0, 2]);
});

Deno.test("Block keeps every ordinal exactly once through any run of assignments and releases", () => {
  let current = block("10.0.0.0/29");
  for (let step = 0; step < 200; step++) {
    const handle = `h${(step * 7) % 5}`;
    current = step % 3 === 0
      ? releaseFromBlock(current, `10.0.0.${step % 8}`, handle)
      : assignFromBlock(current, handle)?.block ?? current;
    assertEquals([...current.assigned.keys(), ...current.free].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  }
});
