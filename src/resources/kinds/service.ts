/**
 * Core Service: a name for pods that do the same. The network reads its selector, ports and families, because rules may name Services; addresses of its own
 * are kept as they are given, none is assigned.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { mapItems, mapMember, mapSpec, withDefaults } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, computedColumn, fieldColumn, NAME_COLUMN, wide } from "#/resources/columns.ts";
import { defineCoreKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { conditionList } from "#/resources/kinds/core_schema.ts";
import { KUBERNETES_PROTOCOLS, kubernetesCidr, portOrName } from "#/resources/kinds/kubernetes_policy_schema.ts";
import { labelMapText } from "#/resources/kinds/label_selector.ts";
import { serviceProblems } from "#/resources/kinds/service_rules.ts";
import { HEADLESS, type ServiceSpec, serviceSpecOf, type ServiceStatus } from "#/resources/kinds/service_spec.ts";
import { DNS_LABEL_RULE, isDnsLabel } from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";

/** How long clients stay with one pod under `ClientIP` affinity, in seconds. */
const AFFINITY_SECONDS = 10_800;

const portName = z.string().refine((text) => text === "" || isDnsLabel(text), { error: DNS_LABEL_RULE });
const nodePort = z.int().min(0).max(65_535).optional();

const servicePort = z.looseObject({
  name: portName.optional().describe("Name, unique in the Service; needed where there are several ports."),
  protocol: z.enum(KUBERNETES_PROTOCOLS).optional().describe("TCP when left out."),
  port: z.int().min(1).max(65_535).describe("The port of the Service."),
  targetPort: portOrName().optional().describe("Number or name of the pods' port; the same as port when left out."),
  nodePort: nodePort.describe("Port of every node that leads to the Service."),
  appProtocol: z.string().optional().describe("The protocol within, for people and proxies."),
});

const family = z.enum(["IPv4", "IPv6"]);

const spec = z.looseObject({
  type: z.enum(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]).optional().describe(
    "How the Service can be reached; ClusterIP when left out.",
  ),
  selector: z.record(z.string(), z.string()).optional().describe(
    "Labels of the pods behind it; without, its endpoints are written by somebody else.",
  ),
  ports: z.array(servicePort.describe("A port.")).optional().describe("Ports of the Service."),
  clusterIP: z.string().optional().describe("Its address; None for a headless Service, which has none."),
  clusterIPs: z.array(z.string().describe("An address.")).max(2).optional().describe(
    "Its addresses, of both families; clusterIP is the first of them.",
  ),
  ipFamilies: z.array(family.describe("A family.")).max(2).optional().describe("Families that it serves."),
  ipFamilyPolicy: z.enum(["SingleStack", "PreferDualStack", "RequireDualStack"]).optional().describe(
    "How many families it serves.",
  ),
  externalName: z.string().optional().describe("The DNS name that the Service stands for, of type ExternalName."),
  externalIPs: z.array(z.string().describe("An address.")).optional().describe(
    "Addresses outside whose traffic nodes accept.",
  ),
  loadBalancerIP: z.string().optional().describe("The address asked of the load balancer."),
  loadBalancerClass: z.string().optional().describe("Who makes the load balancer."),
  loadBalancerSourceRanges: z.array(kubernetesCidr().describe("A network.")).optional().describe(
    "Networks that the load balancer lets in.",
  ),
  allocateLoadBalancerNodePorts: z.boolean().optional().describe("Whether a load balancer needs node ports."),
  healthCheckNodePort: nodePort.describe("Port of every node that tells whether it has endpoints."),
  publishNotReadyAddresses: z.boolean().optional().describe("Whether pods that are not ready count as ready."),
  sessionAffinity: z.enum(["None", "ClientIP"]).optional().describe(
    "Whether a client stays with one pod; None when left out.",
  ),
  sessionAffinityConfig: z.looseObject({
    clientIP: z.looseObject({
      timeoutSeconds: z.int().min(1).max(86_400).optional().describe("How long a client stays with a pod."),
    }).optional().describe("Affinity by the client's address."),
  }).optional().describe("How clients stay with a pod."),
  internalTrafficPolicy: z.enum(["Cluster", "Local"]).optional().describe(
    "Whether traffic from within goes to all endpoints, or to those of its node.",
  ),
  externalTrafficPolicy: z.enum(["Cluster", "Local"]).optional().describe(
    "Whether traffic from outside goes to all endpoints, or to those of its node.",
  ),
  trafficDistribution: z.string().optional().describe("Which endpoints are preferred."),
});

const schema = z.looseObject({
  spec: spec.describe("What the Service is."),
  status: z.looseObject({
    loadBalancer: z.looseObject({}).optional().describe("Where the load balancer is."),
    conditions: conditionList().optional(),
  }).optional().describe("What was observed."),
});

