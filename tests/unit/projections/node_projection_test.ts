/**
 * Node states of the tutorial, item by item, and who is told what. That content does not depend on history is tried in `tests/sequences`.
 *
 * @module
 */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import type { EventChanges } from "#/projections/cluster_state.ts";
import {
  applyChanges,
  buildFromState,
  createNodeProjection,
  flush,
  follow,
  nodeState,
  orderDeltas,
} from "#/projections/node_projection.ts";
import type { NodeDelta, NodeItem } from "#/projections/node_state.ts";
import { createHistory, fact, type History, put, remove } from "#tests/support/history.ts";
import { bound, namespace, namespacedV3, node, pod, v3 } from "#tests/support/network_objects.ts";

const DENY = v3("GlobalNetworkPolicy", "default-deny", {
  tier: "default",
  selector: "projectcalico.org/namespace not in {'kube-system'}",
  types: ["Ingress", "Egress"],
});
const INGRESS = namespacedV3("NetworkPolicy", "quickstart", "allow-nginx-ingress", {
  tier: "default",
  selector: "app == 'nginx'",
  types: ["Ingress"],
  ingress: [{ action: "Allow", source: { selector: "run == 'access'" } }],
});

function tutorial(): History {
  const history = createHistory();
  put(history, v3("Tier", "default", { order: 1_000_000, defaultAction: "Deny" }));
  put(history, node("node1", "172.30.0.1/24"));
  put(history, node("node2", "172.30.0.2/24"));
  put(history, namespace("quickstart"));
  put(history, pod("quickstart", "nginx", { node: "node1", labels: { app: "nginx" } }));
  put(history, pod("quickstart", "access", { node: "node2", labels: { run: "access" } }));
  fact(history, "EndpointBound", bound("quickstart", "nginx", { node: "node1", addresses: ["192.168.0.1"] }));
  fact(history, "EndpointBound", bound("quickstart", "access", { node: "node2", addresses: ["192.168.1.1"] }));
  put(history, DENY);
  put(history, INGRESS);
  return history;
}

function summary(items: readonly NodeItem[]): string[] {
  return items.map((item) => `${item.kind}:${item.kind === "set" ? item.members.join() : item.id}`);
}

Deno.test("nodeState() has what the node's endpoints need, in order, and nothing of other nodes' policies", () => {
  const projection = buildFromState(tutorial().state);
  assertEquals(summary(nodeState(projection, "node1")), [
    "config:node",
    "set:192.168.1.1",
    "policy:GlobalNetworkPolicy//default-deny",
    "policy:NetworkPolicy/quickstart/allow-nginx-ingress",
    "profile:Profile//kns.quickstart",
    "endpoint:quickstart/node1-k8s-nginx-eth0",
    "bgp:bgp",
    "peer:Mesh_172_30_0_2",
  ]);
  assertEquals(summary(nodeState(projection, "node2")), [
    "config:node",
    "policy:GlobalNetworkPolicy//default-deny",
    "profile:Profile//kns.quickstart",
    "endpoint:quickstart/node2-k8s-access-eth0",
    "bgp:bgp",
    "peer:Mesh_172_30_0_1",
  ]);
});

Deno.test("nodeState() gives an endpoint its chains and its rules the position of their spec", () => {
  const items = nodeState(buildFromState(tutorial().state), "node1");
  const endpoint = items.find((item) => item.kind === "endpoint");
  const [deny, allow] = ["GlobalNetworkPolicy//default-deny", "NetworkPolicy/quickstart/allow-nginx-ingress"];
  assertEquals(endpoint?.workload, "quickstart/nginx");
  assertEquals(endpoint?.addresses, ["192.168.0.1"]);
  assertEquals(endpoint?.containerId, "c-nginx");
  assertEquals(endpoint?.ingress.tiers, [{ tier: "default", defaultAction: "deny", policies: [allow!, deny!] }]);
  assertEquals(endpoint?.egress.tiers, [{ tier: "default", defaultAction: "deny", policies: [deny!] }]);
  assertEquals(endpoint?.ingress.profiles, ["Profile//kns.quickstart", "Profile//ksa.quickstart.default"]);
  const policy = items.find((item) => item.kind === "policy" && item.id === allow);
  const rule = policy?.kind === "policy" ? policy.policy.ingress?.[0] : undefined;
  assertEquals(rule?.id, "10/i/0");
  assertEquals(rule?.source.sets, items.filter((item) => item.kind === "set").map((item) => item.id));
});

Deno.test("nodeState() shares items among nodes", () => {
  const projection = buildFromState(tutorial().state);
  const find = (name: string) =>
    nodeState(projection, name).find((item) => item.id === "GlobalNetworkPolicy//default-deny");
  assertStrictEquals(find("node1"), find("node2"));
});

