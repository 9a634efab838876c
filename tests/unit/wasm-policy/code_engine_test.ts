/** Generated code: one module for what is new, slots for what is old, and chains that stay as they were. @module */
import { assertEquals, assertThrows } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import type { ChainIr, PolicyIr, RuleIr } from "#/policy/ir.ts";
import { createArena } from "#/wasm-policy/arena.ts";
import { chainDecisions } from "#/wasm-policy/chain_decisions.ts";
import { createCodeEngine } from "#/wasm-policy/code_engine.ts";
import { createVocabulary, ruleFacts } from "#/wasm-policy/rule_facts.ts";
import { rule } from "../agents/nftables/items.ts";

const PACKET = {
  source: parseIp("10.0.0.1")!,
  destination: parseIp("10.0.0.2")!,
  protocol: 6,
  sourcePort: 1,
  destinationPort: 2,
  icmp: undefined,
};
const CHAIN: ChainIr = { tiers: [{ tier: "t", defaultAction: "deny", policies: ["a", "b"] }], profiles: [] };

function policy(rules: readonly RuleIr[]): PolicyIr {
  return {
    ref: { kind: "GlobalNetworkPolicy", namespace: "", name: "p" },
    tier: "t",
    ingress: rules,
    egress: undefined,
  };
}

Deno.test("createCodeEngine() calls older policies through their slots, and leaves older chains as they were", () => {
  const vocabulary = createVocabulary(createArena(), new Map());
  const engine = createCodeEngine(createArena(), vocabulary);
  const factsOf = (one: RuleIr) => ruleFacts(one, vocabulary);
  const silent = policy([rule("a/0", "log"), rule("a/1", "deny", { protocol: 17 })]);
  const allows = policy([rule("b/0", "allow")]);
  const denies = policy([rule("b/0", "log"), rule("b/1", "deny")]);
  const compile = (number: number, b: PolicyIr) => {
    const compiled = chainDecisions(CHAIN, "ingress", new Map([["a", silent], ["b", b]]));
    engine.prepare([{ number, direction: "ingress", compiled }], factsOf);
    return (chain: number) => {
      const result = engine.run(chain, PACKET);
      return [result >>> 2, result & 3];
    };
  };
  const judge = compile(0, allows);
  assertEquals(judge(0), [2, 0]);
  compile(1, denies);
  assertEquals([judge(0), judge(1)], [[2, 0], [3, 1]]);
  engine.forgetPolicies();
  compile(2, allows);
  assertEquals(judge(2), [2, 0]);
});

Deno.test("CodeEngine.run() asserts that a chain was compiled", () => {
  const engine = createCodeEngine(createArena(), createVocabulary(createArena(), new Map()));
  assertThrows(() => engine.run(0, PACKET));
});
