/**
 * Routes wanted and the steps to them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Route } from "#/agents/kernel/kernel.ts";
import { desiredRoutes, planRoutes } from "#/agents/routes/plan.ts";
import { type NodeItem, nodeItemKey } from "#/projections/node_state.ts";
import { ENDPOINT } from "../nftables/items.ts";

const BLOCK: NodeItem = {
  kind: "route",
  id: "192.168.1.0/26",
  cidr: "192.168.1.0/26",
  type: "local",
  node: "node1",
  gateway: undefined,
  programmedBy: "agent",
  pool: "default",
};
const STATE = new Map([ENDPOINT, BLOCK].map((item) => [nodeItemKey(item), item]));

function actual(change: Partial<Route>): Route {
  return {
    destination: "10.0.0.1/32",
    type: "unicast",
    gateway: undefined,
    linkIndex: 3,
    linkName: "cali0123456789a",
    onlink: false,
    scope: "link",
    protocol: 80,
    priority: 1024,
    source: undefined,
    table: 254,
    nextHops: [],
    ...change,
  };
}

Deno.test("desiredRoutes() routes each address to its interface and blackholes the block", () => {
  const routes = desiredRoutes(STATE, new Set(["cali0123456789a"]));
  assertEquals(routes.map(({ destination, type, linkName }) => [destination, type, linkName]), [
    ["10.0.0.1/32", undefined, "cali0123456789a"],
    ["192.168.1.0/26", "blackhole", undefined],
  ]);
});

Deno.test("desiredRoutes() has no route for an interface that does not exist", () => {
  assertEquals(desiredRoutes(STATE, new Set<string>()).map(({ destination }) => destination), ["192.168.1.0/26"]);
});

Deno.test("desiredRoutes() leaves a block of one address and blocks of others alone", () => {
  const items: NodeItem[] = [{ ...BLOCK, cidr: "10.1.1.1/32" }, { ...BLOCK, type: "remote", cidr: "10.2.0.0/26" }];
  assertEquals(desiredRoutes(new Map(items.map((item, at) => [String(at), item])), new Set<string>()), []);
});

Deno.test("planRoutes() does nothing when the kernel has them all", () => {
  const desired = desiredRoutes(STATE, new Set(["cali0123456789a"]));
  const has = [
    actual({}),
    actual({
      destination: "192.168.1.0/26",
      type: "blackhole",
      linkName: undefined,
      linkIndex: undefined,
      scope: "global",
    }),
  ];
  assertEquals(planRoutes(desired, has), []);
});

Deno.test("planRoutes() removes what is not wanted before it adds what is missing", () => {
  const desired = desiredRoutes(STATE, new Set(["cali0123456789a"]));
  const changes = planRoutes(desired, [actual({ linkName: "cali9" })]);
  assertEquals(changes.map(({ step, difference }) => [step.kind, difference]), [
    ["delete", "foreign route 10.0.0.1/32 dev cali9 metric 1024"],
    ["set", "missing route 10.0.0.1/32 dev cali0123456789a metric 1024"],
    ["set", "missing route blackhole 192.168.1.0/26 metric 1024"],
  ]);
});

Deno.test("planRoutes() tells a route that goes another way from ours", () => {
  const [desired] = desiredRoutes(STATE, new Set(["cali0123456789a"]));
  const others: readonly Partial<Route>[] = [
    { gateway: "10.0.0.9", onlink: true, scope: "global" },
    { source: "10.0.0.9" },
    { scope: "global" },
    { priority: 0 },
    { type: "unreachable", linkName: undefined },
    { nextHops: [{ gateway: undefined, linkIndex: 3, weight: 1 }, { gateway: undefined, linkIndex: 4, weight: 1 }] },
  ];
  for (const change of others) {
    const kinds = planRoutes([desired!], [actual(change)]).map(({ step }) => step.kind);
    assertEquals(kinds, ["delete", "set"], JSON.stringify(change));
  }
  assertEquals(planRoutes([desired!], [actual({})]), []);
});

Deno.test("planRoutes() leaves alone what no step can name, and what is about to go", () => {
  assertEquals(planRoutes([], [actual({ type: "local" }), actual({ linkName: undefined })]), []);
});

Deno.test("desiredRoutes() gives an address that two endpoints claim to the one with the lower id", () => {
  const other: NodeItem = { ...ENDPOINT, id: "shop/a", interfaceName: "cali2" } as NodeItem;
  const links = new Set(["cali0123456789a", "cali2"]);
  for (const items of [[ENDPOINT, other], [other, ENDPOINT]]) {
    const routes = desiredRoutes(new Map(items.map((item) => [nodeItemKey(item), item])), links);
    assertEquals(routes.map(({ destination, linkName }) => [destination, linkName]), [["10.0.0.1/32", "cali2"]]);
  }
});
