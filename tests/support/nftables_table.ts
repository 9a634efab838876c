/**
 * The node's table on a real kernel, for the tests of its driver: what the kernel holds, compared with what a node state asks for.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Kernel } from "#/agents/kernel/kernel.ts";
import { NftablesTable, observeTable } from "#/agents/nftables/driver.ts";
import { actualOf, type ActualRuleset } from "#/agents/nftables/plan.ts";
import { renderRuleset } from "#/agents/nftables/render.ts";
import type { NodeState, SetItem } from "#/projections/node_state.ts";
import { FULL } from "#tests/unit/agents/nftables/items.ts";
import { type TestNetns, withNetns } from "#tests/support/netns.ts";

/** The kernel's table in a form that does not depend on the order in which sets list their elements. */
export function sorted({ sets, maps, chains, fault }: ActualRuleset): ActualRuleset {
  return {
    fault,
    chains: new Map(
      [...chains].sort().map(([name, { base, comments }]) => [name, {
        base: base === undefined ? undefined : { hook: base.hook, priority: base.priority, policy: base.policy },
        comments,
      }]),
    ),
    sets: new Map([...sets].sort().map(([name, set]) => [name, { ...set, elements: set.elements.toSorted() }])),
    maps: new Map([...maps].sort().map(([name, map]) => [name, { ...map, targets: new Map([...map.targets].sort()) }])),
  };
}

/** Fails unless the kernel's table is what the state asks for, down to the elements. */
export async function assertLevel({ nft }: Kernel, state: NodeState, table: NftablesTable): Promise<void> {
  assertEquals(sorted(await observeTable(nft)), sorted(actualOf(renderRuleset(state))));
  const generation = nft.generation();
  assertEquals(table.touched(), false);
  assertEquals(await table.apply(state), { written: [], drift: [], errors: [] });
  assertEquals(await new NftablesTable(nft).apply(state), { written: [], drift: [], errors: [] });
  assertEquals(nft.generation(), generation, "Expected a level table to be left alone");
}

/** Runs a test's body with the full node state applied in a namespace of its own. */
export function withTable(body: (table: NftablesTable, netns: TestNetns) => Promise<void>): Promise<void> {
  return withNetns(async (netns) => {
    const table = new NftablesTable(netns.kernel.nft);
    await table.apply(FULL);
    await assertLevel(netns.kernel, FULL, table);
    await body(table, netns);
  });
}

/** The full state with members of one set changed. */
export function withMembers(id: string, members: readonly string[], from: NodeState = FULL): NodeState {
  const set = from.get(`set:${id}`) as SetItem;
  return new Map(from).set(`set:${id}`, { ...set, members });
}

/** Handles of the rules of each chain: a rule that was made anew has another. */
export async function handlesOf(kernel: Kernel): Promise<ReadonlyMap<string, readonly number[]>> {
  const table = await kernel.nft.observeTable("inet", "tortie");
  return new Map([...table?.chains ?? []].map(([name, chain]) => [name, chain.rules.map(({ handle }) => handle)]));
}
