/**
 * StagedGlobalNetworkPolicy: a preview of a GlobalNetworkPolicy.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import {
  GLOBAL_POLICY_FIELDS,
  globalPolicyNameProblems,
  globalPolicyProblems,
} from "#/resources/kinds/global_network_policy.ts";
import { POLICY_COLUMNS } from "#/resources/kinds/policy_schema.ts";
import {
  defaultStagedPolicy,
  isStagedDelete,
  STAGED_ACTION_COLUMN,
  STAGED_ACTION_FIELD,
  stagedDeleteProblems,
} from "#/resources/kinds/staged_action.ts";
import type { KubeObject } from "#/resources/object.ts";

const schema = z.strictObject({
  spec: z.strictObject({ stagedAction: STAGED_ACTION_FIELD, ...GLOBAL_POLICY_FIELDS }).describe(
    "What the policy would say if it were enforced.",
  ),
});

function validate(object: KubeObject, old: KubeObject | undefined): readonly Problem[] {
  if (!isStagedDelete(object)) return globalPolicyProblems(object);
  return [...globalPolicyNameProblems(object), ...stagedDeleteProblems(object, ["tier"], old)];
}

/** The kind. */
export const stagedGlobalNetworkPolicy: KindDefinition = defineCalicoKind({
  kind: "StagedGlobalNetworkPolicy",
  plural: "stagedglobalnetworkpolicies",
  singular: "stagedglobalnetworkpolicy",
  shortNames: ["sgnp"],
  namespaced: false,
  description: "A preview of a GlobalNetworkPolicy: evaluated beside the enforced policies, never enforced.",
  schema,
  defaults: defaultStagedPolicy,
  validate,
  columns: [...POLICY_COLUMNS, STAGED_ACTION_COLUMN],
});
