/**
 * StagedKubernetesNetworkPolicy of `projectcalico.org/v3`: a preview of a NetworkPolicy of `networking.k8s.io`, which decides nothing.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import { AGE_COLUMN, computedColumn, NAME_COLUMN } from "#/resources/columns.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import {
  defaultKubernetesPolicy,
  kubernetesPolicyFields,
  kubernetesPolicyProblems,
} from "#/resources/kinds/kubernetes_policy_schema.ts";
import { specAs, type StagedKubernetesNetworkPolicySpec } from "#/resources/kinds/kubernetes_policy_spec.ts";
import { labelSelectorText } from "#/resources/kinds/label_selector.ts";
import {
  defaultStagedAction,
  isStagedDelete,
  STAGED_ACTION_COLUMN,
  STAGED_ACTION_FIELD,
  stagedDeleteProblems,
} from "#/resources/kinds/staged_action.ts";
import { subdomainNameProblems } from "#/resources/metadata.ts";
import type { KubeObject } from "#/resources/object.ts";

const schema = z.strictObject({
  spec: z.strictObject({ stagedAction: STAGED_ACTION_FIELD, ...kubernetesPolicyFields("strict") }).optional().describe(
    "What the policy would say if it were enforced.",
  ),
});

/** A preview of a deletion says nothing but that, so nothing else is filled in there. */
function defaults(object: KubeObject): KubeObject {
  const staged = defaultStagedAction(object.spec === undefined ? { ...object, spec: {} } : object);
  if (isStagedDelete(staged) || !isJsonObject(staged.spec)) return staged;
  return { ...staged, spec: defaultKubernetesPolicy(staged.spec) };
}

function validate(object: KubeObject, old: KubeObject | undefined): readonly Problem[] {
  if (isStagedDelete(object)) return [...subdomainNameProblems(object), ...stagedDeleteProblems(object, [], old)];
  const spec = specAs<StagedKubernetesNetworkPolicySpec>(object);
  return [...subdomainNameProblems(object), ...kubernetesPolicyProblems(spec)];
}

/** The kind. */
export const stagedKubernetesNetworkPolicy: KindDefinition = defineCalicoKind({
  kind: "StagedKubernetesNetworkPolicy",
  plural: "stagedkubernetesnetworkpolicies",
  singular: "stagedkubernetesnetworkpolicy",
  shortNames: ["sknp"],
  namespaced: true,
  description: "A preview of a Kubernetes NetworkPolicy: it is evaluated and decides nothing.",
  schema,
  defaults,
  validate,
  columns: [
    NAME_COLUMN,
    computedColumn(
      "Pod-Selector",
      "The pods that the policy would be about.",
      (object) => labelSelectorText(specAs<StagedKubernetesNetworkPolicySpec>(object).podSelector),
    ),
    AGE_COLUMN,
    STAGED_ACTION_COLUMN,
  ],
});
