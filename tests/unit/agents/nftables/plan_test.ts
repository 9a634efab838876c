/**
 * Transactions from one ruleset to another.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { actualOf, NO_RULESET, planNftables } from "#/agents/nftables/plan.ts";
import { renderRuleset } from "#/agents/nftables/render.ts";
import { dispatchOf } from "#/agents/nftables/driver.ts";
import type { NodeItem } from "#/projections/node_state.ts";
import { ENDPOINT, EVERY_MATCH, FULL, PROFILE, rule, stateOf } from "./items.ts";

function linesOf(script: string): string[] {
  return script.split("\n").filter((line) => line !== "");
}

Deno.test("planNftables() writes nothing when nothing differs", () => {
  const ruleset = renderRuleset(FULL);
  assertEquals(planNftables(ruleset, actualOf(ruleset)), { script: "", differences: [] });
});

Deno.test("planNftables() makes sets and chains before rules refer to them", () => {
  const lines = linesOf(planNftables(renderRuleset(FULL), NO_RULESET).script);
  const first = (start: string) => lines.findIndex((line) => line.startsWith(start));
  const last = (start: string) => lines.findLastIndex((line) => line.startsWith(start));
  assertEquals(lines[0], "add table inet tortie");
  assert(last("add set") < first("add rule"));
  assert(last("add chain") < first("add rule"));
  assert(last("add rule") < first("add element inet tortie from-workload-dispatch"));
});

Deno.test("planNftables() replaces the chain of an edited policy and nothing else", () => {
  const edited = EVERY_MATCH.map((item): NodeItem =>
    item.kind === "policy" ? { ...item, policy: { ...item.policy, ingress: [rule("9/i/0", "deny")] } } : item
  );
  const before = renderRuleset(stateOf([...EVERY_MATCH, PROFILE, ENDPOINT]));
  const plan = planNftables(renderRuleset(stateOf([...edited, PROFILE, ENDPOINT])), actualOf(before));
  assertEquals(plan.differences.length, 1);
  assertEquals(linesOf(plan.script).length, 3);
});

Deno.test("planNftables() changes a set by its elements", () => {
  const grown = EVERY_MATCH.map((item): NodeItem =>
    item.id === "s:hosts" && item.kind === "set" ? { ...item, members: ["10.0.0.2"] } : item
  );
  const plan = planNftables(renderRuleset(stateOf(grown)), actualOf(renderRuleset(stateOf(EVERY_MATCH))));
  const changes = linesOf(plan.script).slice(1).map((line) => line.replace(/s4a-[0-9a-f]+/, "SET"));
  assertEquals(changes, ["delete element inet tortie SET { 10.0.0.1 }", "add element inet tortie SET { 10.0.0.2 }"]);
});

Deno.test("planNftables() takes an endpoint out of the maps before its chains go", () => {
  const plan = planNftables(renderRuleset(stateOf([])), actualOf(renderRuleset(FULL)));
  const lines = linesOf(plan.script);
  const unmap = lines.findIndex((line) => line.startsWith("delete element inet tortie from-workload-dispatch"));
  const unchain = lines.findIndex((line) => line === "delete chain inet tortie fw-cali0123456789a");
  assert(unmap >= 0 && unmap < unchain, lines.join("\n"));
});

Deno.test("planNftables() sees a rule that was taken out or put in behind its back", () => {
  const ruleset = renderRuleset(FULL);
  const actual = actualOf(ruleset);
  const forward = actual.chains.get("forward")!;
  const touched = new Map(actual.chains).set("forward", { ...forward, comments: forward.comments.slice(1) });
  assertEquals(planNftables(ruleset, { ...actual, chains: touched }).differences, ["changed chain forward"]);
});

Deno.test("dispatchOf() gives a chain that is none of ours to what it cannot read", () => {
  const json = {
    nftables: [{ map: { elem: [["cali1", { goto: { target: "fw-cali1" } }], ["cali2", { drop: null }]] } }],
  };
  assertEquals([...dispatchOf(json)], [["cali1", "fw-cali1"], ["cali2", "?"]]);
});
