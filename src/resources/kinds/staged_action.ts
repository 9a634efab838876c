/**
 * What the staged kinds share: a staged policy says what would be enforced, or with `Delete` that the policy of its name would no longer be. It decides
 * nothing itself. Each staged kind's file calls these beside what its enforced kind has.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject, type Json, jsonEquals } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import { mapSpec, withDefaults } from "#/resources/canonical_values.ts";
import { fieldColumn, wide } from "#/resources/columns.ts";
import type { PrinterColumn } from "#/resources/kind.ts";
import { canonicalRuleLists, defaultPolicy, defaultTier } from "#/resources/kinds/policy_schema.ts";
import type { StagedAction } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { forbidden } from "#/resources/problems.ts";

const DEFAULT_ACTION: StagedAction = "Set";
/** Fields of staged policies that defaults fill in. */
const FILLED_IN: readonly string[] = ["types", "policyTypes"];

/** The field `stagedAction` of every staged kind's `spec`. */
export const STAGED_ACTION_FIELD: z.ZodType<StagedAction | undefined> = z.enum(["Set", "Delete", "Learn", "Ignore"])
  .optional().describe(
    "What is previewed: Set, the policy being there as it stands; Delete, the enforced policy of the same name being gone. " +
      "Learn counts as Set; Ignore previews nothing. Set when left out.",
  );

/** The column that shows it. */
export const STAGED_ACTION_COLUMN: PrinterColumn = wide(
  fieldColumn("StagedAction", "spec.stagedAction", "What the policy previews: Set, Delete, Learn or Ignore."),
);

/** Whether the object previews a deletion. */
export function isStagedDelete(object: KubeObject): boolean {
  return object.spec?.stagedAction === "Delete";
}

/** Fills in `stagedAction`. */
export function defaultStagedAction(object: KubeObject): KubeObject {
  return mapSpec(object, (spec) => withDefaults(spec, { stagedAction: DEFAULT_ACTION }));
}

/**
 * Fills in what a staged policy of Calico left out: the action, and what the enforced kind fills in. A deletion gets no types: it has no rules to which
 * they could belong.
 */
export function defaultStagedPolicy(object: KubeObject): KubeObject {
  const staged = defaultStagedAction(object);
  return isStagedDelete(staged) ? defaultTier(mapSpec(staged, canonicalRuleLists)) : defaultPolicy(staged);
}

/**
 * Fields that say something although the object previews a deletion, which has nothing to say but which policy is meant. Empty texts, lists and objects and
 * `false` say nothing. Types that the stored object has already are let be: they may have been filled in when it previewed something else, and whoever
 * changes the action need not know of them.
 *
 * @param kept fields that may be given
 * @param old the stored object on an update
 *
 * @example
 * ```ts
 * import { stagedDeleteProblems } from "#/resources/kinds/staged_action.ts";
 * const metadata = { name: "p" };
 * const spec = { stagedAction: "Delete", tier: "default", order: 1, selector: "" };
 * const problems = stagedDeleteProblems({ apiVersion: "v3", kind: "StagedNetworkPolicy", metadata, spec }, ["tier"]);
 * if (problems.length !== 1 || problems[0]?.path !== "spec.order") throw new Error();
 * ```
 */
export function stagedDeleteProblems(
  object: KubeObject,
  kept: readonly string[],
  old?: KubeObject,
): readonly Problem[] {
  const isLetBe = (field: string, value: Json | undefined): boolean =>
    field === "stagedAction" || kept.includes(field) ||
    FILLED_IN.includes(field) && jsonEquals(value, old?.spec?.[field]);
  return Object.entries(object.spec ?? {}).filter(([field, value]) => !isLetBe(field, value) && isGiven(value))
    .map(([field]) => forbidden(`spec.${field}`, "must be left out where stagedAction is Delete"));
}

function isGiven(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === "" || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isJsonObject(value) || Object.keys(value).length > 0;
}
