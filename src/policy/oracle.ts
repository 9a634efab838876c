/**
 * The oracle: what policy means, stated once, on the API's own objects with string labels and selectors. Slow and short on purpose. It answers
 * `explain`; every other engine (the IR interpreter, WASM, nftables) must agree with it and shares nothing with it but value types.
 *
 * Established connections, connection tracking and host endpoints are outside: it judges the first packet of a connection between workload endpoints and
 * addresses.
 *
 * @module
 */
import { compareBytewise } from "#/base/bytewise.ts";
import type { LabelLookup } from "#/base/selector.ts";
import type { ResolvedFlow } from "#/policy/flow.ts";
import type { Direction, PolicyRef } from "#/policy/ir.ts";
import { type RuleContext, ruleMatches, selects } from "#/policy/oracle_match.ts";
import { isStagedKind, policyRefOf } from "#/policy/policy_ref.ts";
import { effectiveLabels, type PolicyWorld, type WorldEndpoint } from "#/policy/world.ts";
import { type PolicySpec, policySpecOf, type Rule } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";

/** What became of the packet in one policy. `rule` is the index of the rule that decided. */
export interface PolicyTrace {
  readonly policy: PolicyRef;
  readonly outcome: "allow" | "deny" | "pass" | "no-match";
  readonly rule: number | null;
  /** Indexes of Log rules that matched on the way. */
  readonly logged: readonly number[];
}

/** What became of it in one tier; tiers without a policy that applies are not listed. */
export interface TierTrace {
  readonly tier: string;
  readonly outcome: "allow" | "deny" | "pass";
  /** Whether a rule decided, or the tier's default action. */
  readonly by: "rule" | "end-of-tier";
  readonly policies: readonly PolicyTrace[];
}

/** What became of it in one profile. */
export interface ProfileTrace {
  readonly profile: string;
  readonly outcome: "allow" | "missing" | "no-match";
}

/** Which default decided, where no policy's rule did. */
export type VerdictDefault = "end-of-tier" | "profile" | "no-profile-match";

/** The verdict on one end, with all that led to it. */
export interface DirectionVerdict {
  readonly verdict: "allow" | "deny";
  /** The tier that decided; `null` when no tier did. */
  readonly tier: string | null;
  /** The policy whose rule decided; `null` when a default did. */
  readonly policy: PolicyRef | null;
  readonly rule: number | null;
  /** `profile` also stands for a missing profile, which denies. `null` when a policy's rule decided. */
  readonly default: VerdictDefault | null;
  /** Where the end of a tier denied: the policies that made the tier apply. */
  readonly isolatedBy: readonly PolicyRef[];
  readonly tiers: readonly TierTrace[];
  readonly profiles: readonly ProfileTrace[];
}

/** The verdict on a flow: allowed when both ends allow. A half is `null` where that end is no workload endpoint. */
export interface Verdict {
  readonly verdict: "allow" | "deny";
  readonly egress: DirectionVerdict | null;
  readonly ingress: DirectionVerdict | null;
}

/** Judges a flow: egress of its source, ingress of its destination. */
export function evaluate(world: PolicyWorld, flow: ResolvedFlow): Verdict {
  const { source, destination } = flow;
  const egress = source === undefined ? null : judge(world, flow, source, "egress");
  const ingress = destination === undefined ? null : judge(world, flow, destination, "ingress");
  const isAllowed = egress?.verdict !== "deny" && ingress?.verdict !== "deny";
  return { verdict: isAllowed ? "allow" : "deny", egress, ingress };
}

/** Tiers in order, then profiles in order, then deny. */
function judge(
  world: PolicyWorld,
  flow: ResolvedFlow,
  endpoint: WorldEndpoint,
  direction: Direction,
): DirectionVerdict {
  const tiers: TierTrace[] = [];
  for (const [tier, policies] of tiersOf(world, endpoint, direction)) {
    const trace = judgeTier(world, flow, { tier, policies, direction });
    tiers.push(trace);
    if (trace.outcome === "pass") continue;
    const last = trace.policies.at(-1);
    const decided = trace.by === "rule" && last !== undefined ? last : { policy: null, rule: null };
    return {
      verdict: trace.outcome,
      tier,
      policy: decided.policy,
      rule: decided.rule,
      default: trace.by === "rule" ? null : "end-of-tier",
      isolatedBy: trace.by === "rule" ? [] : policies.map(policyRefOf),
      tiers,
      profiles: [],
    };
  }
  return { ...judgeProfiles(world, endpoint), tier: null, policy: null, rule: null, isolatedBy: [], tiers };
}

