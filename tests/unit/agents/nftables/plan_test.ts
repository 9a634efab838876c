/**
 * Steps from one ruleset to another.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dispatchOf } from "#/agents/nftables/driver.ts";
import { actualOf, type ActualRuleset, type NftablesPlan, NO_RULESET, planNftables } from "#/agents/nftables/plan.ts";
import { renderRuleset } from "#/agents/nftables/render.ts";
import type { NodeItem } from "#/projections/node_state.ts";
import { ENDPOINT, EVERY_MATCH, FULL, PROFILE, rule, stateOf } from "./items.ts";

/** Lines of each script, and `set verb elements` for each change of elements. */
function linesOf({ steps }: NftablesPlan): string[][] {
  return steps.map((step) =>
    step.kind === "script"
      ? step.script.split("\n").filter((line) => line !== "")
      : step.changes.map(({ set, kind, elements }) => `${set.slice(0, 3)} ${kind} ${elements.join(" ")}`)
  );
}

function onlyScript(plan: NftablesPlan): string[] {
  const lines = linesOf(plan);
  assertEquals(lines.length, 1);
  return lines[0]!;
}

function edited(change: (item: NodeItem) => NodeItem): readonly NodeItem[] {
  return EVERY_MATCH.map(change);
}

Deno.test("planNftables() writes nothing when nothing differs", () => {
  const ruleset = renderRuleset(FULL);
  assertEquals(planNftables(ruleset, actualOf(ruleset)), { steps: [], differences: [] });
});

Deno.test("planNftables() closes a node that has no table, then fills sets before rules name them", () => {
  const plan = planNftables(renderRuleset(FULL), NO_RULESET);
  const [close = [], sets = [], elements = [], rules = []] = linesOf(plan);
  assertEquals(plan.differences, ["missing table tortie"]);
  assertEquals(close.slice(0, 3), ["add table inet tortie", "delete table inet tortie", "add table inet tortie"]);
  assert(close.some((line) => /^add rule inet tortie forward .*jump to-workload/.test(line)));
  assert(close.some((line) => /^add rule inet tortie to-workload drop/.test(line)));
  assert(!close.some((line) => line.includes("add element")), "Expected nobody to be let through");
  assertEquals(
    sets.map((line) => line.slice(0, 23)),
    ["s4n", "s6a", "s4a", "s6a", "s4p", "s6p"].map((name) => `add set inet tortie ${name}`),
  );
  assertEquals(elements, [
    "s4n add 10.0.0.0/8",
    "s6a add fd00::1",
    "s4a add 10.0.0.1",
    "s4p add 10.0.0.1,tcp:8080",
    "nat add 192.168.0.0/16",
    "all add 192.168.0.0/16",
  ]);
  const first = (start: string) => rules.findIndex((line) => line.startsWith(start));
  const last = (start: string) => rules.findLastIndex((line) => line.startsWith(start));
  assert(last("add chain") < first("add rule"));
  assert(last("add rule") < first("add element inet tortie from-workload-dispatch"));
});

Deno.test("planNftables() replaces the chain of an edited policy and nothing else", () => {
  const changed = edited((item) =>
    item.kind === "policy" ? { ...item, policy: { ...item.policy, ingress: [rule("9/i/0", "deny")] } } : item
  );
  const before = renderRuleset(stateOf([...EVERY_MATCH, PROFILE, ENDPOINT]));
  const plan = planNftables(renderRuleset(stateOf([...changed, PROFILE, ENDPOINT])), actualOf(before));
  assertEquals(plan.differences.length, 1);
  const [flush, add, ...rest] = onlyScript(plan);
  assertMatch(flush!, /^flush chain inet tortie pi-p-[0-9a-f]{8}$/);
  assertMatch(add!, /^add rule inet tortie pi-p-[0-9a-f]{8} drop comment "[0-9a-f]{12} 9\/i\/0"$/);
  assertEquals(rest, []);
});

Deno.test("planNftables() changes a set by its elements, removals first", () => {
  const grown = edited((item) =>
    item.id === "s:hosts" && item.kind === "set" ? { ...item, members: ["10.0.0.2"] } : item
  );
  const plan = planNftables(renderRuleset(stateOf(grown)), actualOf(renderRuleset(stateOf(EVERY_MATCH))));
  assertEquals(linesOf(plan), [["s4a delete 10.0.0.1", "s4a add 10.0.0.2"]]);
});

Deno.test("planNftables() takes an endpoint out of the maps before its chains go", () => {
  const plan = planNftables(renderRuleset(stateOf([])), actualOf(renderRuleset(FULL)));
  const lines = linesOf(plan).at(-1)!;
  const unmap = lines.findIndex((line) =>
    line === 'delete element inet tortie from-workload-dispatch { "cali0123456789a" }'
  );
  const unchain = lines.findIndex((line) => line === "delete chain inet tortie fw-cali0123456789a");
  assert(unmap >= 0 && unmap < unchain, lines.join("\n"));
});

