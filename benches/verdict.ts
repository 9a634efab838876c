/**
 * Verdicts: the compiled engine beside the IR interpreter and the oracle, on the same flows in one cluster; one evaluation of a chain of 20,000 rules, none of
 * which matches, beside a walk over typed arrays; and random rules of five fields, 100,000 beside 1,000.
 *
 *     deno run -A benches/verdict.ts [--quick]
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { formatIp } from "#/base/ip.ts";
import type { ResolvedFlow } from "#/policy/oracle/flow.ts";
import { type ChainIr, policyKey } from "#/policy/ir.ts";
import { interpretChain, type IrTables } from "#/policy/ir_interpreter.ts";
import { evaluate } from "#/policy/oracle/oracle.ts";
import type { Packet } from "#/policy/packet.ts";
import { compileImage, type PolicyImage } from "#/wasm-policy/engine.ts";
import { packetColumns } from "#/wasm-policy/flow_batch.ts";
import { membershipIn } from "#/policy/set_membership.ts";
import { compare, type Comparison, elapsedMs, ROUNDS } from "./support/compare.ts";
import { type ChainShape, checkerShape, fiveFieldShape } from "./support/policy_shapes.ts";
import { type PolicyBenchWorld, policyBenchWorld, tablesOf } from "./support/policy_world.ts";
import { seeded } from "./support/seeded.ts";
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
    ({ endpoint, packet }, direction) =>
      image.judge(endpoint[direction], direction, packet).action === "allow" ? "allow" : "deny",
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

/** A plain walk over typed arrays: what a careful loop does without classes or rows. */
function plainWalk({ policies, sets }: ChainShape): (packet: Packet) => number {
  const rules = [...policies.values()].flatMap((policy) => policy.ingress!);
  const setIds = [...sets.keys()];
  const numbers = new Map(setIds.map((id, at) => [id, at]));
  const protocols = Uint8Array.from(rules, ({ protocol }) => Number(protocol));
  const ports = rules.map(({ destination }) => (destination.ports as readonly { min: number; max: number }[])[0]!);
  const [least, most] = [Uint16Array.from(ports, ({ min }) => min), Uint16Array.from(ports, ({ max }) => max)];
  const setOf = Uint32Array.from(rules, ({ source }) => numbers.get(source.sets[0]!)!);
  const bySource = new Map<string, number[]>();
  for (const [number, id] of setIds.entries()) {
    for (const member of sets.get(id)!.members) bySource.set(member, [...bySource.get(member) ?? [], number]);
  }
  const holds = new Uint8Array(setIds.length);
  return ({ source, protocol, destinationPort }) => {
    const held = bySource.get(formatIp(source)) ?? [];
    for (const set of held) holds[set] = 1;
    const port = destinationPort ?? 0;
    let found = -1;
    for (let at = 0; at < setOf.length; at++) {
      if (protocols[at] === protocol && least[at]! <= port && port <= most[at]! && holds[setOf[at]!] === 1) {
        found = at;
        break;
      }
    }
    for (const set of held) holds[set] = 0;
    return found;
  };
}

/** So many evaluations of one packet by one chain, in batches that cross into WebAssembly at once and without the memo. */
function batchPass(image: PolicyImage, chain: ChainIr, packets: readonly Packet[]): () => number {
  const columns = packetColumns(packets);
  const chains = new Uint32Array(packets.length).fill(image.chainNumber(chain, "ingress"));
  return () => elapsedMs(() => image.judgeBatch(columns, chains)) / packets.length;
}

