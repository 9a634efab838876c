/**
 * NetworkPolicy of `networking.k8s.io/v1`: what is allowed to and from pods of one namespace; a pod that one selects is closed to everything else.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import { AGE_COLUMN, computedColumn, NAME_COLUMN } from "#/resources/columns.ts";
import { defineCoreKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import {
  defaultKubernetesPolicy,
  kubernetesPolicyFields,
  kubernetesPolicyProblems,
} from "#/resources/kinds/kubernetes_policy_schema.ts";
import { type KubernetesNetworkPolicySpec, specAs } from "#/resources/kinds/kubernetes_policy_spec.ts";
import { labelSelectorText } from "#/resources/kinds/label_selector.ts";
import { subdomainNameProblems } from "#/resources/metadata.ts";
import type { KubeObject } from "#/resources/object.ts";

/** All fields are known, unlike those of other kinds of Kubernetes: one that is misspelt would open or close what nobody meant. */
const schema = z.strictObject({
  spec: z.strictObject(kubernetesPolicyFields("strict")).optional().describe("What the policy says."),
  status: z.looseObject({}).optional().describe("What older clusters observed; nothing is read of it."),
});

function defaults(object: KubeObject): KubeObject {
  const { spec = {} } = object;
  return isJsonObject(spec) ? { ...object, spec: defaultKubernetesPolicy(spec) } : object;
}

function validate(object: KubeObject): readonly Problem[] {
  return [
    ...subdomainNameProblems(object),
    ...kubernetesPolicyProblems(specAs<KubernetesNetworkPolicySpec>(object)),
  ];
}

/** The kind. */
export const kubernetesNetworkPolicy: KindDefinition = defineCoreKind({
  group: "networking.k8s.io",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  singular: "networkpolicy",
  shortNames: ["netpol"],
  namespaced: true,
  description: "What is allowed to and from pods of one namespace. A pod that a policy selects is closed to all else.",
  schema,
  defaults,
  validate,
  mergeKeys: {},
  columns: [
    NAME_COLUMN,
    computedColumn(
      "Pod-Selector",
      "The pods that the policy is about.",
      (object) => labelSelectorText(specAs<KubernetesNetworkPolicySpec>(object).podSelector),
    ),
    AGE_COLUMN,
  ],
});
