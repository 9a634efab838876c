/**
 * The fold event by event: objects, origins, views, facts, and events that cannot be read.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import { getObject } from "#/projections/cluster_state.ts";
import { applyEvent, cloneState, createState, isQuarantined } from "#/projections/fold.ts";
import { append, createHistory, fact, put, remove } from "#tests/support/history.ts";
import { block, bound, namespace, namespacedV3, node, pod, v3 } from "#tests/support/network_objects.ts";

const DENY = v3("GlobalNetworkPolicy", "deny", { tier: "default", types: ["Ingress"] });

Deno.test("applyEvent() fills in resourceVersion and returns before and after", () => {
  const history = createHistory();
  const created = put(history, DENY);
  const updated = put(history, { ...DENY, spec: { ...DENY.spec, order: 5 } });
  const stored = getObject(history.state, "projectcalico.org/globalnetworkpolicies", "", "deny");
  assertEquals(stored?.metadata.resourceVersion, "2");
  assertEquals(created.changes.length, 1);
  const [change] = updated.changes;
  assert(change?.kind === "object");
  assertEquals([change.key, change.before?.metadata.resourceVersion, change.after], ["/deny", "1", stored]);
});

Deno.test("applyEvent() keeps the origin of the spec when only metadata changes", () => {
  const history = createHistory();
  put(history, DENY);
  put(history, { ...DENY, metadata: { name: "deny", labels: { a: "b" } } });
  const origin = () => history.state.origins.get("projectcalico.org/globalnetworkpolicies/-/deny");
  assertEquals([origin()?.position, origin()?.specPosition, origin()?.revision], [2, 1, 2]);
  put(history, { ...DENY, spec: { ...DENY.spec, order: 5 } });
  assertEquals(origin()?.specPosition, 3);
});

Deno.test("applyEvent() keeps revisions going over a deletion", () => {
  const history = createHistory();
  put(history, DENY);
  const removed = remove(history, DENY);
  assertEquals(history.state.collections.get("projectcalico.org/globalnetworkpolicies")?.size, 0);
  assert(removed.changes[0]?.kind === "object" && removed.changes[0].after === undefined);
  put(history, DENY);
  const origin = history.state.origins.get("projectcalico.org/globalnetworkpolicies/-/deny");
  assertEquals([origin?.revision, origin?.specPosition], [3, 3]);
  assertEquals(remove(history, v3("Tier", "none", {})).changes, []);
});

Deno.test("applyEvent() quarantines what it cannot read and goes on", () => {
  const history = createHistory();
  put(history, DENY);
  const stream = "projectcalico.org/globalnetworkpolicies/-/deny";
  const cases = [
    { name: "unknown type", event: { stream, type: "SomethingHappened", payload: {} } },
    { name: "later version", event: { stream, type: "GlobalNetworkPolicyUpdated", schemaVersion: 2, payload: {} } },
    { name: "no JSON", event: { stream, type: "GlobalNetworkPolicyUpdated", payload: "{" } },
    { name: "no object", event: { stream, type: "GlobalNetworkPolicyUpdated", payload: { object: 7 } } },
    {
      name: "another name",
      event: { stream, type: "GlobalNetworkPolicyUpdated", payload: { object: v3("GlobalNetworkPolicy", "x", {}) } },
    },
    {
      name: "another kind",
      event: { stream, type: "TierUpdated", payload: { object: v3("GlobalNetworkPolicy", "deny", {}) } },
    },
    {
      name: "half a fact",
      event: { stream: "tortie.dev/blocks/-/x", type: "BlockGranted", payload: { cidr: "10.0.0.0/26" } },
    },
  ];
  for (const { name, event } of cases) {
    assertEquals(append(history, event).changes, [], name);
    assert(history.state.quarantined.has(history.state.position), name);
    assert(isQuarantined(history.state, event.stream), name);
  }
  assertEquals(
    getObject(history.state, "projectcalico.org/globalnetworkpolicies", "", "deny")?.metadata.resourceVersion,
    "1",
  );
  assertEquals(history.state.origins.get(stream)?.revision, 7);
  assertEquals(history.state.origins.get(stream)?.specPosition, 1);
  put(history, DENY);
  assert(!isQuarantined(history.state, stream), "a readable event ends it");
});

Deno.test("applyEvent() derives a WorkloadEndpoint from a Pod and its sandbox, in either order", () => {
  const web = pod("shop", "web", { node: "node1", uid: "u1", labels: { app: "web" } });
  const sandbox = bound("shop", "web", { node: "node1", addresses: ["192.168.0.1"], podUid: "u1" });
  const first = createHistory();
  assertEquals(put(first, web).changes.length, 1);
  const changes = fact(first, "EndpointBound", sandbox).changes;
  assertEquals(changes.map((change) => change.kind), ["binding", "object"]);
  const second = createHistory();
  fact(second, "EndpointBound", sandbox);
  put(second, web);
  for (const { state } of [first, second]) {
    const endpoint = getObject(state, "projectcalico.org/workloadendpoints", "shop", "node1-k8s-web-eth0");
    assertEquals(endpoint?.spec?.ipNetworks, ["192.168.0.1/32"]);
    assertEquals(endpoint?.metadata.resourceVersion, "2");
    assertEquals(state.origins.get("projectcalico.org/workloadendpoints/shop/node1-k8s-web-eth0")?.position, 2);
  }
});

Deno.test("applyEvent() leaves a view alone that comes out as it was", () => {
  const history = createHistory();
  put(history, node("node1", "172.30.0.1/24"));
  const heartbeat = { ...node("node1", "172.30.0.1/24"), status: { conditions: [] } };
  assertEquals(put(history, heartbeat).changes.length, 1);
  assertEquals(getObject(history.state, "projectcalico.org/nodes", "", "node1")?.metadata.resourceVersion, "1");
  assertEquals(remove(history, heartbeat).changes.length, 2);
  assertEquals(getObject(history.state, "projectcalico.org/nodes", "", "node1"), undefined);
});

Deno.test("applyEvent() refuses writes to views and takes endpoints of other orchestrators", () => {
  const history = createHistory();
  const spec = { orchestrator: "k8s", node: "n", ipNetworks: ["10.0.0.1/32"] };
  put(history, namespacedV3("WorkloadEndpoint", "shop", "posed", spec));
  put(history, v3("Node", "node1", {}));
  assertEquals(history.state.quarantined.size, 2);
  put(history, namespacedV3("WorkloadEndpoint", "shop", "vm", { ...spec, orchestrator: "openstack" }));
  assert(getObject(history.state, "projectcalico.org/workloadendpoints", "shop", "vm") !== undefined);
});

Deno.test("applyEvent() takes facts and ignores stale ones", () => {
  const history = createHistory();
  fact(history, "EndpointBound", bound("shop", "web", { node: "node1", addresses: ["10.0.0.1"], containerId: "old" }));
  fact(history, "EndpointBound", bound("shop", "web", { node: "node1", addresses: ["10.0.0.2"], containerId: "new" }));
  const stale = { node: "node1", namespace: "shop", pod: "web", containerId: "old" };
  assertEquals(fact(history, "EndpointUnbound", stale).changes, []);
  assertEquals(history.state.bindings.get("shop/web")?.containerId, "new");
  fact(history, "EndpointUnbound", { ...stale, containerId: "new" });
  assertEquals(history.state.bindings.size, 0);

  fact(history, "BlockGranted", block("10.0.0.0/26", "node1"));
  assertEquals(fact(history, "BlockReleased", block("10.0.0.0/26", "node2")).changes, []);
  assertEquals(history.state.blocks.get("10.0.0.0/26")?.node, "node1");
  fact(history, "BlockReleased", block("10.0.0.0/26", "node1"));
  assertEquals(history.state.blocks.size, 0);

  const assigned = {
    address: "10.0.0.1",
    block: "10.0.0.0/26",
    node: "node1",
    handle: "net.c1",
    namespace: "shop",
    pod: "web",
  };
  fact(history, "AddressAssigned", assigned);
  assertEquals(fact(history, "AddressReleased", { ...assigned, handle: "net.c2" }).changes, []);
  assertEquals(history.state.addresses.get("10.0.0.1")?.pod, "web");
  fact(history, "AddressReleased", assigned);
  assertEquals(history.state.addresses.size, 0);
});

Deno.test("applyEvent() asserts that no position is skipped or folded twice", () => {
  const history = createHistory();
  put(history, namespace("shop"));
  put(history, namespace("till"));
  const [first, second] = history.events;
  assertThrows(() => applyEvent(createState(), second!), AssertionFailure, "position 1");
  const state = createState();
  applyEvent(state, first!);
  assertThrows(() => applyEvent(state, first!), AssertionFailure, "position 2");
});

Deno.test("cloneState() gives a state that changes apart from its original", () => {
  const history = createHistory();
  put(history, namespace("shop"));
  const clone = cloneState(history.state);
  assertEquals(clone, history.state);
  put(history, namespace("till"));
  fact(history, "BlockGranted", block("10.0.0.0/26", "node1"));
  assertEquals([clone.position, clone.collections.get("core/namespaces")?.size, clone.blocks.size], [1, 1, 0]);
});
