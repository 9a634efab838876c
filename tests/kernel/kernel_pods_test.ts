/**
 * Pods on real kernels: packets go where they should, and what is made can be checked, replaced and removed.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Kernel, PodNetworkSpec } from "#/agents/kernel/kernel.ts";
import { ROUTE_PROTOCOLS } from "#/agents/kernel/kernel.ts";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import { type TestNetns, withNetns } from "#tests/support/netns.ts";
import { kernelTest } from "#tests/support/requires.ts";

async function makePod(netns: TestNetns, name: string, addresses: readonly string[], kernel: Kernel = netns.kernel) {
  const spec: PodNetworkSpec = {
    hostLink: `cali${name}`,
    netns: await netns.make(name),
    podLink: "eth0",
    addresses,
    mtu: 1450,
  };
  const pod = await kernel.pods.create(spec);
  const routes = addresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`);
  const results = await kernel.routes.apply(routes.map((destination) => ({
    kind: "set",
    route: { destination, linkName: spec.hostLink, protocol: ROUTE_PROTOCOLS.tortie },
  })));
  assertEquals(results.map((result) => result.kind), routes.map(() => "done"));
  return { spec, pod };
}

async function ping(
  { exec }: TestNetns,
  from: PodNetworkSpec,
  to: string,
  args: readonly string[] = [],
): Promise<boolean> {
  const { code } = await exec(["ping", "-c", "1", "-W", "2", ...args, to], { netns: from.netns });
  return code === 0;
}

kernelTest(
  "pods.create() connects pods of one node with each other and with the node",
  ["root", "nftables", "ping", "nsenter"],
  () =>
    withNetns(async (netns) => {
      await netns.kernel.addresses.add("lo", "172.18.0.2/32");
      await netns.kernel.sysctls.write("net.ipv6.conf.all.forwarding", "1");
      const a = await makePod(netns, "a", ["10.0.0.1", "fd00::1"]);
      const b = await makePod(netns, "b", ["10.0.0.2", "fd00::2"]);
      assertEquals([a.pod.hostLink.mac, a.pod.hostLink.mtu, a.pod.hostLink.running], ["ee:ee:ee:ee:ee:ee", 1450, true]);
      assert(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(a.pod.podMac), a.pod.podMac);
      assertEquals(await ping(netns, a.spec, "172.18.0.2"), true);
      assertEquals(await ping(netns, a.spec, "10.0.0.2"), true);
      assertEquals(await ping(netns, b.spec, "fd00::1"), true);
      assertEquals(await ping(netns, a.spec, "10.0.0.3"), false);
      assertEquals(await ping(netns, a.spec, "10.0.0.2", ["-M", "do", "-s", "1422"]), true);
      assertEquals(await ping(netns, a.spec, "10.0.0.2", ["-M", "do", "-s", "1423"]), false);
      for (const { spec } of [a, b]) assertEquals(await netns.kernel.pods.check(spec), []);
    }),
);

kernelTest(
  "pods of two nodes reach each other through routes of the nodes",
  ["root", "nftables", "ping", "nsenter"],
  () =>
    withNetns(async (netns) => {
      const { kernel } = netns;
      const secondNetns = await netns.make("node2");
      const second = netns.open(secondNetns);
      await kernel.links.create({ type: "veth", name: "eth0", up: true, peer: { name: "eth0", netns: secondNetns } });
      await second.links.change("eth0", { up: true });
      await kernel.addresses.add("eth0", "172.18.0.2/24");
      await second.addresses.add("eth0", "172.18.0.3/24");
      for (const node of [kernel, second]) await node.sysctls.write("net.ipv4.ip_forward", "1");
      const a = await makePod(netns, "a", ["10.0.0.1"]);
      await makePod(netns, "b", ["10.0.1.1"], second);
      assertEquals(await ping(netns, a.spec, "10.0.1.1"), false);
      const route = (destination: string, gateway: string) =>
        ({ kind: "set", route: { destination, gateway, protocol: ROUTE_PROTOCOLS.tortie } }) as const;
      await kernel.routes.apply([route("10.0.1.0/26", "172.18.0.3")]);
      await second.routes.apply([route("10.0.0.0/26", "172.18.0.2")]);
      assertEquals(await ping(netns, a.spec, "10.0.1.1"), true);
    }),
);

kernelTest("pods.check() names each difference", ["root", "nftables"], () =>
  withNetns(async (netns) => {
    const { spec } = await makePod(netns, "a", ["10.0.0.1"]);
    const inside = netns.open(spec.netns);
    await inside.routes.apply([{
      kind: "delete",
      route: { destination: "0.0.0.0/0", protocol: ROUTE_PROTOCOLS.boot },
    }]);
    await netns.kernel.links.change(spec.hostLink, { mtu: 1400 });
    assertEquals(await netns.kernel.pods.check(spec), [
      `The node's link "calia" has MTU 1400: must be 1450`,
      `The pod has no route to "0.0.0.0/0" as made for it`,
    ]);
    // The last address takes all that IPv4 has on the link with it.
    await inside.addresses.delete("eth0", "10.0.0.1/32");
    assertEquals((await netns.kernel.pods.check(spec)).slice(1), [
      `The pod has no address "10.0.0.1/32"`,
      `The pod has no route to "169.254.1.1/32" as made for it`,
      `The pod has no route to "0.0.0.0/0" as made for it`,
      `The pod has no permanent neighbour "169.254.1.1" with MAC ee:ee:ee:ee:ee:ee`,
    ]);
    assertEquals(await netns.kernel.pods.check({ ...spec, podLink: "eth9" }), [
      `The node's link "calia" has MTU 1400: must be 1450`,
      `The pod has no link "eth9"`,
    ]);
    assertEquals(await netns.kernel.pods.check({ ...spec, hostLink: "calix" }), [`The node has no link "calix"`]);
  }));

kernelTest(
  "pods.create() replaces an interface of the same name, delete() is idempotent",
  ["root", "nftables"],
  () =>
    withNetns(async (netns) => {
      const { spec } = await makePod(netns, "a", ["10.0.0.1"]);
      const again = { ...spec, netns: await netns.make("a2"), addresses: ["10.0.0.9"] };
      await netns.kernel.pods.create(again);
      assertEquals(await netns.kernel.pods.check(again), []);
      assertEquals(await netns.open(spec.netns).links.byName("eth0"), undefined);
      assertEquals([await netns.kernel.pods.delete("calia"), await netns.kernel.pods.delete("calia")], [true, false]);
      assertEquals((await netns.kernel.links.dump()).map((link) => link.name), ["lo"]);
    }),
);

kernelTest("pods.create() leaves nothing behind when it fails", ["root", "nftables"], () =>
  withNetns(async (netns) => {
    const { spec } = await makePod(netns, "a", ["10.0.0.1"]);
    const cases: readonly { readonly change: Partial<PodNetworkSpec>; readonly code: string }[] = [
      // The pod has an "eth0" already.
      { change: { hostLink: "calib" }, code: "EEXIST" },
      { change: { hostLink: "calib", netns: `${netns.folder}/none` }, code: "ENOENT" },
      { change: { hostLink: "calib", podLink: "eth1", addresses: ["10.0.0"] }, code: "EINVAL" },
      // IPv6 does not exist on a link with so small an MTU, which comes out when the pair stands already.
      { change: { hostLink: "calib", podLink: "eth1", mtu: 600, addresses: ["10.0.0.2", "fd00::2"] }, code: "ENOENT" },
    ];
    for (const { change, code } of cases) {
      const error = await assertRejects(() => netns.kernel.pods.create({ ...spec, ...change }), KernelError);
      assertEquals(error.code, code, JSON.stringify(change));
      assertEquals((await netns.kernel.links.dump()).map((link) => link.name).sort(), ["calia", "lo"]);
    }
    assertEquals(await netns.kernel.pods.check(spec), []);
  }));
