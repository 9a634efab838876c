/**
 * Batches: the kernel and its twin on the same memory, more flows than a chunk, flows counted once, and two states compared.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { formatIp, parseIp } from "#/base/ip.ts";
import { ANY_SIDE, type ChainIr, type PolicyIr, policyKey } from "#/policy/ir.ts";
import { interpretChain } from "#/policy/ir_interpreter.ts";
import type { Packet } from "#/policy/packet.ts";
import { compareImages, judgeFlows } from "#/wasm-policy/compare_images.ts";
import { compileImage, type ImageInput } from "#/wasm-policy/engine.ts";
import { distinctFlows, packetAt, packetColumns, pickPackets } from "#/wasm-policy/flow_batch.ts";
import { NONE } from "#/wasm-policy/layout.ts";
import { CHUNK_FLOWS } from "#/wasm-policy/row_engine.ts";
import { membershipIn } from "#/policy/set_membership.ts";
import { rule } from "../agents/nftables/items.ts";

const CHAIN: ChainIr = {
  tiers: [{ tier: "t", defaultAction: "deny", policies: ["GlobalNetworkPolicy//p"] }],
  profiles: [],
};

function inputOf(denied: string): ImageInput {
  const policy: PolicyIr = {
    ref: { kind: "GlobalNetworkPolicy", namespace: "", name: "p" },
    tier: "t",
    ingress: [
      rule("1/i/0", "deny", { source: { ...ANY_SIDE, sets: ["s"] } }),
      rule("1/i/1", "allow", { destination: { ...ANY_SIDE, ports: [], portSets: ["n"] } }),
      rule("1/i/2", "allow", { protocol: 58 }),
    ],
    egress: undefined,
  };
  const sets = new Map([
    ["s", { type: "net" as const, members: [denied, "fd00::3"] }],
    ["n", { type: "ipPort" as const, members: ["10.0.0.1,tcp:80", "fd00::1,udp:53", "10.0.0.1,udp:80"] }],
  ]);
  return { policies: new Map([[policyKey(policy.ref), policy]]), sets };
}

/** Packets of both families and several protocols, many more than a chunk. */
function packets(count: number): readonly Packet[] {
  return Array.from({ length: count }, (_, at): Packet => {
    const isWide = at % 3 === 0;
    const ip = (number: number) => parseIp(isWide ? `fd00::${number}` : `10.0.0.${number}`)!;
    const isIcmp = at % 7 === 0;
    return {
      source: ip(at % 5),
      destination: ip(1 + at % 2),
      protocol: isIcmp ? (isWide ? 58 : 1) : at % 2 === 0 ? 6 : 17,
      sourcePort: isIcmp ? undefined : 1_000,
      destinationPort: isIcmp ? undefined : at % 4 < 2 ? 80 : 53,
      icmp: isIcmp ? { type: at % 200, code: 0 } : undefined,
    };
  });
}

Deno.test("judgeBatch() judges more flows than a chunk as the interpreter does, by the kernel, its twin, and with the memo", () => {
  const input = inputOf("10.0.0.2");
  const all = packets(2 * CHUNK_FLOWS + 5);
  const tables = { policies: input.policies, sets: membershipIn(input.sets) };
  const wanted = all.map((packet) => interpretChain(CHAIN, "ingress", packet, tables).ruleId);
  for (const options of [{ memo: "off" }, { memo: "on" }, { kernel: "twin" }] as const) {
    const image = compileImage(input, options);
    const chain = image.chainNumber(CHAIN, "ingress");
    const results = image.judgeBatch(packetColumns(all), new Uint32Array(all.length).fill(chain));
    assertEquals([...results].map((result) => image.verdictOf(chain, result).ruleId), wanted, JSON.stringify(options));
  }
  assert(new Set(wanted).size === 4, "every rule and the default decide some");
});

Deno.test("packetAt() gives back what packetColumns() took", () => {
  const all = packets(50);
  assertEquals(all.map((_, at) => packetAt(packetColumns(all), at)), all);
});

Deno.test("distinctFlows() counts flows that say the same, and keeps apart what differs in one column", () => {
  const [one] = packets(2).slice(1) as [Packet];
  const others = [
    { ...one, sourcePort: 1 },
    { ...one, destinationPort: 1 },
    { ...one, protocol: 132 },
    { ...one, source: parseIp("10.0.0.9")! },
    { ...one, destination: parseIp("10.0.0.9")! },
  ];
  const columns = packetColumns([one, ...others, one, one]);
  const { rows, counts } = distinctFlows(columns, [Uint32Array.of(0, 0, 0, 0, 0, 0, 0, 1)]);
  assertEquals([[...rows], [...counts]], [[0, 1, 2, 3, 4, 5, 7], [2, 1, 1, 1, 1, 1, 1]]);
  const picked = pickPackets(columns, Uint32Array.of(4, 0));
  assertEquals([formatIp(packetAt(picked, 0).source), packetAt(picked, 1)], ["10.0.0.9", one]);
});

Deno.test("compareImages() names the distinct flows whose verdict changes, with their counts", () => {
  const to = {
    destination: parseIp("10.0.0.1")!,
    protocol: 6,
    sourcePort: undefined,
    destinationPort: 80,
    icmp: undefined,
  };
  const from = (address: string): Packet => ({ ...to, source: parseIp(address)! });
  const list = [from("10.0.0.2"), from("10.0.0.3"), from("10.0.0.2"), from("10.0.0.4"), from("10.0.0.2")];
  const flows = {
    packets: packetColumns(list),
    endpoints: ["shop/db", "shop/gone"],
    sourceEndpoint: Uint32Array.of(NONE, NONE, NONE, NONE, 1),
    destinationEndpoint: Uint32Array.of(0, 0, 0, 0, 1),
  };
  const endpoints = new Map([["shop/db", { ingress: CHAIN, egress: CHAIN }]]);
  const [before, after] = ["10.0.0.2", "10.0.0.3"].map((denied) => ({
    image: compileImage(inputOf(denied)),
    endpoints,
  }));
  assertEquals(compareImages(flows, before!, after!), {
    flows: 5,
    distinct: 4,
    changes: [{ row: 0, count: 2, before: "deny", after: "allow" }, {
      row: 1,
      count: 1,
      before: "allow",
      after: "deny",
    }],
  });
  const judged = judgeFlows(flows, before!);
  const at = [...judged.rows].indexOf(0);
  assertEquals(judged.decision(at, "ingress")?.ruleId, "1/i/0");
  assertEquals(judged.decision(at, "egress"), undefined);
  assertEquals(judged.allowed[[...judged.rows].indexOf(4)], 1);
});
