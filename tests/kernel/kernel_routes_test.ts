/**
 * Routes in a real kernel: what a plan's steps do, which step an error belongs to, and what a dump shows.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Kernel, ROUTE_PROTOCOLS, type RouteSpec, type RouteStep } from "#/agents/kernel/kernel.ts";
import { sameRoute } from "#/agents/kernel/route_match.ts";
import { withNetns } from "#tests/support/netns.ts";
import { kernelTest } from "#tests/support/requires.ts";

const protocol = ROUTE_PROTOCOLS.tortie;
const TORTIE = { protocols: [protocol] } as const;

/** A link that can carry routes: 10.9.0.1/24. */
async function makeLink(kernel: Kernel): Promise<void> {
  await kernel.links.create({ type: "bridge", name: "br0", up: true });
  await kernel.addresses.add("br0", "10.9.0.1/24");
}

async function destinations(kernel: Kernel): Promise<string[]> {
  return (await kernel.routes.dump(TORTIE)).map((route) => route.destination).sort();
}

kernelTest(
  "routes.apply() makes routes that dump() shows as specified, both families",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await makeLink(kernel);
      const specs: readonly RouteSpec[] = [
        { destination: "10.0.0.0/26", type: "blackhole", protocol, priority: 1024 },
        { destination: "10.0.0.5/32", linkName: "br0", protocol },
        { destination: "10.0.1.0/26", gateway: "10.9.0.2", protocol },
        { destination: "10.0.2.0/26", gateway: "10.77.0.2", linkName: "br0", onlink: true, protocol },
        { destination: "10.0.3.0/26", gateway: "10.9.0.2", source: "10.9.0.1", protocol },
        { destination: "10.0.4.0/26", type: "unreachable", protocol },
        { destination: "fd00::/64", type: "blackhole", protocol },
        { destination: "fd01::5/128", linkName: "br0", protocol },
      ];
      const results = await kernel.routes.apply(specs.map((route) => ({ kind: "add", route })));
      assertEquals(results.map((result) => result.kind), specs.map(() => "done"));
      const routes = await kernel.routes.dump(TORTIE);
      assertEquals(routes.length, specs.length);
      for (const spec of specs) {
        assertEquals(routes.filter((route) => sameRoute(spec, route)).length, 1, spec.destination);
      }
      assertEquals(routes.find((route) => route.destination === "10.0.1.0/26")?.linkName, "br0");
      assertEquals(routes.find((route) => route.destination === "10.0.2.0/26")?.onlink, true);
    }),
);

kernelTest(
  "routes.apply() sets over what is there, adds only where nothing is, deletes only what fits",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await makeLink(kernel);
      const blackhole: RouteSpec = { destination: "10.0.0.0/26", type: "blackhole", protocol };
      const via: RouteSpec = { destination: "10.0.0.0/26", gateway: "10.9.0.2", protocol };
      const foreign: RouteSpec = { destination: "10.1.0.0/26", gateway: "10.9.0.2", protocol: ROUTE_PROTOCOLS.bird };
      const kinds = async (steps: readonly RouteStep[]) =>
        (await kernel.routes.apply(steps)).map((result) => result.kind === "failed" ? result.error.code : result.kind);
      assertEquals(await kinds([{ kind: "add", route: blackhole }, { kind: "add", route: foreign }]), ["done", "done"]);
      assertEquals(await kinds([{ kind: "add", route: via }]), ["EEXIST"]);
      assertEquals(await kinds([{ kind: "set", route: via }, { kind: "set", route: via }]), ["done", "done"]);
      const [route, ...others] = await kernel.routes.dump(TORTIE);
      assertEquals([route?.gateway, others.length], ["10.9.0.2", 0]);
      const steps: readonly RouteStep[] = [
        { kind: "delete", route: { ...foreign, protocol } },
        { kind: "delete", route: { ...via, gateway: "10.9.0.3" } },
        { kind: "delete", route: via },
        { kind: "delete", route: via },
      ];
      assertEquals(await kinds(steps), ["absent", "absent", "done", "absent"]);
      assertEquals(
        (await kernel.routes.dump({ protocols: [ROUTE_PROTOCOLS.bird, protocol] })).map((r) => r.destination),
        [
          "10.1.0.0/26",
        ],
      );
    }),
);

