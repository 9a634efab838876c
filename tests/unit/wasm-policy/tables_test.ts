/** The tables of an image, one by one: hash tables, rows of bits, classes of ports, numbered chains, the words of services. @module */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createArena } from "#/wasm-policy/arena.ts";
import { countBits, looseWords, packRow, packSparseRow, rowHas } from "#/wasm-policy/bit_row.ts";
import { chainDecisions } from "#/wasm-policy/chain_decisions.ts";
import { codeOf } from "#/wasm-policy/chain_program.ts";
import { serviceOfWord, serviceWord } from "#/wasm-policy/layout.ts";
import { createPortSpace, NO_PORT } from "#/wasm-policy/port_space.ts";
import { serviceMatches } from "#/wasm-policy/rule_group.ts";
import { createWordTable, findWords } from "#/wasm-policy/word_table.ts";
import { rule } from "../agents/nftables/items.ts";

Deno.test("createArena() gives out places that do not overlap, zeroed, and keeps them when it grows", () => {
  const arena = createArena();
  const first = arena.allocate(20);
  arena.words[first >> 2] = 5;
  const second = arena.allocate(10_000_000);
  assert(second >= first + 20 && second % 16 === 0 && arena.memory.buffer.byteLength >= second + 10_000_000);
  assertEquals([arena.words[first >> 2], arena.words[(second >> 2) + 2_499_999]], [5, 0]);
});

for (const keyWords of [1, 3, 4]) {
  Deno.test(`createWordTable() keeps keys of ${keyWords} words apart through growth`, () => {
    const key = fc.array(fc.constantFrom(0, 1, 2, 0xffff_ffff), { minLength: keyWords, maxLength: keyWords });
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.nat(1_000)), { maxLength: 120 }), (entries) => {
        const arena = createArena();
        const table = createWordTable(arena, keyWords);
        const wanted = new Map<string, number>();
        for (const [words, value] of entries) {
          table.set(words, value);
          wanted.set(words.join(), value);
        }
        for (const [words] of entries) assertEquals(table.get(words), wanted.get(words.join()));
        assertEquals([...table.entries()].length, wanted.size);
        assertEquals(findWords(arena.words, table, Array(keyWords).fill(77)), undefined);
      }),
      { numRuns: 50 },
    );
  });
}

Deno.test("packRow() and packSparseRow() hold the same rules, in any number of blocks", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9_000 }), fc.array(fc.nat(8_999), { maxLength: 60 }), (rules, picks) => {
      const arena = createArena();
      const set = [...new Set(picks.map((pick) => pick % rules))].sort((a, b) => a - b);
      const bits = new Uint32Array(looseWords(rules));
      for (const one of set) bits[one >> 5]! |= 1 << (one & 31);
      for (const row of [packRow(arena, bits, rules), packSparseRow(arena, set, rules)]) {
        const probes = [...set, ...set.map((one) => (one + 1) % rules), 0, rules - 1];
        for (const one of probes) {
          assertEquals(rowHas(arena.words, { row, rules }, one), set.includes(one), String(one));
        }
      }
    }),
  );
  assertEquals([0, 1, 0xffff_ffff, 0x8000_0001].map(countBits), [0, 1, 32, 2]);
});

Deno.test("createPortSpace() tells which ranges hold a port, and none holds a packet without one", () => {
  const ports = createPortSpace(createArena());
  const low = ports.ranges([{ min: 1, max: 80 }, { min: 100, max: 100 }]);
  const web = ports.ranges([{ min: 80, max: 65_535 }]);
  assertEquals(ports.ranges([{ min: 80, max: 65_535 }]), web);
  const told = [1, 80, 81, 100, 65_535, 0, NO_PORT].map((port) => ports.lists.list(ports.classOf(port)));
  assertEquals(told, [[low], [low, web], [web], [low, web], [web], [], []]);
  assert(ports.named("n") !== web && ports.named("n") === ports.named("n"));
});

Deno.test("chainDecisions() numbers rules and ends in the order of evaluation", () => {
  const ref = (name: string) => ({ kind: "GlobalNetworkPolicy", namespace: "", name } as const);
  const policies = new Map(["a", "b"].map((name) => [
    name,
    { ref: ref(name), tier: "t", ingress: [rule(`${name}/0`, "log"), rule(`${name}/1`, "pass")], egress: undefined },
  ]));
  const { decisions, stages } = chainDecisions(
    { tiers: [{ tier: "t", defaultAction: "deny", policies: ["a", "b"] }], profiles: ["b", "none"], atEnd: "continue" },
    "ingress",
    policies,
  );
  assertEquals(decisions.map(({ action, ruleId, policy }) => `${action} ${ruleId ?? policy}`), [
    "log a/0",
    "pass a/1",
    "log b/0",
    "pass b/1",
    "deny undefined",
    "log b/0",
    "pass b/1",
    "deny none",
    "continue undefined",
  ]);
  assertEquals(stages.map(({ first, end }) => [first, end]), [[0, 4], [5, undefined], [7, 7], [8, 8]]);
  assertEquals(["allow", "deny", "continue", "pass"].map((action) => codeOf(action as "pass", 2)), [0, 1, 2, 11]);
});

Deno.test("serviceWord() holds every service apart, and serviceOfWord() reads it back", () => {
  const services = [4, 6].flatMap((version) =>
    [0, 1, 6, 58, 255].flatMap((protocol) =>
      [undefined, { type: 0, code: 0 }, { type: 255, code: 255 }].map((icmp) => ({
        version: version as 4 | 6,
        protocol,
        icmp,
      }))
    )
  );
  assertEquals(services.map((service) => serviceOfWord(serviceWord(service))), services);
  assertEquals(new Set(services.map(serviceWord)).size, services.length);
  assert(
    serviceMatches(rule("", "allow", { ipVersion: 6, protocol: 58 }), { version: 6, protocol: 58, icmp: undefined }),
  );
});