Deno.test("planNftables() sees a rule that was taken out or put in behind its back", () => {
  const ruleset = renderRuleset(FULL);
  const actual = actualOf(ruleset);
  const forward = actual.chains.get("forward")!;
  const touched = new Map(actual.chains).set("forward", { ...forward, comments: forward.comments.slice(1) });
  assertEquals(planNftables(ruleset, { ...actual, chains: touched }).differences, ["changed chain forward"]);
});

const ACTUAL = actualOf(renderRuleset(FULL));
const SET_NAME = [...ACTUAL.sets.keys()][0]!;
const DISPATCH = ACTUAL.maps.get("from-workload-dispatch")!;
const FORWARD = ACTUAL.chains.get("forward")!;

const MISFITS: readonly { readonly name: string; readonly change: Partial<ActualRuleset>; readonly says: string }[] = [
  { name: "a table put to sleep", change: { fault: "dormant table tortie" }, says: "dormant table tortie" },
  {
    name: "a base chain with another priority",
    change: { chains: new Map(ACTUAL.chains).set("forward", { ...FORWARD, base: { ...FORWARD.base!, priority: 5 } }) },
    says: "chain forward of another type",
  },
  {
    name: "a base chain that has lost its hook",
    change: { chains: new Map(ACTUAL.chains).set("forward", { ...FORWARD, base: undefined }) },
    says: "chain forward of another type",
  },
  {
    name: "a set of another key",
    change: { sets: new Map(ACTUAL.sets).set(SET_NAME, { type: { keyType: 41, isInterval: false }, elements: [] }) },
    says: `set ${SET_NAME} of another type`,
  },
  {
    name: "a map of another value",
    change: { maps: new Map(ACTUAL.maps).set("from-workload-dispatch", { ...DISPATCH, isDispatch: false }) },
    says: "map from-workload-dispatch of another type",
  },
  {
    name: "a set where a map should be",
    change: {
      maps: new Map([...ACTUAL.maps].slice(1)),
      sets: new Map(ACTUAL.sets).set("from-workload-dispatch", {
        type: { keyType: 7, isInterval: false },
        elements: [],
      }),
    },
    says: "map from-workload-dispatch of another type",
  },
];

for (const { name, change, says } of MISFITS) {
  Deno.test(`planNftables() makes the table anew, closed first, for ${name}`, () => {
    const plan = planNftables(renderRuleset(FULL), { ...ACTUAL, ...change });
    assertEquals(plan.differences, [says]);
    assertEquals(linesOf(plan)[0]!.slice(0, 2), ["add table inet tortie", "delete table inet tortie"]);
  });
}

Deno.test("planNftables() removes maps and sets of others, whatever their type", () => {
  const other = { type: { keyType: 41, isInterval: false }, elements: [] };
  const actual: ActualRuleset = {
    ...ACTUAL,
    sets: new Map(ACTUAL.sets).set("x", other),
    maps: new Map(ACTUAL.maps).set("y", { isDispatch: false, targets: new Map() }),
  };
  const plan = planNftables(renderRuleset(FULL), actual);
  assertEquals(plan.differences.toSorted(), ["foreign map y", "foreign set x"]);
  assertEquals(onlyScript(plan), ["delete map inet tortie y", "delete set inet tortie x"]);
});

Deno.test("planNftables() removes elements of maps by key alone, for they may have any verdict", () => {
  const maps = new Map(ACTUAL.maps).set("from-workload-dispatch", {
    isDispatch: true,
    targets: new Map(DISPATCH.targets).set("cali9", "?"),
  });
  const plan = planNftables(renderRuleset(FULL), { ...ACTUAL, maps });
  assertEquals(onlyScript(plan), ['delete element inet tortie from-workload-dispatch { "cali9" }']);
});

Deno.test("dispatchOf() gives a chain that is none of ours to what it cannot read", () => {
  const elem = [
    ["cali1", { goto: { target: "fw-cali1" } }],
    ["cali2", { drop: null }],
    [{ elem: { val: "cali3", comment: "x" } }, { goto: { target: "fw-cali3" } }],
  ];
  const { isDispatch, targets } = dispatchOf({ nftables: [{ metainfo: {} }, { map: { map: "verdict", elem } }] });
  assertEquals(isDispatch, true);
  assertEquals([...targets], [["cali1", "fw-cali1"], ["cali2", "?"], ["cali3", "fw-cali3"]]);
  assertEquals(dispatchOf({ nftables: [{ map: { map: "mark" } }] }).isDispatch, false);
});