/**
 * Fills in what Kubernetes fills in and does not choose: type, affinity, protocols, target ports, traffic policies. What was filled in for a type or an
 * affinity that the Service no longer has is taken out again, so that a type can be changed by naming the new one.
 */
function defaults(object: KubeObject): KubeObject {
  const filled = mapSpec(object, (spec) => {
    const ports = mapMember(withDefaults(spec, { type: "ClusterIP", sessionAffinity: "None" }), "ports", defaultPorts);
    return defaultClusterIps(defaultAffinity(defaultTypeFields(ports)));
  });
  const { status = {} } = filled;
  return isJsonObject(status) ? { ...filled, status: withDefaults(status, { loadBalancer: {} }) } : filled;
}

function defaultPorts(ports: Json): Json {
  return mapItems(ports, (item) => {
    if (!isJsonObject(item)) return item;
    const port = withDefaults(item, { protocol: "TCP" });
    const hasTarget = port.targetPort !== undefined && port.targetPort !== 0 && port.targetPort !== "";
    return hasTarget || port.port === undefined ? port : { ...port, targetPort: port.port };
  });
}

function defaultTypeFields(spec: JsonObject): JsonObject {
  const { type, externalIPs } = spec;
  const isBalanced = type === "LoadBalancer";
  const isOutside = type === "NodePort" || isBalanced;
  const takesOutside = isOutside || Array.isArray(externalIPs) && externalIPs.length > 0;
  const kept = without(spec, {
    ...(takesOutside ? {} : { externalTrafficPolicy: "Cluster" }),
    ...(isBalanced ? {} : { allocateLoadBalancerNodePorts: true }),
  });
  return withDefaults(kept, {
    ...(isOutside || type === "ClusterIP" ? { internalTrafficPolicy: "Cluster" } : {}),
    ...(isOutside ? { externalTrafficPolicy: "Cluster" } : {}),
    ...(isBalanced ? { allocateLoadBalancerNodePorts: true } : {}),
  });
}

function defaultAffinity(spec: JsonObject): JsonObject {
  const { sessionAffinityConfig: _, ...others } = spec;
  if (spec.sessionAffinity === "None") return others;
  return spec.sessionAffinity === "ClientIP"
    ? withDefaults(spec, { sessionAffinityConfig: { clientIP: { timeoutSeconds: AFFINITY_SECONDS } } })
    : spec;
}

function defaultClusterIps(spec: JsonObject): JsonObject {
  const { clusterIPs: _, ...others } = spec;
  if (typeof spec.clusterIP === "string" && spec.clusterIP !== "") {
    return withDefaults(spec, { clusterIPs: [spec.clusterIP] });
  }
  return spec.type === "ExternalName" ? others : spec;
}

/** The object without members that have just these values. */
function without(object: JsonObject, values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key, value]) => value !== values[key]));
}

/** The kind. */
export const service: KindDefinition = defineCoreKind({
  kind: "Service",
  plural: "services",
  singular: "service",
  shortNames: ["svc"],
  categories: ["all"],
  namespaced: true,
  description: "A name for the pods that do the same; rules may name it instead of them.",
  schema,
  defaults,
  validate: serviceProblems,
  statusSubresource: true,
  mergeKeys: { "spec.ports": "port", "status.conditions": "type" },
  columns: [
    NAME_COLUMN,
    fieldColumn("Type", "spec.type", "How the Service can be reached."),
    computedColumn("Cluster-IP", "Its address.", (object) => clusterIpText(serviceSpecOf(object))),
    computedColumn("External-IP", "Where it is reached from outside.", externalText),
    computedColumn("Port(s)", "Its ports.", (object) => portsText(serviceSpecOf(object))),
    AGE_COLUMN,
    wide(computedColumn("Selector", "Labels of its pods.", (object) => labelMapText(serviceSpecOf(object).selector))),
  ],
});

function clusterIpText({ clusterIP = "" }: ServiceSpec): string {
  return clusterIP === "" ? "<none>" : clusterIP === HEADLESS ? HEADLESS : clusterIP;
}

function externalText(object: KubeObject): string {
  const { type, externalName, externalIPs = [] } = serviceSpecOf(object);
  if (type === "ExternalName") return externalName ?? "<none>";
  const { ingress = [] } = (object.status as ServiceStatus | undefined)?.loadBalancer ?? {};
  const balancers = type === "LoadBalancer" ? ingress.map(({ ip, hostname }) => ip ?? hostname ?? "") : [];
  const all = [...balancers, ...externalIPs].filter((text) => text !== "").join(",");
  return all !== "" ? all : type === "LoadBalancer" ? "<pending>" : "<none>";
}

function portsText({ ports = [] }: ServiceSpec): string {
  const texts = ports.map(({ port, nodePort = 0, protocol }) =>
    nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`
  );
  return texts.join(",") || "<none>";
}
