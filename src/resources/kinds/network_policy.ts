/**
 * NetworkPolicy of `projectcalico.org/v3`: rules for the workloads of one namespace.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { isPolicyName, POLICY_NAME_RULE } from "#/resources/kinds/global_network_policy.ts";
import { defaultPolicy, POLICY_COLUMNS, POLICY_FIELDS, policyRuleProblems } from "#/resources/kinds/policy_schema.ts";
import { isDnsSubdomain } from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";
import { invalid } from "#/resources/problems.ts";

/** Prefixes of policies that were imported from Kubernetes and OpenStack; what follows may be any DNS name. */
const IMPORT_PREFIXES: readonly string[] = ["knp.default.", "ossg.default."];

const schema = z.strictObject({
  spec: z.strictObject(POLICY_FIELDS).describe("What the policy says."),
});

/** Every rule across fields that a namespaced policy breaks, enforced or staged. */
export function networkPolicyProblems(object: KubeObject): readonly Problem[] {
  return [...networkPolicyNameProblems(object), ...policyRuleProblems(object, true)];
}

/** The rule of a namespaced policy's name, enforced or staged. */
export function networkPolicyNameProblems({ metadata: { name } }: KubeObject): readonly Problem[] {
  return name === "" || isNetworkPolicyName(name) ? [] : [invalid("metadata.name", name, POLICY_NAME_RULE)];
}

function isNetworkPolicyName(name: string): boolean {
  const imported = IMPORT_PREFIXES.some((prefix) => name.startsWith(prefix) && isDnsSubdomain(name));
  return imported || isPolicyName(name);
}

/** The kind. */
export const networkPolicy: KindDefinition = defineCalicoKind({
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  singular: "networkpolicy",
  shortNames: ["cnp", "caliconetworkpolicy", "caliconetworkpolicies"],
  namespaced: true,
  description: "Rules for traffic of the workloads of one namespace.",
  schema,
  defaults: defaultPolicy,
  validate: networkPolicyProblems,
  columns: POLICY_COLUMNS,
});
