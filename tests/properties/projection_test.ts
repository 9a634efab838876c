/**
 * Random histories of small clusters: however objects and facts come and go, and whenever it is flushed, agents, the projection kept up to date and the
 * one made from nothing agree; and what agents are told late, as one, comes to the same as what they are told bit by bit.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalJson, type Json } from "#/base/json.ts";
import { coalesceDeltas } from "#/projections/coalesce.ts";
import { applyEvent, cloneState, createState } from "#/projections/fold.ts";
import {
  applyChanges,
  createNodeProjection,
  flush,
  follow,
  nodeState,
  orderDeltas,
} from "#/projections/node_projection.ts";
import type { NodeDelta } from "#/projections/node_state.ts";
import { deltaFrames, itemFrames } from "#/sync/encode.ts";
import { applyBatch, sortedItems } from "#/sync/slice.ts";
import { createHistory } from "#tests/support/history.ts";
import { checkNodes, createFollower, feed, step, type Thing, world } from "#tests/support/worlds.ts";
import {
  block,
  bound,
  namespace,
  namespacedV3,
  node,
  pod,
  serviceAccount,
  v3,
} from "#tests/support/network_objects.ts";

const NODES = ["node1", "node2", "node3"];
const SPACES = ["red", "blue"];
const RUNS = 150;

const nodeName = fc.constantFrom(...NODES);
const space = fc.constantFrom(...SPACES);
const value = fc.constantFrom("a", "b", "");
const labels = fc.dictionary(fc.constantFrom("app", "env", "pcns.env", "constructor"), value, { maxKeys: 3 });
const podName = fc.constantFrom("p1", "p2", "p3");
const address = fc.constantFrom("192.168.0.1", "192.168.0.2", "fd00::1");
const cidr = fc.constantFrom("192.168.0.0/26", "192.168.0.64/26");
const selector = fc.constantFrom(
  "",
  "all()",
  "app == 'a'",
  "app in {'a', 'b'} && has(env)",
  "!has(app)",
  "env != 'b' || app == 'b'",
  "env starts with 'a'",
  "has(constructor)",
  "(app",
);
const peerSide = fc.record({
  selector,
  namespaceSelector: fc.constantFrom("", "env == 'a'", "global()", "all()"),
  notSelector: fc.constantFrom("", "app == 'b'"),
  ports: fc.constantFrom([], [80], ["http"], ["http", 80]),
}, { requiredKeys: [] });
const rule = fc.record({
  action: fc.constantFrom("Allow", "Deny", "Pass", "Log"),
  protocol: fc.constantFrom("TCP", "UDP"),
  source: peerSide,
  destination: peerSide,
}, { requiredKeys: ["action", "protocol"] });
const policySpec = fc.record({
  tier: fc.constantFrom("default", "early", "missing"),
  order: fc.constantFrom(1, 2),
  selector,
  types: fc.constantFrom(["Ingress"], ["Egress"], ["Ingress", "Egress"]),
  ingress: fc.array(rule, { maxLength: 2 }),
  egress: fc.array(rule, { maxLength: 2 }),
}, { requiredKeys: ["tier", "types"] });
const ports = fc.constantFrom([], [{ name: "http", containerPort: 80 }], [{
  name: "http",
  containerPort: 53,
  protocol: "UDP",
}]);

const thing = fc.oneof(
  fc.record({ name: space, labels }).map((r) => namespace(r.name, r.labels)),
  fc.record({ space, labels }).map((r) => serviceAccount(r.space, "default", r.labels)),
  fc.record({ space, name: podName, node: nodeName, labels, ports, phase: fc.constantFrom("Running", "Succeeded") })
    .map((r) => pod(r.space, r.name, r)),
  fc.record({
    space,
    name: podName,
    node: nodeName,
    addresses: fc.array(address, { maxLength: 2 }),
    containerId: fc.constantFrom("c1", "c2"),
  })
    .map((r) => bound(r.space, r.name, r)),
  fc.record({ space, name: fc.constantFrom("np1", "np2"), spec: policySpec })
    .map((r) => namespacedV3("NetworkPolicy", r.space, r.name, r.spec)),
  fc.record({ name: fc.constantFrom("g1", "g2"), spec: policySpec }).map((r) =>
    v3("GlobalNetworkPolicy", r.name, r.spec)
  ),
  fc.record({
    name: fc.constantFrom("default", "early"),
    order: fc.constantFrom(1, 2),
    defaultAction: fc.constantFrom("Deny", "Pass"),
  })
    .map(({ name, ...spec }) => v3("Tier", name, spec)),
  fc.record({ space, nets: fc.array(fc.constantFrom("10.0.0.0/8", "0.0.0.0/0", "192.168.0.1", "no net")), labels })
    .map((r) => ({
      ...namespacedV3("NetworkSet", r.space, "set", { nets: r.nets }),
      metadata: { name: "set", namespace: r.space, labels: r.labels },
    })),
  fc.record({ name: nodeName, address: fc.constantFrom("172.30.0.1/24", "172.30.0.2/24", undefined), labels })
    .map((r) => node(r.name, r.address, r.labels)),
  fc.record({ nodeSelector: selector, vxlanMode: fc.constantFrom("Never", "Always"), disabled: fc.boolean() })
    .map((r) => v3("IPPool", "pool", { cidr: "192.168.0.0/16", ...r })),
  fc.record({ cidr, node: nodeName }).map((r) => block(r.cidr, r.node)),
  fc.record({ nodeToNodeMeshEnabled: fc.boolean(), listenPort: fc.constantFrom(179, 1790) })
    .map((r) => v3("BGPConfiguration", "default", r)),
  fc.record({
    name: fc.constantFrom("peer1", "peer2"),
    peerIP: fc.constantFrom("172.30.0.1", "10.9.9.9:1179"),
    nodeSelector: selector,
  })
    .map(({ name, ...spec }) => v3("BGPPeer", name, spec)),
);

/** One thing put, or everything of its name taken away, and whether to flush then. */
const move = fc.record({ thing, gone: fc.nat(3).map((dice) => dice === 0), flushed: fc.boolean() });
const moves = fc.array(move, { minLength: 1, maxLength: 60, size: "max" });