Deno.test("flush() tells only the nodes that a change concerns, with one object for all", () => {
  const history = tutorial();
  const projection = buildFromState(history.state);
  const take = (changes: EventChanges): Map<string, NodeDelta[]> => {
    applyChanges(projection, changes, history.state.origins);
    return flush(projection);
  };
  const second = take(
    put(history, pod("quickstart", "second", { node: "node2", labels: { run: "access" }, podIPs: ["192.168.1.2"] })),
  );
  assertEquals(second.get("node1")?.map((delta) => delta.op), ["set"]);
  assertEquals(second.get("node2")?.map((delta) => delta.op), ["put"]);
  assertEquals(take(put(history, pod("elsewhere", "other", { node: "node3", podIPs: ["192.168.9.9"] }))).size, 0);
  const changed = take(put(history, { ...DENY, spec: { ...DENY.spec, egress: [{ action: "Allow" }] } }));
  assertEquals([...changed.keys()].sort(), ["node1", "node2"]);
  assertStrictEquals(changed.get("node1")?.[0], changed.get("node2")?.[0]);
  assertEquals(take(put(history, namespace("unused"))).size, 0);
  const gone = take(remove(history, INGRESS));
  assertEquals(gone.get("node1")?.map((delta) => delta.op === "del" ? delta.kind : delta.op), ["put", "policy", "set"]);
  assertEquals(gone.get("node2"), undefined);
});

Deno.test("flush() tells a node that nobody registered only when it is followed", () => {
  const history = createHistory();
  const projection = createNodeProjection();
  follow(projection, "guest");
  const apply = (changes: EventChanges): string[] => {
    applyChanges(projection, changes, history.state.origins);
    return [...flush(projection).keys()].sort();
  };
  const pool = v3("IPPool", "pool", { cidr: "192.168.0.0/16" });
  assertEquals(apply(put(history, pool)), ["guest"]);
  assertEquals(apply(put(history, node("node1", "172.30.0.1/24"))), ["node1"]);
  assertEquals(apply(remove(history, pool)), ["guest", "node1"]);
  apply(remove(history, node("node1", "172.30.0.1/24")));
  assertEquals(apply(put(history, pool)), ["guest"]);
});

Deno.test("nodeState() refuses to be read before the flush", () => {
  const history = createHistory();
  const projection = createNodeProjection();
  applyChanges(projection, put(history, node("node1", "172.30.0.1/24")), history.state.origins);
  assertThrows(() => nodeState(projection, "node1"), AssertionFailure, "position 1");
  flush(projection);
  assertEquals(nodeState(projection, "node1").length, 2);
});

Deno.test("orderDeltas() puts in order of dependency and deletes in reverse", () => {
  const order = orderDeltas([
    { op: "del", kind: "set", id: "b" },
    { op: "del", kind: "set", id: "a" },
    { op: "del", kind: "endpoint", id: "e" },
    {
      op: "put",
      item: {
        kind: "policy",
        id: "p",
        policy: { ref: { kind: "Profile", namespace: "", name: "p" }, tier: "", ingress: [], egress: [] },
      },
    },
    { op: "set", id: "s", add: [], del: ["x"] },
  ]).map((delta) => delta.op === "put" ? "put" : delta.id);
  assertEquals(order, ["s", "put", "e", "a", "b"]);
});

Deno.test("flush() tells what changed of an item that a node let go and took again", () => {
  const history = tutorial();
  const projection = buildFromState(history.state);
  const nginx = pod("quickstart", "nginx", { node: "node1", labels: { app: "nginx" } });
  const access = pod("quickstart", "access", { node: "node2", labels: { run: "access" } });
  const changes = [
    remove(history, nginx),
    put(history, pod("quickstart", "twin", { node: "node1", labels: { app: "nginx" }, podIPs: ["192.168.0.7"] })),
    put(history, {
      ...INGRESS,
      spec: { ...INGRESS.spec, ingress: [{ action: "Deny", source: { selector: "run == 'access'" } }] },
    }),
    remove(history, access),
  ];
  for (const change of changes) applyChanges(projection, change, history.state.origins);
  const told = flush(projection).get("node1")?.map((delta) =>
    delta.op === "put" ? `put ${delta.item.id}` : `${delta.op} ${delta.op === "del" ? delta.id : delta.del.join()}`
  );
  assertEquals(told, [
    "set 192.168.1.1",
    "put NetworkPolicy/quickstart/allow-nginx-ingress",
    "put quickstart/node1-k8s-twin-eth0",
    "del quickstart/node1-k8s-nginx-eth0",
  ]);
});

Deno.test("flush() leaves nothing behind of what is gone", () => {
  const history = tutorial();
  const projection = buildFromState(history.state);
  for (
    const collection of [
      "core/pods",
      "core/namespaces",
      "projectcalico.org/globalnetworkpolicies",
      "projectcalico.org/networkpolicies",
    ]
  ) {
    for (const object of [...history.state.collections.get(collection)!.values()]) {
      applyChanges(projection, remove(history, object), history.state.origins);
    }
  }
  flush(projection);
  const { index, sets, active, slices, profiles } = projection.policies;
  assertEquals([sets.sets.size, sets.bySource.size, sets.peers.size], [0, 0, 0]);
  assertEquals([active.policies.size, active.bySubject.size, active.byTier.size, active.endpoints.size], [0, 0, 0, 0]);
  const { set, policy, profile, endpoint } = slices.shared;
  assertEquals([slices.nodes.size, set.size, policy.size, endpoint.size], [0, 0, 0, 0]);
  assertEquals([[...profile.keys()], profiles.size], [["Profile//projectcalico-default-allow"], 1]);
  assertEquals([...index.addSelector("all", { kind: "all" })], []);
});
