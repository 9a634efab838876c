/**
 * Core Node: a member of the cluster. Stored; the v3 Node (`calico_node.ts`) is a view of it, and what users configure of the network is in its
 * annotations.
 *
 * @module
 */
import { z } from "zod";
import { parseCidr } from "#/base/cidr.ts";
import { parseIp } from "#/base/ip.ts";
import type { Problem } from "#/base/problem.ts";
import { canonicalAsNumber, mapSpec, withDefaults } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, computedColumn, fieldColumn, NAME_COLUMN, wide } from "#/resources/columns.ts";
import { defineCoreKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { NODE_ANNOTATIONS } from "#/resources/kinds/calico_node.ts";
import { conditionList } from "#/resources/kinds/core_schema.ts";
import { asNumber, cidrText, interfaceAddressText, ipText, macText } from "#/resources/kinds/field_schema.ts";
import { subdomainNameProblems } from "#/resources/metadata.ts";
import type { KubeObject } from "#/resources/object.ts";
import { forbidden, invalid } from "#/resources/problems.ts";

/** What the network reads of a Node's `spec`. */
export interface NodeSpec {
  readonly podCIDR?: string;
  readonly podCIDRs?: readonly string[];
  readonly providerID?: string;
  readonly unschedulable?: boolean;
}

/** An address of a Node. */
export interface NodeAddress {
  /** `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS` or `ExternalDNS`. */
  readonly type: string;
  readonly address: string;
}

/** What the network reads of a Node's `status`. */
export interface NodeStatus {
  readonly addresses?: readonly NodeAddress[];
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly nodeInfo?: { readonly kubeletVersion?: string };
}

/** The spec of a Node; empty where it says nothing. */
export function nodeSpecOf(object: KubeObject): NodeSpec {
  return (object.spec ?? {}) as unknown as NodeSpec;
}

/** The status of a Node; empty where nothing is observed yet. */
export function nodeStatusOf(object: KubeObject): NodeStatus {
  return (object.status ?? {}) as unknown as NodeStatus;
}

const schema = z.looseObject({
  spec: z.looseObject({
    podCIDR: cidrText().optional().describe("Network of the node's Pods, for those who allocate by node."),
    podCIDRs: z.array(cidrText().describe("A network.")).optional().describe("The same, at most one of each family."),
    providerID: z.string().optional().describe("What the provider calls the machine."),
    unschedulable: z.boolean().optional().describe("Whether no new Pod is placed on the node."),
  }).optional().describe("What the node is configured to be."),
  status: z.looseObject({
    addresses: z.array(
      z.looseObject({
        type: z.string().describe("InternalIP, ExternalIP, Hostname, InternalDNS or ExternalDNS."),
        address: z.string().describe("The address."),
      }).describe("One address."),
    ).optional().describe("Addresses of the node."),
    conditions: conditionList().optional(),
    nodeInfo: z.looseObject({
      kubeletVersion: z.string().optional().describe("Version of the node's agent."),
      osImage: z.string().optional().describe("Operating system."),
      kernelVersion: z.string().optional().describe("Version of the kernel."),
      containerRuntimeVersion: z.string().optional().describe("Container runtime and its version."),
    }).optional().describe("What runs on the node."),
  }).optional().describe("What was observed."),
});

function defaults(object: KubeObject): KubeObject {
  return mapSpec(object, (spec) => {
    const { podCIDR, podCIDRs } = spec;
    if (typeof podCIDR === "string" && podCIDR !== "") return withDefaults(spec, { podCIDRs: [podCIDR] });
    const first = Array.isArray(podCIDRs) ? podCIDRs[0] : undefined;
    return first === undefined ? spec : withDefaults(spec, { podCIDR: first });
  });
}

/** What the annotations that configure the network must hold. */
const ANNOTATION_SCHEMAS: Readonly<Record<keyof typeof NODE_ANNOTATIONS, z.ZodType>> = {
  ipv4Address: interfaceAddressText(4),
  ipv6Address: interfaceAddressText(6),
  asNumber: z.preprocess((text) => typeof text === "string" ? canonicalAsNumber(text) : text, asNumber()),
  routeReflectorClusterID: ipText(4),
  ipv4IPIPTunnelAddr: ipText(4),
  ipv4VXLANTunnelAddr: ipText(4),
  ipv6VXLANTunnelAddr: ipText(6),
  vxlanTunnelMACAddr: macText(),
  vxlanTunnelMACAddrV6: macText(),
  interfaceIPv4Address: ipText(4),
  interfaceIPv6Address: ipText(6),
  wireguardPublicKey: z.string(),
  wireguardPublicKeyV6: z.string(),
};

function validate(object: KubeObject, old: KubeObject | undefined): readonly Problem[] {
  const problems = [...subdomainNameProblems(object), ...annotationValueProblems(object)];
  (nodeStatusOf(object).addresses ?? []).forEach(({ type, address }, at) => {
    if ((type === "InternalIP" || type === "ExternalIP") && parseIp(address) === undefined) {
      problems.push(invalid(`status.addresses[${at}].address`, address, `must be an IP address where type is ${type}`));
    }
  });
  return [...problems, ...podNetworkProblems(nodeSpecOf(object), old === undefined ? undefined : nodeSpecOf(old))];
}

/** An empty annotation is as good as none. */
function annotationValueProblems(object: KubeObject): Problem[] {
  const annotations = object.metadata.annotations ?? {};
  return (Object.keys(NODE_ANNOTATIONS) as (keyof typeof NODE_ANNOTATIONS)[]).flatMap((field) => {
    const key = NODE_ANNOTATIONS[field];
    const value = annotations[key];
    const issue = value === undefined || value === ""
      ? undefined
      : ANNOTATION_SCHEMAS[field].safeParse(value).error?.issues[0];
    return issue === undefined ? [] : [invalid(`metadata.annotations[${key}]`, value, issue.message)];
  });
}

function podNetworkProblems(spec: NodeSpec, old: NodeSpec | undefined): Problem[] {
  const list = spec.podCIDRs ?? [];
  const problems: Problem[] = [];
  if (spec.podCIDR !== undefined && list[0] !== undefined && list[0] !== spec.podCIDR) {
    problems.push(invalid("spec.podCIDRs[0]", list[0], `must be podCIDR, "${spec.podCIDR}"`));
  }
  const families = list.map((text) => parseCidr(text)?.version);
  families.forEach((family, at) => {
    if (families.indexOf(family) < at) {
      problems.push(invalid(`spec.podCIDRs[${at}]`, list[at], "must be the only network of its family"));
    }
  });
  const before = old?.podCIDRs ?? [];
  if (before.length > 0 && before.join() !== list.join()) {
    problems.push(forbidden("spec.podCIDRs", `must not change once they are given: from ${before.join(", ")}`));
  }
  return problems;
}

/** The kind. */
export const node: KindDefinition = defineCoreKind({
  kind: "Node",
  plural: "nodes",
  singular: "node",
  shortNames: ["no"],
  namespaced: false,
  description: "A member of the cluster: a machine that workloads run on.",
  schema,
  defaults,
  validate,
  statusSubresource: true,
  mergeKeys: { "status.addresses": "type", "status.conditions": "type" },
  columns: [
    NAME_COLUMN,
    computedColumn("Status", "Whether the node is ready.", statusText),
    computedColumn("Roles", "Roles, by labels.", rolesText),
    AGE_COLUMN,
    fieldColumn("Version", "status.nodeInfo.kubeletVersion", "Version of the node's agent."),
    wide(computedColumn("Internal-IP", "Address inside the cluster.", (object) => addressText(object, "InternalIP"))),
    wide(computedColumn("External-IP", "Address outside.", (object) => addressText(object, "ExternalIP"))),
    wide(fieldColumn("OS-Image", "status.nodeInfo.osImage", "Operating system.")),
    wide(fieldColumn("Kernel-Version", "status.nodeInfo.kernelVersion", "Version of the kernel.")),
    wide(fieldColumn("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", "Container runtime.")),
  ],
});

function statusText(object: KubeObject): string {
  const ready = (nodeStatusOf(object).conditions ?? []).find((condition) => condition.type === "Ready");
  const text = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return nodeSpecOf(object).unschedulable === true ? `${text},SchedulingDisabled` : text;
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function rolesText(object: KubeObject): string {
  const roles = Object.keys(object.metadata.labels ?? {}).filter((key) => key.startsWith(ROLE_PREFIX))
    .map((key) => key.slice(ROLE_PREFIX.length)).filter((role) => role !== "").sort();
  return roles.length === 0 ? "<none>" : roles.join(",");
}

function addressText(object: KubeObject, type: string): string {
  return (nodeStatusOf(object).addresses ?? []).find((address) => address.type === type)?.address ?? "<none>";
}
