/**
 * GlobalNetworkPolicy: rules for endpoints of the whole cluster, host endpoints too.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { selectorText } from "#/resources/kinds/field_schema.ts";
import { defaultPolicy, POLICY_COLUMNS, POLICY_FIELDS, policyRuleProblems } from "#/resources/kinds/policy_schema.ts";
import { type PolicySpec, policySpecOf } from "#/resources/kinds/policy_spec.ts";
import { isDnsSubdomain } from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";
import { forbidden, invalid, required } from "#/resources/problems.ts";

/** What the name of a policy must be, for messages. */
export const POLICY_NAME_RULE = "must be a DNS label, or two joined by a dot, of at most 253 characters";

/** Whether a name is one label or two: a second dot is kept free for prefixes of imported policies. */
export function isPolicyName(name: string): boolean {
  return isDnsSubdomain(name) && name.split(".").length <= 2;
}

/** Fields of `spec` of a global policy, enforced or staged. */
export const GLOBAL_POLICY_FIELDS = {
  ...POLICY_FIELDS,
  namespaceSelector: selectorText().optional().describe(
    "Narrows the policy to workloads whose namespace has matching labels.",
  ),
  doNotTrack: z.boolean().optional().describe(
    "Whether the rules come before connection tracking, for host endpoints. Needs applyOnForward.",
  ),
  preDNAT: z.boolean().optional().describe(
    "Whether the rules come before destination NAT, for host endpoints. Needs applyOnForward; ingress only.",
  ),
  applyOnForward: z.boolean().optional().describe(
    "Whether the rules also hold for traffic that a host forwards.",
  ),
} as const;

const schema = z.strictObject({ spec: z.strictObject(GLOBAL_POLICY_FIELDS).describe("What the policy says.") });

/** Every rule across fields that a global policy breaks, enforced or staged. */
export function globalPolicyProblems(object: KubeObject): readonly Problem[] {
  return [
    ...globalPolicyNameProblems(object),
    ...hostProblems(policySpecOf(object)),
    ...policyRuleProblems(object, false),
  ];
}

/** The rule of a global policy's name, enforced or staged. */
export function globalPolicyNameProblems({ metadata: { name } }: KubeObject): readonly Problem[] {
  return name === "" || isPolicyName(name) ? [] : [invalid("metadata.name", name, POLICY_NAME_RULE)];
}

/** Rules of the three flags for host endpoints. */
function hostProblems(spec: PolicySpec): Problem[] {
  const problems: Problem[] = [];
  const forwards = spec.applyOnForward === true;
  if (spec.doNotTrack === true && spec.preDNAT === true) {
    problems.push(forbidden("spec.preDNAT", "must not be true together with doNotTrack"));
  }
  if (!forwards && spec.doNotTrack === true) {
    problems.push(required("spec.applyOnForward", "must be true where doNotTrack is true"));
  }
  if (!forwards && spec.preDNAT === true) {
    problems.push(required("spec.applyOnForward", "must be true where preDNAT is true"));
  }
  if (spec.preDNAT !== true) return problems;
  if ((spec.egress ?? []).length > 0) {
    problems.push(forbidden("spec.egress", "must have no rules where preDNAT is true"));
  }
  const egress = spec.types.indexOf("Egress");
  if (egress >= 0) problems.push(invalid(`spec.types[${egress}]`, "Egress", "must be Ingress where preDNAT is true"));
  return problems;
}

/** The kind. */
export const globalNetworkPolicy: KindDefinition = defineCalicoKind({
  kind: "GlobalNetworkPolicy",
  plural: "globalnetworkpolicies",
  singular: "globalnetworkpolicy",
  shortNames: ["gnp", "cgnp", "calicoglobalnetworkpolicies"],
  namespaced: false,
  description: "Rules for traffic of endpoints anywhere in the cluster, host endpoints included.",
  schema,
  defaults: defaultPolicy,
  validate: globalPolicyProblems,
  columns: POLICY_COLUMNS,
});
