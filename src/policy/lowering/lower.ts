/**
 * Lowering: policies and profiles of the API become IR, once, before any back end. Pure and per object, so that the projections lower only what changed.
 * Never refuses: what cannot be read is lowered as invariant 6 says and listed in `problems`.
 *
 * @module
 */
import type { Selector } from "#/base/selector.ts";
import {
  ANY,
  ANY_SIDE,
  type Direction,
  type HostPhase,
  type PolicyIr,
  type RuleAction,
  type RuleIr,
} from "#/policy/ir.ts";
import { kubernetesForm, type PolicyForm, type RuleForm } from "#/policy/lowering/kubernetes_form.ts";
import { type LoweredRule, lowerRule, lowerUnreadable } from "#/policy/lowering/lower_rule.ts";
import { policyRefOf } from "#/policy/policy_ref.ts";
import { DEFAULT_ALLOW_PROFILE, profileNameOf } from "#/policy/lowering/profile.ts";
import { subjectSelector, wholeSubject } from "#/policy/lowering/scope.ts";
import type { SetDefinition } from "#/policy/lowering/set_definition.ts";
import { specAs } from "#/resources/kinds/kubernetes_policy_spec.ts";
import type { ProfileSpec } from "#/resources/kinds/peer_spec.ts";
import { policySpecOf, type PolicyType, type Rule, type StagedAction } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";

/** A policy, lowered, with what the projections need to place it. */
export interface LoweredPolicy {
  readonly policy: PolicyIr;
  /** Place within the tier (`comparePolicies`); `undefined` comes last. */
  readonly order: number | undefined;
  /** When the policy is asked. Only `normal` ones are asked of workloads; the other two are for host endpoints alone. */
  readonly phase: Exclude<HostPhase, "forward">;
  /** Whether host endpoints ask a `normal` policy of forwarded traffic as well. */
  readonly appliesOnForward: boolean;
  /** What a staged policy previews; `undefined` for an enforced one. */
  readonly stagedAction: StagedAction | undefined;
  /** The endpoints that the policy selects. */
  readonly subject: Selector;
  /** The sets that the rules name, each once. */
  readonly sets: readonly SetDefinition[];
  /** What could not be read, with its place; empty for a sound policy. Shown as Degraded. */
  readonly problems: readonly string[];
}

/** A profile, lowered. */
export interface LoweredProfile extends Pick<LoweredPolicy, "sets" | "problems"> {
  readonly policy: PolicyIr;
}

/** The tier of policies that name none. */
export const DEFAULT_TIER = "default";

/** The part of a rule's id after the position: direction and index. */
function ruleId(position: number, direction: Direction, index: number): string {
  return `${position}/${direction === "ingress" ? "i" : "e"}/${index}`;
}

/**
 * Lowers a policy of any kind; staged ones too, for chains say who is asked.
 *
 * Directions come from `types` alone; an empty list, which only unsanitised data has, means both. A user's rule that became several has its id on all of
 * them.
 *
 * @param specPosition position of the last event that changed the policy's spec; first part of the rules' ids
 *
 * @example
 * ```ts
 * import { lowerPolicy } from "#/policy/lowering/lower.ts";
 * const lowered = lowerPolicy({
 *   apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata: { name: "deny" },
 *   spec: { tier: "default", types: ["Ingress"], ingress: [{ action: "Deny" }] },
 * }, 12);
 * if (lowered.policy.ingress?.[0]?.id !== "12/i/0" || lowered.policy.egress !== undefined) throw new Error();
 * ```
 */
