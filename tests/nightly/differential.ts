/**
 * The long comparison of all policy engines: the oracle on objects, the interpreter, the compiled image, and nftables in a real kernel where this process is root.
 * Rounds of random policies and packets, each with a seed of its own, until so many pairs of a policy set and a packet are judged. Run by
 * `deno task test:nightly:differential`.
 *
 *     --seed N      the run's seed; by default another one every time, printed
 *     --round N     the first round, to go on where a run was stopped or to repeat one that failed
 *     --pairs N     how many pairs; 10,000,000 unless told otherwise
 *     --minutes N   stop earlier; what was not judged counts as skipped
 *
 * @module
 */
import fc from "fast-check";
import { parseArgs } from "node:util";
import { errorText } from "#/base/errors.ts";
import { type CaseSize, engineCase, mixed } from "#tests/properties/engine_cases.ts";
import { agreedAnswers, type Engine, IMAGES } from "#tests/properties/engine_comparison.ts";
import { agreedVerdicts, engineWorld } from "#tests/properties/engine_worlds.ts";
import { policyCase, policyCaseInTransition } from "#tests/properties/policy_worlds.ts";
import { skipReason } from "#tests/support/requires.ts";
import { kernelEngine, withProbe } from "#tests/support/ruleset_probe.ts";

const SIZE: CaseSize = { chains: 6, packetsPerChain: 300 };
const WORLDS_PER_ROUND = 4;
const NEAR_FLOWS = 150;
/** After so many failures there is nothing to learn from more. */
const FAILURES_MAX = 10;
const PROGRESS_INTERVAL_MS = 10_000;
const PAIRS = 10_000_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    round: { type: "string", default: "0" },
    pairs: { type: "string", default: String(PAIRS) },
    minutes: { type: "string", default: "Infinity" },
  },
});

/** What was asked for on the command line. */
interface Order {
  readonly seed: number;
  readonly firstRound: number;
  readonly pairs: number;
  readonly endsAtMs: number;
}

/** What has been judged. */
interface Tally {
  passed: number;
  failed: number;
  failures: number;
  round: number;
}

/** One round: policies of the IR, then clusters of objects. Each part is a number of pairs, and throws where engines differ. */
function* partsOf(seed: number, round: number, engines: readonly Engine[]): Generator<() => Promise<number>> {
  const own = mixed(seed, round);
  const hint = `--seed ${seed} --round ${round}`;
  yield async () => {
    const one = engineCase(own, SIZE);
    await agreedAnswers(one, engines, hint);
    return one.questions.length;
  };
  for (let at = 0; at < WORLDS_PER_ROUND; at++) {
    yield async () => {
      const cases = at % 2 === 0 ? policyCase : policyCaseInTransition(40);
      const [one] = fc.sample(cases, { numRuns: 1, seed: mixed(own, at) | 0 });
      const scope = at < WORLDS_PER_ROUND / 2 ? "enforced" : "pending";
      const world = engineWorld(one!, { scope, nearFlows: NEAR_FLOWS, seed: own });
      await agreedVerdicts(world, engines, hint);
      return world.flows.length;
    };
  }
}

async function run(order: Order, engines: readonly Engine[]): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, failures: 0, round: order.firstRound };
  const startedMs = performance.now();
  let toldMs = startedMs;
  const isDone = () =>
    tally.passed >= order.pairs || tally.failures >= FAILURES_MAX || performance.now() >= order.endsAtMs;
  for (; !isDone(); tally.round++) {
    for (const part of partsOf(order.seed, tally.round, engines)) {
      try {
        tally.passed += await part();
      } catch (error) {
        tally.failures += 1;
        tally.failed += 1;
        console.log(`FAILED --seed ${order.seed} --round ${tally.round}\n${errorText(error)}`);
      }
    }
    if (performance.now() - toldMs < PROGRESS_INTERVAL_MS) continue;
    toldMs = performance.now();
    const perSecond = Math.round(tally.passed / ((toldMs - startedMs) / 1000));
    console.log(`round ${tally.round}: ${tally.passed} pairs, ${perSecond} a second, ${tally.failures} failures`);
  }
  return tally;
}

const order: Order = {
  seed: Number(values.seed),
  firstRound: Number(values.round),
  pairs: Number(values.pairs),
  endsAtMs: performance.now() + Number(values.minutes) * 60_000,
};
const reason = skipReason(["root", "nftables"]);
console.log(`--seed ${order.seed}: oracle, interpreter, image${reason === undefined ? ", kernel" : ""}`);
if (reason !== undefined) console.log(`The kernel is left out: ${reason}`);
let tally: Tally | undefined;
if (reason === undefined) {
  await withProbe(async (probe) => {
    tally = await run(order, [...IMAGES, kernelEngine(probe)]);
  });
} else tally = await run(order, IMAGES);
const { passed = 0, failed = 0, round = 0 } = tally ?? {};
console.log(`Go on with --seed ${order.seed} --round ${round}`);
console.log(`${passed} passed, ${failed} failed, ${Math.max(0, order.pairs - passed - failed)} skipped`);
Deno.exitCode = failed === 0 ? 0 : 1;
