/**
 * Chains: which policies judge one direction of one endpoint, in which order. The last step of lowering, shared by the projections and the tests; takes
 * the policies that select the endpoint as given.
 *
 * @module
 */
import { type ChainIr, type Direction, policyKey, type TierChain } from "#/policy/ir.ts";
import type { LoweredPolicy } from "#/policy/lower.ts";
import { comparePolicies, compareTiers } from "#/policy/order.ts";
import { isStagedKind } from "#/policy/policy_ref.ts";
import type { KubeObject } from "#/resources/object.ts";

/** What a chain needs to know of a tier. */
export interface TierSettings {
  readonly name: string;
  readonly order: number | undefined;
  readonly defaultAction: "deny" | "pass";
}

/** Reads a Tier object. Any default action but `Pass` denies. */
export function tierSettings(object: KubeObject): TierSettings {
  const { order, defaultAction } = object.spec ?? {};
  return {
    name: object.metadata.name,
    order: typeof order === "number" ? order : undefined,
    defaultAction: defaultAction === "Pass" ? "pass" : "deny",
  };
}

/**
 * The chain of one direction.
 *
 * Policies of a tier that nobody made come after all others and deny at their end. A tier appears only with an enforced policy that governs the
 * direction; such a policy counts even without rules.
 *
 * @param tiers every tier, by name
 * @param policies those that select the endpoint, in any order
 * @param profiles names, in the endpoint's order
 *
 * @example
 * ```ts
 * import { chainOf } from "#/policy/chain.ts";
 * import { lowerPolicy } from "#/policy/lower.ts";
 * const deny = lowerPolicy({
 *   apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata: { name: "deny" },
 *   spec: { tier: "default", types: ["Ingress"] },
 * }, 1);
 * const chain = chainOf("ingress", { tiers: new Map(), policies: [deny], profiles: ["kns.shop"] });
 * if (chain.tiers[0]?.policies[0] !== "GlobalNetworkPolicy//deny" || chain.profiles[0] !== "Profile//kns.shop") throw new Error();
 * ```
 */
export function chainOf(
  direction: Direction,
  from: {
    readonly tiers: ReadonlyMap<string, TierSettings>;
    readonly policies: readonly LoweredPolicy[];
    readonly profiles: readonly string[];
  },
): ChainIr {
  const byTier = new Map<string, LoweredPolicy[]>();
  for (const lowered of from.policies) {
    const { ref, tier } = lowered.policy;
    if (lowered.policy[direction] === undefined || isStagedKind(ref.kind)) continue;
    const group = byTier.get(tier);
    if (group === undefined) byTier.set(tier, [lowered]);
    else group.push(lowered);
  }
  const ranks = [...byTier.keys()].map((name) => ({
    name,
    exists: from.tiers.has(name),
    order: from.tiers.get(name)?.order,
  }));
  const tiers = ranks.sort(compareTiers).map(({ name }): TierChain => ({
    tier: name,
    defaultAction: from.tiers.get(name)?.defaultAction ?? "deny",
    policies: (byTier.get(name) ?? [])
      .map(({ policy, order }) => ({ ref: policy.ref, order }))
      .sort(comparePolicies)
      .map(({ ref }) => policyKey(ref)),
  }));
  const profiles = from.profiles.map((name) => policyKey({ kind: "Profile", namespace: "", name }));
  return { tiers, profiles };
}
