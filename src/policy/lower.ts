/**
 * Lowering: policies and profiles of the API become IR, once, before any back end. Pure and per object, so that the projections lower only what changed.
 * Never refuses: what cannot be read is lowered as invariant 6 says and listed in `problems`.
 *
 * @module
 */
import type { Selector } from "#/base/selector.ts";
import { ANY, ANY_SIDE, type Direction, type PolicyIr, type RuleAction, type RuleIr } from "#/policy/ir.ts";
import { lowerRule } from "#/policy/lower_rule.ts";
import { policyRefOf } from "#/policy/policy_ref.ts";
import { DEFAULT_ALLOW_PROFILE, profileNameOf } from "#/policy/profile.ts";
import { subjectSelector, wholeSubject } from "#/policy/scope.ts";
import type { SetDefinition } from "#/policy/set_definition.ts";
import { policySpecOf, type PolicyType, type Rule } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";

/** A policy, lowered, with what the projections need to place it. */
export interface LoweredPolicy {
  readonly policy: PolicyIr;
  /** Place within the tier (`comparePolicies`); `undefined` comes last. */
  readonly order: number | undefined;
  /** The endpoints that the policy selects. */
  readonly subject: Selector;
  /** The sets that the rules name, each once. */
  readonly sets: readonly SetDefinition[];
  /** What could not be read, with its place; empty for a sound policy. Shown as Degraded. */
  readonly problems: readonly string[];
}

/** The tier of policies that name none. */
export const DEFAULT_TIER = "default";

/** The part of a rule's id after the position: direction and index. */
function ruleId(position: number, direction: Direction, index: number): string {
  return `${position}/${direction === "ingress" ? "i" : "e"}/${index}`;
}

/**
 * Lowers a NetworkPolicy or GlobalNetworkPolicy (staged kinds too: they are kept out when chains are made).
 *
 * Directions come from `types` alone; an empty list, which only unsanitised data has, means both. Untracked and pre-DNAT policies govern no direction
 * of a workload endpoint.
 *
 * @param specPosition position of the last event that changed the policy's spec; first part of the rules' ids
 *
 * @example
 * ```ts
 * import { lowerPolicy } from "#/policy/lower.ts";
 * const lowered = lowerPolicy({
 *   apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata: { name: "deny" },
 *   spec: { tier: "default", types: ["Ingress"], ingress: [{ action: "Deny" }] },
 * }, 12);
 * if (lowered.policy.ingress?.[0]?.id !== "12/i/0" || lowered.policy.egress !== undefined) throw new Error();
 * ```
 */
export function lowerPolicy(object: KubeObject, specPosition: number): LoweredPolicy {
  const spec = policySpecOf(object);
  const ref = policyRefOf(object);
  const sets = new Map<string, SetDefinition>();
  const problems: string[] = [];
  const lowerDirection = (direction: Direction, type: PolicyType): readonly RuleIr[] | undefined => {
    const types = spec.types ?? [];
    const governs = types.length === 0 || types.includes(type);
    if (!governs || spec.doNotTrack === true || spec.preDNAT === true) return undefined;
    return (spec[direction] ?? []).map((rule: Rule, index) => {
      const lowered = lowerRule(rule, ruleId(specPosition, direction, index), ref.namespace);
      for (const set of lowered.sets) sets.set(set.id, set);
      const { unreadable } = lowered.rule;
      if (unreadable !== undefined) problems.push(`spec.${direction}[${index}].${unreadable}`);
      return lowered.rule;
    });
  };
  const ingress = lowerDirection("ingress", "Ingress");
  const egress = lowerDirection("egress", "Egress");
  const subject = subjectSelector(spec, ref.namespace);
  if (subject.kind === "unreadable") problems.push(`spec.${subject.message}`);
  return {
    policy: { ref, tier: spec.tier ?? DEFAULT_TIER, ingress, egress },
    order: spec.order,
    subject: subject.kind === "read" ? subject.selector : wholeSubject(ref.namespace),
    sets: [...sets.values()],
    problems,
  };
}

/**
 * The rules of the profile that a Namespace or ServiceAccount stands for: a namespace allows both directions, a service account has no rules.
 *
 * @param position of the object's last change; first part of the rules' ids
 *
 * @example
 * ```ts
 * import { lowerProfile } from "#/policy/lower.ts";
 * const profile = lowerProfile({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }, 3);
 * if (profile.ref.name !== "kns.shop" || profile.ingress?.[0]?.action !== "allow") throw new Error();
 * ```
 */
export function lowerProfile(object: KubeObject, position: number): PolicyIr {
  return profileIr(
    profileNameOf(object) ?? object.metadata.name,
    object.kind === "Namespace" ? ["allow"] : [],
    position,
  );
}

/** The profile that allows everything and belongs to no object ({@link DEFAULT_ALLOW_PROFILE}). Its rules have position 0. */
export function lowerDefaultAllowProfile(): PolicyIr {
  return profileIr(DEFAULT_ALLOW_PROFILE, ["allow"], 0);
}

function profileIr(name: string, actions: readonly RuleAction[], position: number): PolicyIr {
  const rules = (direction: Direction) => actions.map((action, index) => plainRule(action, position, direction, index));
  return {
    ref: { kind: "Profile", namespace: "", name },
    tier: "",
    ingress: rules("ingress"),
    egress: rules("egress"),
  };
}

function plainRule(action: RuleAction, position: number, direction: Direction, index: number): RuleIr {
  return {
    id: ruleId(position, direction, index),
    action,
    ipVersion: ANY,
    protocol: ANY,
    notProtocol: undefined,
    icmp: ANY,
    notIcmp: undefined,
    source: ANY_SIDE,
    destination: ANY_SIDE,
  };
}
