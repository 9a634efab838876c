/**
 * What the checks of `lint` share: policies lowered once, the world that selectors are matched against, and how a finding is made.
 *
 * @module
 */
import type { CompiledPolicies } from "#/policy/compiled.ts";
import { type Direction, policyKey, type PolicyRef, type RuleIr } from "#/policy/ir.ts";
import { LINT_CODES, type LintCode, type LintFinding } from "#/policy/lint/lint_finding.ts";
import { type LoweredPolicy, lowerPolicy } from "#/policy/lowering/lower.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { isStagedKind } from "#/policy/policy_ref.ts";
import { type PolicyWorld, policyWorld } from "#/policy/oracle/world.ts";
import type { KubeObject } from "#/resources/object.ts";

/** A policy as written and as lowered. */
export interface LintedPolicy {
  readonly key: string;
  readonly object: KubeObject;
  readonly lowered: LoweredPolicy;
  readonly isStaged: boolean;
}

/** Everything that a check may look at. */
export interface LintContext {
  readonly objects: PolicyObjects;
  readonly compiled: CompiledPolicies;
  readonly synthetic: ReadonlySet<string>;
  readonly policies: readonly LintedPolicy[];
  readonly byKey: ReadonlyMap<string, LintedPolicy>;
  readonly world: PolicyWorld;
}

/** A rule as its author counts: what it was lowered to. */
export interface UserRule {
  readonly direction: Direction;
  readonly index: number;
  readonly lowered: readonly RuleIr[];
}

/** Both directions, in the order in which they are told. */
export const DIRECTIONS: readonly Direction[] = ["ingress", "egress"];

/** Prepares the objects for the checks. */
export function lintContext(
  objects: PolicyObjects,
  compiled: CompiledPolicies,
  synthetic: ReadonlySet<string>,
): LintContext {
  const policies = objects.policies.map((object): LintedPolicy => {
    const lowered = lowerPolicy(object, 0);
    const { ref } = lowered.policy;
    return { key: policyKey(ref), object, lowered, isStaged: isStagedKind(ref.kind) };
  });
  const byKey = new Map(policies.map((policy) => [policy.key, policy]));
  return { objects, compiled, synthetic, policies, byKey, world: policyWorld(objects) };
}

/** The rules of one direction as their author counts them. */
export function userRules(policy: LoweredPolicy["policy"], direction: Direction): readonly UserRule[] {
  const byIndex = new Map<number, RuleIr[]>();
  for (const rule of policy[direction] ?? []) {
    const index = ruleIndex(rule);
    const group = byIndex.get(index);
    if (group === undefined) byIndex.set(index, [rule]);
    else group.push(rule);
  }
  return [...byIndex].map(([index, lowered]) => ({ direction, index, lowered }));
}

/** The index of the rule, as its author counts, that a lowered one comes from. */
export function ruleIndex(rule: RuleIr): number {
  return Number(rule.id.slice(rule.id.lastIndexOf("/") + 1));
}

/**
 * A finding about a policy, or about another object that is named like one.
 *
 * @example
 * ```ts
 * import { finding } from "#/policy/lint/lint_context.ts";
 * const one = finding("unused-network-set", { kind: "GlobalNetworkSet", namespace: "", name: "s" }, "No rule selects it");
 * if (one.severity !== "info" || one.rule !== undefined) throw new Error();
 * ```
 */
export function finding(
  code: LintCode,
  ref: PolicyRef | { readonly kind: string; readonly namespace: string; readonly name: string },
  message: string,
  rule?: LintFinding["rule"],
): LintFinding {
  const { kind, namespace, name } = ref;
  const { severity } = LINT_CODES[code];
  return { code, severity, kind, namespace, name, ...(rule === undefined ? {} : { rule }), message };
}
