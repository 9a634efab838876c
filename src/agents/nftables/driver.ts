/**
 * Makes the kernel's table what the node state says: observe, plan, apply, on the kernel port. Called by the agent's loop, once per pass.
 *
 * Between passes the driver remembers what it applied and at which generation of the ruleset. While the generation stands, nobody has touched
 * nftables and nothing is read back; when it has moved without us, the table is observed again and a difference from what we left there is drift.
 *
 * @module
 */
import type { NftablesDriver } from "#/agents/kernel/kernel.ts";
import { isJsonObject } from "#/base/json.ts";
import type { NodeState } from "#/projections/node_state.ts";
import { actualOf, type ActualRuleset, NO_RULESET, planNftables } from "./plan.ts";
import { renderRuleset } from "./render.ts";
import { type Ruleset, TABLE } from "./ruleset.ts";

/** What one pass did. */
export interface NftablesOutcome {
  /** Lines of what was written; empty when nothing differed. */
  readonly written: readonly string[];
  /** Lines of what somebody else had changed since our last pass; empty when nobody had. */
  readonly drift: readonly string[];
}

/** Keeps one table level. One per agent; not for concurrent use. */
export class NftablesTable {
  #applied: { readonly ruleset: Ruleset; readonly generation: number } | undefined;

  /** @param nft the kernel's nftables, in the node's namespace */
  constructor(private readonly nft: NftablesDriver) {}

  /** Whether somebody has committed to nftables since our last pass. Costs microseconds. */
  touched(): boolean {
    return this.#applied !== undefined && this.nft.generation() !== this.#applied.generation;
  }

  /** Makes the table what the state says, in one transaction. */
  async apply(state: NodeState): Promise<NftablesOutcome> {
    const desired = renderRuleset(state);
    const before = this.#applied;
    const generation = this.nft.generation();
    const untouched = before !== undefined && before.generation === generation;
    const actual = untouched ? actualOf(before.ruleset) : await observeTable(this.nft);
    const drift = before === undefined || untouched ? [] : planNftables(before.ruleset, actual).differences;
    const plan = planNftables(desired, actual);
    if (plan.script !== "") {
      this.#applied = undefined;
      await this.nft.run(plan.script);
    }
    // A commit by somebody else in between moves the generation too far: the next pass then observes.
    this.#applied = { ruleset: desired, generation: plan.script === "" ? generation : (generation + 1) >>> 0 };
    return { written: plan.differences, drift };
  }

  /** Removes our table and everything in it. */
  async remove(): Promise<void> {
    this.#applied = undefined;
    await this.nft.run(`add table ${TABLE.family} ${TABLE.name}\ndelete table ${TABLE.family} ${TABLE.name}\n`);
  }
}

/** What the kernel holds of our table. */
export async function observeTable(nft: NftablesDriver): Promise<ActualRuleset> {
  const table = await nft.observeTable(TABLE.family, TABLE.name);
  if (table === undefined) return NO_RULESET;
  const names = [...table.sets].filter(([, set]) => !set.isMap).map(([name]) => name);
  const sets = new Map<string, readonly string[]>();
  for (const set of names) sets.set(set, await nft.elements({ family: TABLE.family, table: TABLE.name, set }));
  const maps = new Map<string, ReadonlyMap<string, string>>();
  for (const [name, set] of table.sets) {
    if (set.isMap) maps.set(name, dispatchOf(await nft.listJson(`list map ${TABLE.family} ${TABLE.name} ${name}`)));
  }
  return {
    chains: new Map(
      [...table.chains].map(([name, chain]) => [name, {
        base: chain.hook !== undefined,
        comments: chain.rules.map((rule) => rule.comment ?? ""),
      }]),
    ),
    sets,
    maps,
  };
}

/**
 * Reads a verdict map out of nft's JSON: interface name to chain. What is not of that form is given the chain `?`, which no ruleset of ours names.
 *
 * @example
 * ```ts
 * import { dispatchOf } from "#/agents/nftables/driver.ts";
 * const json = { nftables: [{ map: { name: "m", elem: [["cali1", { goto: { target: "fw-cali1" } }]] } }] };
 * if (dispatchOf(json).get("cali1") !== "fw-cali1") throw new Error();
 * ```
 */
export function dispatchOf(json: unknown): ReadonlyMap<string, string> {
  const objects = isJsonObject(json) && Array.isArray(json.nftables) ? json.nftables : [];
  const targets = new Map<string, string>();
  for (const object of objects) {
    const map = isJsonObject(object) && isJsonObject(object.map) ? object.map : undefined;
    for (const element of Array.isArray(map?.elem) ? map.elem : []) {
      if (!Array.isArray(element) || typeof element[0] !== "string") continue;
      const verdict: unknown = element[1];
      const target = isJsonObject(verdict) && isJsonObject(verdict.goto) ? verdict.goto.target : undefined;
      targets.set(element[0], typeof target === "string" ? target : "?");
    }
  }
  return targets;
}
