/**
 * nftables in a real kernel against the interpreter of the IR: random policies, put into the kernel as an agent does, judge random packets that come over a
 * wire. Each packet carries its number; a set behind the policy's chain remembers the numbers that got through.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { setImmediate } from "node:timers/promises";
import type { Kernel } from "#/agents/kernel/kernel.ts";
import { NftablesTable } from "#/agents/nftables/driver.ts";
import { ANY, type PolicyIr, policyKey, type RuleIr } from "#/policy/ir.ts";
import { interpretChain } from "#/policy/ir_interpreter.ts";
import type { NodeItem, NodeState } from "#/projections/node_state.ts";
import {
  countIrConditions,
  type IrCase,
  irCase,
  type IrCoverage,
  packetText,
  tablesOf,
  uncovered,
} from "#tests/properties/ir_cases.ts";
import { COMMON_FAULTS, type RuleFaults, sides } from "#tests/properties/rule_faults.ts";
import { ENDPOINT, stateOf } from "#tests/unit/agents/nftables/items.ts";
import { withNetns } from "#tests/support/netns.ts";
import { Wire } from "#tests/support/packet_wire.ts";
import { kernelTest } from "#tests/support/requires.ts";

/** Random policies that the kernel judges by, 40 packets each at most. */
const CASES = 400;
/** Cases within which a deliberate fault must show: always the same, because it is the comparison that is tried. */
const FAULT_CASES = 2_000;
const FAULT_SEED = 1;
/** Every condition must have decided at least so many times each way. */
const DECISIONS_MIN = 2;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);
/** Turns of the event loop within which the kernel has seen all packets sent. */
const TURNS_MAX = 1_000;

const INTERFACE = ENDPOINT.kind === "endpoint" ? ENDPOINT.interfaceName : "";

/**
 * A chain of the test's own beside the agent's, in the same table because chains of another cannot be jumped to. It comes before connection tracking, which
 * would drop packets that no program sends, and lets nothing go on.
 */
const PROBE = `
add set inet tortie seen4 { typeof ip id; }
add set inet tortie seen6 { typeof ip6 flowlabel; }
add set inet tortie passed4 { typeof ip id; }
add set inet tortie passed6 { typeof ip6 flowlabel; }
add chain inet tortie probe { type filter hook prerouting priority -310; policy drop; }
add rule inet tortie probe meta nfproto ipv4 add @seen4 { ip id }
add rule inet tortie probe meta nfproto ipv6 icmpv6 type { 130-136, 143 } drop
add rule inet tortie probe meta nfproto ipv6 add @seen6 { ip6 flowlabel }
add rule inet tortie probe jump tw-${INTERFACE}
add rule inet tortie probe meta nfproto ipv4 add @passed4 { ip id }
add rule inet tortie probe meta nfproto ipv6 add @passed6 { ip6 flowlabel }
add rule inet tortie probe drop
`;

function stateOfCase({ policies, chain, sets }: IrCase, change: (rule: RuleIr) => RuleIr): NodeState {
  const items = policies.map((policy): NodeItem => {
    const kind = policy.ref.kind === "Profile" ? "profile" : "policy";
    const changed: PolicyIr = { ...policy, ingress: policy.ingress?.map(change) };
    return { kind, id: policyKey(policy.ref), policy: changed };
  });
  const endpoint = { ...ENDPOINT, ingress: chain, egress: { tiers: [], profiles: [] } } as NodeItem;
  return stateOf([...sets, ...items, endpoint]);
}

/** A kernel with a wire into it. */
interface Bench {
  readonly kernel: Kernel;
  readonly table: NftablesTable;
  readonly wire: Wire;
}

function withBench(body: (bench: Bench) => Promise<void>): Promise<void> {
  return withNetns(async ({ kernel, make, open }) => {
    const farPath = await make("far");
    const far = open(farPath);
    await kernel.links.create({ type: "veth", name: "wire", up: true, peer: { name: "wire", netns: farPath } });
    await far.links.change("wire", { up: true });
    const [here, there] = [await kernel.links.byName("wire"), await far.links.byName("wire")];
    assert(here?.mac !== undefined && there?.mac !== undefined);
    using wire = new Wire(farPath, { linkIndex: there.index, to: here.mac, from: there.mac });
    await body({ kernel, table: new NftablesTable(kernel.nft), wire });
  });
}

