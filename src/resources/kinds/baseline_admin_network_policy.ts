/**
 * BaselineAdminNetworkPolicy of `policy.networking.k8s.io/v1alpha1`: what holds for pods that no other policy decides about. There is one, `default`.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { AGE_COLUMN, NAME_COLUMN } from "#/resources/columns.ts";
import { definePolicyApiKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { ADMIN_ITEMS_MAX, ADMIN_PORTS, adminPort, defaultAdminPolicy } from "#/resources/kinds/admin_network_policy.ts";
import {
  CLUSTER_POLICY_STATUS,
  clusterPolicyFields,
  clusterPolicyProblems,
} from "#/resources/kinds/cluster_policy_schema.ts";
import { type AdminNetworkPolicySpec, specAs } from "#/resources/kinds/kubernetes_policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { invalid } from "#/resources/problems.ts";

/** The one name. */
export const BASELINE_POLICY_NAME = "default";

const schema = z.strictObject({
  spec: z.strictObject(clusterPolicyFields({
    actions: ["Allow", "Deny"],
    rulesMax: ADMIN_ITEMS_MAX,
    itemsMax: ADMIN_ITEMS_MAX,
    traffic: { field: "ports", item: adminPort },
    domainNames: false,
  })).describe("What the policy says."),
  status: CLUSTER_POLICY_STATUS,
});

function validate(object: KubeObject): readonly Problem[] {
  const { name } = object.metadata;
  const isNamed = name === BASELINE_POLICY_NAME || name === "";
  return [
    ...(isNamed ? [] : [invalid("metadata.name", name, `must be ${BASELINE_POLICY_NAME}: there is one such policy`)]),
    ...clusterPolicyProblems(specAs<AdminNetworkPolicySpec>(object), ADMIN_PORTS),
  ];
}

/** The kind. */
export const baselineAdminNetworkPolicy: KindDefinition = definePolicyApiKind({
  version: "v1alpha1",
  kind: "BaselineAdminNetworkPolicy",
  plural: "baselineadminnetworkpolicies",
  singular: "baselineadminnetworkpolicy",
  shortNames: ["banp"],
  description: "Rules of the cluster's administrators for traffic that no other policy decides. Its name is default.",
  schema,
  defaults: defaultAdminPolicy,
  validate,
  columns: [NAME_COLUMN, AGE_COLUMN],
});
