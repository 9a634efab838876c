/**
 * Tier: a stage of policies. Traffic that no policy of a tier decides meets the tier's default action.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { withDefaults } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, fieldColumn, NAME_COLUMN } from "#/resources/columns.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { conditionList } from "#/resources/kinds/field_schema.ts";
import { labelNameProblems } from "#/resources/metadata.ts";
import { isJsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import { forbidden } from "#/resources/problems.ts";

/** `spec` of a tier after admission. */
export interface TierSpec {
  /** Lower comes first; equal orders go by name. */
  readonly order: number;
  /** What becomes of traffic that policies of the tier select and do not decide. */
  readonly defaultAction: "Pass" | "Deny";
}

/** The tier of policies that name none. */
export const DEFAULT_TIER = "default";

/** Tiers that every log begins with. Their specs are fixed and they cannot be deleted. */
export const BUILTIN_TIERS: Readonly<Record<string, TierSpec>> = {
  "kube-admin": { order: 1_000, defaultAction: "Pass" },
  [DEFAULT_TIER]: { order: 1_000_000, defaultAction: "Deny" },
  "kube-baseline": { order: 10_000_000, defaultAction: "Pass" },
};

/**
 * The fixed spec of a built-in tier; `undefined` for any other name.
 *
 * @example
 * ```ts
 * import { builtinTier } from "#/resources/kinds/tier.ts";
 * if (builtinTier("default")?.defaultAction !== "Deny" || builtinTier("platform") !== undefined) throw new Error();
 * ```
 */
export function builtinTier(name: string): TierSpec | undefined {
  return Object.hasOwn(BUILTIN_TIERS, name) ? BUILTIN_TIERS[name] : undefined;
}

/** The spec of an admitted tier. */
export function tierSpecOf(object: KubeObject): TierSpec {
  return (object.spec ?? {}) as unknown as TierSpec;
}

const schema = z.strictObject({
  spec: z.strictObject({
    order: z.number().optional().describe("Place among the tiers: lower comes first. 1000000 when left out."),
    defaultAction: z.enum(["Pass", "Deny"]).optional().describe(
      "What becomes of traffic that policies of the tier select and do not decide. Deny when left out.",
    ),
  }).describe("What the tier says."),
  status: z.strictObject({ conditions: conditionList().optional() }).optional().describe("What was observed."),
});

function defaults(object: KubeObject): KubeObject {
  const fallback: TierSpec = builtinTier(object.metadata.name) ?? { order: 1_000_000, defaultAction: "Deny" };
  const spec = object.spec ?? {};
  return isJsonObject(spec) ? { ...object, spec: withDefaults(spec, { ...fallback }) } : object;
}

function validate(object: KubeObject): readonly Problem[] {
  const problems = labelNameProblems(object);
  const fixed = builtinTier(object.metadata.name);
  if (fixed === undefined) return problems;
  const spec = tierSpecOf(object);
  for (const field of ["order", "defaultAction"] as const) {
    if (spec[field] !== fixed[field]) {
      const rule = `must be ${fixed[field]} in the built-in tier "${object.metadata.name}": ${spec[field]}`;
      problems.push(forbidden(`spec.${field}`, rule));
    }
  }
  return problems;
}

/** The kind. */
export const tier: KindDefinition = defineCalicoKind({
  kind: "Tier",
  plural: "tiers",
  singular: "tier",
  namespaced: false,
  description: "A stage of policies: tiers are asked in order, and each decides or passes traffic on.",
  schema,
  defaults,
  validate,
  columns: [
    NAME_COLUMN,
    fieldColumn("Order", "spec.order", "Place among the tiers; lower comes first.", "number"),
    fieldColumn("DefaultAction", "spec.defaultAction", "What becomes of traffic that the tier does not decide."),
    AGE_COLUMN,
  ],
});
