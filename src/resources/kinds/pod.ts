/**
 * Core Pod: a workload. The network reads its node, addresses, labels, service account and named ports; everything else of a Pod is kept as it is.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject, type Json } from "#/base/json.ts";
import { parseIp } from "#/base/ip.ts";
import type { Problem } from "#/base/problem.ts";
import { mapItems, mapMember, mapSpec, withDefaults } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, computedColumn, fieldColumn, NAME_COLUMN, wide } from "#/resources/columns.ts";
import { defineCoreKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { conditionList } from "#/resources/kinds/core_schema.ts";
import { filledText, ipText } from "#/resources/kinds/field_schema.ts";
import { reservedLabelProblems, subdomainNameProblems } from "#/resources/metadata.ts";
import {
  DNS_LABEL_RULE,
  DNS_SUBDOMAIN_RULE,
  isDnsLabel,
  isDnsSubdomain,
  isPortName,
  PORT_NAME_RULE,
} from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";
import { duplicate, forbidden, invalid } from "#/resources/problems.ts";

/** A port that a container says it listens on. */
export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly hostPort?: number;
  readonly hostIP?: string;
}

/** What the network reads of a container. */
export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly ports?: readonly ContainerPort[];
}

/** What the network reads of a Pod's `spec`, after admission. */
export interface PodSpec {
  /** Absent until the Pod is given a node. */
  readonly nodeName?: string;
  readonly serviceAccountName: string;
  /** Whether the Pod is in the node's own network; such a Pod is no workload endpoint. */
  readonly hostNetwork?: boolean;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}

/** What the network reads of the state of a container. */
export interface ContainerStatus {
  readonly name?: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: {
    readonly waiting?: { readonly reason?: string };
    readonly terminated?: { readonly reason?: string };
  };
}

/** What the network reads of a Pod's `status`. */
export interface PodStatus {
  readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  readonly reason?: string;
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip: string }[];
  readonly hostIP?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

/** The spec of an admitted Pod. */
export function podSpecOf(object: KubeObject): PodSpec {
  return (object.spec ?? {}) as unknown as PodSpec;
}

/** The status of a Pod; empty where nothing is observed yet. */
export function podStatusOf(object: KubeObject): PodStatus {
  return (object.status ?? {}) as unknown as PodStatus;
}

/** The service account of Pods that name none. */
export const DEFAULT_SERVICE_ACCOUNT = "default";

const container = z.looseObject({
  name: z.string().refine(isDnsLabel, { error: DNS_LABEL_RULE }).describe("Name, unique in the Pod."),
  image: z.string().optional().describe("Image that it runs."),
  ports: z.array(
    z.looseObject({
      name: z.string().refine((text) => text === "" || isPortName(text), { error: PORT_NAME_RULE }).optional().describe(
        "Name that policies and services may use.",
      ),
      containerPort: z.int().min(1).max(65_535).describe("The port."),
      protocol: z.enum(["TCP", "UDP", "SCTP"]).optional().describe("TCP when left out."),
      hostPort: z.int().min(0).max(65_535).optional().describe("Port of the node that leads to it."),
      hostIP: z.string().optional().describe("Address of the node that leads to it."),
    }).describe("A port."),
  ).optional().describe("Ports that the container listens on."),
});

/** An address that may be empty, as Kubernetes writes one that is not known yet. */
const ipField = z.string().refine((text) => text === "" || parseIp(text) !== undefined, {
  error: "must be an IP address, or empty",
});

const containerStatus = z.looseObject({
  name: z.string().optional().describe("Name of the container."),
  ready: z.boolean().optional().describe("Whether it serves."),
  restartCount: z.int().optional().describe("How often it was started again."),
});

const schema = z.looseObject({
  spec: z.looseObject({
    nodeName: z.string().refine((text) => text === "" || isDnsSubdomain(text), { error: DNS_SUBDOMAIN_RULE }).optional()
      .describe("The node that the Pod is on. Once given it stays."),
    serviceAccountName: filledText(253).refine(isDnsSubdomain, { error: DNS_SUBDOMAIN_RULE }).optional().describe(
      "Service account that the Pod runs under; default when left out.",
    ),
    hostNetwork: z.boolean().optional().describe(
      "Whether the Pod is in the node's own network; policies do not hold for it.",
    ),
    containers: z.array(container.describe("A container.")).min(1).describe("Containers of the Pod."),
    initContainers: z.array(container.describe("A container.")).optional().describe(
      "Containers that run before the others.",
    ),
  }).describe("What the Pod is."),
  status: z.looseObject({
    phase: z.enum(["Pending", "Running", "Succeeded", "Failed", "Unknown"]).optional().describe(
      "Where the Pod is in its life.",
    ),
    reason: z.string().optional().describe("Why it is there, in one word."),
    hostIP: ipField.optional().describe("Address of the node."),
    podIP: ipField.optional().describe("Address of the Pod."),
    podIPs: z.array(z.looseObject({ ip: ipText().describe("The address.") }).describe("One address.")).optional()
      .describe(
        "Addresses of the Pod, at most one of each family.",
      ),
    conditions: conditionList().optional(),
    containerStatuses: z.array(containerStatus.describe("State of one container.")).optional().describe(
      "State of the containers.",
    ),
  }).optional().describe("What was observed."),
});

function defaults(object: KubeObject): KubeObject {
  const filled = mapSpec(object, (spec) => {
    const account = typeof spec.serviceAccount === "string" && spec.serviceAccount !== ""
      ? spec.serviceAccount
      : DEFAULT_SERVICE_ACCOUNT;
    const withAccount = withDefaults(spec, { serviceAccountName: account });
    return mapMember(mapMember(withAccount, "containers", defaultPorts), "initContainers", defaultPorts);
  });
  const { status = {} } = filled;
  return isJsonObject(status) ? { ...filled, status: withDefaults(status, { phase: "Pending" }) } : filled;
}

