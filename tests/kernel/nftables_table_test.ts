/**
 * The node's table on a real kernel: written once, left alone while nothing differs, and changed no more than the node state has.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { NftablesDriver } from "#/agents/kernel/kernel.ts";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import { NftablesTable, observeTable } from "#/agents/nftables/driver.ts";
import { actualOf } from "#/agents/nftables/plan.ts";
import { MAP_FROM_WORKLOAD, renderRuleset } from "#/agents/nftables/render.ts";
import { ANY_SIDE } from "#/policy/ir.ts";
import type { NodeItem, NodeState } from "#/projections/node_state.ts";
import { ENDPOINT, EVERY_MATCH, FULL, POOL, PROFILE, rule, stateOf } from "#tests/unit/agents/nftables/items.ts";
import { withNetns } from "#tests/support/netns.ts";
import { assertLevel, handlesOf, sorted, withMembers, withTable } from "#tests/support/nftables_table.ts";
import { kernelTest } from "#tests/support/requires.ts";

const NEEDS = ["root", "nftables"] as const;

kernelTest(
  "NftablesTable.apply() writes once and then nothing, a restarted agent neither",
  NEEDS,
  () =>
    withNetns(async ({ kernel }) => {
      const table = new NftablesTable(kernel.nft);
      assertEquals(table.touched(), false);
      assertEquals(await table.apply(FULL), { written: ["missing table tortie"], drift: [], errors: [] });
      await assertLevel(kernel, FULL, table);
    }),
);

kernelTest(
  "NftablesTable.apply() replaces the chain of an edited policy and no other",
  NEEDS,
  () =>
    withTable(async (table, { kernel }) => {
      const before = await handlesOf(kernel);
      const edited = [...FULL.values()].map((item): NodeItem =>
        item.kind === "policy" ? { ...item, policy: { ...item.policy, ingress: [rule("9/i/0", "deny")] } } : item
      );
      const { written } = await table.apply(stateOf(edited));
      await assertLevel(kernel, stateOf(edited), table);
      const after = await handlesOf(kernel);
      const changed = [...after].filter(([name, handles]) => String(handles) !== String(before.get(name)));
      assertEquals(changed.map(([name]) => `changed chain ${name}`), [...written]);
      assertEquals([after.size, changed.length, changed[0]?.[1].length], [before.size, 1, 1]);
    }),
);

kernelTest(
  "NftablesTable.apply() changes members of sets and leaves all rules alone",
  NEEDS,
  (t) =>
    withTable(async (table, { kernel }) => {
      const six = stateOf([
        { kind: "set", id: "s:six", type: "net", members: ["fd00::1", "fd00::2"] },
        {
          kind: "set",
          id: "s:nets",
          type: "net",
          members: ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "fd00::/64", "fd00:0:0:1::/64"],
        },
        { kind: "set", id: "n:six", type: "ipPort", members: ["10.0.0.1,tcp:80", "fd00::1,udp:53"] },
      ]);
      const base = new Map([...FULL, ...six]);
      await table.apply(base);
      const handles = await handlesOf(kernel);
      const steps: readonly { readonly name: string; readonly id: string; readonly members: readonly string[] }[] = [
        { name: "an address more", id: "s:hosts", members: ["10.0.0.1", "10.0.0.2"] },
        { name: "another address", id: "s:hosts", members: ["10.0.0.3"] },
        { name: "IPv6 addresses", id: "s:six", members: ["fd00::2", "fd00::3"] },
        {
          name: "ports of both families",
          id: "n:six",
          members: ["10.0.0.1,tcp:81", "10.0.0.1,sctp:80", "fd00::2,udp:53"],
        },
        {
          name: "a network between two others",
          id: "s:nets",
          members: ["10.0.0.0/24", "10.0.2.0/24", "fd00::/64", "fd00:0:0:1::/64"],
        },
        {
          name: "a network back between them",
          id: "s:nets",
          members: ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "fd00:0:0:1::/64"],
        },
        { name: "a network that holds them all", id: "s:nets", members: ["10.0.0.0/8", "fd00::/16"] },
        { name: "networks inside it", id: "s:nets", members: ["10.0.0.0/24", "10.1.0.0/16", "fd00::/64"] },
        {
          name: "single addresses beside networks",
          id: "s:nets",
          members: ["10.0.0.255", "10.0.1.0/24", "10.0.2.0", "fd00::/64"],
        },
        { name: "every address", id: "s:nets", members: ["0.0.0.0/0", "::/0"] },
        { name: "halves of all", id: "s:nets", members: ["0.0.0.0/1", "128.0.0.0/1", "8000::/1"] },
        { name: "one network", id: "s:nets", members: ["10.0.0.0/24", "fd00::/64"] },
      ];
      let state: NodeState = base;
      for (const { name, id, members } of steps) {
        await t.step(name, async () => {
          state = withMembers(id, members, state);
          const { written } = await table.apply(state);
          assert(written.length > 0 && written.every((line) => line.startsWith("changed set ")), written.join("; "));
          await assertLevel(kernel, state, table);
          assertEquals(await handlesOf(kernel), handles);
        });
      }
    }),
);

kernelTest(
  "NftablesTable.apply() makes a set an interval set when a member becomes a network, and back",
  NEEDS,
  () =>
    withTable(async (table, { kernel }) => {
      const nets = withMembers("s:hosts", ["10.0.0.0/24"]);
      await table.apply(nets);
      await assertLevel(kernel, nets, table);
      const sets = (await observeTable(kernel.nft)).sets;
      assertEquals(
        [...sets.values()].filter(({ elements }) => elements.includes("10.0.0.0/24")).map(({ type }) =>
          type.isInterval
        ),
        [true],
      );
      await table.apply(FULL);
      await assertLevel(kernel, FULL, table);
    }),
);

kernelTest(
  "NftablesTable.apply() takes everything of a gone endpoint out",
  NEEDS,
  () =>
    withTable(async (table, { kernel }) => {
      const second: NodeItem = {
        ...ENDPOINT,
        id: "shop/other",
        interfaceName: "cali2",
        addresses: ["fd00::2"],
      } as NodeItem;
      const both = new Map([...FULL, ...stateOf([second])]);
      await table.apply(both);
      await assertLevel(kernel, both, table);
      const { written } = await table.apply(FULL);
      assertEquals(written.toSorted(), [
        "changed map from-workload-dispatch: 0 to add, 1 to remove",
        "changed map to-workload-dispatch: 0 to add, 1 to remove",
        "foreign chain fw-cali2",
        "foreign chain tw-cali2",
      ]);
      await assertLevel(kernel, FULL, table);
      const nothing = stateOf([]);
      await table.apply(nothing);
      await assertLevel(kernel, nothing, table);
    }),
);

kernelTest(
  "NftablesTable.apply() leaves a node closed when it cannot go on after its first step",
  NEEDS,
  () =>
    withNetns(async ({ kernel }) => {
      let runs = 0;
      const failing: NftablesDriver = {
        ...kernel.nft,
        run: (script) => runs++ === 0 ? kernel.nft.run(script) : Promise.reject(new Error("No more")),
      };
      const table = new NftablesTable(failing);
      await assertRejects(() => table.apply(FULL), Error, "No more");
      assertEquals(sorted(await observeTable(kernel.nft)), sorted(actualOf(renderRuleset(stateOf([])))));
      assertEquals(table.touched(), false);
    }),
);

kernelTest(
  "NftablesTable.apply() makes the table anew when a set goes on refusing its elements",
  NEEDS,
  () =>
    withNetns(async ({ kernel }) => {
      let refuses = false;
      const refusal = new KernelError({ operation: "delete elements of set", subject: "s", code: "ENOENT" });
      const table = new NftablesTable({
        ...kernel.nft,
        changeElements: (changes) => refuses ? Promise.reject(refusal) : kernel.nft.changeElements(changes),
      });
      await table.apply(FULL);
      const other = withMembers("s:hosts", ["10.0.0.2"]);
      refuses = true;
      for (let pass = 0; pass < 2; pass++) await assertRejects(() => table.apply(other), KernelError, "ENOENT");
      refuses = false;
      assertEquals((await table.apply(other)).written, ["sets of table tortie refuse their elements"]);
      await assertLevel(kernel, other, table);
    }),
);

kernelTest(
  "NftablesTable.apply() changes interval sets that libnftables has filled",
  NEEDS,
  () =>
    withNetns(async ({ kernel }) => {
      const state = withMembers("s:hosts", ["10.0.0.0/24", "10.0.1.0/24"]);
      const table = new NftablesTable(kernel.nft);
      await table.apply(state);
      const set = [...renderRuleset(state).sets.keys()].filter((name) => name.startsWith("s4n"))[1]!;
      await kernel.nft.run(`flush set inet tortie ${set}\nadd element inet tortie ${set} { 10.0.0.0/24, 10.0.1.0/24 }`);
      assertEquals(await table.apply(state), { written: [], drift: [], errors: [] });
      for (const members of [["10.0.1.0/24"], ["10.0.0.0/23"]]) {
        const fewer = withMembers("s:hosts", members);
        await table.apply(fewer);
        await assertLevel(kernel, fewer, table);
      }
    }),
);

kernelTest(
  "NftablesTable.apply() takes sets of 100,000 members, and one more",
  NEEDS,
  () =>
    withNetns(async ({ kernel }) => {
      const members = (count: number, tail: string) =>
        Array.from({ length: count }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}${tail}`);
      const big = (extra: readonly string[]) =>
        stateOf([
          { kind: "set", id: "s:big", type: "net", members: [...members(100_000, ""), ...extra] },
          {
            kind: "set",
            id: "s:nets",
            type: "net",
            members: [
              ...members(20_000, "/32").map((net) => net.replace("10.", "11.").replace("/32", "")),
              "172.16.0.0/12",
              ...extra,
            ],
          },
          POOL,
          PROFILE,
        ]);
      const table = new NftablesTable(kernel.nft);
      await table.apply(big([]));
      const { written } = await table.apply(big(["192.0.2.1"]));
      assertEquals(written.length, 2);
      await assertLevel(kernel, big(["192.0.2.1"]), table);
    }),
);

kernelTest(
  "NftablesTable.remove() removes all that is ours, also where there is nothing",
  NEEDS,
  () =>
    withTable(async (table, { kernel }) => {
      await kernel.nft.run("add table ip other");
      await table.remove();
      assertEquals((await kernel.nft.run("list ruleset")).trim().replaceAll(/\s+/g, " "), "table ip other { }");
      assertEquals(table.touched(), false);
      await table.remove();
      await table.apply(FULL);
      await assertLevel(kernel, FULL, table);
    }),
);

kernelTest("every rule that renders is one that nft takes", NEEDS, () =>
  withNetns(async ({ kernel }) => {
    const side = {
      ...ANY_SIDE,
      sets: ["s:mixed"],
      notSets: ["s:hosts"],
      nets: ["10.0.0.0/8", "fd00::/8"],
      notNets: ["10.1.0.0/16"],
    };
    const ported = {
      ...side,
      ports: [{ min: 1, max: 65535 }, { min: 80, max: 90 }],
      portSets: ["n:web"],
      notPorts: [{ min: 5, max: 6 }],
      notPortSets: ["n:web"],
    };
    const rules = [undefined, 1, 6, 17, 47, 58, 132, 136, 255].flatMap((protocol) =>
      ([4, 6, "any"] as const).flatMap((ipVersion) =>
        [undefined, { type: 8, code: 0 }, { type: 255, code: "any" as const }].map((icmp, at) =>
          rule(`${protocol}/${ipVersion}/${at}`, at === 0 ? "log" : "pass", {
            protocol: protocol ?? "any",
            ipVersion,
            notProtocol: at === 1 ? protocol : undefined,
            icmp: at === 1 ? icmp ?? "any" : "any",
            notIcmp: at === 2 ? icmp : undefined,
            source: ported,
            destination: ported,
          })
        )
      )
    );
    const items = EVERY_MATCH.map((item): NodeItem =>
      item.kind === "policy" ? { ...item, policy: { ...item.policy, ingress: rules } } : item
    );
    const table = new NftablesTable(kernel.nft);
    await table.apply(stateOf([...items, PROFILE, ENDPOINT]));
    await assertLevel(kernel, stateOf([...items, PROFILE, ENDPOINT]), table);
  }));

kernelTest(
  "NftablesTable.apply() closes a policy that nft refuses, tells it, and applies all others",
  NEEDS,
  () =>
    withNetns(async ({ kernel }) => {
      const bad = rule("7/i/0", "allow", {
        protocol: 6,
        destination: { ...ANY_SIDE, ports: [{ min: 1, max: 70_000 }] },
      });
      const spoil = (state: NodeState, ingress = [bad]): NodeState =>
        stateOf(
          [...state.values()].map((item): NodeItem =>
            item.kind === "policy" ? { ...item, policy: { ...item.policy, ingress } } : item
          ),
        );
      const table = new NftablesTable(kernel.nft);
      const policy = [...renderRuleset(FULL).chains.keys()].find((name) => name.startsWith("pi-p"))!;
      const textOf = () => kernel.nft.run(`list chain inet tortie ${policy}`);
      for (const state of [FULL, withMembers("s:hosts", ["10.0.0.2"])]) {
        const { errors } = await table.apply(spoil(state));
        assertEquals(errors.map(({ item }) => item), ["policy:NetworkPolicy/shop/p"]);
        assertMatch(
          errors[0]!.message,
          /nft refuses chain pi-p-[0-9a-f]{8}, which drops everything instead: .*out of range/,
        );
        assertMatch(await textOf(), /\{\s+drop comment "[0-9a-f]{12} refused"\s+\}/);
        assertEquals((await observeTable(kernel.nft)).maps.get(MAP_FROM_WORKLOAD)?.targets.size, 1);
      }
      const generation = kernel.nft.generation();
      assertEquals((await table.apply(spoil(withMembers("s:hosts", ["10.0.0.2"])))).written, []);
      assertEquals([table.touched(), kernel.nft.generation()], [false, generation]);
      await table.apply(FULL);
      await assertLevel(kernel, FULL, table);
      // A policy in force that becomes one that nft refuses does not stay in force.
      assertEquals((await table.apply(spoil(FULL))).errors.length, 1);
      assertMatch(await textOf(), /refused/);
      assertEquals((await table.apply(stateOf([]))).errors, []);
      await assertLevel(kernel, stateOf([]), table);
    }),
);

kernelTest(
  "NftablesTable.apply() closes no policy for a failure that is not its own",
  NEEDS,
  () =>
    withNetns(async ({ kernel }) => {
      let fails = true;
      const table = new NftablesTable({
        ...kernel.nft,
        run: (script) => fails ? Promise.reject(new Error("No memory")) : kernel.nft.run(script),
      });
      await assertRejects(() => table.apply(FULL), Error, "No memory");
      fails = false;
      assertEquals((await table.apply(FULL)).errors, []);
      await assertLevel(kernel, FULL, table);
    }),
);
