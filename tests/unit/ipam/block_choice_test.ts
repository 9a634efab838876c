/** Tests of the choice of a node's next block. @module */
import { assertEquals } from "@std/assert";
import { formatCidr, parseCidr } from "#/base/cidr.ts";
import { type BlockChoice, type BlockChoiceInput, chooseBlock, type PoolCandidate } from "#/ipam/block_choice.ts";
import { fnv1a } from "#/ipam/fnv.ts";

function pool(changes: Partial<Omit<PoolCandidate, "cidr">> & { cidr?: string } = {}): PoolCandidate {
  return {
    name: "default",
    blockSize: 26,
    disabled: false,
    nodeSelector: "all()",
    allowedUses: ["Workload", "Tunnel"],
    assignmentMode: "Automatic",
    ...changes,
    cidr: parseCidr(changes.cidr ?? "10.0.0.0/24")!,
  };
}

function blocks(node: string, ...cidrs: readonly string[]): BlockChoiceInput["blocks"] {
  return cidrs.map((cidr) => ({ cidr: parseCidr(cidr)!, node }));
}

function choose(input: Partial<BlockChoiceInput>): BlockChoice {
  return chooseBlock({ pools: [pool()], blocks: [], node: "node1", nodeLabels: () => undefined, ...input });
}

function outcome(choice: BlockChoice): string {
  return choice.kind === "chosen" ? `${choice.pool} ${formatCidr(choice.cidr)}` : choice.reason;
}

const ALL_FOUR = ["10.0.0.0/26", "10.0.0.64/26", "10.0.0.128/26", "10.0.0.192/26"];

Deno.test("chooseBlock() starts at the node's own place", () => {
  for (const node of ["node1", "node2", "worker-a", "worker-b"]) {
    assertEquals(outcome(choose({ node })), `default 10.0.0.${64 * (fnv1a(node) % 4)}/26`, node);
  }
});

Deno.test("chooseBlock() walks on from there, wraps once round and ends when all is taken", () => {
  const start = fnv1a("node1") % 4;
  const taken: string[] = [];
  for (let step = 0; step < 4; step++) {
    const choice = choose({ blocks: blocks("other", ...taken) });
    assertEquals(outcome(choice), `default ${ALL_FOUR[(start + step) % 4]}`);
    taken.push(ALL_FOUR[(start + step) % 4]!);
  }
  assertEquals(outcome(choose({ blocks: blocks("other", ...taken) })), "exhausted");
});

Deno.test("chooseBlock() finds the one free block wherever the node starts", () => {
  for (const node of ["a", "b", "c", "d", "e", "f"]) {
    for (const [index, free] of ALL_FOUR.entries()) {
      const rest = ALL_FOUR.filter((_, other) => other !== index);
      assertEquals(outcome(choose({ node, blocks: blocks("other", ...rest) })), `default ${free}`);
    }
  }
});

Deno.test("chooseBlock() passes over slots that blocks of another size overlap", () => {
  const found = choose({ blocks: blocks("other", "10.0.0.0/25", "10.0.0.193/32") });
  assertEquals(outcome(found), "default 10.0.0.128/26");
  assertEquals(outcome(choose({ blocks: blocks("other", "10.0.0.0/16") })), "exhausted");
});

Deno.test("chooseBlock() uses pools in the order of their names, the next only when one is full", () => {
  const pools = [pool({ name: "b", cidr: "10.1.0.0/26" }), pool({ name: "a", cidr: "10.2.0.0/26" })];
  assertEquals(outcome(choose({ pools })), "a 10.2.0.0/26");
  assertEquals(outcome(choose({ pools, blocks: blocks("other", "10.2.0.0/26") })), "b 10.1.0.0/26");
});

Deno.test("chooseBlock() uses only pools that allow the node", () => {
  const cases: readonly { name: string; pool: Partial<PoolCandidate>; expected: string }[] = [
    { name: "disabled", pool: { disabled: true }, expected: "no-pool" },
    { name: "no workloads", pool: { allowedUses: ["Tunnel"] }, expected: "no-pool" },
    { name: "manual", pool: { assignmentMode: "Manual" }, expected: "no-pool" },
    { name: "other nodes", pool: { nodeSelector: "zone == 'west'" }, expected: "no-pool" },
    { name: "unreadable selector", pool: { nodeSelector: "zone = 'east'" }, expected: "no-pool" },
    { name: "this node", pool: { nodeSelector: "zone == 'east'", blockSize: 24 }, expected: "default 10.0.0.0/24" },
    { name: "empty selector", pool: { nodeSelector: "", blockSize: 24 }, expected: "default 10.0.0.0/24" },
  ];
  for (const { name, pool: changes, expected } of cases) {
    const { cidr: _, ...rest } = changes;
    const choice = choose({ pools: [pool(rest)], nodeLabels: (key) => key === "zone" ? "east" : undefined });
    assertEquals(outcome(choice), expected, name);
  }
});

Deno.test("chooseBlock() in a named pool asks neither mode nor selector, but does ask whether it is enabled", () => {
  const manual = pool({ assignmentMode: "Manual", nodeSelector: "has(nothing)", blockSize: 24 });
  assertEquals(outcome(choose({ pools: [manual], poolName: "default" })), "default 10.0.0.0/24");
  assertEquals(outcome(choose({ pools: [pool({ disabled: true })], poolName: "default" })), "no-pool");
  assertEquals(outcome(choose({ poolName: "missing" })), "unknown-pool");
});

Deno.test("chooseBlock() keeps to the family asked for", () => {
  const pools = [pool({ name: "a6", cidr: "fd00::/64", blockSize: 122 }), pool({ name: "b4", blockSize: 24 })];
  assertEquals(outcome(choose({ pools, family: 4 })), "b4 10.0.0.0/24");
  const six = choose({ pools, family: 6 });
  assertEquals(outcome(six).startsWith("a6 fd00::"), true, outcome(six));
});

Deno.test("chooseBlock() counts only blocks inside the pools it may use against the limit", () => {
  assertEquals(outcome(choose({ blocks: blocks("node1", "10.0.0.0/26"), blocksMax: 1 })), "limit");
  assertEquals(choose({ blocks: blocks("node1", "10.9.0.0/26"), blocksMax: 1 }).kind, "chosen");
  assertEquals(choose({ blocks: blocks("node2", "10.0.0.0/26"), blocksMax: 1 }).kind, "chosen");
});