async function numbersOf({ kernel }: Bench, name: "seen" | "passed"): Promise<ReadonlySet<number>> {
  const numbers = new Set<number>();
  for (const version of [4, 6]) {
    const json = await kernel.nft.listJson(`list set inet tortie ${name}${version}`) as {
      readonly nftables: readonly { readonly set?: { readonly elem?: readonly number[] } }[];
    };
    for (const number of json.nftables.flatMap(({ set }) => set?.elem ?? [])) numbers.add(number);
  }
  return numbers;
}

/** What the kernel makes of each packet of a case. */
async function judge(
  bench: Bench,
  one: IrCase,
  change: (rule: RuleIr) => RuleIr = (same) => same,
): Promise<readonly string[]> {
  const { kernel, table, wire } = bench;
  // Removes the chain and the sets of the case before, which are none of the agent's.
  await table.apply(stateOfCase(one, change));
  await kernel.nft.run(PROBE);
  for (const [number, packet] of one.packets.entries()) wire.send(packet, number);
  let seen = await numbersOf(bench, "seen");
  for (let turn = 0; seen.size < one.packets.length && turn < TURNS_MAX; turn++) {
    await setImmediate();
    seen = await numbersOf(bench, "seen");
  }
  assertEquals(
    one.packets.filter((_, number) => !seen.has(number)).map(packetText),
    [],
    "Expected all packets to arrive",
  );
  const passed = await numbersOf(bench, "passed");
  return one.packets.map((_, number) => passed.has(number) ? "allow" : "deny");
}

function wanted(one: IrCase): readonly string[] {
  const tables = tablesOf(one);
  return one.packets.map((packet) => interpretChain(one.chain, "ingress", packet, tables).action);
}

kernelTest("nftables judges as the interpreter does, with every kind of condition deciding both ways", [
  "root",
  "nftables",
], () =>
  withBench(async (bench) => {
    const coverage: IrCoverage = new Map();
    let allowed = 0;
    await fc.assert(
      fc.asyncProperty(irCase, async (one) => {
        const judged = await judge(bench, one);
        const expected = wanted(one);
        const differing = one.packets.flatMap((packet, at) =>
          judged[at] === expected[at] ? [] : [`${packetText(packet)}: ${judged[at]} instead of ${expected[at]}`]
        );
        assertEquals(differing, []);
        countIrConditions(coverage, one);
        allowed += judged.filter((action) => action === "allow").length;
      }),
      { numRuns: CASES, seed: SEED },
    );
    assertEquals(uncovered(coverage, DECISIONS_MIN), [], `decided too seldom (TORTIE_TEST_SEED=${SEED})`);
    assert(allowed > CASES, `Expected many packets to be allowed: ${allowed} (TORTIE_TEST_SEED=${SEED})`);
  }));

/** Faults that a renderer might have, as other rules than those that the interpreter judges by. */
const FAULTS: RuleFaults = {
  ...COMMON_FAULTS,
  "ranges end one port late": sides((side) =>
    side.ports === ANY
      ? side
      : { ...side, ports: side.ports.map(({ min, max }) => ({ min, max: Math.min(max + 1, 65_535) })) }
  ),
  "networks are twice as wide": sides((side) =>
    side.nets === ANY
      ? side
      : { ...side, nets: side.nets.map((net) => net.replace(/\/(30|31|126|127)$/, (_, length) => `/${length - 1}`)) }
  ),
};

kernelTest(
  "the comparison with the kernel notices deliberate faults",
  ["root", "nftables"],
  (t) =>
    withBench(async (bench) => {
      const cases = fc.sample(irCase, { numRuns: FAULT_CASES, seed: FAULT_SEED });
      for (const [fault, change] of Object.entries(FAULTS)) {
        await t.step(`notices that ${fault}`, async () => {
          for (const one of cases) {
            if (String(await judge(bench, one, change)) !== String(wanted(one))) return;
          }
          throw new Error(`Expected a difference within ${FAULT_CASES} cases (seed ${FAULT_SEED})`);
        });
      }
    }),
);
