/**
 * Makes the kernel's table what the node state says: observe, plan, apply, on the kernel port. Called by the agent's loop, once per pass.
 *
 * Between passes the driver remembers what it applied and at which generation of the ruleset. While the generation stands, nobody has touched
 * nftables and nothing is read back; when it has moved without us, the table is observed again and a difference from what we left there is drift.
 *
 * @module
 */
import { isKernelError } from "#/agents/kernel/kernel_error.ts";
import type { NftablesDriver } from "#/agents/kernel/kernel.ts";
import { errorText } from "#/base/errors.ts";
import { isJsonObject } from "#/base/json.ts";
import type { NodeState } from "#/projections/node_state.ts";
import {
  type ActualMap,
  actualOf,
  type ActualRuleset,
  type ActualSet,
  chainCheck,
  IFNAME_KEY_TYPE,
  type NftablesStep,
  NO_RULESET,
  planNftables,
  sameRules,
  setTypeOf,
} from "./plan.ts";
import { renderRuleset } from "./render.ts";
import { type ChainText, type Ruleset, type RuleText, TABLE } from "./ruleset.ts";

/** What one pass did. */
export interface NftablesOutcome {
  /** Lines of what was written; empty when nothing differed. */
  readonly written: readonly string[];
  /** Lines of what somebody else had changed since our last pass; empty when nobody had. */
  readonly drift: readonly string[];
  /** Policies and profiles that nft refuses, by their keys. They deny everything; all others are in force. */
  readonly errors: readonly { readonly item: string; readonly message: string }[];
}

/** Why nft refuses a chain, and whose rules they are. */
interface Refusal {
  readonly item: string;
  readonly message: string;
}

/** Element changes that the kernel refuses this often in a row show that the sets are not what they read as: the table is made anew. */
const ELEMENT_REFUSALS_MAX = 2;

/** Keeps one table level. One per agent; not for concurrent use. */
export class NftablesTable {
  /** What the table holds unless somebody else has touched it; `undefined` when that is not known. */
  #applied: { readonly ruleset: Ruleset; readonly generation: number } | undefined;
  /** Drift that a pass found and did not live to tell. */
  #untold: readonly string[] = [];
  #elementRefusals = 0;
  /** Names of the chains that nft refused in the last pass. */
  #refused: readonly string[] = [];

  /** @param nft the kernel's nftables, in the node's namespace */
  constructor(private readonly nft: NftablesDriver) {}

  /** Whether somebody has committed to nftables since our last pass. Costs microseconds. */
  touched(): boolean {
    return this.#applied !== undefined && this.nft.generation() !== this.#applied.generation;
  }

  /**
   * Makes the table what the state says. Throws when a step is refused for another reason than one policy's rules: what was written before it stays,
   * and is no more open than it was; the next call observes the table again.
   */
  async apply(state: NodeState): Promise<NftablesOutcome> {
    const rendered = renderRuleset(state);
    let refused = await this.#refusalsAmong(this.#refused.flatMap((name) => rendered.chains.get(name) ?? []));
    // Every turn but the last finds chains that nft refuses, so there are no more turns than chains.
    while (true) {
      const desired = withClosed(rendered, refused);
      const attempt = await this.#attempt(desired);
      if (attempt.kind === "applied") {
        const drift = this.#untold;
        this.#untold = [];
        this.#refused = [...refused.keys()];
        return { written: attempt.written, drift, errors: [...refused.values()] };
      }
      const suspects = changedPolicyChains(desired, attempt.actual).filter(({ name }) => !refused.has(name));
      const found = await this.#refusalsAmong(suspects);
      if (found.size === 0) throw attempt.error;
      refused = new Map([...refused, ...found]);
    }
  }

  /** Removes our table and everything in it. */
  async remove(): Promise<void> {
    this.#applied = undefined;
    await this.nft.run(`add table ${TABLE.family} ${TABLE.name}\ndelete table ${TABLE.family} ${TABLE.name}\n`);
  }

  async #attempt(desired: Ruleset): Promise<Attempt> {
    const before = this.#applied;
    const generation = this.nft.generation();
    const isUntouched = before?.generation === generation;
    const actual = before !== undefined && isUntouched ? actualOf(before.ruleset) : await this.#observe();
    if (before !== undefined && !isUntouched) {
      this.#untold = [...this.#untold, ...planNftables(before.ruleset, actual).differences];
    }
    const { steps, differences } = planNftables(desired, actual);
    this.#applied = undefined;
    for (const step of steps) {
      try {
        await this.#carryOut(step);
      } catch (error) {
        return { kind: "failed", error, actual };
      }
    }
    // Each step is one commit. A commit by somebody else in between moves the generation further: the next pass then observes.
    this.#applied = { ruleset: desired, generation: (generation + steps.length) >>> 0 };
    return { kind: "applied", written: differences };
  }

  /** Those of some chains that nft refuses whatever else is in the table; none when it refuses even an empty one. */
  async #refusalsAmong(chains: readonly ChainText[]): Promise<ReadonlyMap<string, Refusal>> {
    const refusals = new Map<string, Refusal>();
    for (const chain of chains) {
      if (chain.item === undefined || await this.#refusalOf({ ...chain, rules: [] }) !== undefined) continue;
      const reason = await this.#refusalOf(chain);
      if (reason === undefined) continue;
      const message = `nft refuses chain ${chain.name}, which drops everything instead: ${reason}`;
      refusals.set(chain.name, { item: chain.item, message });
    }
    return refusals;
  }

  async #refusalOf(chain: ChainText): Promise<string | undefined> {
    try {
      await this.nft.check(chainCheck(chain));
      return undefined;
    } catch (error) {
      return errorText(error);
    }
  }

  async #observe(): Promise<ActualRuleset> {
    const actual = await observeTable(this.nft);
    const isUnclear = this.#elementRefusals >= ELEMENT_REFUSALS_MAX && actual.fault === undefined;
    return isUnclear ? { ...actual, fault: `sets of table ${TABLE.name} refuse their elements` } : actual;
  }

  async #carryOut(step: NftablesStep): Promise<void> {
    if (step.kind === "script") {
      await this.nft.run(step.script);
      return;
    }
    try {
      await this.nft.changeElements(step.changes);
      this.#elementRefusals = 0;
    } catch (error) {
      if (isKernelError(error, "ENOENT") || isKernelError(error, "EEXIST")) this.#elementRefusals += 1;
      throw error;
    }
  }
}

