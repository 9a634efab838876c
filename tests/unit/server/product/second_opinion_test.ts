/**
 * The compiled second opinion keeps its images: one that follows the live state and a few of past ones, and is right at each of them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { resolveFlow } from "#/policy/oracle/flow.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import { policyObjectsOf } from "#/policy/policy_objects.ts";
import type { ClusterState, EventChanges } from "#/projections/cluster_state.ts";
import { compiledPolicies } from "#/projections/compiled_policies.ts";
import { applyToPolicies, createPolicyProjection } from "#/projections/policy_projection.ts";
import { type CompiledAt, compiledOpinion, PAST_IMAGES_MAX } from "#/server/product/second_opinion.ts";
import { createHistory, put, remove } from "#tests/support/history.ts";
import { hostEndpoint } from "#tests/unit/policy/oracle_objects.ts";
import { namespace, policy, tier, workload } from "#tests/unit/policy/policy_builders.ts";

/** States after which TCP to port 80 is allowed and denied in turn, each of its own. */
function states(count: number): readonly ClusterState[] {
  return Array.from({ length: count }, (_, at) => {
    const history = createHistory();
    const port = at % 2 === 0 ? 80 : 81;
    const rules = [{ action: "Allow", protocol: "TCP", destination: { ports: [port] } }];
    const objects = [
      tier("default", 1_000_000, "Deny"),
      namespace("shop"),
      workload("shop", "db", ["10.0.0.1"]),
      workload("shop", "web", ["10.0.0.2"]),
      policy("shop", "p", { selector: "all()", ingress: rules, types: ["Ingress"] }),
    ];
    for (let filler = 0; filler < at; filler++) put(history, namespace(`filler${filler}`));
    for (const object of objects) put(history, object);
    return history.state;
  });
}

function flowOf(state: ClusterState): Parameters<ReturnType<typeof compiledOpinion>>[1] {
  const world = policyWorld(policyObjectsOf((collection) => state.collections.get(collection)?.values() ?? []));
  const end = (address: string) => ({ kind: "address", address } as const);
  const flow = resolveFlow(world, { source: end("10.0.0.2"), destination: end("10.0.0.1"), protocol: 6, port: 80 });
  if (flow.kind === "unresolved") throw new Error(flow.message);
  return flow;
}

/** A live state that nobody asks about. */
const NOWHERE: CompiledAt = {
  position: -1,
  compiled: { endpoints: [], hostEndpoints: [], policies: new Map(), sets: new Map() },
};

Deno.test("compiledOpinion() answers at every past state, however many there are", () => {
  const all = states(2 * PAST_IMAGES_MAX);
  const opinion = compiledOpinion({ live: () => NOWHERE });
  const order = [0, 1, 2, 3, 4, 5, 0, 3, 5, 5, 1];
  const told = order.map((at) => opinion(all[at]!, flowOf(all[at]!)).verdict);
  assertEquals(told, order.map((at) => at % 2 === 0 ? "allow" : "deny"));
});

Deno.test("compiledOpinion() follows the live state, policies, members and host endpoints", () => {
  const history = createHistory();
  const projection = createPolicyProjection();
  const take = ({ changes }: EventChanges) => {
    for (const change of changes) {
      if (change.kind === "object") applyToPolicies(projection, change, history.state.origins);
    }
  };
  const live = () => ({ position: history.state.position, compiled: compiledPolicies(projection) });
  const opinion = compiledOpinion({ live });
  const guard = (port: number) => {
    const rules = [{
      action: "Allow",
      protocol: "TCP",
      source: { selector: "app == 'web'" },
      destination: { ports: [port] },
    }];
    return policy("shop", "guard", { selector: "all()", ingress: rules, types: ["Ingress"] });
  };
  const web = workload("shop", "web", ["10.0.0.2"], { labels: { app: "web" } });
  for (
    const object of [tier("default", 1_000_000, "Deny"), namespace("shop"), workload("shop", "db", ["10.0.0.1"]), web]
  ) {
    take(put(history, object));
  }
  const asked = (change: EventChanges) => {
    take(change);
    const { verdict, ingress } = opinion(history.state, flowOf(history.state));
    return [verdict, ingress?.steps.at(-1)?.policy];
  };
  const key = "NetworkPolicy/shop/guard";
  assertEquals(asked(put(history, guard(80))), ["allow", key]);
  assertEquals(asked(put(history, guard(81))), ["deny", undefined]);
  assertEquals(asked(put(history, guard(80))), ["allow", key]);
  assertEquals(asked(put(history, workload("shop", "web", ["10.0.0.2"]))), ["deny", undefined]);
  assertEquals(asked(put(history, web)), ["allow", key]);
  assertEquals(asked(remove(history, guard(80))), ["allow", "Profile//kns.shop"]);
  const moved = workload("shop", "db", ["10.0.0.1"], { node: "node2" });
  take(put(history, moved));
  take(put(history, hostEndpoint("h", "node2", { interfaceName: "*", expectedIPs: ["192.168.0.1"] })));
  const { ingress } = opinion(history.state, flowOf(history.state));
  assertEquals(ingress?.steps.map(({ endpoint }) => endpoint), ["h", "shop/node1-k8s-db-eth0"]);
});

Deno.test("compiledOpinion() reads the live policies anew for each question, and a past state once", () => {
  const [state] = states(1);
  let reads = 0;
  const collections = new Proxy(state!.collections, {
    get: (target, name) => {
      if (name === "get") reads += 1;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const opinion = compiledOpinion({ live: () => NOWHERE });
  const flow = flowOf(state!);
  opinion({ ...state!, collections }, flow);
  const once = reads;
  for (let question = 0; question < 3; question++) opinion({ ...state!, collections }, flow);
  assertEquals([once > 0, reads], [true, once]);
});
