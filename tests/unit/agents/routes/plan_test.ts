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
  assertEquals(planRoutes(desired, has), { steps: [], differences: [] });
});

Deno.test("planRoutes() removes what is not wanted before it adds what is missing", () => {
  const desired = desiredRoutes(STATE, new Set(["cali0123456789a"]));
  const plan = planRoutes(desired, [actual({ linkName: "cali9" })]);
  assertEquals(plan.steps.map(({ kind, route }) => [kind, route.destination]), [
    ["delete", "10.0.0.1/32"],
    ["set", "10.0.0.1/32"],
    ["set", "192.168.1.0/26"],
  ]);
});
