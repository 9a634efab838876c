/**
 * The node's routes on a real kernel: made once, repaired when somebody else changes them, and those of others left alone.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type Kernel, type Route, ROUTE_PROTOCOLS, type RouteSpec } from "#/agents/kernel/kernel.ts";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import { RouteTable } from "#/agents/routes/driver.ts";
import type { EndpointItem, NodeItem, NodeState } from "#/projections/node_state.ts";
import { ENDPOINT, stateOf } from "#tests/unit/agents/nftables/items.ts";
import { type TestNetns, withNetns } from "#tests/support/netns.ts";
import { kernelTest } from "#tests/support/requires.ts";

const NEEDS = ["root", "nftables"] as const;

function endpoint(name: string, addresses: readonly string[]): EndpointItem {
  return { ...ENDPOINT as EndpointItem, id: `shop/${name}`, interfaceName: `cali${name}`, addresses };
}

function block(cidr: string): NodeItem {
  const rest = { type: "local", node: "node1", gateway: undefined, programmedBy: "agent", pool: "default" } as const;
  return { kind: "route", id: cidr, cidr, ...rest };
}

const STATE = stateOf([
  endpoint("a", ["10.0.0.1", "fd00::1"]),
  endpoint("b", ["10.0.0.2"]),
  endpoint("gone", ["10.0.0.3"]),
  block("10.0.0.0/26"),
  block("fd00::/122"),
]);

const ROUTES = [
  "10.0.0.0/26 blackhole 80",
  "10.0.0.1/32 calia 80",
  "10.0.0.2/32 calib 80",
  "fd00::/122 blackhole 80",
  "fd00::1/128 calia 80",
];

/** Routes that are nobody's but ours, BIRD's or an administrator's, in one line each. */
async function routesOf(kernel: Kernel): Promise<string[]> {
  const protocols = [ROUTE_PROTOCOLS.tortie, ROUTE_PROTOCOLS.bird, ROUTE_PROTOCOLS.static];
  const show = ({ destination, type, linkName, gateway, protocol }: Route) =>
    [destination, type === "unicast" ? linkName : type, ...gateway === undefined ? [] : [gateway], protocol].join(" ");
  return (await kernel.routes.dump({ protocols })).map(show).sort();
}

async function makeLink(kernel: Kernel, name: string): Promise<void> {
  await kernel.links.create({ type: "bridge", name, up: true });
}

function withRoutes(body: (table: RouteTable, netns: TestNetns) => Promise<void>): Promise<void> {
  return withNetns(async (netns) => {
    for (const name of ["calia", "calib"]) await makeLink(netns.kernel, name);
    const table = new RouteTable(netns.kernel);
    const { written, drift, errors, missingInterfaces } = await table.apply(STATE);
    assertEquals([written.length, drift, errors, [...missingInterfaces]], [5, [], [], ["caligone"]]);
    assertEquals(await routesOf(netns.kernel), ROUTES);
    await body(table, netns);
  });
}

/** Fails unless the routes are as the state says and another pass does nothing. */
async function assertLevel(table: RouteTable, { kernel }: TestNetns, others: readonly string[] = []): Promise<void> {
  assertEquals(await routesOf(kernel), [...ROUTES, ...others].sort());
  for (const each of [table, new RouteTable(kernel)]) {
    const { written, drift, errors } = await each.apply(STATE);
    assertEquals([written, drift, errors], [[], [], []]);
  }
}

async function change(kernel: Kernel, kind: "set" | "add" | "delete", route: RouteSpec): Promise<void> {
  const [result] = await kernel.routes.apply([{ kind, route }]);
  assertEquals(result?.kind, "done", `${kind} ${JSON.stringify(route)}`);
}

kernelTest(
  "RouteTable.apply() makes the routes once; a second pass and a restarted agent write nothing",
  NEEDS,
  () => withRoutes((table, netns) => assertLevel(table, netns)),
);

const OURS = { protocol: ROUTE_PROTOCOLS.tortie, priority: 1024 };

