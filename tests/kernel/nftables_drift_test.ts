/**
 * What somebody else does to the node's table on a real kernel is noticed, told once and repaired.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { NftablesTable } from "#/agents/nftables/driver.ts";
import { MAP_FROM_WORKLOAD, renderRuleset } from "#/agents/nftables/render.ts";
import { ENDPOINT, FULL } from "#tests/unit/agents/nftables/items.ts";
import { withNetns } from "#tests/support/netns.ts";
import { assertLevel, handlesOf, withTable } from "#tests/support/nftables_table.ts";
import { kernelTest } from "#tests/support/requires.ts";

const NEEDS = ["root", "nftables"] as const;
const INTERFACE = ENDPOINT.kind === "endpoint" ? ENDPOINT.interfaceName : "";

/** What somebody else does, and what is told of it. A text that begins with a slash is a pattern. */
const TOUCHES: readonly { readonly name: string; readonly script: string; readonly drift: readonly RegExp[] }[] = [
  { name: "everything flushed", script: "flush ruleset", drift: [/^missing table tortie$/] },
  { name: "the table deleted", script: "delete table inet tortie", drift: [/^missing table tortie$/] },
  {
    name: "the table put to sleep",
    script: "add table inet tortie { flags dormant; }",
    drift: [/^dormant table tortie$/],
  },
  { name: "a chain emptied", script: "flush chain inet tortie forward", drift: [/^changed chain forward$/] },
  {
    name: "a rule put in front",
    script: "insert rule inet tortie forward accept",
    drift: [/^changed chain forward$/],
  },
  {
    name: "a rule added at the end of a policy's chain",
    script: `add rule inet tortie fw-${INTERFACE} accept comment "mine"`,
    drift: [new RegExp(`^changed chain fw-${INTERFACE}$`)],
  },
  {
    name: "a base chain's policy changed",
    script: "add chain inet tortie forward { policy drop; }",
    drift: [/^chain forward of another type$/],
  },
  {
    name: "a base chain made anew at another priority",
    script: "flush chain inet tortie forward\ndelete chain inet tortie forward\n" +
      "add chain inet tortie forward { type filter hook forward priority 5; }",
    drift: [/^chain forward of another type$/],
  },
  {
    name: "a base chain made anew without its hook",
    script: "flush chain inet tortie forward\ndelete chain inet tortie forward\nadd chain inet tortie forward",
    drift: [/^chain forward of another type$/],
  },
  {
    name: "a chain of others",
    script: "add chain inet tortie mine { type filter hook input priority 1; }\nadd rule inet tortie mine accept",
    drift: [/^foreign chain mine$/],
  },
  {
    name: "a set of others, of a type that is not read",
    script: 'add set inet tortie mine { type ifname; }\nadd element inet tortie mine { "eth0" }\n' +
      "add rule inet tortie forward iifname @mine accept",
    drift: [/^foreign set mine$/, /^changed chain forward$/],
  },
  {
    name: "a map of others that holds a chain of ours",
    script:
      `add map inet tortie mine { type mark : verdict; }\nadd element inet tortie mine { 1 : jump fw-${INTERFACE} }`,
    drift: [/^foreign map mine$/],
  },
  {
    name: "an element of a map with another verdict",
    script: `add element inet tortie ${MAP_FROM_WORKLOAD} { "cali9" : accept }`,
    drift: [/^changed map from-workload-dispatch: 0 to add, 1 to remove$/],
  },
  {
    name: "an element of a map removed",
    script: `delete element inet tortie ${MAP_FROM_WORKLOAD} { "${INTERFACE}" }`,
    drift: [/^changed map from-workload-dispatch: 1 to add, 0 to remove$/],
  },
  {
    name: "an element of a map that leads elsewhere",
    script: `delete element inet tortie ${MAP_FROM_WORKLOAD} { "${INTERFACE}" }\n` +
      `add element inet tortie ${MAP_FROM_WORKLOAD} { "${INTERFACE}" : goto tw-${INTERFACE} }`,
    drift: [/^changed map from-workload-dispatch: 1 to add, 1 to remove$/],
  },
  {
    name: "an element added to a set",
    script: "add element inet tortie all-pools-4 { 10.0.0.0/8 }",
    drift: [/^changed set all-pools-4: 0 to add, 1 to remove$/],
  },
  {
    name: "a set emptied",
    script: "flush set inet tortie all-pools-4",
    drift: [/^changed set all-pools-4: 1 to add, 0 to remove$/],
  },
];

