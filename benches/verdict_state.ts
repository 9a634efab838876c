/**
 * Policy states: 10,000 policies compiled to a loaded module, one of them edited until the edit is in force; and a million recorded flows judged again under another
 * state, on one thread and by workers.
 *
 *     deno run -A benches/verdict_state.ts [--quick]
 *
 * @module
 */
import { assertEquals, fail } from "@std/assert";
import { type ChainIr, type PolicyIr, policyKey } from "#/policy/ir.ts";
import { interpretChain } from "#/policy/ir_interpreter.ts";
import { startFlowPool } from "#/server/flows/flow_pool.ts";
import { compareImages, judgeFlows, type RecordedFlows } from "#/wasm-policy/compare_images.ts";
import { compileImage, type ImageInput, type PolicyImage } from "#/wasm-policy/engine.ts";
import { packetAt } from "#/wasm-policy/flow_batch.ts";
import { membershipIn } from "#/policy/set_membership.ts";
import { compare, elapsedMs, quantile, ROUNDS } from "./support/compare.ts";
import { clusterPolicy, type ClusterShape, clusterShape, recordedFlows } from "./support/policy_shapes.ts";
import { type BenchOptions, type BenchRow, duration, perSecond, runBench, type Target } from "./support/rows.ts";
import { seeded } from "./support/seeded.ts";

function chainsOf({ endpoints }: ClusterShape): readonly ChainIr[] {
  return [...new Set([...endpoints.values()].map(({ ingress }) => ingress))];
}

/** Everything that has to be there before the first packet. */
function load(shape: ClusterShape): PolicyImage {
  const image = compileImage(shape);
  image.prepareCode(chainsOf(shape).map((chain) => image.chainNumber(chain, "ingress")));
  return image;
}

/** The shape with the rules of some policies drawn anew. */
function edited(shape: ClusterShape, { count, seed }: { readonly count: number; readonly seed: number }): ImageInput {
  const random = seeded(seed);
  const groups = shape.endpoints.size / 10;
  const policies = new Map(shape.policies);
  for (let at = 0; at < count; at++) {
    const number = random.below(shape.policies.size - 1);
    const policy: PolicyIr = clusterPolicy(random, number, groups);
    policies.set(policyKey(policy.ref), policy);
  }
  return { policies, sets: shape.sets };
}

/** Verdicts of recorded flows, some of them, against the interpreter. */
function checkFlows(flows: RecordedFlows, { input, image, shape }: {
  readonly input: ImageInput;
  readonly image: PolicyImage;
  readonly shape: ClusterShape;
}): void {
  const tables = { policies: input.policies, sets: membershipIn(input.sets) };
  const judged = judgeFlows(flows, { image, endpoints: shape.endpoints });
  let allows = 0;
  for (let at = 0; at < judged.rows.length; at += Math.ceil(judged.rows.length / 500)) {
    const row = judged.rows[at]!;
    const packet = packetAt(flows.packets, row);
    const to = shape.endpoints.get(flows.endpoints[flows.destinationEndpoint[row]!]!)!;
    const { action, ruleId, policy, tier } = interpretChain(to.ingress, "ingress", packet, tables);
    assertEquals(judged.decision(at, "ingress"), { action, ruleId, policy, tier });
    if (action === "allow") allows += 1;
  }
  if (allows === 0) throw new Error("Some flows must be allowed");
}

function compileRows({ quick }: BenchOptions): BenchRow[] {
  const shape = clusterShape(quick ? 200 : 10_000);
  const rounds = quick ? 1 : ROUNDS;
  let image = load(shape);
  checkFlows(recordedFlows(shape, 2_000), { input: shape, image, shape });
  const loads = Array.from({ length: rounds }, () => elapsedMs(() => image = load(shape)));
  const [ingress] = chainsOf(shape);
  const packet = packetAt(recordedFlows(shape, 1).packets, 0);
  const edits = Array.from({ length: rounds * 10 }, (_, at) => {
    const random = seeded(at + 1);
    const policy = clusterPolicy(random, 0, shape.endpoints.size / 10);
    const policies = new Map(shape.policies).set(policyKey(policy.ref), policy);
    return elapsedMs(() => {
      image.update({ policies, sets: shape.sets });
      image.judge(ingress!, "ingress", packet);
    });
  });
  const [loadMs, editMs] = [quantile(loads, 0.5), quantile(edits, 0.5)];
  const met = (text: string, isMet: boolean): Target | undefined => quick ? undefined : { text, met: isMet };
  return [
    {
      bench: `verdict_state: ${shape.policies.size} policies to a loaded module`,
      ours: duration(loadMs),
      target: met("V3: <= 1.5 s", loadMs <= 1_500),
      values: { loadMs, loadMsMax: Math.max(...loads) },
    },
    {
      bench: "verdict_state: one of them edited and live",
      ours: duration(editMs),
      target: met("V3: <= 5 ms", editMs <= 5),
      values: { editMs, editMsMax: Math.max(...edits) },
    },
  ];
}

/** A million recorded flows under another state, on one thread and by workers. A fresh image each time: nothing of the other state is known when it is asked. */
async function replayRows({ quick }: BenchOptions): Promise<BenchRow[]> {
  const shape = clusterShape(quick ? 100 : 1_000);
  const flows = recordedFlows(shape, quick ? 5_000 : 1_000_000);
  const other = edited(shape, { count: quick ? 10 : 50, seed: 5 });
  const [before, after] = [shape, other].map((input) => ({ image: compileImage(input), endpoints: shape.endpoints }));
  checkFlows(flows, { input: shape, image: before!.image, shape });
  checkFlows(flows, { input: other, image: after!.image, shape });
  const comparison = compareImages(flows, before!, after!);
  const { distinct, changes } = comparison;
  const rounds = quick ? 1 : ROUNDS;
  const alone = () =>
    elapsedMs(() => compareImages(flows, before!, { image: compileImage(other), endpoints: shape.endpoints }));
  const ms = quantile(Array.from({ length: rounds }, alone), 0.5);
  console.error(`verdict_state: ${distinct} distinct flows, ${changes.length} of them change`);
  const bench = `verdict_state: ${
    flows.sourceEndpoint.length.toLocaleString("en")
  } recorded flows judged under another state, compiling included`;
  const rate = (each: number) => `${duration(each)} (${perSecond(flows.sourceEndpoint.length / each * 1_000)})`;
  const rows: BenchRow[] = [{
    bench,
    ours: rate(ms),
    target: quick ? undefined : { text: "V4: <= 2 s", met: ms <= 2_000 },
    values: { ms, distinct, changes: changes.length },
  }];
  for (const workers of [1, 2]) {
    using pool = startFlowPool({ workers, handOverMin: 0, onFailure: fail });
    using known = pool.open(shape, shape.endpoints);
    const pooled = async () => {
      const start = performance.now();
      using fresh = pool.open(other, shape.endpoints);
      const told = await pool.compareImages(flows, known, fresh);
      const passed = performance.now() - start;
      assertEquals(told, comparison);
      return passed;
    };
    const { oursMs, theirsMs, ratio } = await compare({ rounds, ours: pooled, theirs: alone });
    rows.push({
      bench: `${bench}, ${workers} worker${workers === 1 ? "" : "s"}`,
      ours: rate(oursMs),
      counterpart: `${duration(theirsMs)} on one thread`,
      ratio,
      values: { oursMs, theirsMs, load: Deno.loadavg()[0]! },
    });
  }
  return rows;
}

if (import.meta.main) await runBench(async (options) => [...compileRows(options), ...await replayRows(options)]);
