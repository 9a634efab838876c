/**
 * Recorded flows judged in parts, here and by workers, give exactly what one thread gives: the same distinct flows in the same order, the same counts, results and
 * deciding rules, and the same changes between two states. Random policies and flows.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Direction } from "#/policy/ir.ts";
import { policyKey } from "#/policy/ir.ts";
import { startFlowPool } from "#/server/flows/flow_pool.ts";
import {
  compareImages,
  type EndpointChains,
  judgeFlows,
  judgeRows,
  type RecordedFlows,
} from "#/wasm-policy/compare_images.ts";
import { compileImage, type ImageInput } from "#/wasm-policy/engine.ts";
import { packetColumns } from "#/wasm-policy/flow_batch.ts";
import { destinationRanges, joinRows, judgePart } from "#/wasm-policy/flow_parts.ts";
import { NONE } from "#/wasm-policy/layout.ts";
import { type IrCase, irCase } from "./ir_cases.ts";

const CASES = 200;
const POOLED_CASES = 60;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

/** Ends by index: some endpoints with chains, one without, and none. */
const IDS = ["a", "b", "c", "d", "gone"];

interface Recorded {
  readonly one: IrCase;
  readonly other: IrCase;
  /** Packet and ends of each flow; packets come again and again. */
  readonly flows: readonly (readonly [packet: number, source: number, destination: number])[];
}

const recorded: fc.Arbitrary<Recorded> = fc.record({
  one: irCase,
  other: irCase,
  flows: fc.array(fc.tuple(fc.nat(20), fc.nat(IDS.length), fc.nat(IDS.length)), { maxLength: 120, size: "max" }),
});

function flowsOf({ one, flows }: Recorded): RecordedFlows {
  const { packets } = one;
  const end = (index: number) => index === IDS.length ? NONE : index;
  return {
    packets: packetColumns(flows.map(([at]) => packets[at % packets.length]!)),
    endpoints: IDS,
    sourceEndpoint: Uint32Array.from(flows, ([, source]) => end(source)),
    destinationEndpoint: Uint32Array.from(flows, ([, , destination]) => end(destination)),
  };
}

/** Rules for both directions, so that both ends are judged. */
function inputOf({ policies, sets }: IrCase): ImageInput {
  return {
    policies: new Map(policies.map((policy) => [policyKey(policy.ref), { ...policy, egress: policy.ingress }])),
    sets: new Map(sets.map((set) => [set.id, set])),
  };
}

function endpointsOf({ chain }: IrCase): EndpointChains {
  const short = { tiers: chain.tiers.slice(0, 1), profiles: chain.profiles };
  const chains: readonly (readonly [string, Record<Direction, typeof chain>])[] = [
    ["a", { ingress: chain, egress: short }],
    ["b", { ingress: short, egress: chain }],
    ["c", { ingress: chain, egress: chain }],
    ["d", { ingress: { tiers: [], profiles: [] }, egress: chain }],
  ];
  return new Map(chains);
}

Deno.test("joinRows() of parts gives what judgeRows() gives of the whole", () => {
  let several = 0;
  fc.assert(
    fc.property(recorded, fc.integer({ min: 1, max: 7 }), (each, count) => {
      const flows = flowsOf(each);
      const states = [each.one, each.other].map((one) => ({
        image: compileImage(inputOf(one)),
        endpoints: endpointsOf(one),
      }));
      const parts = destinationRanges(flows, count);
      const judged = parts.map((range) => judgePart(flows, range, states));
      if (parts.length > 1) several += 1;
      assert(parts.length <= count);
      assertEquals(joinRows(judged), judgeRows(flows, states));
    }),
    { numRuns: CASES, seed: SEED },
  );
  assert(several > CASES / 3, `several parts must be common: ${several}`);
});

Deno.test("a pool of workers gives what one thread gives", async () => {
  using pool = startFlowPool({ workers: 2, handOverMin: 0, onFailure: (message) => assert(false, message) });
  const seen = { allowed: 0, denied: 0, changes: 0 };
  await fc.assert(
    fc.asyncProperty(recorded, async (each) => {
      const flows = flowsOf(each);
      const inputs = [each.one, each.other].map((one) => [inputOf(one), endpointsOf(one)] as const);
      const [before, after] = inputs.map(([input, endpoints]) => ({ image: compileImage(input), endpoints }));
      using pooledBefore = pool.open(...inputs[0]!);
      using pooledAfter = pool.open(...inputs[1]!);
      const wanted = judgeFlows(flows, before!);
      const judged = await pool.judgeFlows(flows, pooledBefore);
      assertEquals([judged.rows, judged.counts, judged.allowed], [wanted.rows, wanted.counts, wanted.allowed]);
      for (const at of wanted.rows.keys()) {
        for (const direction of ["egress", "ingress"] as const) {
          assertEquals(judged.decision(at, direction), wanted.decision(at, direction));
        }
        seen[wanted.allowed[at] === 1 ? "allowed" : "denied"] += 1;
      }
      const comparison = compareImages(flows, before!, after!);
      assertEquals(await pool.compareImages(flows, pooledBefore, pooledAfter), comparison);
      seen.changes += comparison.changes.length;
    }),
    { numRuns: POOLED_CASES, seed: SEED },
  );
  assertEquals(pool.workers, 2);
  assert(Math.min(...Object.values(seen)) > POOLED_CASES, `must all be common: ${JSON.stringify(seen)}`);
});
