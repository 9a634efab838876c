/**
 * BGPConfiguration: how nodes speak BGP. `default` holds for all nodes, `node.<name>` changes single fields for one.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { canonicalAsNumber, mapMember, mapSpec } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, fieldColumn, NAME_COLUMN } from "#/resources/columns.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { asNumber, cidrText, durationText, filledText, ipText, secretKeyRef } from "#/resources/kinds/field_schema.ts";
import { isDnsSubdomain } from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";
import { forbidden, invalid, required } from "#/resources/problems.ts";

/** A network announced as it is. */
export interface AdvertisedNetwork {
  readonly cidr: string;
}

/** A network announced with communities: values, or names from `communities`. */
export interface PrefixAdvertisement {
  readonly cidr: string;
  readonly communities: readonly string[];
}

/** Which routes of the cluster are programmed by the BGP side. */
export type ProgramClusterRoutes = "Enabled" | "Disabled" | "EnabledIPIPOnly" | "EnabledNoEncapOnly";

/** `spec` after admission. What is absent has the value of {@link BGP_DEFAULTS}, or for a node that of `default`. */
export interface BGPConfigurationSpec {
  readonly logSeverityScreen?: string;
  readonly nodeToNodeMeshEnabled?: boolean;
  readonly asNumber?: number;
  readonly listenPort?: number;
  readonly bindMode?: "None" | "NodeIP";
  readonly serviceClusterIPs?: readonly AdvertisedNetwork[];
  readonly serviceExternalIPs?: readonly AdvertisedNetwork[];
  readonly serviceLoadBalancerIPs?: readonly AdvertisedNetwork[];
  readonly serviceLoadBalancerAggregation?: "Enabled" | "Disabled";
  readonly communities?: readonly { readonly name: string; readonly value: string }[];
  readonly prefixAdvertisements?: readonly PrefixAdvertisement[];
  readonly nodeMeshPassword?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
  readonly nodeMeshMaxRestartTime?: string;
  readonly ignoredInterfaces?: readonly string[];
  readonly localWorkloadPeeringIPV4?: string;
  readonly localWorkloadPeeringIPV6?: string;
  readonly programClusterRoutes?: ProgramClusterRoutes;
  readonly ipv4NormalRoutePriority?: number;
  readonly ipv6NormalRoutePriority?: number;
}

/** What holds where no BGPConfiguration says otherwise. Objects are stored without these, so that absent and default stay apart. */
export const BGP_DEFAULTS = {
  logSeverityScreen: "Info",
  nodeToNodeMeshEnabled: true,
  asNumber: 64_512,
  listenPort: 179,
  bindMode: "None",
  serviceLoadBalancerAggregation: "Enabled",
  programClusterRoutes: "EnabledNoEncapOnly",
  ipv4NormalRoutePriority: 1_024,
  ipv6NormalRoutePriority: 1_024,
} as const satisfies BGPConfigurationSpec;

/** Name of the object for all nodes. */
export const BGP_CONFIGURATION_NAME = "default";

/** The spec of an admitted configuration. */
export function bgpConfigurationSpecOf(object: KubeObject): BGPConfigurationSpec {
  return (object.spec ?? {}) as unknown as BGPConfigurationSpec;
}

/** Fields that an object for one node may set; all others are of `default` alone. */
const NODE_FIELDS: readonly string[] = ["logSeverityScreen", "listenPort", "prefixAdvertisements"];

const ROUTE_PRIORITY_MAX = 2_147_483_646;
const COMMUNITY_RULE = "must be a community aa:nn with both at most 65535, or aa:nn:mm with each at most 4294967295";

/**
 * Whether a text is a BGP community, standard or large.
 *
 * @example
 * ```ts
 * import { isCommunity } from "#/resources/kinds/bgp_configuration.ts";
 * if (!isCommunity("64512:100") || !isCommunity("64512:1:4294967295") || isCommunity("70000:1")) throw new Error();
 * ```
 */
export function isCommunity(text: string): boolean {
  const parts = text.split(":");
  if (!parts.every((part) => /^\d{1,10}$/.test(part))) return false;
  const max = parts.length === 2 ? 65_535 : parts.length === 3 ? 4_294_967_295 : -1;
  return parts.every((part) => Number(part) <= max);
}

const networks = z.array(
  z.strictObject({ cidr: cidrText().describe("A network.") }).describe("A network that is announced."),
).optional();
const priority = z.int().min(1).max(ROUTE_PRIORITY_MAX).optional();