/** What became of a plan. */
type Attempt =
  | { readonly kind: "applied"; readonly written: readonly string[] }
  | { readonly kind: "failed"; readonly error: unknown; readonly actual: ActualRuleset };

/** What stands in a chain that nft refuses. */
const REFUSED: RuleText = { matches: "", action: "drop", label: "refused" };

function withClosed(ruleset: Ruleset, refused: ReadonlyMap<string, unknown>): Ruleset {
  const chains = [...ruleset.chains].map(([name, chain]) =>
    [name, refused.has(name) ? { ...chain, rules: [REFUSED] } : chain] as const
  );
  return { ...ruleset, chains: new Map(chains) };
}

/** Chains of policies and profiles that are not as they are desired. */
function changedPolicyChains({ chains }: Ruleset, actual: ActualRuleset): ChainText[] {
  return [...chains.values()].filter((chain) => {
    const present = actual.chains.get(chain.name);
    return chain.item !== undefined && (present === undefined || !sameRules(chain, present.comments));
  });
}

/** Types of sets whose elements can be read. Others of our names are made anew, others of foreign names removed, unread. */
const READABLE_KEY_TYPES: ReadonlySet<number> = new Set(
  ([4, 6] as const).flatMap((version) =>
    (["addr", "addrPort"] as const).map((key) => setTypeOf({ version, key }).keyType)
  ),
);

/** What the kernel holds of our table. */
export async function observeTable(nft: NftablesDriver): Promise<ActualRuleset> {
  const table = await nft.observeTable(TABLE.family, TABLE.name);
  if (table === undefined) return NO_RULESET;
  const sets = new Map<string, ActualSet>();
  const maps = new Map<string, ActualMap>();
  for (const [name, { isMap, isInterval, keyType }] of table.sets) {
    if (!isMap) {
      const isReadable = READABLE_KEY_TYPES.has(keyType);
      const elements = isReadable ? await nft.elements({ family: TABLE.family, table: TABLE.name, set: name }) : [];
      sets.set(name, { type: { keyType, isInterval }, elements });
    } else if (keyType === IFNAME_KEY_TYPE) {
      maps.set(name, dispatchOf(await nft.listJson(`list map ${TABLE.family} ${TABLE.name} ${name}`)));
    } else maps.set(name, { isDispatch: false, targets: new Map() });
  }
  const chains = [...table.chains].map(([name, { hook, priority, policy, rules }]) => {
    const base = hook === undefined ? undefined : { hook, priority: priority ?? 0, policy: policy ?? "accept" };
    return [name, { base, comments: rules.map((rule) => rule.comment ?? "") }] as const;
  });
  const fault = table.isDormant ? `dormant table ${TABLE.name}` : undefined;
  return { fault, chains: new Map(chains), sets, maps };
}

/**
 * Reads a map out of nft's JSON: interface name to chain. A verdict that is no goto is given the chain `?`, which no ruleset of ours names.
 *
 * @example
 * ```ts
 * import { dispatchOf } from "#/agents/nftables/driver.ts";
 * const json = { nftables: [{ map: { name: "m", map: "verdict", elem: [["cali1", { goto: { target: "fw-cali1" } }]] } }] };
 * if (dispatchOf(json).targets.get("cali1") !== "fw-cali1") throw new Error();
 * ```
 */
export function dispatchOf(json: unknown): ActualMap {
  const objects = isJsonObject(json) && Array.isArray(json.nftables) ? json.nftables : [];
  const map = objects.map((object) => isJsonObject(object) ? object.map : undefined).find(isJsonObject);
  const targets = new Map<string, string>();
  for (const element of Array.isArray(map?.elem) ? map.elem : []) {
    if (!Array.isArray(element)) continue;
    const key = keyOf(element[0]);
    if (key !== undefined) targets.set(key, targetOf(element[1]));
  }
  return { isDispatch: map?.map === "verdict", targets };
}

/** Elements with a comment have their key one level down. */
function keyOf(element: unknown): string | undefined {
  if (typeof element === "string") return element;
  const inner = isJsonObject(element) && isJsonObject(element.elem) ? element.elem.val : undefined;
  return typeof inner === "string" ? inner : undefined;
}

function targetOf(verdict: unknown): string {
  const target = isJsonObject(verdict) && isJsonObject(verdict.goto) ? verdict.goto.target : undefined;
  return typeof target === "string" ? target : "?";
}
