/**
 * Every chain that objects come to, of workloads in both directions and of host endpoints in all phases, judged by every engine as the interpreter judges it, on
 * the deciding rule too; in both scopes.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { CompiledPolicies, PolicyScope } from "#/policy/compiled.ts";
import { resolveFlow } from "#/policy/oracle/flow.ts";
import type { ChainIr, Direction } from "#/policy/ir.ts";
import { runChain } from "#/policy/ir_interpreter.ts";
import type { Packet } from "#/policy/packet.ts";
import { membershipIn } from "#/policy/set_membership.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { compileImage, type ImageOptions, type ImageVerdict } from "#/wasm-policy/engine.ts";
import { packetColumns } from "#/wasm-policy/flow_batch.ts";
import { packetText } from "./ir_cases.ts";
import { hostPolicy } from "./policy_rules.ts";
import { type PolicyCase, policyCaseInTransition } from "./policy_worlds.ts";

const CASES = 120;
const FLOWS = 15;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

const ENGINES: Readonly<Record<string, ImageOptions>> = {
  code: { engine: "code", memo: "off" },
  rows: { engine: "rows", memo: "off", unsplitMax: 0 },
  twin: { engine: "rows", kernel: "twin", memo: "off" },
};

/** A cluster with more policies of host endpoints than others have: their phases are asked apart, and each must decide. */
const hostCase: fc.Arbitrary<PolicyCase> = fc.tuple(
  policyCaseInTransition(FLOWS),
  fc.array(hostPolicy, { minLength: 3, maxLength: 5, size: "max" }),
).map(([{ objects, flows }, more]) => {
  const renamed = more.map((policy, at) => ({ ...policy, metadata: { ...policy.metadata, name: `more${at}` } }));
  return { objects: { ...objects, policies: [...objects.policies, ...renamed] }, flows };
});

/** A chain and where it stands: `workload`, or the phase of a host endpoint. */
interface PlacedChain {
  readonly place: string;
  readonly direction: Direction;
  readonly chain: ChainIr;
}

function chainsOf({ endpoints, hostEndpoints }: CompiledPolicies): readonly PlacedChain[] {
  const places = [
    ...endpoints.map((endpoint) => ["workload", endpoint] as const),
    ...hostEndpoints.flatMap(({ chains }) => Object.entries(chains)),
  ];
  return places.flatMap(([place, chains]) =>
    (["ingress", "egress"] as const).map((direction) => ({ place, direction, chain: chains[direction] }))
  );
}

/** What must have been decided, and where. */
const WAYS: readonly string[] = [
  ...["workload ingress", "workload egress", "normal ingress", "normal egress"].flatMap((place) => [
    `${place} allow`,
    `${place} deny`,
  ]),
  ...["untracked ingress", "untracked egress", "preDnat ingress", "forward ingress", "forward egress"].flatMap((
    place,
  ) => [`${place} allow`, `${place} deny`, `${place} continue`]),
];

Deno.test("every engine judges every chain of workloads and host endpoints as the interpreter does", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(hostCase, fc.constantFrom<PolicyScope>("enforced", "pending"), (one, scope) => {
      const compiled = compileObjects(one.objects, scope);
      const tables = { policies: compiled.policies, sets: membershipIn(compiled.sets) };
      const world = policyWorld(one.objects);
      const packets = one.flows.map((flow) => resolveFlow(world, flow)).filter((flow) => flow.kind === "resolved")
        .map(({ packet }) => packet);
      const images = Object.entries(ENGINES).map(([name, options]) => ({
        name,
        image: compileImage(compiled, options),
      }));
      const batch = compileImage(compiled);
      for (const { place, direction, chain } of chainsOf(compiled)) {
        const number = batch.chainNumber(chain, direction);
        const results = batch.judgeBatch(packetColumns(packets), new Uint32Array(packets.length).fill(number));
        for (const [at, packet] of packets.entries()) {
          const { logged: _, ...wanted } = runChain(chain, direction, packet, tables);
          const way = `${place} ${direction} ${wanted.action}`;
          seen.set(way, (seen.get(way) ?? 0) + 1);
          const where = { place: `${place} ${direction}`, packet };
          for (const { name, image } of images) {
            assertSame(image.judge(chain, direction, packet), wanted, { ...where, name });
          }
          assertSame(batch.verdictOf(number, results[at]!), wanted, { ...where, name: "batch" });
        }
      }
    }),
    { numRuns: CASES, seed: SEED },
  );
  for (const way of WAYS) assert((seen.get(way) ?? 0) > 0, `${way} must occur (TORTIE_TEST_SEED=${SEED})`);
});

/** Compares field by field first, because a whole comparison of values costs more than the verdict. */
function assertSame(
  { action, ruleId, policy, tier }: ImageVerdict,
  wanted: ImageVerdict,
  { name, place, packet }: { readonly name: string; readonly place: string; readonly packet: Packet },
): void {
  const isSame = action === wanted.action && ruleId === wanted.ruleId && policy === wanted.policy &&
    tier === wanted.tier;
  if (!isSame) assertEquals({ action, ruleId, policy, tier }, wanted, `${name}, ${place}: ${packetText(packet)}`);
}
