/**
 * ClusterNetworkPolicy of `policy.networking.k8s.io/v1alpha2`: rules of the cluster's administrators, before (`Admin`) or after (`Baseline`) the policies of
 * namespaces. Follows AdminNetworkPolicy and BaselineAdminNetworkPolicy.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { mapSpec } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, fieldColumn, NAME_COLUMN } from "#/resources/columns.ts";
import { definePolicyApiKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import {
  CLUSTER_POLICY_STATUS,
  clusterPolicyFields,
  clusterPolicyProblems,
  defaultNamespaces,
  mapClusterPolicy,
  memberProblems,
  PRIORITY_FIELD,
  type TrafficRules,
} from "#/resources/kinds/cluster_policy_schema.ts";
import {
  type ClusterNetworkPolicyRule,
  type ClusterNetworkPolicySpec,
  type ClusterPolicyPort,
  type ClusterPolicyProtocol,
  specAs,
} from "#/resources/kinds/kubernetes_policy_spec.ts";
import { subdomainNameProblems } from "#/resources/metadata.ts";
import { isPortName, PORT_NAME_RULE } from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";
import { invalid, required } from "#/resources/problems.ts";

/** Most rules in one direction, and most items in each list of a rule. */
const ITEMS_MAX = 25;

const number = () => z.int().min(1).max(65_535);

const port = z.strictObject({
  number: number().optional().describe("One port."),
  range: z.strictObject({ start: number().describe("First port."), end: number().describe("Last port.") }).optional()
    .describe("A range of ports."),
});

const protocolPorts = () =>
  z.strictObject({ destinationPort: port.optional().describe("The port: exactly one field.") }).optional();

const protocol: z.ZodType<ClusterPolicyProtocol> = z.strictObject({
  tcp: protocolPorts().describe("TCP to a port."),
  udp: protocolPorts().describe("UDP to a port."),
  sctp: protocolPorts().describe("SCTP to a port."),
  destinationNamedPort: z.string().refine(isPortName, { error: PORT_NAME_RULE }).optional().describe(
    "A port by the name that pods give it, in whatever protocol they do.",
  ),
});

const schema = z.strictObject({
  spec: z.strictObject({
    tier: z.enum(["Admin", "Baseline"]).describe(
      "Whether the policy is asked before the policies of namespaces (Admin) or after them (Baseline).",
    ),
    priority: PRIORITY_FIELD,
    ...clusterPolicyFields({
      actions: ["Accept", "Deny", "Pass"],
      rulesMax: ITEMS_MAX,
      itemsMax: ITEMS_MAX,
      traffic: { field: "protocols", item: protocol },
      domainNames: true,
    }),
  }).describe("What the policy says."),
  status: CLUSTER_POLICY_STATUS,
});

function defaults(object: KubeObject): KubeObject {
  return mapSpec(object, (spec) => mapClusterPolicy(spec, { pods: defaultNamespaces, traffic: (item) => item }));
}

const PROTOCOLS: TrafficRules<ClusterNetworkPolicyRule> = {
  problems: ({ protocols = [] }, path) =>
    protocols.flatMap((item, at) => protocolProblems(item, `${path}.protocols[${at}]`)),
  namesPort: ({ protocols = [] }) => protocols.some(({ destinationNamedPort }) => destinationNamedPort !== undefined),
};

function protocolProblems(item: ClusterPolicyProtocol, path: string): Problem[] {
  return [
    ...memberProblems(item, path, ["tcp", "udp", "sctp", "destinationNamedPort"]),
    ...(["tcp", "udp", "sctp"] as const).flatMap((name) => {
      const ports = item[name];
      if (ports === undefined) return [];
      if (ports.destinationPort === undefined) return [required(`${path}.${name}`, "must have destinationPort")];
      return destinationProblems(ports.destinationPort, `${path}.${name}.destinationPort`);
    }),
  ];
}

function destinationProblems(port: ClusterPolicyPort, path: string): Problem[] {
  const problems = memberProblems(port, path, ["number", "range"]);
  const { range } = port;
  if (range !== undefined && range.end <= range.start) {
    problems.push(invalid(`${path}.range.end`, range.end, `must be greater than start: ${range.start}`));
  }
  return problems;
}

function validate(object: KubeObject): readonly Problem[] {
  const spec = specAs<ClusterNetworkPolicySpec>(object);
  return [...subdomainNameProblems(object), ...clusterPolicyProblems(spec, PROTOCOLS)];
}

/** The kind. `cnp`, its short name elsewhere, means Calico's NetworkPolicy here, so it has another one. */
export const clusterNetworkPolicy: KindDefinition = definePolicyApiKind({
  version: "v1alpha2",
  kind: "ClusterNetworkPolicy",
  plural: "clusternetworkpolicies",
  singular: "clusternetworkpolicy",
  shortNames: ["kcnp"],
  description: "Rules of the cluster's administrators, asked before or after the policies of namespaces.",
  schema,
  defaults,
  validate,
  columns: [
    NAME_COLUMN,
    fieldColumn("Tier", "spec.tier", "Admin comes before the policies of namespaces, Baseline after them."),
    fieldColumn("Priority", "spec.priority", "Place among the policies of its tier; lower comes first."),
    AGE_COLUMN,
  ],
});
