/**
 * Verdicts: the compiled engine beside the IR interpreter and the oracle, on the same flows in one cluster; and one evaluation of a chain of 20,000 rules, none
 * of which matches.
 *
 *     deno run -A benches/verdict.ts [--quick]
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { formatIp } from "#/base/ip.ts";
import type { ResolvedFlow } from "#/policy/flow.ts";
import { policyKey } from "#/policy/ir.ts";
import { interpretChain, type IrTables } from "#/policy/ir_interpreter.ts";
import { evaluate } from "#/policy/oracle.ts";
import { compileImage } from "#/wasm-policy/engine.ts";
import { compare, type Comparison, elapsedMs, ROUNDS } from "./support/compare.ts";
import { manyRules } from "./support/many_rules.ts";
import { type PolicyBenchWorld, policyBenchWorld, tablesOf } from "./support/policy_world.ts";
import { type BenchOptions, type BenchRow, duration, runBench, type Target } from "./support/rows.ts";

const FLOWS = 2_000;
/** The oracle is slow on purpose; of the flows it judges so many in a pass. */
const ORACLE_FLOWS = 200;

type Verdict = "allow" | "deny";
type Judge = (flow: ResolvedFlow) => Verdict;

/** Both ends of a flow by one engine; an end outside allows. */
function bothEnds(world: PolicyBenchWorld, judgeEnd: (chains: Chains, direction: Direction) => Verdict): Judge {
  return ({ source, destination, packet }) => {
    const ends = [[source, "egress"], [destination, "ingress"]] as const;
    const denies = ends.some(([end, direction]) => {
      if (end === undefined) return false;
      return judgeEnd({ endpoint: world.endpoints.get(end.id)!, packet }, direction) === "deny";
    });
    return denies ? "deny" : "allow";
  };
}

type Direction = "egress" | "ingress";
interface Chains {
  readonly endpoint: PolicyBenchWorld["endpoints"] extends ReadonlyMap<string, infer E> ? E : never;
  readonly packet: ResolvedFlow["packet"];
}

function compiled(world: PolicyBenchWorld): Judge {
  const policies = world.items.filter((item) => item.kind === "policy" || item.kind === "profile");
  const sets = world.items.filter((item) => item.kind === "set");
  const image = compileImage({
    policies: new Map(policies.map(({ policy }) => [policyKey(policy.ref), policy])),
    sets: new Map(sets.map((set) => [set.id, set])),
  });
  return bothEnds(
    world,
    ({ endpoint, packet }, direction) => image.judge(endpoint[direction], direction, packet).action,
  );
}

function interpreted(world: PolicyBenchWorld): Judge {
  const tables = tablesOf(world.items);
  return bothEnds(
    world,
    ({ endpoint, packet }, direction) => interpretChain(endpoint[direction], direction, packet, tables).action,
  );
}

/** All three agree on every flow. */
function checkVerdicts(world: PolicyBenchWorld, wasm: Judge, interpreter: Judge): void {
  const seen = { allow: 0, deny: 0 };
  for (const flow of world.flows) {
    const expected = evaluate(world.world, flow).verdict;
    assertEquals({ wasm: wasm(flow), interpreter: interpreter(flow) }, { wasm: expected, interpreter: expected });
    seen[expected] += 1;
  }
  if (Math.min(seen.allow, seen.deny) * 10 < world.flows.length) {
    throw new Error(`Both verdicts must be common: ${JSON.stringify(seen)}`);
  }
  console.error(`verdict: three engines agree on ${world.flows.length} flows: ${JSON.stringify(seen)}`);
}

/** A pass over flows, as the cost of one. */
function pass(flows: readonly ResolvedFlow[], judge: (flow: ResolvedFlow) => unknown): () => number {
  return () => elapsedMs(() => flows.forEach(judge)) / flows.length;
}

function row(bench: string, name: string, result: Comparison, target?: Target): BenchRow {
  const { oursMs, theirsMs, ratio } = result;
  const values = { oursMs, theirsMs, ratio: ratio.median };
  const counterpart = `${duration(theirsMs)} ${name}`;
  return { bench: `verdict: ${bench}`, ours: `${duration(oursMs)} WASM`, counterpart, ratio, target, values };
}

async function clusterRows({ quick }: BenchOptions): Promise<BenchRow[]> {
  const world = policyBenchWorld(quick ? 50 : FLOWS);
  const [wasm, interpreter] = [compiled(world), interpreted(world)];
  checkVerdicts(world, wasm, interpreter);
  const rounds = quick ? 1 : ROUNDS;
  const { flows, policyCount } = world;
  const few = flows.slice(0, ORACLE_FLOWS);
  const size = `a flow, both ends, ${policyCount} policies`;
  const ours = pass(flows, wasm);
  return [
    row(size, "IR interpreter", await compare({ rounds, ours, theirs: pass(flows, interpreter) })),
    row(size, "oracle", await compare({ rounds, ours, theirs: pass(few, (flow) => evaluate(world.world, flow)) })),
  ];
}

async function manyRulesRow({ quick }: BenchOptions): Promise<BenchRow> {
  const { chain, policies, sets, packet, ruleCount } = manyRules(quick ? 50 : 1);
  const image = compileImage({ policies, sets });
  const members = new Map([...sets].map(([id, set]) => [id, new Set(set.members)]));
  const tables: IrTables = { policies, sets: { has: (id, ip) => members.get(id)?.has(formatIp(ip)) ?? false } };
  const ours = () => image.judge(chain, "ingress", packet);
  const theirs = () => interpretChain(chain, "ingress", packet, tables);
  assertEquals(ours(), { action: "deny", ruleId: undefined });
  assertEquals(theirs().action, "deny");
  const EVALUATIONS = 5;
  const cost = (judge: () => unknown) => () =>
    elapsedMs(() => {
      for (let at = 0; at < EVALUATIONS; at++) judge();
    }) / EVALUATIONS;
  const result = await compare({ rounds: quick ? 1 : ROUNDS, ours: cost(ours), theirs: cost(theirs) });
  const target = quick ? undefined : { text: "V1: <= 1 us", met: result.oursMs <= 0.001 };
  return row(`one packet, ${ruleCount} rules, no match`, "IR interpreter", result, target);
}

if (import.meta.main) {
  await runBench(async (options) => [...await clusterRows(options), await manyRulesRow(options)]);
}
