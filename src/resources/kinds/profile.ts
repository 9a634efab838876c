/**
 * Profile: labels that endpoints inherit, and rules that hold for them after all tiers. Namespaces and service accounts are profiles by themselves
 * (`policy/lowering/profile.ts`); users write profiles for endpoints that are in neither.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { mapSpec } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, computedColumn, NAME_COLUMN, wide } from "#/resources/columns.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import type { ProfileSpec } from "#/resources/kinds/peer_spec.ts";
import { canonicalRuleLists, policyRuleProblems } from "#/resources/kinds/policy_schema.ts";
import { ruleListSchema } from "#/resources/kinds/rule_schema.ts";
import { labelProblems, reservedLabelProblems, subdomainNameProblems } from "#/resources/metadata.ts";
import type { KubeObject } from "#/resources/object.ts";
import { forbidden } from "#/resources/problems.ts";

/** The profile that allows everything: always there, and no object. */
const DEFAULT_ALLOW_PROFILE = "projectcalico-default-allow";
/** How the names of profiles begin that namespaces and service accounts stand for. */
const SYSTEM_PREFIXES: readonly string[] = ["kns.", "ksa."];

const LABELS_FIELD: readonly string[] = ["spec", "labelsToApply"];

const spec: z.ZodType<ProfileSpec> = z.strictObject({
  ingress: ruleListSchema.optional().describe("Rules for traffic to endpoints with the profile, first match first."),
  egress: ruleListSchema.optional().describe("Rules for traffic from endpoints with the profile, first match first."),
  labelsToApply: z.record(z.string(), z.string()).optional().describe(
    "Labels that endpoints with the profile inherit; their own labels win.",
  ),
}).describe("What the profile gives.");

const schema = z.strictObject({ spec });

/** The spec of an admitted profile. */
export function profileSpecOf(object: KubeObject): ProfileSpec {
  return (object.spec ?? {}) as unknown as ProfileSpec;
}

function validate(object: KubeObject): readonly Problem[] {
  const { labelsToApply } = profileSpecOf(object);
  return [
    ...subdomainNameProblems(object),
    ...systemNameProblems(object.metadata.name),
    ...labelProblems(labelsToApply, LABELS_FIELD),
    ...reservedLabelProblems(labelsToApply, LABELS_FIELD),
    ...policyRuleProblems(object, false),
  ];
}

/** Namespaces and service accounts make their profiles: one written under such a name would decide what a whole namespace may do. */
function systemNameProblems(name: string): readonly Problem[] {
  const prefix = SYSTEM_PREFIXES.find((each) => name.startsWith(each));
  if (prefix !== undefined) {
    const rule = `must not begin with "${prefix}": such profiles come from namespaces and service accounts: "${name}"`;
    return [forbidden("metadata.name", rule)];
  }
  if (name !== DEFAULT_ALLOW_PROFILE) return [];
  return [forbidden("metadata.name", `must not be "${name}": that profile is always there and fixed`)];
}

/** The kind. */
export const profile: KindDefinition = defineCalicoKind({
  kind: "Profile",
  plural: "profiles",
  singular: "profile",
  namespaced: false,
  description: "Labels that endpoints inherit, and rules for them after all tiers.",
  schema,
  defaults: (object) => mapSpec(object, canonicalRuleLists),
  validate,
  columns: [
    NAME_COLUMN,
    AGE_COLUMN,
    wide(computedColumn("Labels", "Labels that endpoints with the profile inherit.", (object) => {
      const labels = Object.entries(profileSpecOf(object).labelsToApply ?? {});
      return labels.map(([key, value]) => `${key}=${value}`).join(",");
    })),
  ],
});