export function lowerPolicy(object: KubeObject, specPosition: number): LoweredPolicy {
  const ref = policyRefOf(object);
  const kubernetes = kubernetesForm(ref.kind, object);
  const form = kubernetes ?? calicoForm(object);
  const { spec } = form;
  const rules = ruleLowering(specPosition, ref.namespace);
  // Kubernetes' kinds govern no direction at all where Calico's unsanitised ones govern both.
  const types = spec.types ?? [];
  const governs = (type: PolicyType) => types.includes(type) || (types.length === 0 && kubernetes === undefined);
  const ingress = governs("Ingress") ? rules.lower("ingress", form.ingress) : undefined;
  const egress = governs("Egress") ? rules.lower("egress", form.egress) : undefined;
  const subject = form.subjectFault === undefined
    ? subjectSelector(spec, ref.namespace)
    : { kind: "unreadable", message: form.subjectFault } as const;
  if (subject.kind === "unreadable") rules.problems.push(`spec.${subject.message}`);
  const phase = spec.doNotTrack === true ? "untracked" : spec.preDNAT === true ? "preDnat" : "normal";
  return {
    policy: { ref, tier: spec.tier ?? DEFAULT_TIER, ingress, egress },
    order: spec.order,
    phase,
    appliesOnForward: phase === "normal" && spec.applyOnForward === true,
    stagedAction: ref.kind.startsWith("Staged") ? spec.stagedAction ?? "Set" : undefined,
    subject: subject.kind === "read" ? subject.selector : wholeSubject(ref.namespace),
    sets: [...rules.sets.values()],
    problems: rules.problems,
  };
}

function calicoForm(object: KubeObject): PolicyForm {
  const spec = policySpecOf(object);
  return { spec, subjectFault: undefined, ingress: asForms(spec.ingress), egress: asForms(spec.egress) };
}

function asForms(rules: readonly Rule[] | undefined): readonly RuleForm[] {
  return (rules ?? []).map((rule) => ({ kind: "rules", rules: [rule] }));
}

/** Lowers lists of rules, and collects their sets and problems. */
function ruleLowering(position: number, namespace: string) {
  const sets = new Map<string, SetDefinition>();
  const problems: string[] = [];
  const lower = (direction: Direction, forms: readonly RuleForm[]): readonly RuleIr[] =>
    forms.flatMap((form, index) =>
      lowerForm(form, { id: ruleId(position, direction, index), namespace, direction }).map((lowered) => {
        for (const set of lowered.sets) sets.set(set.id, set);
        const { unreadable } = lowered.rule;
        if (unreadable !== undefined) problems.push(`spec.${direction}[${index}].${unreadable}`);
        return lowered.rule;
      })
    ).slice(); // Of the exact length: a list that grew has room for 16 more, and there is one for every policy.
  return { sets, problems, lower };
}

/** The rules of one user rule, each once; a single unreadable one as soon as a part cannot be read. */
function lowerForm(
  form: RuleForm,
  { id, namespace, direction }: { readonly id: string; readonly namespace: string; readonly direction: Direction },
): readonly LoweredRule[] {
  if (form.kind === "unreadable") return [lowerUnreadable({ id, action: form.action }, form.message)];
  const lowered = form.rules.map((rule) => lowerRule(rule, id, namespace, direction));
  const spoilt = lowered.find(({ rule }) => rule.unreadable !== undefined);
  if (spoilt !== undefined) return [spoilt];
  return lowered.length < 2 ? lowered : [...new Map(lowered.map((one) => [JSON.stringify(one.rule), one])).values()];
}

/**
 * The rules of a profile: a Namespace's allows both directions, a ServiceAccount's has no rules, a Profile has its own.
 *
 * @param position of the object's last change; first part of the rules' ids
 *
 * @example
 * ```ts
 * import { lowerProfile } from "#/policy/lowering/lower.ts";
 * const { policy } = lowerProfile({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }, 3);
 * if (policy.ref.name !== "kns.shop" || policy.ingress?.[0]?.action !== "allow") throw new Error();
 * ```
 */
export function lowerProfile(object: KubeObject, position: number): LoweredProfile {
  const name = profileNameOf(object) ?? object.metadata.name;
  if (object.kind !== "Profile") {
    const actions: readonly RuleAction[] = object.kind === "Namespace" ? ["allow"] : [];
    return { policy: profileIr(name, actions, position), sets: [], problems: [] };
  }
  const spec = specAs<ProfileSpec>(object);
  const rules = ruleLowering(position, "");
  const ingress = rules.lower("ingress", asForms(spec.ingress));
  const egress = rules.lower("egress", asForms(spec.egress));
  return {
    policy: { ref: { kind: "Profile", namespace: "", name }, tier: "", ingress, egress },
    sets: [...rules.sets.values()],
    problems: rules.problems,
  };
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