kernelTest(
  "NftablesTable notices, tells and repairs what somebody else does to its table",
  NEEDS,
  (t) =>
    withTable(async (table, { kernel, open, path }) => {
      const other = open(path).nft;
      for (const { name, script, drift } of TOUCHES) {
        await t.step(name, async () => {
          await other.run(script);
          assertEquals(table.touched(), true);
          const outcome = await table.apply(FULL);
          const isTold = outcome.drift.length === drift.length &&
            drift.every((line) => outcome.drift.some((told) => line.test(told)));
          assert(isTold, `Expected ${drift.join(" and ")}: got ${outcome.drift.join("; ")}`);
          assertEquals(outcome.written, outcome.drift);
          await assertLevel(kernel, FULL, table);
        });
      }
    }),
);

kernelTest(
  "NftablesTable notices a rule or set of its own taken away",
  NEEDS,
  (t) =>
    withTable(async (table, { kernel, open, path }) => {
      const other = open(path).nft;
      const set = [...renderRuleset(FULL).sets.keys()].find((name) => name.startsWith("s4a"))!;
      const policy = [...renderRuleset(FULL).chains.keys()].find((name) => name.startsWith("pi-p"))!;
      const cases = [
        {
          name: "rule",
          script: async () => `delete rule inet tortie input handle ${(await handlesOf(kernel)).get("input")![0]}`,
        },
        { name: "element", script: () => Promise.resolve(`delete element inet tortie ${set} { 10.0.0.1 }`) },
        {
          name: "set with the rules that name it",
          script: () => Promise.resolve(`flush chain inet tortie ${policy}\ndelete set inet tortie ${set}`),
        },
        {
          name: "set with another of its name",
          script: () =>
            Promise.resolve(
              `flush chain inet tortie ${policy}\ndelete set inet tortie ${set}\nadd set inet tortie ${set} { type ipv6_addr; }`,
            ),
        },
      ];
      for (const { name, script } of cases) {
        await t.step(name, async () => {
          await other.run(await script());
          assertEquals(table.touched(), true);
          assert((await table.apply(FULL)).drift.length > 0);
          await assertLevel(kernel, FULL, table);
        });
      }
    }),
);

kernelTest(
  "NftablesTable does not mind changes to other tables, and does not touch them",
  NEEDS,
  () =>
    withTable(async (table, { kernel, open, path }) => {
      const other = open(path).nft;
      await other.run("add table ip nat\nadd chain ip nat mine\nadd rule ip nat mine accept");
      const listing = await other.run("list table ip nat");
      assertEquals(table.touched(), true);
      assertEquals(await table.apply(FULL), { written: [], drift: [], errors: [] });
      assertEquals(table.touched(), false);
      await other.run("delete table inet tortie");
      await table.apply(FULL);
      assertEquals(await other.run("list table ip nat"), listing);
      await assertLevel(kernel, FULL, table);
    }),
);

kernelTest(
  "NftablesTable sees a commit by somebody else that comes between its own and the end of the pass",
  NEEDS,
  () =>
    withNetns(async ({ kernel, open, path }) => {
      const other = open(path).nft;
      let meanwhile: string | undefined;
      const table = new NftablesTable({
        ...kernel.nft,
        run: async (script) => {
          const output = await kernel.nft.run(script);
          if (meanwhile !== undefined) await other.run(meanwhile);
          return output;
        },
      });
      await table.apply(FULL);
      meanwhile = "flush chain inet tortie forward";
      const fewer = new Map([...FULL].filter(([, item]) => item !== ENDPOINT));
      await table.apply(fewer);
      meanwhile = undefined;
      assertEquals(table.touched(), true);
      assertEquals((await table.apply(fewer)).drift, ["changed chain forward"]);
      await assertLevel(kernel, fewer, table);
    }),
);

kernelTest(
  "NftablesTable.apply() tells drift once, though the pass that found it failed",
  NEEDS,
  () =>
    withNetns(async ({ kernel }) => {
      let fails = false;
      const table = new NftablesTable({
        ...kernel.nft,
        run: (script) => fails ? Promise.reject(new Error("Not now")) : kernel.nft.run(script),
      });
      await table.apply(FULL);
      await kernel.nft.run("flush chain inet tortie forward");
      fails = true;
      await assertRejects(() => table.apply(FULL), Error, "Not now");
      await assertRejects(() => table.apply(FULL), Error, "Not now");
      fails = false;
      assertEquals((await table.apply(FULL)).drift, ["changed chain forward"]);
      await assertLevel(kernel, FULL, table);
    }),
);
