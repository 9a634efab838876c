/**
 * Changes of links and routes as a real kernel tells them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Kernel, type KernelChange, ROUTE_PROTOCOLS, type RouteStep } from "#/agents/kernel/kernel.ts";
import { Libc } from "#/agents/kernel/libc.ts";
import { NETLINK, NetlinkSocket } from "#/agents/kernel/netlink_socket.ts";
import { openNetns } from "#/agents/kernel/netns.ts";
import { applyRouteSteps } from "#/agents/kernel/rtnetlink_drivers.ts";
import { decodeRoute } from "#/agents/kernel/rtnetlink_route.ts";
import { type TestNetns, withNetns } from "#tests/support/netns.ts";
import { kernelTest } from "#tests/support/requires.ts";

const WAIT_MS = 10_000;
const protocol = ROUTE_PROTOCOLS.tortie;
const IPV4_ROUTES = 7;
const ENOBUFS = 105;
/** The buffer of 16 MiB holds some 40,000 route messages. */
const LOST_AFTER_MAX = 200_000;

/** Reads changes until one fits, and returns all that came. Fails after ten seconds. */
async function until(
  changes: AsyncIterable<KernelChange>,
  fits: (change: KernelChange) => boolean,
): Promise<KernelChange[]> {
  const seen: KernelChange[] = [];
  for await (const change of changes) {
    seen.push(change);
    if (fits(change)) return seen;
  }
  throw new Error(`Expected another change within ${WAIT_MS} ms: saw ${JSON.stringify(seen)}`);
}

function blackhole(i: number): RouteStep {
  return { kind: "set", route: { destination: `10.${i >> 8}.${i & 255}.0/24`, type: "blackhole", protocol } };
}

const isRoute = (destination: string, action = "set") => (change: KernelChange) =>
  change.kind === "route" && change.action === action && change.route.destination === destination;

/** Two kernels in the test's namespace: the watched one, and somebody else's. */
function withForeigner(body: (kernel: Kernel, foreigner: Kernel, netns: TestNetns) => Promise<void>): Promise<void> {
  return withNetns((netns) => body(netns.kernel, netns.open(netns.path), netns));
}

kernelTest(
  "watch() tells routes and links of others and of its own, apart, from the moment it returns",
  ["root", "nftables"],
  () =>
    withForeigner(async (kernel, foreigner) => {
      const changes = kernel.watch(AbortSignal.timeout(WAIT_MS));
      await foreigner.links.create({ type: "bridge", name: "br0", up: true });
      await foreigner.routes.apply([blackhole(1)]);
      await kernel.routes.apply([blackhole(2)]);
      await foreigner.routes.apply([{ ...blackhole(1), kind: "delete" }]);
      await foreigner.links.delete("br0");
      await kernel.links.create({ type: "bridge", name: "br1" });
      await foreigner.routes.apply([{ kind: "set", route: { destination: "fd00::/64", type: "blackhole", protocol } }]);
      const seen = await until(changes, isRoute("fd00::/64"));
      const told = seen.flatMap((change) => {
        if (change.kind === "overflow") return ["overflow"];
        if (change.kind === "link") return [`link ${change.link.name} ${change.action}`];
        const { own, route, action } = change;
        return route.protocol === protocol ? [`${own ? "own" : "foreign"} route ${route.destination} ${action}`] : [];
      });
      assertEquals([...new Set(told)], [
        "link br0 set",
        "foreign route 10.0.1.0/24 set",
        "own route 10.0.2.0/24 set",
        "foreign route 10.0.1.0/24 removed",
        "link br0 removed",
        "link br1 set",
        "foreign route fd00::/64 set",
      ]);
    }),
);

kernelTest("watch() wakes a waiting reader", ["root", "nftables"], () =>
  withForeigner(async (kernel, foreigner) => {
    const changes = kernel.watch(AbortSignal.timeout(WAIT_MS));
    const seen = until(changes, isRoute("10.0.1.0/24"));
    await foreigner.routes.apply([blackhole(1)]);
    assertEquals((await seen).length, 1);
  }));

kernelTest(
  "watch() ends without an error when its signal aborts, before or while it waits",
  ["root", "nftables"],
  () =>
    withForeigner(async (kernel) => {
      const controller = new AbortController();
      const collect = async (changes: AsyncIterable<KernelChange>) => await Array.fromAsync(changes);
      const waiting = collect(kernel.watch(controller.signal));
      const unread = kernel.watch(controller.signal);
      controller.abort();
      assertEquals(await waiting, []);
      assertEquals(await collect(unread), []);
      assertEquals(await collect(kernel.watch(AbortSignal.abort())), []);
    }),
);

kernelTest(
  "watch() ends when its kernel is disposed, and several watches stand side by side",
  ["root", "nftables"],
  () =>
    withForeigner(async (_, foreigner, { path, open }) => {
      const kernel = open(path);
      const signal = AbortSignal.timeout(WAIT_MS);
      const [first, second, unread] = [kernel.watch(signal), kernel.watch(signal), kernel.watch(signal)];
      await foreigner.routes.apply([blackhole(1)]);
      assertEquals((await until(first, isRoute("10.0.1.0/24"))).length, 1);
      const rest = Array.fromAsync(second);
      await new Promise((resolve) => setTimeout(resolve, 0));
      await kernel[Symbol.asyncDispose]();
      assertEquals((await rest).length, 1);
      assertEquals(await Array.fromAsync(unread), []);
    }),
);

kernelTest(
  "watch() tells a reader that fell behind to observe everything",
  ["root", "nftables"],
  () =>
    withForeigner(async (kernel, foreigner) => {
      const changes = kernel.watch(AbortSignal.timeout(WAIT_MS));
      const steps = Array.from({ length: 6_000 }, (_, i) => blackhole(i));
      await foreigner.routes.apply(steps);
      await foreigner.routes.apply(steps.map((step) => ({ ...step, kind: "delete" })));
      const seen = await until(changes, isRoute(steps.at(-1)!.route.destination, "removed"));
      assertEquals(seen[0], { kind: "overflow" });
      assertEquals(seen.length <= 4_097, true);
    }),
);

kernelTest(
  "NetlinkSocket.takeError() tells once that messages were lost, and more come after",
  ["root", "nftables"],
  () =>
    withNetns(({ path }) => {
      using libc = new Libc();
      const netns = openNetns(libc, path);
      using watching = new NetlinkSocket(libc, { protocol: NETLINK.route, netns, groups: [IPV4_ROUTES] });
      using socket = new NetlinkSocket(libc, { protocol: NETLINK.route, netns });
      libc.close(netns);
      const steps = Array.from({ length: 1_000 }, (_, i) => blackhole(i));
      let [sent, received, error] = [0, 0, 0];
      while (error === 0 && sent < LOST_AFTER_MAX) {
        const kind = (sent / steps.length) % 2 === 0 ? "add" : "delete";
        sent += applyRouteSteps(socket, steps.map((step) => ({ ...step, kind }))).length;
        error = watching.takeError();
      }
      assertEquals([error, watching.takeError()], [ENOBUFS, 0]);
      while (watching.receive(() => received++));
      assertEquals(received > 0 && received < sent, true);
      applyRouteSteps(socket, [{ kind: "set", route: { destination: "172.16.0.0/12", type: "blackhole", protocol } }]);
      assertEquals(
        watching.receive((message) => assertEquals(decodeRoute(message)?.destination, "172.16.0.0/12")),
        true,
      );
      return Promise.resolve();
    }),
);