Deno.test("flush() keeps agents at what a projection made from nothing says, for random histories", () => {
  fc.assert(
    fc.property(moves, (all) => {
      const history = createHistory();
      const follower = createFollower(NODES);
      let current = new Map<string, Thing>();
      for (const { thing: each, gone, flushed } of all) {
        const next = new Map(current);
        for (const [key, made] of world(each)) gone ? next.delete(key) : next.set(key, made);
        feed(follower, history, step(history, current, next), flushed ? "once" : "never");
        current = next;
      }
      feed(follower, history, []);
      checkNodes(follower, history);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("coalesceDeltas() comes to the same as all deltas one by one, for random histories", () => {
  fc.assert(
    fc.property(moves, (all) => {
      const history = createHistory();
      const projection = createNodeProjection();
      follow(projection, "node1");
      const start = applyBatch(new Map(), [
        { frame: "begin", type: "full" },
        ...nodeState(projection, "node1").flatMap(itemFrames),
        { frame: "end", position: 0 },
      ]);
      const told: NodeDelta[] = [];
      let current = new Map<string, Thing>();
      for (const { thing: each, gone } of all) {
        const next = new Map(current);
        for (const [key, made] of world(each)) gone ? next.delete(key) : next.set(key, made);
        for (const changes of step(history, current, next)) applyChanges(projection, changes, history.state.origins);
        told.push(...flush(projection).get("node1") ?? []);
        current = next;
      }
      if (start.kind === "refused") throw new Error(start.message);
      const outcome = applyBatch(start.state, [
        { frame: "begin", type: "delta" },
        ...coalesceDeltas(told).flatMap(deltaFrames),
        { frame: "end", position: 1 },
      ]);
      if (outcome.kind === "refused") throw new Error(outcome.message);
      assertEquals(sortedItems(outcome.state).map(textOf), nodeState(projection, "node1").map(textOf));
      assertEquals(coalesceDeltas(told), orderDeltas(coalesceDeltas(told)));
    }),
    { numRuns: RUNS },
  );
});

Deno.test("applyEvent() gives the same state in one go and from a clone on the way, for random histories", () => {
  fc.assert(
    fc.property(moves, (all) => {
      const history = createHistory();
      let current = new Map<string, Thing>();
      for (const { thing: each, gone } of all) {
        const next = new Map(current);
        for (const [key, made] of world(each)) gone ? next.delete(key) : next.set(key, made);
        step(history, current, next);
        current = next;
      }
      const half = Math.floor(history.events.length / 2);
      const start = createState();
      for (const event of history.events.slice(0, half)) applyEvent(start, event);
      const again = cloneState(start);
      for (const event of history.events.slice(half)) applyEvent(again, event);
      assertEquals(start.position, half);
      assertEquals(again, history.state);
    }),
    { numRuns: RUNS },
  );
});

function textOf(item: unknown): string {
  return canonicalJson(item as Json);
}
