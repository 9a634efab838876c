/**
 * StagedNetworkPolicy: a preview of a NetworkPolicy.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { networkPolicyNameProblems, networkPolicyProblems } from "#/resources/kinds/network_policy.ts";
import { POLICY_COLUMNS, POLICY_FIELDS } from "#/resources/kinds/policy_schema.ts";
import {
  defaultStagedPolicy,
  isStagedDelete,
  STAGED_ACTION_COLUMN,
  STAGED_ACTION_FIELD,
  stagedDeleteProblems,
} from "#/resources/kinds/staged_action.ts";
import type { KubeObject } from "#/resources/object.ts";

const schema = z.strictObject({
  spec: z.strictObject({ stagedAction: STAGED_ACTION_FIELD, ...POLICY_FIELDS }).describe(
    "What the policy would say if it were enforced.",
  ),
});

function validate(object: KubeObject, old: KubeObject | undefined): readonly Problem[] {
  if (!isStagedDelete(object)) return networkPolicyProblems(object);
  return [...networkPolicyNameProblems(object), ...stagedDeleteProblems(object, ["tier"], old)];
}

/** The kind. */
export const stagedNetworkPolicy: KindDefinition = defineCalicoKind({
  kind: "StagedNetworkPolicy",
  plural: "stagednetworkpolicies",
  singular: "stagednetworkpolicy",
  shortNames: ["snp", "scnp"],
  namespaced: true,
  description: "A preview of a NetworkPolicy: evaluated beside the enforced policies, never enforced.",
  schema,
  defaults: defaultStagedPolicy,
  validate,
  columns: [...POLICY_COLUMNS, STAGED_ACTION_COLUMN],
});