const schema = z.strictObject({
  spec: z.strictObject({
    logSeverityScreen: z.enum(["Trace", "Debug", "Info", "Warning", "Error", "Fatal", "None"]).optional().describe(
      "How much the BGP daemon logs. Info when left out.",
    ),
    nodeToNodeMeshEnabled: z.boolean().optional().describe(
      "Whether every node peers with every other. True when left out.",
    ),
    asNumber: asNumber().optional().describe("AS number of nodes that have none of their own. 64512 when left out."),
    listenPort: z.int().min(1).max(65_535).optional().describe("TCP port that nodes listen on. 179 when left out."),
    bindMode: z.enum(["None", "NodeIP"]).optional().describe("Whether nodes listen on their own address only."),
    serviceClusterIPs: networks.describe("Networks of cluster IPs that are announced."),
    serviceExternalIPs: networks.describe("Networks of external IPs that are announced."),
    serviceLoadBalancerIPs: networks.describe("Networks of load balancer IPs that are announced."),
    serviceLoadBalancerAggregation: z.enum(["Enabled", "Disabled"]).optional().describe(
      "Whether load balancer IPs are announced as networks. Enabled when left out.",
    ),
    communities: z.array(
      z.strictObject({
        name: filledText(253).describe("Name to use in prefixAdvertisements."),
        value: z.string().max(40).refine(isCommunity, { error: COMMUNITY_RULE }).describe("The community."),
      }).describe("A named community."),
    ).max(500).optional().describe("Communities with names. Needs prefixAdvertisements."),
    prefixAdvertisements: z.array(
      z.strictObject({
        cidr: cidrText().describe("A network that is announced."),
        communities: z.array(filledText(253).describe("A community or the name of one.")).max(50).describe(
          "Communities that its routes carry.",
        ),
      }).describe("A network and its communities."),
    ).max(500).optional().describe("Communities of announced networks. A node's own list replaces the cluster's."),
    nodeMeshPassword: z.strictObject({ secretKeyRef: secretKeyRef().optional() }).optional().describe(
      "Password of sessions between nodes.",
    ),
    nodeMeshMaxRestartTime: durationText().optional().describe("How long routes are kept while a node restarts."),
    ignoredInterfaces: z.array(
      z.string().regex(/^(?!\*$)[a-zA-Z0-9_.*-]{1,15}$/, {
        error:
          'must be an interface name or pattern of 1 to 15 of letters, digits, "_", ".", "-" and "*", and not "*" alone',
      }).describe("A name or pattern."),
    ).optional().describe("Interfaces whose routes are not announced."),
    localWorkloadPeeringIPV4: ipText(4).optional().describe("Address of the node towards workloads that speak BGP."),
    localWorkloadPeeringIPV6: ipText(6).optional().describe("The same for IPv6."),
    programClusterRoutes: z.enum(["Enabled", "Disabled", "EnabledIPIPOnly", "EnabledNoEncapOnly"]).optional().describe(
      "Which routes between nodes the BGP side programs. EnabledNoEncapOnly when left out.",
    ),
    ipv4NormalRoutePriority: priority.describe("Metric of routes between nodes. 1024 when left out."),
    ipv6NormalRoutePriority: priority.describe("Metric of IPv6 routes between nodes. 1024 when left out."),
  }).describe("What holds."),
});

function defaults(object: KubeObject): KubeObject {
  return mapSpec(object, (spec) => mapMember(spec, "asNumber", canonicalAsNumber));
}

function validate(object: KubeObject): readonly Problem[] {
  const { name } = object.metadata;
  const spec = bgpConfigurationSpecOf(object);
  if (name === BGP_CONFIGURATION_NAME || name === "") return [...meshProblems(spec), ...communityProblems(spec)];
  const node = name.startsWith("node.") ? name.slice("node.".length) : "";
  if (!isDnsSubdomain(node)) {
    return [invalid("metadata.name", name, 'must be "default", or "node." and the name of a node')];
  }
  return Object.keys(spec).filter((field) => !NODE_FIELDS.includes(field))
    .map((field) => forbidden(`spec.${field}`, 'must be given only in "default", not for a single node'));
}

function meshProblems(spec: BGPConfigurationSpec): Problem[] {
  if (spec.nodeToNodeMeshEnabled !== false) return [];
  return (["nodeMeshPassword", "nodeMeshMaxRestartTime"] as const).filter((field) => spec[field] !== undefined)
    .map((field) => forbidden(`spec.${field}`, "must not be given where nodeToNodeMeshEnabled is false"));
}

function communityProblems(spec: BGPConfigurationSpec): Problem[] {
  const problems: Problem[] = [];
  const names = (spec.communities ?? []).map((community) => community.name);
  if (names.length > 0 && (spec.prefixAdvertisements ?? []).length === 0) {
    problems.push(required("spec.prefixAdvertisements", "must be given where communities are given"));
  }
  (spec.prefixAdvertisements ?? []).forEach((advertisement, at) => {
    advertisement.communities.forEach((community, index) => {
      if (isCommunity(community) || names.includes(community)) return;
      const path = `spec.prefixAdvertisements[${at}].communities[${index}]`;
      problems.push(invalid(path, community, `${COMMUNITY_RULE}, or a name given in communities`));
    });
  });
  return problems;
}

/** The kind. */
export const bgpConfiguration: KindDefinition = defineCalicoKind({
  kind: "BGPConfiguration",
  plural: "bgpconfigurations",
  singular: "bgpconfiguration",
  shortNames: ["bgpconfig", "bgpconfigs"],
  namespaced: false,
  description: "How nodes speak BGP: default for all of them, node.NAME for one.",
  schema,
  defaults,
  validate,
  columns: [
    NAME_COLUMN,
    fieldColumn("LogSeverity", "spec.logSeverityScreen", "How much the BGP daemon logs."),
    fieldColumn("MeshEnabled", "spec.nodeToNodeMeshEnabled", "Whether every node peers with every other.", "boolean"),
    fieldColumn("ASNumber", "spec.asNumber", "AS number of nodes that have none of their own.", "integer"),
    AGE_COLUMN,
  ],
});
