/**
 * Links, addresses, neighbours, namespaces and settings in a real kernel.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import { openKernel } from "#/agents/kernel/linux_kernel.ts";
import { probeHost } from "#/agents/kernel/probes.ts";
import { withNetns } from "#tests/support/netns.ts";
import { kernelTest } from "#tests/support/requires.ts";

async function rejectsWith(code: string, call: () => Promise<unknown>): Promise<void> {
  assertEquals((await assertRejects(call, KernelError)).code, code);
}

kernelTest(
  "links.create() makes bridges and veth pairs across namespaces, and change() joins them",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel, make, open }) => {
      const other = await make("other");
      await kernel.links.create({ type: "bridge", name: "br0", mac: "02:00:00:00:00:01", up: true });
      const peer = { name: "eth0", netns: other, mtu: 1400, mac: "02:00:00:00:00:02" };
      await kernel.links.create({ type: "veth", name: "v0", mtu: 1400, up: true, peer });
      await kernel.links.change("v0", { master: "br0" });
      await open(other).links.change("eth0", { up: true });
      const bridge = await kernel.links.byName("br0");
      const [here, there] = [await kernel.links.byName("v0"), await open(other).links.byName("eth0")];
      assertEquals([bridge?.type, bridge?.mac, bridge?.up], ["bridge", "02:00:00:00:00:01", true]);
      assertEquals([here?.type, here?.mtu, here?.running, here?.masterIndex], ["veth", 1400, true, bridge?.index]);
      assertEquals([there?.type, there?.mtu, there?.mac, there?.peerIndex], ["veth", 1400, peer.mac, here?.index]);
      assertEquals((await kernel.links.dump()).map((link) => link.name).sort(), ["br0", "lo", "v0"]);
      await kernel.links.change("v0", { master: null, up: false, mtu: 1300 });
      const changed = await kernel.links.byName("v0");
      assertEquals([changed?.masterIndex, changed?.up, changed?.mtu], [undefined, false, 1300]);
      assertEquals([await kernel.links.delete("v0"), await kernel.links.delete("v0")], [true, false]);
      assertEquals(await open(other).links.byName("eth0"), undefined);
    }),
);

kernelTest(
  "links say what they cannot do by errno",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel, folder }) => {
      await kernel.links.create({ type: "bridge", name: "br0" });
      await rejectsWith("EEXIST", () => kernel.links.create({ type: "bridge", name: "br0" }));
      await rejectsWith("ENODEV", () => kernel.links.change("none0", { up: true }));
      await rejectsWith("ENODEV", () => kernel.links.change("br0", { master: "none0" }));
      await rejectsWith("ENAMETOOLONG", () => kernel.links.create({ type: "bridge", name: "a-name-of-16-byte" }));
      await rejectsWith("EINVAL", () => kernel.links.change("br0", { mac: "none" }));
      const peer = { name: "eth0", netns: `${folder}/none` };
      await rejectsWith("ENOENT", () => kernel.links.create({ type: "veth", name: "v0", peer }));
      assertEquals((await kernel.links.dump()).map((link) => link.name), ["lo", "br0"]);
      assertEquals(await kernel.links.byName("none0"), undefined);
    }),
);

kernelTest(
  "addresses.add() is idempotent and delete() undoes it, both families",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await kernel.links.create({ type: "bridge", name: "br0", up: true });
      const added = [
        await kernel.addresses.add("br0", "10.9.0.1/24"),
        await kernel.addresses.add("br0", "10.9.0.1/24"),
        await kernel.addresses.add("br0", "fd00::1/64"),
      ];
      assertEquals(added, [true, false, true]);
      const index = (await kernel.links.byName("br0"))?.index;
      const of = async () =>
        (await kernel.addresses.dump()).filter((found) =>
          found.linkIndex === index && !found.address.startsWith("fe80")
        )
          .map((found) => found.address);
      assertEquals(await of(), ["10.9.0.1/24", "fd00::1/64"]);
      assertEquals(await kernel.addresses.delete("br0", "10.9.0.1/24"), true);
      assertEquals(await kernel.addresses.delete("br0", "10.9.0.1/24"), false);
      assertEquals(await of(), ["fd00::1/64"]);
      await rejectsWith("ENODEV", () => kernel.addresses.add("none0", "10.9.0.1/24"));
      await rejectsWith("EINVAL", () => kernel.addresses.add("br0", "10.9.0.1/33"));
    }),
);

kernelTest(
  "namespaces.create() refuses a taken name, delete() is idempotent",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel, make, open, folder }) => {
      const path = await make("second");
      await rejectsWith("EEXIST", () => kernel.namespaces.create(path));
      const [loopback] = await open(path).links.dump();
      assertEquals([loopback?.name, loopback?.up], ["lo", true]);
      assertEquals(await kernel.namespaces.delete(path), true);
      assertEquals(await kernel.namespaces.delete(path), false);
      await kernel.namespaces.create(`${folder}/new/folder/ns`);
      assertEquals(await kernel.namespaces.delete(`${folder}/new/folder/ns`), true);
    }),
);

kernelTest(
  "sysctls belong to the kernel's namespace, not to the caller's",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel, make, open }) => {
      const other = open(await make("other"));
      const outside = await Deno.readTextFile("/proc/sys/net/ipv4/ip_default_ttl");
      const value = outside.trim() === "99" ? "98" : "99";
      await kernel.sysctls.write("net.ipv4.ip_default_ttl", value);
      assertEquals(await kernel.sysctls.read("net/ipv4/ip_default_ttl"), value);
      assertEquals(await other.sysctls.read("net.ipv4.ip_default_ttl"), "64");
      assertEquals(await Deno.readTextFile("/proc/sys/net/ipv4/ip_default_ttl"), outside);
      await rejectsWith("ENOENT", () => kernel.sysctls.read("net.ipv4.no_such_thing"));
      await rejectsWith("EINVAL", () => kernel.sysctls.write("net.ipv4.ip_default_ttl", "many"));
    }),
);

kernelTest(
  "openKernel() leaves no thread in a foreign namespace and no descriptor open",
  ["root", "nftables"],
  async () => {
    const namespaces = () => {
      const tasks = [...Deno.readDirSync("/proc/self/task")];
      return new Set(tasks.map(({ name }) => Deno.readLinkSync(`/proc/self/task/${name}/ns/net`)));
    };
    const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;
    // What the first use of a library or of the thread pool opens stays open.
    await withNetns(({ kernel }) => kernel.links.delete("none0").then(() => {}));
    const before = descriptors();
    await withNetns(async ({ kernel, make }) => {
      for (let i = 0; i < 10; i++) {
        const netns = await make(`pod${i}`);
        const spec = { hostLink: `cali${i}`, podLink: "eth0", netns, addresses: [`10.0.0.${i}`], mtu: 1450 };
        await Promise.all([kernel.pods.create(spec), Deno.readTextFile("/proc/self/status")]);
      }
    });
    assertEquals(descriptors(), before);
    assertEquals(namespaces(), new Set([Deno.readLinkSync("/proc/self/ns/net")]));
  },
);

kernelTest("openKernel() says which namespace file is missing", ["root", "nftables"], async () => {
  const missing = "/run/netns/tortie-no-such-namespace";
  const error = await assertRejects(() => Promise.try(() => openKernel({ netns: missing })), KernelError, missing);
  assertEquals(error.code, "ENOENT");
});

kernelTest("probeHost() finds nothing missing where kernel tests run", ["root", "nftables"], () => {
  assertEquals(probeHost(), []);
});

kernelTest(
  "neighbours.set() makes entries that do not age",
  ["root", "nftables", "nsenter"],
  () =>
    withNetns(async ({ kernel, exec }) => {
      await kernel.links.create({ type: "bridge", name: "br0", up: true });
      await kernel.neighbours.set({ linkName: "br0", address: "169.254.1.1", mac: "ee:ee:ee:ee:ee:ee" });
      await kernel.neighbours.set({ linkName: "br0", address: "169.254.1.1", mac: "ee:ee:ee:ee:ee:01" });
      const { output } = await exec(["cat", "/proc/net/arp"]);
      assert(/169\.254\.1\.1 +0x1 +0x6 +ee:ee:ee:ee:ee:01/.test(output), output);
    }),
);