const TOUCHES: readonly {
  readonly name: string;
  readonly kind: "set" | "add" | "delete";
  readonly route: RouteSpec;
  readonly drift: readonly string[];
}[] = [
  {
    name: "a route removed",
    kind: "delete",
    route: { ...OURS, destination: "10.0.0.1/32", linkName: "calia" },
    drift: ["missing route 10.0.0.1/32 dev calia metric 1024"],
  },
  {
    name: "a blackhole removed",
    kind: "delete",
    route: { ...OURS, destination: "10.0.0.0/26", type: "blackhole" },
    drift: ["missing route blackhole 10.0.0.0/26 metric 1024"],
  },
  {
    name: "an IPv6 blackhole removed",
    kind: "delete",
    route: { ...OURS, destination: "fd00::/122", type: "blackhole" },
    drift: ["missing route blackhole fd00::/122 metric 1024"],
  },
  {
    name: "a route of our protocol added",
    kind: "add",
    route: { ...OURS, destination: "10.9.0.0/24", linkName: "calib" },
    drift: ["foreign route 10.9.0.0/24 dev calib metric 1024"],
  },
  {
    name: "an IPv6 blackhole of our protocol added",
    kind: "add",
    route: { ...OURS, destination: "fd09::/64", type: "blackhole" },
    drift: ["foreign route blackhole fd09::/64 metric 1024"],
  },
  {
    name: "a route to a pod's address with another metric",
    kind: "add",
    route: { ...OURS, destination: "10.0.0.1/32", linkName: "calib", priority: 5 },
    drift: ["foreign route 10.0.0.1/32 dev calib metric 5"],
  },
  {
    name: "a route led to another pod",
    kind: "set",
    route: { ...OURS, destination: "10.0.0.1/32", linkName: "calib" },
    drift: ["foreign route 10.0.0.1/32 dev calib metric 1024", "missing route 10.0.0.1/32 dev calia metric 1024"],
  },
  {
    name: "a route led through a gateway",
    kind: "set",
    route: { ...OURS, destination: "10.0.0.1/32", linkName: "calia", gateway: "10.8.0.1", onlink: true },
    drift: [
      "foreign route 10.0.0.1/32 via 10.8.0.1 dev calia metric 1024",
      "missing route 10.0.0.1/32 dev calia metric 1024",
    ],
  },
];

kernelTest(
  "RouteTable notices, tells and repairs what somebody else does to its routes",
  NEEDS,
  (t) =>
    withRoutes(async (table, netns) => {
      const other = netns.open(netns.path);
      for (const { name, kind, route, drift } of TOUCHES) {
        await t.step(name, async () => {
          await change(other, kind, route);
          const outcome = await table.apply(STATE);
          assertEquals([outcome.drift, outcome.written, outcome.errors], [drift, drift, []]);
          await assertLevel(table, netns);
        });
      }
    }),
);

kernelTest("RouteTable never touches routes of BIRD and of others", NEEDS, () =>
  withRoutes(async (table, netns) => {
    const { kernel } = netns;
    const bird = { destination: "10.0.1.0/26", linkName: "calia", protocol: ROUTE_PROTOCOLS.bird } as const;
    await change(kernel, "add", bird);
    await change(kernel, "add", { ...bird, destination: "fd01::/122" });
    await change(kernel, "add", { ...bird, destination: "10.0.0.1/32", priority: 32 });
    await change(kernel, "add", { ...bird, destination: "10.0.2.0/26", protocol: ROUTE_PROTOCOLS.static });
    const others = ["10.0.1.0/26 calia 12", "fd01::/122 calia 12", "10.0.0.1/32 calia 12", "10.0.2.0/26 calia 4"];
    await assertLevel(table, netns, others);
    const { written } = await table.apply(stateOf([]));
    assertEquals(written.length, 5);
    assertEquals(await routesOf(kernel), others.sort());
  }));

kernelTest(
  "RouteTable does not take routes of interfaces that went or were made anew for drift",
  NEEDS,
  () =>
    withRoutes(async (table, netns) => {
      const { kernel } = netns;
      await kernel.links.delete("calia");
      const gone = await table.apply(STATE);
      assertEquals([gone.drift, gone.written, [...gone.missingInterfaces]], [[], [], ["calia", "caligone"]]);
      await makeLink(kernel, "calia");
      const back = await table.apply(STATE);
      assertEquals([back.drift, back.written.length], [[], 2]);
      await kernel.links.delete("calib");
      await makeLink(kernel, "calib");
      const anew = await table.apply(STATE);
      assertEquals([anew.drift, anew.written], [[], ["missing route 10.0.0.2/32 dev calib metric 1024"]]);
      await assertLevel(table, netns);
    }),
);

kernelTest(
  "RouteTable goes on after a route that the kernel refuses, and does not call it drift later",
  NEEDS,
  () =>
    withRoutes(async (table, netns) => {
      const { kernel } = netns;
      await kernel.links.change("calia", { up: false });
      const more: NodeState = new Map([
        ...STATE,
        ...stateOf([endpoint("a", ["10.0.0.1", "10.0.0.9"]), block("10.7.0.0/26")]),
      ]);
      const down = await table.apply(more);
      assertEquals(down.errors.map(({ interfaceName }) => interfaceName), ["calia", "calia"]);
      assert(down.errors.every(({ message }) => message.includes("ENETDOWN")), JSON.stringify(down.errors));
      assert(down.written.includes("missing route blackhole 10.7.0.0/26 metric 1024"));
      const again = await table.apply(more);
      assertEquals([again.errors.length, again.drift, again.written], [2, [], []]);
      await kernel.links.change("calia", { up: true });
      assertEquals((await table.apply(more)).errors, []);
      await table.apply(STATE);
      await assertLevel(table, netns);
    }),
);

kernelTest("RouteTable.apply() throws what keeps it from looking", NEEDS, () =>
  withNetns(async ({ kernel }) => {
    const failure = new KernelError({ operation: "dump", subject: "routes", code: "ENOBUFS" });
    const table = new RouteTable({
      ...kernel,
      links: kernel.links,
      routes: { ...kernel.routes, dump: () => Promise.reject(failure) },
    });
    const error = await table.apply(STATE).catch((error) => error);
    assertEquals(error, failure);
  }));
