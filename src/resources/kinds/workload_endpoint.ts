/**
 * WorkloadEndpoint: one interface of a workload. Pods have theirs by derivation (`projections/views.ts`); users store them for workloads of other
 * orchestrators.
 *
 * @module
 */
import { z } from "zod";
import { formatCidr, parseCidrOrIp } from "#/base/cidr.ts";
import { isJsonObject, type Json } from "#/base/json.ts";
import { workloadEndpointName } from "#/base/names.ts";
import type { Problem } from "#/base/problem.ts";
import { canonicalPortProtocol, mapItems, mapMember, mapSpec, withDefaults } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, computedColumn, fieldColumn, NAME_COLUMN, wide } from "#/resources/columns.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import {
  dnsNameText,
  hostCidrText,
  interfaceNameText,
  ipText,
  macText,
  networkText,
  portNameText,
  uniqueList,
} from "#/resources/kinds/field_schema.ts";
import { defaultQosControls, QOS_CONTROLS_SCHEMA, type QosControls } from "#/resources/kinds/qos_controls.ts";
import { reservedLabelProblems, subdomainNameProblems } from "#/resources/metadata.ts";
import { DNS_SUBDOMAIN_RULE, isDnsSubdomain } from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";
import { forbidden, invalid, required } from "#/resources/problems.ts";

/** A port of a workload that rules may name. */
export interface WorkloadEndpointPort {
  /** Absent where only `hostPort` matters. */
  readonly name?: string;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly port: number;
  readonly hostPort?: number;
  readonly hostIP?: string;
}

/** `spec` of an endpoint after admission. */
export interface WorkloadEndpointSpec {
  readonly orchestrator: string;
  /** What the orchestrator calls the workload; for `cni`, `containerID` stands for it. */
  readonly workload?: string;
  readonly node: string;
  readonly containerID?: string;
  readonly pod?: string;
  readonly endpoint: string;
  readonly serviceAccountName?: string;
  /** `/32` or `/128` each. An endpoint without addresses is not in the network yet. */
  readonly ipNetworks?: readonly string[];
  readonly ipNATs?: readonly { readonly internalIP: string; readonly externalIP: string }[];
  readonly ipv4Gateway?: string;
  readonly ipv6Gateway?: string;
  readonly profiles?: readonly string[];
  readonly interfaceName?: string;
  readonly mac?: string;
  readonly ports?: readonly WorkloadEndpointPort[];
  /** Networks or addresses; host bits are allowed. */
  readonly allowSpoofedSourcePrefixes?: readonly string[];
  readonly qosControls?: QosControls;
}

/** The spec of an endpoint, stored or derived. */
export function workloadEndpointSpecOf(object: KubeObject): WorkloadEndpointSpec {
  return (object.spec ?? {}) as unknown as WorkloadEndpointSpec;
}

/** The orchestrator of endpoints derived from Pods. */
export const POD_ORCHESTRATOR = "k8s";

const optionalName = z.string().refine((text) => text === "" || isDnsSubdomain(text), { error: DNS_SUBDOMAIN_RULE });

const portNumber = z.int().min(1).max(65_535);

const schema = z.strictObject({
  spec: z.strictObject({
    orchestrator: dnsNameText().describe("The orchestrator of the workload. k8s is kept for Pods."),
    workload: optionalName.optional().describe("What the orchestrator calls the workload."),
    node: dnsNameText().describe("The node that the workload is on."),
    containerID: z.string().regex(/^([a-zA-Z0-9]([-a-zA-Z0-9]{0,251}[a-zA-Z0-9])?)?$/, {
      error: 'must be at most 253 of letters, digits and "-", starting and ending with a letter or digit',
    }).optional().describe("The container of the workload."),
    pod: optionalName.optional().describe("The Pod that the endpoint is of."),
    endpoint: dnsNameText().describe("The interface inside the workload, such as eth0."),
    serviceAccountName: optionalName.optional().describe("Service account of the workload."),
    ipNetworks: uniqueList(hostCidrText().describe("An address."), 100).optional().describe(
      "Addresses of the endpoint.",
    ),
    ipNATs: z.array(
      z.strictObject({
        internalIP: ipText().describe("Address of the endpoint."),
        externalIP: ipText().describe("Address that leads to it."),
      }).describe("One translation."),
    ).optional().describe("Other addresses that lead to the endpoint."),
    ipv4Gateway: ipText(4).optional().describe("IPv4 gateway of the workload."),
    ipv6Gateway: ipText(6).optional().describe("IPv6 gateway of the workload."),
    profiles: uniqueList(dnsNameText().describe("Name of a profile."), 100).optional().describe(
      "Profiles whose rules hold after all tiers, in order.",
    ),
    interfaceName: interfaceNameText().optional().describe("The interface on the host."),
    mac: macText().optional().describe("Ethernet address of the workload's side."),
    ports: z.array(
      z.strictObject({
        name: portNameText("optional").optional().describe("Name that rules use."),
        protocol: z.enum(["TCP", "UDP", "SCTP"]).optional().describe("TCP when left out."),
        port: portNumber.describe("Port of the workload."),
        hostPort: z.int().min(0).max(65_535).optional().describe("Port of the node that leads to it."),
        hostIP: ipText().optional().describe("Address of the node that leads to it."),
      }).describe("One port."),
    ).optional().describe("Ports with names."),
    allowSpoofedSourcePrefixes: z.array(networkText().describe("A network or an address.")).optional().describe(
      "Networks that the workload may send from besides its own addresses.",
    ),
    qosControls: QOS_CONTROLS_SCHEMA.optional().describe("Limits of what the workload may send and receive."),
  }).describe("What the endpoint is."),
});

