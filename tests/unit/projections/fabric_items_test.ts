/**
 * Config, pools and routes of nodes, whole and as differences.
 *
 * @module
 */
import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  applyToFabric,
  concernsFabric,
  copyFabric,
  createFabric,
  createFabricDirt,
  type Fabric,
} from "#/projections/fabric.ts";
import { diffFabrics, fabricItems } from "#/projections/fabric_items.ts";
import { poolItem, readPool } from "#/projections/pools.ts";
import { routeItem } from "#/projections/routes.ts";
import type { Change } from "#/projections/cluster_state.ts";
import { createHistory, fact, put, remove } from "#tests/support/history.ts";
import { block, node, pod, v3 } from "#tests/support/network_objects.ts";

const POOL = v3("IPPool", "pool", { cidr: "192.168.0.0/16", natOutgoing: true });

function fabricOf(...changes: readonly { readonly changes: readonly Change[] }[]): Fabric {
  const fabric = createFabric();
  for (const change of changes.flatMap((each) => each.changes)) applyToFabric(fabric, createFabricDirt(), change);
  return fabric;
}

Deno.test("routeItem() is local on the owner and one shared item everywhere else", () => {
  const history = createHistory();
  const fabric = fabricOf(
    put(history, node("n1", "172.30.0.1/24")),
    put(history, POOL),
    fact(history, "BlockGranted", block("192.168.0.0/26", "n1")),
    fact(history, "BlockGranted", block("10.0.0.0/26", "n9", "unknown")),
  );
  const route = {
    kind: "route" as const,
    id: "192.168.0.0/26",
    cidr: "192.168.0.0/26",
    node: "n1",
    gateway: "172.30.0.1",
    pool: "pool",
  };
  assertEquals(routeItem(fabric, "192.168.0.0/26", "n1"), { ...route, type: "local", programmedBy: "agent" });
  assertEquals(routeItem(fabric, "192.168.0.0/26", "n2"), { ...route, type: "remote", programmedBy: "bird" });
  assertStrictEquals(routeItem(fabric, "192.168.0.0/26", "n2"), routeItem(fabric, "192.168.0.0/26", "n3"));
  assertEquals(routeItem(fabric, "10.0.0.0/26", "n2")?.gateway, undefined);
  assertEquals(routeItem(fabric, "10.0.1.0/26", "n2"), undefined);
});

Deno.test("routeItem() leaves routes to the agent when the pool encapsulates", () => {
  for (const spec of [{ vxlanMode: "Always" }, { ipipMode: "CrossSubnet" }]) {
    const history = createHistory();
    const pool = v3("IPPool", "pool", { cidr: "192.168.0.0/16", ...spec });
    const fabric = fabricOf(put(history, pool), fact(history, "BlockGranted", block("192.168.0.0/26", "n1")));
    assertEquals(routeItem(fabric, "192.168.0.0/26", "n2")?.programmedBy, "agent");
  }
});

Deno.test("poolItem() says whether the node may claim blocks", () => {
  const cases: readonly (readonly [string, Record<string, unknown>, boolean])[] = [
    ["plain", {}, true],
    ["selected", { nodeSelector: "rack == 'a'" }, true],
    ["not selected", { nodeSelector: "rack == 'b'" }, false],
    ["unreadable", { nodeSelector: "((" }, false],
    ["disabled", { disabled: true }, false],
    ["manual", { assignmentMode: "Manual" }, false],
    ["tunnels only", { allowedUses: ["Tunnel"] }, false],
    ["workloads too", { allowedUses: ["Tunnel", "Workload"] }, true],
  ];
  for (const [name, spec, expected] of cases) {
    const history = createHistory();
    const pool = v3("IPPool", "pool", { cidr: "192.168.0.0/16", ...spec as Record<string, string> });
    const fabric = fabricOf(put(history, node("n1", undefined, { rack: "a" })), put(history, pool));
    assertEquals(poolItem(fabric, "pool", "n1")?.allocatable, expected, name);
    assertEquals(poolItem(fabric, "pool", "nobody")?.allocatable, false, name);
  }
});