kernelTest(
  "routes.apply() carries out 2,500 steps and tells which of them failed",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await makeLink(kernel);
      const isBad = (i: number) => i % 100 === 99;
      const steps = Array.from({ length: 2500 }, (_, i): RouteStep => {
        const destination = `10.${64 + (i >> 8)}.${i & 255}.0/26`;
        const route = isBad(i) ? { gateway: "172.31.0.1" } : { gateway: "10.9.0.2" };
        return { kind: "add", route: { destination, protocol, ...route } };
      });
      const results = await kernel.routes.apply(steps);
      assertEquals(results.length, steps.length);
      for (const [i, result] of results.entries()) {
        const expected = isBad(i) ? `ENETUNREACH ${steps[i]?.route.destination}` : "done";
        assertEquals(result.kind === "failed" ? `${result.error.code} ${result.error.subject}` : result.kind, expected);
      }
      assertEquals((await kernel.routes.dump(TORTIE)).length, 2475);
      const removed = await kernel.routes.apply(steps.map(({ route }) => ({ kind: "delete", route })));
      assertEquals(removed.filter((result) => result.kind === "done").length, 2475);
      assertEquals(removed.filter((result) => result.kind === "absent").length, 25);
      assertEquals(await destinations(kernel), []);
    }),
);

kernelTest(
  "routes.apply() fails the steps that cannot be and carries out the rest",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await makeLink(kernel);
      const results = await kernel.routes.apply([
        { kind: "set", route: { destination: "10.0.0.1/32", linkName: "gone0", protocol } },
        { kind: "set", route: { destination: "10.0.0.1/26", type: "blackhole", protocol } },
        { kind: "delete", route: { destination: "10.0.0.2/32", linkName: "gone0", protocol } },
        { kind: "set", route: { destination: "10.0.0.3/32", linkName: "br0", protocol } },
      ]);
      assertEquals(results.map((result) => result.kind === "failed" ? result.error.code : result.kind), [
        "ENODEV",
        "EINVAL",
        "absent",
        "done",
      ]);
      assertEquals(await destinations(kernel), ["10.0.0.3/32"]);
      await kernel.links.change("br0", { up: false });
      assertEquals(await destinations(kernel), []);
    }),
);

kernelTest(
  "routes.dump() filters by owner, table and family",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await makeLink(kernel);
      await kernel.routes.apply([
        { kind: "add", route: { destination: "10.0.0.0/26", type: "blackhole", protocol } },
        { kind: "add", route: { destination: "10.0.1.0/26", type: "blackhole", protocol: ROUTE_PROTOCOLS.bird } },
        { kind: "add", route: { destination: "10.0.2.0/26", type: "blackhole", protocol, table: 1000 } },
        { kind: "add", route: { destination: "fd00::/64", type: "blackhole", protocol } },
      ]);
      const names = async (filter: Parameters<Kernel["routes"]["dump"]>[0]) =>
        (await kernel.routes.dump(filter)).map((route) => route.destination).sort();
      assertEquals(await names(TORTIE), ["10.0.0.0/26", "fd00::/64"]);
      assertEquals(await names({ ...TORTIE, family: "ipv4" }), ["10.0.0.0/26"]);
      assertEquals(await names({ table: 1000 }), ["10.0.2.0/26"]);
      assertEquals(await names({ table: 4242 }), []);
      assertEquals(await names({ protocols: [ROUTE_PROTOCOLS.bird, ROUTE_PROTOCOLS.kernel], family: "ipv4" }), [
        "10.0.1.0/26",
        "10.9.0.0/24",
      ]);
    }),
);