function defaults(object: KubeObject): KubeObject {
  return mapSpec(object, (spec) => {
    const withNetworks = mapMember(spec, "ipNetworks", (list) => mapItems(list, canonicalHostNetwork));
    const withPorts = mapMember(withNetworks, "ports", (list) => mapItems(list, canonicalEndpointPort));
    return mapMember(withPorts, "qosControls", defaultQosControls);
  });
}

function canonicalHostNetwork(value: Json): Json {
  const cidr = typeof value === "string" ? parseCidrOrIp(value) : undefined;
  return cidr === undefined ? value : formatCidr(cidr);
}

function canonicalEndpointPort(value: Json): Json {
  if (!isJsonObject(value)) return value;
  return withDefaults(mapMember(value, "protocol", canonicalPortProtocol), { protocol: "TCP" });
}

function validate(object: KubeObject): readonly Problem[] {
  const spec = workloadEndpointSpecOf(object);
  const problems = [...subdomainNameProblems(object), ...reservedLabelProblems(object.metadata.labels)];
  if (spec.orchestrator === POD_ORCHESTRATOR) {
    problems.push(forbidden("spec.orchestrator", "must not be k8s: endpoints of Pods come from the Pods themselves"));
  }
  (spec.ports ?? []).forEach((port, at) => {
    if ((port.name ?? "") === "" && (port.hostPort ?? 0) === 0) {
      problems.push(required(`spec.ports[${at}].name`, "must be given where hostPort is not"));
    }
  });
  return [...problems, ...natProblems(spec), ...nameProblems(object)];
}

/** A translation leads to one of the endpoint's own addresses, within one address family. */
function natProblems({ ipNetworks = [], ipNATs = [] }: WorkloadEndpointSpec): Problem[] {
  return ipNATs.flatMap(({ internalIP, externalIP }, at) => {
    const path = `spec.ipNATs[${at}]`;
    const [internal, external] = [parseCidrOrIp(internalIP), parseCidrOrIp(externalIP)];
    if (internal === undefined || external === undefined) return [];
    const problems = internal.version === external.version
      ? []
      : [invalid(`${path}.externalIP`, externalIP, `must be an IPv${internal.version} address, as internalIP`)];
    if (ipNetworks.includes(formatCidr(internal))) return problems;
    return [...problems, invalid(`${path}.internalIP`, internalIP, "must be one of ipNetworks")];
  });
}

/** The name is computed from the spec, so that an endpoint is found by what it is, and cannot be two. */
function nameProblems(object: KubeObject): Problem[] {
  const { name } = object.metadata;
  const { node, orchestrator, endpoint, containerID, workload: named } = workloadEndpointSpecOf(object);
  const field = orchestrator === "cni" ? "containerID" : "workload";
  const workload = orchestrator === "cni" ? containerID : named;
  if ((workload ?? "") === "") return [required(`spec.${field}`, "must be given: the endpoint's name holds it")];
  const expected = workloadEndpointName({ node, orchestrator, workload: workload!, endpoint });
  if (name === "" || name === expected) return [];
  const rule =
    `must be "${expected}": node, orchestrator, ${field} and endpoint joined by "-", with their own "-" doubled`;
  return [invalid("metadata.name", name, rule)];
}

/** The kind. */
export const workloadEndpoint: KindDefinition = defineCalicoKind({
  kind: "WorkloadEndpoint",
  plural: "workloadendpoints",
  singular: "workloadendpoint",
  shortNames: ["wep", "weps"],
  namespaced: true,
  description:
    "One interface of a workload. Those of Pods come from the Pods; users store those of other orchestrators.",
  schema,
  defaults,
  validate,
  columns: [
    NAME_COLUMN,
    computedColumn("Workload", "The workload.", (object) => {
      const { pod, workload, containerID } = workloadEndpointSpecOf(object);
      return pod ?? workload ?? containerID ?? null;
    }),
    fieldColumn("Node", "spec.node", "The node that the workload is on."),
    fieldColumn("Networks", "spec.ipNetworks", "Addresses of the endpoint."),
    fieldColumn("Interface", "spec.interfaceName", "The interface on the host."),
    AGE_COLUMN,
    wide(fieldColumn("Profiles", "spec.profiles", "Profiles whose rules hold after all tiers.")),
  ],
});
