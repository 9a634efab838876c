/**
 * The truth tables, evaluated: by the oracle on the objects, by the interpreter and the WebAssembly image on what they are compiled to, and by `reach`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { parseProtocol } from "#/base/protocol.ts";
import { allowsConnection } from "#/policy/reach/connection_set.ts";
import { type ResolvedFlow, resolveFlow } from "#/policy/oracle/flow.ts";
import { judgeFlow } from "#/policy/flow_judge.ts";
import { evaluate } from "#/policy/oracle/oracle.ts";
import { reach } from "#/policy/reach/reach.ts";
import { type PolicyWorld, policyWorld } from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { compileImage } from "#/wasm-policy/engine.ts";
import { KUBERNETES_CASES } from "./truth_tables/cases_kubernetes.ts";
import { TIER_CASES } from "./truth_tables/cases_tiers.ts";
import { worldOfCase } from "./truth_tables/cluster.ts";
import { differences, isAllowed, type Probe, PROBES, type TruthCase } from "./truth_tables/table.ts";

function flowOf(world: PolicyWorld, probe: Probe): ResolvedFlow {
  const end = (pod: string) => {
    const [namespace = "", name = ""] = pod.split("/");
    return { kind: "workload", namespace, name } as const;
  };
  const flow = resolveFlow(world, {
    source: end(probe.from),
    destination: end(probe.to),
    protocol: parseProtocol(probe.protocol)!,
    port: probe.port,
  });
  assert(flow.kind === "resolved", probe.from);
  return flow;
}

for (const one of [...KUBERNETES_CASES, ...TIER_CASES] satisfies readonly TruthCase[]) {
  Deno.test(`truth table, evaluated: ${one.name}`, () => {
    const { objects, synthetic } = worldOfCase(one);
    const world = policyWorld(objects);
    const compiled = compileObjects(objects);
    const image = compileImage(compiled);
    const entries = new Map(
      reach(compiled, { synthetic: new Set([...synthetic.values()].flat()) })
        .map(({ from, to, connections }) => [`${from} ${to}`, connections]),
    );
    const seenBy = {
      oracle: PROBES.map((probe) => evaluate(world, flowOf(world, probe)).verdict === "allow"),
      interpreter: PROBES.map((probe) => judgeFlow(compiled, flowOf(world, probe).packet).verdict === "allow"),
      image: PROBES.map((probe) => {
        const { packet } = flowOf(world, probe);
        const [from, to] = [probe.from, probe.to].map((pod) =>
          compiled.endpoints.find(({ workload }) => workload === pod)!
        );
        return image.judge(from!.egress, "egress", packet).action === "allow" &&
          image.judge(to!.ingress, "ingress", packet).action === "allow";
      }),
      reach: PROBES.map(({ from, to, port, protocol }) =>
        allowsConnection(entries.get(`${from} ${to}`) ?? [], { protocol: parseProtocol(protocol)!, port })
      ),
    };
    for (const [engine, seen] of Object.entries(seenBy)) assertEquals(differences(one, seen), [], engine);
  });
}

Deno.test("truth tables: each says something that no other does, and not all of them the same", () => {
  const tables = [...KUBERNETES_CASES, ...TIER_CASES].map((one) => PROBES.map((probe) => isAllowed(one, probe)));
  assert(new Set(tables.map(String)).size > 25, "Expected the tables to differ");
  assertEquals(tables.every((table) => table.length === 9 * 8 * 4), true);
});
