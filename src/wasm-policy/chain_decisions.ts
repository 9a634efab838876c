/**
 * A chain as one numbered list: every rule, and every end that decides (of a tier, of a missing policy, of the whole chain) as a rule without conditions, in the
 * order of evaluation. All engines of this folder give such a number, which makes "what decided" total and comparable.
 *
 * @module
 */
import { ANY, ANY_SIDE, type ChainIr, type Direction, type PolicyIr, type RuleIr } from "#/policy/ir.ts";

/** What may come of a chain; `continue` only where the chain says so at its end. */
export type ChainAction = "allow" | "deny" | "continue";

/** One number's meaning. */
export interface Decision {
  readonly action: ChainAction | "pass" | "log";
  /** `undefined` where a default decides. */
  readonly ruleId: string | undefined;
  /** Key of the policy or profile, also of one that is missing; `undefined` at the end of a tier or of the chain. */
  readonly policy: string | undefined;
  /** `undefined` in profiles. */
  readonly tier: string | undefined;
}

/** A part of a chain that a pass leaves: a tier, a profile, or the end. */
export interface ChainStage {
  /** Number of its first decision. */
  readonly first: number;
  /** Its policies with the numbers of their first rules; missing ones are left out. */
  readonly policies: readonly { readonly key: string; readonly policy: PolicyIr; readonly first: number }[];
  /** The number of the decision that its end is; `undefined` when it goes on. */
  readonly end: number | undefined;
}

/** A chain in numbers. */
export interface ChainDecisions {
  readonly decisions: readonly Decision[];
  /** The rule of each decision, one without conditions for ends. */
  readonly rules: readonly RuleIr[];
  readonly stages: readonly ChainStage[];
}

const END_RULE: RuleIr = {
  id: "",
  action: "deny",
  ipVersion: ANY,
  protocol: ANY,
  notProtocol: undefined,
  icmp: ANY,
  notIcmp: undefined,
  source: ANY_SIDE,
  destination: ANY_SIDE,
};

/**
 * Numbers a chain. A policy that is missing, or does not govern the direction, denies: what is absent must not open traffic.
 *
 * @example
 * ```ts
 * import { chainDecisions } from "#/wasm-policy/chain_decisions.ts";
 * const { decisions } = chainDecisions({ tiers: [], profiles: ["Profile//gone"] }, "ingress", new Map());
 * if (decisions[0]?.policy !== "Profile//gone" || decisions[0].action !== "deny" || decisions.length !== 2) throw new Error();
 * ```
 */
export function chainDecisions(
  chain: ChainIr,
  direction: Direction,
  policies: ReadonlyMap<string, PolicyIr>,
): ChainDecisions {
  const decisions: Decision[] = [];
  const rules: RuleIr[] = [];
  const stages: ChainStage[] = [];
  const decide = (decision: Decision, rule: RuleIr = END_RULE) => {
    rules.push(rule);
    return decisions.push(decision) - 1;
  };
  const stage = (keys: readonly string[], tier: string | undefined, isFinal: boolean) => {
    const first = decisions.length;
    const present: { readonly key: string; readonly policy: PolicyIr; readonly first: number }[] = [];
    for (const key of keys) {
      const policy = policies.get(key);
      const governed = policy?.[direction];
      if (policy === undefined || governed === undefined) {
        const end = decide({ action: "deny", ruleId: undefined, policy: key, tier });
        stages.push({ first, policies: present, end });
        return;
      }
      present.push({ key, policy, first: decisions.length });
      for (const rule of governed) decide({ action: rule.action, ruleId: rule.id, policy: key, tier }, rule);
    }
    const end = isFinal ? decide({ action: "deny", ruleId: undefined, policy: undefined, tier }) : undefined;
    stages.push({ first, policies: present, end });
  };
  for (const tier of chain.tiers) stage(tier.policies, tier.tier, tier.defaultAction === "deny");
  for (const profile of chain.profiles) stage([profile], undefined, false);
  const action = chain.atEnd === "continue" ? "continue" : "deny";
  const end = decide({ action, ruleId: undefined, policy: undefined, tier: undefined });
  stages.push({ first: end, policies: [], end });
  return { decisions, rules, stages };
}