Deno.test("readPool() has defaults, and does not read pools of load balancers", () => {
  assertEquals(readPool(POOL), {
    id: "pool",
    cidr: "192.168.0.0/16",
    blockSize: 26,
    natOutgoing: true,
    disabled: false,
    disableBGPExport: false,
    ipipMode: "Never",
    vxlanMode: "Never",
    claimants: { kind: "all" },
  });
  assertEquals(readPool(v3("IPPool", "six", { cidr: "fd00::/64" }))?.blockSize, 122);
  assertEquals(readPool(v3("IPPool", "lb", { cidr: "10.0.0.0/24", allowedUses: ["LoadBalancer"] })), undefined);
  const refused = { ...POOL, status: { conditions: [{ type: "Allocatable", status: "False" }] } };
  assertEquals(readPool(refused)?.claimants, undefined);
});

Deno.test("fabricItems() has a config for any name, and BGP only with an address", () => {
  const history = createHistory();
  const fabric = fabricOf(
    put(history, node("n1", "172.30.0.1/24")),
    put(history, node("n2", "172.30.0.2/24")),
    fact(history, "BlockGranted", block("192.168.0.64/26", "n1")),
    fact(history, "BlockGranted", block("192.168.0.0/26", "n1")),
  );
  const config = (name: string) => fabricItems(fabric, name).find((item) => item.kind === "config");
  assertEquals(config("n1"), {
    kind: "config",
    id: "node",
    node: "n1",
    ipv4Address: "172.30.0.1/24",
    blocks: ["192.168.0.0/26", "192.168.0.64/26"],
  });
  assertEquals(config("nobody"), { kind: "config", id: "node", node: "nobody", ipv4Address: undefined, blocks: [] });
  assertEquals(fabricItems(fabric, "n1").map((item) => item.kind), ["config", "route", "route", "bgp", "peer"]);
  assertEquals(fabricItems(fabric, "nobody").map((item) => item.kind), ["config", "route", "route"]);
});

Deno.test("diffFabrics() tells shared changes with one object, and nothing that stayed", () => {
  const history = createHistory();
  const before = fabricOf(put(history, node("n1", "172.30.0.1/24")), put(history, POOL));
  const after = copyFabric(before);
  const dirt = createFabricDirt();
  for (const change of fact(history, "BlockGranted", block("192.168.0.0/26", "n1")).changes) {
    applyToFabric(after, dirt, change);
  }
  const deltas = diffFabrics(before, after, dirt, ["n1", "n2", "n3"]);
  const opsOf = (name: string) => deltas.get(name)?.map((delta) => delta.op === "put" ? delta.item.kind : delta.op);
  assertEquals(opsOf("n1"), ["config", "route"]);
  assertEquals(opsOf("n2"), ["route"]);
  assertStrictEquals(deltas.get("n2")?.[0], deltas.get("n3")?.[0]);
  assertEquals(diffFabrics(before, copyFabric(before), dirt, ["n1"]).size, 0);
});

Deno.test("applyToFabric() is left clean by changes of what it does not read", () => {
  const history = createHistory();
  const fabric = createFabric();
  const created = put(history, node("n1", "172.30.0.1/24"));
  for (const change of created.changes) applyToFabric(fabric, createFabricDirt(), change);
  const dirt = createFabricDirt();
  const annotated = put(history, node("n1", "172.30.0.1/24", {}, { "projectcalico.org/WireguardPublicKey": "k" }));
  for (const change of annotated.changes) applyToFabric(fabric, dirt, change);
  assertEquals(dirt, createFabricDirt());
  for (const change of remove(history, node("n1", undefined)).changes) applyToFabric(fabric, dirt, change);
  assertEquals([[...dirt.nodes], fabric.nodes.size], [["n1"], 0]);
  assertEquals(put(history, pod("shop", "web")).changes.some(concernsFabric), false);
});
