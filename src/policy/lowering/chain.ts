/**
 * Chains: which policies judge one direction of one endpoint, in which order. The last step of lowering, shared by the projections and the tests; takes
 * the policies that select the endpoint as given.
 *
 * @module
 */
import type { HostChains, PolicyScope } from "#/policy/compiled.ts";
import { failsafeKey } from "#/policy/lowering/failsafe.ts";
import { type ChainIr, type Direction, policyKey, type TierChain } from "#/policy/ir.ts";
import type { LoweredPolicy } from "#/policy/lowering/lower.ts";
import { comparePolicies, compareTiers } from "#/policy/lowering/order.ts";
import { hasSay } from "#/policy/lowering/policy_scope.ts";
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

/** What chains of an endpoint are made of. */
export interface ChainParts {
  /** Every tier, by name. */
  readonly tiers: ReadonlyMap<string, TierSettings>;
  /** Policies that select the endpoint, in any order. */
  readonly policies: readonly LoweredPolicy[];
  /** Names, in the endpoint's order. */
  readonly profiles: readonly string[];
  /**
   * Whose word counts; `enforced` when absent. For `pending`, policies whose deletion is staged must be left out of `policies` already
   * (`policiesInScope`), because the staged one need not select the endpoint.
   */
  readonly scope?: PolicyScope;
}

/**
 * The chain of one direction of a workload endpoint.
 *
 * Policies of a tier that nobody made come after all others and deny at their end. A tier appears only with a policy that has a say and governs the
 * direction; such a policy counts even without rules. Untracked and pre-DNAT policies are not asked.
 *
 * @example
 * ```ts
 * import { chainOf } from "#/policy/lowering/chain.ts";
 * import { lowerPolicy } from "#/policy/lowering/lower.ts";
 * const deny = lowerPolicy({
 *   apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata: { name: "deny" },
 *   spec: { tier: "default", types: ["Ingress"] },
 * }, 1);
 * const chain = chainOf("ingress", { tiers: new Map(), policies: [deny], profiles: ["kns.shop"] });
 * if (chain.tiers[0]?.policies[0] !== "GlobalNetworkPolicy//deny" || chain.profiles[0] !== "Profile//kns.shop") throw new Error();
 * ```
 */
export function chainOf(direction: Direction, parts: ChainParts): ChainIr {
  return { tiers: tierChains(direction, parts, ({ phase }) => phase === "normal"), profiles: profileKeys(parts) };
}

/**
 * The chains of a host endpoint, phase by phase.
 *
 * Only the normal phase has profiles and denies at its end; what the others do not decide goes on. Failsafe ports are allowed at the start of the normal
 * phase. Untracked and pre-DNAT tiers never deny by default, and failsafe ports pass them by, to the phases that follow. An endpoint of all interfaces
 * (`*`) has no untracked policies.
 *
 * @param interfaceName of the host endpoint
 */
export function hostChainsOf(parts: ChainParts, interfaceName: string | undefined): HostChains {
  const chains = (make: (direction: Direction) => ChainIr) => ({ ingress: make("ingress"), egress: make("egress") });
  const early = (phase: "untracked" | "preDnat", direction: Direction): ChainIr => {
    const isEmpty = phase === "untracked" ? interfaceName === "*" : direction === "egress";
    const tiers = isEmpty ? [] : tierChains(direction, parts, (lowered) => lowered.phase === phase)
      .map(({ tier, policies }): TierChain => ({
        tier,
        defaultAction: "pass",
        policies: [failsafeKey(phase), ...policies],
      }));
    return { tiers, profiles: [], atEnd: "continue" };
  };
  return {
    untracked: chains((direction) => early("untracked", direction)),
    preDnat: chains((direction) => early("preDnat", direction)),
    forward: chains((direction) => ({
      tiers: tierChains(direction, parts, ({ appliesOnForward }) => appliesOnForward),
      profiles: [],
      atEnd: "continue",
    })),
    normal: chains((direction) => {
      const { tiers, profiles } = chainOf(direction, parts);
      return { tiers: [FAILSAFE_TIER, ...tiers], profiles };
    }),
  };
}

/** The failsafe ports of the normal phase, as a tier that decides for them alone. It has no name: no Tier stands for it. */
const FAILSAFE_TIER: TierChain = { tier: "", defaultAction: "pass", policies: [failsafeKey("normal")] };

function tierChains(
  direction: Direction,
  parts: ChainParts,
  isAsked: (lowered: LoweredPolicy) => boolean,
): readonly TierChain[] {
  const byTier = new Map<string, LoweredPolicy[]>();
  for (const lowered of parts.policies) {
    if (lowered.policy[direction] === undefined || !isAsked(lowered)) continue;
    if (!hasSay(lowered, parts.scope ?? "enforced")) continue;
    const { tier } = lowered.policy;
    const group = byTier.get(tier);
    if (group === undefined) byTier.set(tier, [lowered]);
    else group.push(lowered);
  }
  const ranks = [...byTier.keys()].map((name) => ({
    name,
    exists: parts.tiers.has(name),
    order: parts.tiers.get(name)?.order,
  }));
  return ranks.sort(compareTiers).map(({ name }): TierChain => ({
    tier: name,
    defaultAction: parts.tiers.get(name)?.defaultAction ?? "deny",
    policies: (byTier.get(name) ?? [])
      .map(({ policy, order }) => ({ ref: policy.ref, order }))
      .sort(comparePolicies)
      .map(({ ref }) => policyKey(ref)),
  }));
}

function profileKeys({ profiles }: ChainParts): readonly string[] {
  return profiles.map((name) => policyKey({ kind: "Profile", namespace: "", name }));
}