function defaultPorts(containers: Json): Json {
  return mapItems(
    containers,
    (item) =>
      mapMember(
        item,
        "ports",
        (ports) => mapItems(ports, (port) => isJsonObject(port) ? withDefaults(port, { protocol: "TCP" }) : port),
      ),
  );
}

function validate(object: KubeObject, old: KubeObject | undefined): readonly Problem[] {
  const spec = podSpecOf(object);
  const problems = [...subdomainNameProblems(object), ...reservedLabelProblems(object.metadata.labels)];
  const seen = new Set<string>();
  for (const list of ["initContainers", "containers"] as const) {
    (spec[list] ?? []).forEach((item, at) => {
      if (seen.has(item.name)) problems.push(duplicate(`spec.${list}[${at}].name`, item.name));
      seen.add(item.name);
      problems.push(...portNameProblems(item, `spec.${list}[${at}]`));
    });
  }
  return old === undefined ? problems : [...problems, ...changeProblems(spec, podSpecOf(old))];
}

function portNameProblems(item: Container, path: string): Problem[] {
  const names = (item.ports ?? []).map((port) => port.name ?? "");
  return names.flatMap((name, at) =>
    name !== "" && names.indexOf(name) < at ? [duplicate(`${path}.ports[${at}].name`, name)] : []
  );
}

/** The node, the network and the identity of a running Pod stay: endpoint, addresses and policy rest on them. */
function changeProblems(spec: PodSpec, old: PodSpec): Problem[] {
  const problems: Problem[] = [];
  const isPlaced = (old.nodeName ?? "") !== "";
  if (isPlaced && spec.nodeName !== old.nodeName) {
    const rule = `must not change once it is given: from "${old.nodeName}" to "${spec.nodeName ?? ""}"`;
    problems.push(forbidden("spec.nodeName", rule));
  }
  if ((spec.hostNetwork ?? false) !== (old.hostNetwork ?? false)) {
    problems.push(forbidden("spec.hostNetwork", "must not change after creation"));
  }
  if (spec.serviceAccountName !== old.serviceAccountName) {
    const rule = `must not change after creation: from "${old.serviceAccountName}" to "${spec.serviceAccountName}"`;
    problems.push(forbidden("spec.serviceAccountName", rule));
  }
  (spec.containers ?? []).forEach((item, at) => {
    const before = (old.containers ?? []).find((candidate) => candidate.name === item.name);
    if (before === undefined) {
      problems.push(
        invalid(`spec.containers[${at}].name`, item.name, "must be a container that the Pod was created with"),
      );
    }
  });
  return problems;
}

/** The kind. */
export const pod: KindDefinition = defineCoreKind({
  kind: "Pod",
  plural: "pods",
  singular: "pod",
  shortNames: ["po"],
  categories: ["all"],
  namespaced: true,
  description: "A workload: one or more containers that share an address.",
  schema,
  defaults,
  validate,
  statusSubresource: true,
  mergeKeys: {
    "spec.containers": "name",
    "spec.containers.ports": "containerPort",
    "spec.containers.env": "name",
    "spec.containers.volumeMounts": "mountPath",
    "spec.containers.volumeDevices": "devicePath",
    "spec.initContainers": "name",
    "spec.initContainers.ports": "containerPort",
    "spec.initContainers.env": "name",
    "spec.initContainers.volumeMounts": "mountPath",
    "spec.initContainers.volumeDevices": "devicePath",
    "spec.ephemeralContainers": "name",
    "spec.volumes": "name",
    "spec.imagePullSecrets": "name",
    "spec.hostAliases": "ip",
    "spec.topologySpreadConstraints": "topologyKey",
    "spec.schedulingGates": "name",
    "spec.resourceClaims": "name",
    "status.conditions": "type",
    "status.podIPs": "ip",
    "status.hostIPs": "ip",
  },
  columns: [
    NAME_COLUMN,
    computedColumn("Ready", "How many of the containers serve.", readyText),
    computedColumn("Status", "Where the Pod is in its life.", statusText),
    computedColumn(
      "Restarts",
      "How often containers were started again.",
      (object) =>
        String((podStatusOf(object).containerStatuses ?? []).reduce((sum, item) => sum + (item.restartCount ?? 0), 0)),
    ),
    AGE_COLUMN,
    wide(fieldColumn("IP", "status.podIP", "Address of the Pod.")),
    wide(fieldColumn("Node", "spec.nodeName", "The node that the Pod is on.")),
  ],
});

/** `ready/all`. Where no container is reported, the Pod's own condition speaks for all of them. */
function readyText(object: KubeObject): string {
  const { containerStatuses = [], conditions = [] } = podStatusOf(object);
  const count = (podSpecOf(object).containers ?? []).length;
  const isReady = conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
  const ready = containerStatuses.length === 0 && isReady
    ? count
    : containerStatuses.filter((status) => status.ready === true).length;
  return `${ready}/${count}`;
}

function statusText(object: KubeObject): string {
  if (object.metadata.deletionTimestamp !== undefined) return "Terminating";
  const { phase = "Pending", reason, containerStatuses = [] } = podStatusOf(object);
  if (reason !== undefined && reason !== "") return reason;
  const states = containerStatuses.map((status) => status.state?.waiting?.reason ?? status.state?.terminated?.reason);
  return states.find((state) => state !== undefined) ?? (phase === "Succeeded" ? "Completed" : phase);
}