/** The enforced policies that select the endpoint and govern the direction, by tier: all in the order in which they are asked. */
function tiersOf(world: PolicyWorld, endpoint: WorldEndpoint, direction: Direction): [string, KubeObject[]][] {
  const labels: LabelLookup = effectiveLabels(world, endpoint);
  const tiers = new Map<string, KubeObject[]>();
  for (const policy of world.policies) {
    const spec = policySpecOf(policy);
    if (!isEnforced(policy, spec) || !governs(spec, direction)) continue;
    if (!selects(spec, policy.metadata.namespace ?? "", labels)) continue;
    tiers.set(tierOf(spec), [...tiers.get(tierOf(spec)) ?? [], policy]);
  }
  for (const policies of tiers.values()) {
    policies.sort((a, b) =>
      byOrder(policySpecOf(a).order, policySpecOf(b).order) ||
      compareBytewise(joined(policyRefOf(a)), joined(policyRefOf(b)))
    );
  }
  return [...tiers].sort(([a], [b]) =>
    Number(world.tiers.has(b)) - Number(world.tiers.has(a)) ||
    byOrder(world.tiers.get(a)?.spec?.order, world.tiers.get(b)?.spec?.order) || compareBytewise(a, b)
  );
}

/** The first rule that allows, denies or passes decides; without one the tier's default action does. A tier that nobody made denies. */
function judgeTier(
  world: PolicyWorld,
  flow: ResolvedFlow,
  asked: { readonly tier: string; readonly policies: readonly KubeObject[]; readonly direction: Direction },
): TierTrace {
  const traces: PolicyTrace[] = [];
  for (const policy of asked.policies) {
    const context: RuleContext = { world, packet: flow.packet, namespace: policy.metadata.namespace ?? "" };
    const trace = judgePolicy(policySpecOf(policy)[asked.direction] ?? [], policyRefOf(policy), context);
    traces.push(trace);
    if (trace.outcome !== "no-match") return { tier: asked.tier, outcome: trace.outcome, by: "rule", policies: traces };
  }
  const passes = world.tiers.get(asked.tier)?.spec?.defaultAction === "Pass";
  return { tier: asked.tier, outcome: passes ? "pass" : "deny", by: "end-of-tier", policies: traces };
}

function judgePolicy(rules: readonly Rule[], policy: PolicyRef, context: RuleContext): PolicyTrace {
  const logged: number[] = [];
  for (const [index, rule] of rules.entries()) {
    if (!ruleMatches(rule, context)) continue;
    if (rule.action === "Log") logged.push(index);
    else {
      const outcome = rule.action === "Allow" ? "allow" : rule.action === "Pass" ? "pass" : "deny";
      return { policy, outcome, rule: index, logged };
    }
  }
  return { policy, outcome: "no-match", rule: null, logged };
}

/** Namespaces' profiles allow; service accounts' have no rules; a missing profile denies, and so does the end of the list. */
function judgeProfiles(
  world: PolicyWorld,
  endpoint: WorldEndpoint,
): Pick<DirectionVerdict, "verdict" | "default" | "profiles"> {
  const profiles: ProfileTrace[] = [];
  for (const profile of endpoint.profiles) {
    const found = world.profiles.get(profile);
    const outcome = found === undefined ? "missing" : found.allows ? "allow" : "no-match";
    profiles.push({ profile, outcome });
    if (outcome !== "no-match") {
      return { verdict: outcome === "allow" ? "allow" : "deny", default: "profile", profiles };
    }
  }
  return { verdict: "deny", default: "no-profile-match", profiles };
}

/** Staged policies decide nothing; untracked and pre-DNAT ones concern host endpoints only. */
function isEnforced(policy: KubeObject, spec: PolicySpec): boolean {
  return !isStagedKind(policy.kind) && spec.doNotTrack !== true && spec.preDNAT !== true;
}

/** By its types alone: a policy without rules for a direction in its types still isolates. An empty list means both. */
function governs(spec: PolicySpec, direction: Direction): boolean {
  const types = spec.types ?? [];
  return types.length === 0 || types.includes(direction === "ingress" ? "Ingress" : "Egress");
}

function tierOf(spec: PolicySpec): string {
  return spec.tier ?? "default";
}

function byOrder(a: unknown, b: unknown): number {
  const [left, right] = [a, b].map((order) => typeof order === "number" ? order : Infinity);
  return left === right ? 0 : left! - right!;
}

function joined(ref: PolicyRef): string {
  return `${ref.name}/${ref.namespace}/${ref.kind}`;
}
