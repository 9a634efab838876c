/**
 * nftables in a real kernel: transactions, generations, what is observed of a table, and elements of sets by raw netlink beside those by libnftables.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { ElementChange, Kernel, SetRef } from "#/agents/kernel/kernel.ts";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import { withNetns } from "#tests/support/netns.ts";
import { kernelTest } from "#tests/support/requires.ts";

const TABLE = `
add table inet t
add chain inet t filter { type filter hook forward priority -5; policy drop; }
add chain inet t pod
add rule inet t pod ip saddr 10.0.0.1 accept comment "rule one"
add rule inet t pod counter drop
add rule inet t filter jump pod comment "to the pod"
`;

const SETS = `
add table inet t
add set inet t hosts { type ipv4_addr; }
add set inet t hosts6 { type ipv6_addr; }
add set inet t nets { type ipv4_addr; flags interval; }
add set inet t nets6 { type ipv6_addr; flags interval; }
add set inet t ports { type ipv4_addr . inet_proto . inet_service; }
`;

async function rejectsWith(code: string, call: () => Promise<unknown>): Promise<KernelError> {
  const error = await assertRejects(call, KernelError);
  assertEquals(error.code, code, error.message);
  return error;
}

function setRef(set: string): SetRef {
  return { family: "inet", table: "t", set };
}

function change(kind: "add" | "delete", set: string, elements: readonly string[]): ElementChange {
  return { kind, ...setRef(set), interval: set.startsWith("nets"), elements };
}

function elementsOf(kernel: Kernel, set: string): Promise<readonly string[]> {
  return kernel.nft.elements(setRef(set));
}

kernelTest(
  "nft.run() applies all of a script, or nothing of it, and says what nft says",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await kernel.nft.run(TABLE);
      const before = await kernel.nft.run("list ruleset");
      const generation = kernel.nft.generation();
      const bad = "add rule inet t pod accept\nadd rule inet t none accept\n";
      const error = await rejectsWith("ENOENT", () => kernel.nft.run(bad));
      assertStringIncludes(error.message, "No such file or directory");
      await rejectsWith("EBUSY", () => kernel.nft.run("add rule inet t filter accept\ndelete chain inet t pod"));
      await rejectsWith("EINVAL", () => kernel.nft.run("add rule inet t pod is not nft"));
      await rejectsWith("EEXIST", () => kernel.nft.run("create table inet t"));
      assertEquals(await kernel.nft.run("list ruleset"), before);
      assertEquals(kernel.nft.generation(), generation);
    }),
);

kernelTest(
  "nft.check() asks the kernel and changes nothing",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await kernel.nft.run(TABLE);
      const generation = kernel.nft.generation();
      await kernel.nft.check("add rule inet t pod accept");
      await rejectsWith("EBUSY", () => kernel.nft.check("delete chain inet t pod"));
      assertEquals(kernel.nft.generation(), generation);
      // The next script is carried out again.
      await kernel.nft.run("add rule inet t pod accept");
      assertEquals(kernel.nft.generation(), generation + 1);
    }),
);

kernelTest(
  "nft.generation() goes up by one at every commit, by whomever",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel, open, path }) => {
      const before = kernel.nft.generation();
      await kernel.nft.run(TABLE);
      await open(path).nft.run("add rule inet t pod accept");
      assertEquals(kernel.nft.generation(), before + 2);
      await kernel.nft.run("list ruleset");
      await kernel.nft.observeTable("inet", "t");
      assertEquals(kernel.nft.generation(), before + 2);
    }),
);

kernelTest(
  "nft.run() keeps scripts in call order, long and short",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      const long = Array.from({ length: 300 }, (_, i) => `add chain inet t c${i}`).join("\n");
      const outputs = await Promise.all([
        kernel.nft.run(`add table inet t\n${long}`),
        kernel.nft.run("delete chain inet t c299"),
        kernel.nft.run("list chains inet"),
        kernel.nft.listJson("list table inet t"),
        kernel.nft.run("add chain inet t c299"),
      ]);
      assertStringIncludes(outputs[2], "chain c298");
      assertEquals(outputs[2].includes("chain c299"), false);
      const { nftables } = outputs[3] as { readonly nftables: readonly Record<string, unknown>[] };
      assertEquals(nftables.filter((object) => "chain" in object).length, 299);
      assertEquals((await kernel.nft.observeTable("inet", "t"))?.chains.size, 300);
    }),
);

kernelTest(
  "nft.observeTable() tells chains, rules with comments, and named sets of one table",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      assertEquals(await kernel.nft.observeTable("inet", "t"), undefined);
      await kernel.nft.run(`${TABLE}${SETS}
add map inet t dispatch { type ifname : verdict; comment "to pods"; }
add rule inet t pod ip saddr { 10.0.0.3, 10.0.0.4 } accept
add table inet other
add chain inet other pod
add rule inet other pod accept comment "foreign"
add set inet other foreign { type ipv4_addr; }
add table ip t
add chain ip t foreign`);
      const table = await kernel.nft.observeTable("inet", "t");
      assert(table !== undefined, "Expected the table to be there");
      assertEquals(table.generation, kernel.nft.generation());
      assertEquals([...table.chains.keys()].sort(), ["filter", "pod"]);
      const [filter, pod] = [table.chains.get("filter"), table.chains.get("pod")];
      assertEquals([filter?.hook, filter?.priority, filter?.policy], ["forward", -5, "drop"]);
      assertEquals([pod?.hook, pod?.priority, pod?.policy], [undefined, undefined, undefined]);
      assertEquals(pod?.rules.map((rule) => rule.comment), ["rule one", undefined, undefined]);
      assertEquals(filter?.rules.map((rule) => rule.comment), ["to the pod"]);
      const [first, second] = pod?.rules ?? [];
      assert(first !== undefined && second !== undefined && first.handle < second.handle, "Expected handles to grow");
      assertEquals([...table.sets.keys()].sort(), ["dispatch", "hosts", "hosts6", "nets", "nets6", "ports"]);
      const { handle: _, ...dispatch } = table.sets.get("dispatch") ?? { handle: 0 };
      assertEquals(dispatch, { isMap: true, isInterval: false, keyType: 41, comment: "to pods" });
      const keyTypes = ["hosts", "hosts6", "nets", "ports"].map((name) => table.sets.get(name)?.keyType);
      assertEquals(keyTypes, [7, 8, 7, (7 << 12) | (12 << 6) | 13]);
      assertEquals([table.sets.get("nets")?.isInterval, table.sets.get("hosts")?.isInterval], [true, false]);
      assertEquals(table.isDormant, false);
      await kernel.nft.run("add table inet t { flags dormant; }");
      assertEquals((await kernel.nft.observeTable("inet", "t"))?.isDormant, true);
      await kernel.nft.run(`delete rule inet t pod handle ${first.handle}`);
      const after = await kernel.nft.observeTable("inet", "t");
      assertEquals(after?.chains.get("pod")?.rules.map((rule) => rule.handle).includes(first.handle), false);
      await kernel.nft.run("flush ruleset");
      assertEquals(await kernel.nft.observeTable("inet", "t"), undefined);
    }),
);

kernelTest("nft.changeElements() changes hash, interval and port sets as nft shows and reads them", [
  "root",
  "nftables",
], () =>
  withNetns(async ({ kernel }) => {
    await kernel.nft.run(SETS);
    const generation = kernel.nft.generation();
    const elements: Readonly<Record<string, readonly string[]>> = {
      hosts: ["10.0.0.1", "10.0.0.2", "255.255.255.255"],
      hosts6: ["fd00::1", "fd00::2"],
      nets: ["10.0.0.0/24", "10.0.1.0/24", "10.0.3.7", "192.168.0.0/16", "224.0.0.0/3"],
      nets6: ["fd00::/64", "fd00:0:0:1::/64", "fe80::1"],
      ports: ["10.0.0.1,tcp:80", "10.0.0.1,udp:53"],
    };
    await kernel.nft.changeElements(Object.entries(elements).map(([set, list]) => change("add", set, list)));
    assertEquals(kernel.nft.generation(), generation + 1);
    for (const [set, list] of Object.entries(elements)) assertEquals(await elementsOf(kernel, set), list, set);
    const listing = (await kernel.nft.run("list table inet t")).replaceAll(/\s+/g, " ");
    assertStringIncludes(listing, "elements = { 10.0.0.0/24, 10.0.1.0/24, 10.0.3.7, 192.168.0.0/16, 224.0.0.0/3 }");
    for (const port of ["tcp . 80", "udp . 53"]) assertStringIncludes(listing, `10.0.0.1 . ${port}`);
    assertStringIncludes(listing, "elements = { fd00::/64, fd00:0:0:1::/64, fe80::1 }");
    await kernel.nft.changeElements(
      Object.entries(elements).map(([set, list]) => change("delete", set, list.slice(1))),
    );
    for (const [set, list] of Object.entries(elements)) {
      assertEquals(await elementsOf(kernel, set), list.slice(0, 1), set);
    }
    await kernel.nft.changeElements([]);
    await kernel.nft.changeElements([change("add", "hosts", [])]);
    assertEquals(kernel.nft.generation(), generation + 2);
  }));

kernelTest(
  "nft.elements() reads and changeElements() deletes what libnftables has added",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await kernel.nft.run(`${SETS}
add element inet t nets { 10.0.0.0/25, 10.0.0.128/25, 10.1.0.1, 10.2.0.1-10.2.0.3, 0.0.0.0/8 }
add element inet t hosts { 10.0.0.9 }
add element inet t ports { 10.0.0.1 . tcp . 443 }`);
      assertEquals(await elementsOf(kernel, "nets"), [
        "0.0.0.0/8",
        "10.0.0.0/25",
        "10.0.0.128/25",
        "10.1.0.1",
        "10.2.0.1-10.2.0.3",
      ]);
      assertEquals(await elementsOf(kernel, "hosts"), ["10.0.0.9"]);
      assertEquals(await elementsOf(kernel, "ports"), ["10.0.0.1,tcp:443"]);
      await kernel.nft.changeElements([
        change("delete", "nets", ["10.1.0.1", "0.0.0.0/8"]),
        change("delete", "hosts", ["10.0.0.9"]),
        change("delete", "ports", ["10.0.0.1,tcp:443"]),
      ]);
      assertEquals(await elementsOf(kernel, "nets"), ["10.0.0.0/25", "10.0.0.128/25", "10.2.0.1-10.2.0.3"]);
      await kernel.nft.run("delete element inet t nets { 10.0.0.128/25 }");
      assertEquals(await elementsOf(kernel, "nets"), ["10.0.0.0/25", "10.2.0.1-10.2.0.3"]);
    }),
);

kernelTest(
  "nft.changeElements() is one transaction and names the set that stands in the way",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await kernel.nft.run(SETS);
      await kernel.nft.changeElements([change("add", "nets", ["10.0.0.0/24"]), change("add", "hosts", ["10.0.0.1"])]);
      const generation = kernel.nft.generation();
      const cases: readonly {
        readonly code: string;
        readonly changes: readonly ElementChange[];
        readonly says: string;
      }[] = [
        { code: "EEXIST", changes: [change("add", "nets", ["10.0.0.0/25"])], says: '"nets"' },
        { code: "EEXIST", changes: [change("add", "nets", ["10.0.0.0/16"])], says: '"nets"' },
        { code: "ENOENT", changes: [change("delete", "hosts", ["10.0.0.9"])], says: '"hosts"' },
        { code: "ENOENT", changes: [change("add", "none", ["10.0.0.9"])], says: '"none"' },
        { code: "EINVAL", changes: [change("add", "hosts", ["10.0.0.0/24"])], says: '"10.0.0.0/24"' },
        { code: "EINVAL", changes: [change("add", "hosts", ["fd00::1"])], says: '"hosts"' },
      ];
      for (const { code, changes, says } of cases) {
        const error = await rejectsWith(code, () =>
          kernel.nft.changeElements([
            change("add", "hosts", ["10.0.0.2"]),
            ...changes,
            change("add", "nets", ["10.9.0.0/24"]),
          ]));
        assertStringIncludes(error.message, says);
      }
      assertEquals([await elementsOf(kernel, "hosts"), await elementsOf(kernel, "nets")], [["10.0.0.1"], [
        "10.0.0.0/24",
      ]]);
      assertEquals(kernel.nft.generation(), generation);
      // What is there already is no error.
      await kernel.nft.changeElements([change("add", "hosts", ["10.0.0.1"]), change("add", "nets", ["10.0.0.0/24"])]);
      await rejectsWith("ENOENT", () => elementsOf(kernel, "none"));
      await rejectsWith("EOPNOTSUPP", async () => {
        await kernel.nft.run("add set inet t names { type ifname; }");
        return await elementsOf(kernel, "names");
      });
    }),
);

kernelTest(
  "nft.changeElements() takes 20,000 elements off the main thread while others read",
  ["root", "nftables"],
  () =>
    withNetns(async ({ kernel }) => {
      await kernel.nft.run(SETS);
      const hosts = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 14}.${(i >> 7) & 127}.${i & 127}`);
      const nets = Array.from({ length: 10_000 }, (_, i) => `172.${i >> 8}.${i & 255}.0/25`);
      const pending = kernel.nft.changeElements([change("add", "hosts", hosts), change("add", "nets", nets)]);
      kernel.nft.generation();
      await Promise.all([pending, kernel.nft.changeElements([change("delete", "hosts", ["10.0.0.0"])])]);
      assertEquals((await elementsOf(kernel, "hosts")).length, 9_999);
      assertEquals(await elementsOf(kernel, "nets"), nets);
    }),
);
