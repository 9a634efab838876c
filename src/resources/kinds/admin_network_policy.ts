/**
 * AdminNetworkPolicy of `policy.networking.k8s.io/v1alpha1`: rules of the cluster's administrators, asked before the policies of namespaces. Its ports are
 * shared with BaselineAdminNetworkPolicy.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject, type Json } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import { mapMember, mapSpec, withDefaults } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, fieldColumn, NAME_COLUMN } from "#/resources/columns.ts";
import { definePolicyApiKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import {
  CLUSTER_POLICY_STATUS,
  clusterPolicyFields,
  clusterPolicyProblems,
  mapClusterPolicy,
  memberProblems,
  PRIORITY_FIELD,
  type TrafficRules,
} from "#/resources/kinds/cluster_policy_schema.ts";
import { KUBERNETES_PROTOCOLS } from "#/resources/kinds/kubernetes_policy_schema.ts";
import {
  type AdminNetworkPolicyPort,
  type AdminNetworkPolicyRule,
  type AdminNetworkPolicySpec,
  specAs,
} from "#/resources/kinds/kubernetes_policy_spec.ts";
import { subdomainNameProblems } from "#/resources/metadata.ts";
import { isPortName, PORT_NAME_RULE } from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";
import { invalid } from "#/resources/problems.ts";

/** Most rules in one direction, and most items in each list of a rule. */
export const ADMIN_ITEMS_MAX = 100;

const number = () => z.int().min(1).max(65_535);
const protocol = z.enum(KUBERNETES_PROTOCOLS).optional().describe("TCP when left out.");

/** A port of a rule. */
export const adminPort: z.ZodType<AdminNetworkPolicyPort> = z.strictObject({
  portNumber: z.strictObject({ protocol, port: number().describe("The port.") }).optional().describe("One port."),
  portRange: z.strictObject({
    protocol,
    start: number().describe("First port."),
    end: number().describe("Last port."),
  }).optional().describe("A range of ports."),
  namedPort: z.string().refine(isPortName, { error: PORT_NAME_RULE }).optional().describe(
    "A port by the name that pods give it, in whatever protocol they do.",
  ),
});

/** Fills in the protocol of every port. */
export function defaultAdminPolicy(object: KubeObject): KubeObject {
  const withTcp = (value: Json) => isJsonObject(value) ? withDefaults(value, { protocol: "TCP" }) : value;
  const traffic = (port: Json) => mapMember(mapMember(port, "portNumber", withTcp), "portRange", withTcp);
  return mapSpec(object, (spec) => mapClusterPolicy(spec, { pods: (pods) => pods, traffic }));
}

/** The rules of ports. */
export const ADMIN_PORTS: TrafficRules<AdminNetworkPolicyRule> = {
  problems: ({ ports = [] }, path) => ports.flatMap((port, at) => portProblems(port, `${path}.ports[${at}]`)),
  namesPort: ({ ports = [] }) => ports.some(({ namedPort }) => namedPort !== undefined),
};

function portProblems(port: AdminNetworkPolicyPort, path: string): Problem[] {
  const problems = memberProblems(port, path, ["portNumber", "portRange", "namedPort"]);
  const { portRange: range } = port;
  if (range !== undefined && range.end < range.start) {
    problems.push(invalid(`${path}.portRange.end`, range.end, `must be at least start: ${range.start}`));
  }
  return problems;
}

const schema = z.strictObject({
  spec: z.strictObject({
    priority: PRIORITY_FIELD,
    ...clusterPolicyFields({
      actions: ["Allow", "Deny", "Pass"],
      rulesMax: ADMIN_ITEMS_MAX,
      itemsMax: ADMIN_ITEMS_MAX,
      traffic: { field: "ports", item: adminPort },
      domainNames: true,
    }),
  }).describe("What the policy says."),
  status: CLUSTER_POLICY_STATUS,
});

function validate(object: KubeObject): readonly Problem[] {
  const spec = specAs<AdminNetworkPolicySpec>(object);
  return [...subdomainNameProblems(object), ...clusterPolicyProblems(spec, ADMIN_PORTS)];
}

/** The kind. */
export const adminNetworkPolicy: KindDefinition = definePolicyApiKind({
  version: "v1alpha1",
  kind: "AdminNetworkPolicy",
  plural: "adminnetworkpolicies",
  singular: "adminnetworkpolicy",
  shortNames: ["anp"],
  description: "Rules of the cluster's administrators, asked before the policies of namespaces.",
  schema,
  defaults: defaultAdminPolicy,
  validate,
  columns: [
    NAME_COLUMN,
    fieldColumn("Priority", "spec.priority", "Place among the policies of its kind; lower comes first."),
    AGE_COLUMN,
  ],
});