/** V1: no match, beside the walk and beside the naive evaluator; and a match by the first rule. */
async function checkerRows({ quick }: BenchOptions): Promise<BenchRow[]> {
  const shape = checkerShape(quick ? 50 : 1);
  const [none, early] = shape.packets as [Packet, Packet];
  const image = compileImage(shape, { engine: "rows", memo: "off" });
  const tables: IrTables = { policies: shape.policies, sets: membershipIn(shape.sets) };
  const walk = plainWalk(shape);
  for (const packet of shape.packets) {
    const { action, ruleId, policy, tier } = interpretChain(shape.chain, "ingress", packet, tables);
    assertEquals(image.judge(shape.chain, "ingress", packet), { action, ruleId, policy, tier });
    assertEquals(walk(packet) < 0, ruleId === undefined);
  }
  const rounds = quick ? 1 : ROUNDS;
  const cost = (times: number, judge: () => unknown) => () =>
    elapsedMs(() => {
      for (let at = 0; at < times; at++) judge();
    }) / times;
  const name = `one packet, ${shape.ruleCount} rules, no match`;
  const ours = batchPass(image, shape.chain, Array<Packet>(20_000).fill(none));
  const beside = await compare({ rounds, ours, theirs: cost(200, () => walk(none)) });
  const naive = await compare({
    rounds,
    ours,
    theirs: cost(3, () => interpretChain(shape.chain, "ingress", none, tables)),
  });
  const first = batchPass(image, shape.chain, Array<Packet>(20_000).fill(early));
  const match = await compare({ rounds, ours: first, theirs: cost(2_000, () => walk(early)) });
  const met = (text: string, isMet: boolean): Target | undefined => quick ? undefined : { text, met: isMet };
  return [
    row(
      name,
      "typed-array walk",
      beside,
      met("V1: <= 1 us and >= 20x", beside.oursMs <= 0.001 && beside.ratio.median >= 20),
    ),
    row(name, "IR interpreter", naive),
    row("the same, match by the first rule", "typed-array walk", match, met("V1: <= 100 ns", match.oursMs <= 0.0001)),
  ];
}

/** A trace in which some flows are common and most are rare, as `many` rows of `distinct` flows. */
function trace(packets: readonly Packet[], many: number): readonly Packet[] {
  const random = seeded(29);
  return Array.from(
    { length: many },
    () => packets[Math.floor(packets.length * (random.below(1_000_000) / 1_000_000) ** 3)]!,
  );
}

/** V2: random rules of five fields, many beside few. */
async function fiveFieldRows({ quick }: BenchOptions): Promise<BenchRow[]> {
  const [few, many] = quick ? [100, 1_000] : [1_000, 100_000];
  const [distinct, flows] = quick ? [200, 1_000] : [5_000, 100_000];
  const sides = [few, many].map((rules) => {
    const shape = fiveFieldShape(rules, distinct);
    const image = compileImage(shape, { engine: "rows" });
    const tables: IrTables = { policies: shape.policies, sets: membershipIn(shape.sets) };
    for (const packet of shape.packets.slice(0, rules > 10_000 ? 20 : 200)) {
      const { ruleId } = interpretChain(shape.chain, "ingress", packet, tables);
      assertEquals(image.judge(shape.chain, "ingress", packet).ruleId, ruleId);
    }
    const plain = compileImage(shape, { engine: "rows", memo: "off" });
    return {
      trace: batchPass(image, shape.chain, trace(shape.packets, flows)),
      apart: batchPass(plain, shape.chain, shape.packets),
    };
  });
  const rounds = quick ? 1 : ROUNDS;
  const common = await compare({ rounds, ours: sides[1]!.trace, theirs: sides[0]!.trace });
  const apart = await compare({ rounds, ours: sides[1]!.apart, theirs: sides[0]!.apart });
  const rate = 1_000 / common.oursMs;
  const isMet = common.ratio.median >= 0.5 && rate >= 1_000_000;
  const target = quick ? undefined : { text: "V2: >= 0.5x and >= 1 M/s", met: isMet };
  const fewName = `${few} rules`;
  return [
    row(`a flow of a trace, ${many} five-field rules`, fewName, common, target),
    row(
      `a flow, each once, no memo, ${many} five-field rules`,
      fewName,
      apart,
      quick ? undefined : { text: "V2: >= 0.5x" },
    ),
  ];
}

if (import.meta.main) {
  await runBench(async (options) => [
    ...await clusterRows(options),
    ...await checkerRows(options),
    ...await fiveFieldRows(options),
  ]);
}
