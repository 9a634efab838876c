/**
 * What NetworkPolicy of `networking.k8s.io` and StagedKubernetesNetworkPolicy share: fields, defaults and rules of `spec`. The limits are those of
 * Kubernetes' own API server.
 *
 * @module
 */
import { z } from "zod";
import { cidrContainsCidr, parseCidr } from "#/base/cidr.ts";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import { mapItems, mapMember, withDefaults } from "#/resources/canonical_values.ts";
import type {
  IPBlock,
  KubernetesNetworkPolicySpec,
  KubernetesPeer,
  KubernetesPort,
} from "#/resources/kinds/kubernetes_policy_spec.ts";
import {
  labelSelectorProblems,
  labelSelectorSchema,
  objectOf,
  type UnknownFields,
} from "#/resources/kinds/label_selector.ts";
import { isPortName } from "#/resources/name_rules.ts";
import { forbidden, invalid, required } from "#/resources/problems.ts";

/** What a port of a Kubernetes object must be where a number or a name may stand. */
export const PORT_OR_NAME_RULE =
  'must be a port from 1 to 65535, or the name of one: at most 15 of "a-z", "0-9" and single "-", with at least one letter';

/** Protocols that have ports in Kubernetes. */
export const KUBERNETES_PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;

/** A port number, or the name of a container's port. */
export function portOrName(): z.ZodType<number | string> {
  return z.custom<number | string>(
    (value) =>
      typeof value === "number"
        ? Number.isInteger(value) && value >= 1 && value <= 65_535
        : typeof value === "string" && isPortName(value),
    { error: PORT_OR_NAME_RULE },
  ).meta({ "x-kubernetes-int-or-string": true });
}

/** A network as Kubernetes takes it: host bits may be set, and mean nothing. */
export function kubernetesCidr(lengthMax = 64): z.ZodType<string> {
  return z.string().max(lengthMax).refine((text) => parseCidr(text) !== undefined, {
    error: "must be a network as ADDRESS/LENGTH, such as 10.0.0.0/8 or fd00::/64",
  });
}

/** Fields of `spec`. */
export function kubernetesPolicyFields(unknownFields: UnknownFields): z.ZodRawShape {
  const selector = () => labelSelectorSchema(unknownFields).optional();
  const ipBlock = objectOf(unknownFields, {
    cidr: kubernetesCidr().describe("The network."),
    except: z.array(kubernetesCidr().describe("A network within cidr.")).optional().describe("Networks left out."),
  });
  const peer: z.ZodType<KubernetesPeer> = objectOf(unknownFields, {
    podSelector: selector().describe(
      "Selects pods: of the policy's namespace, or of those that namespaceSelector selects.",
    ),
    namespaceSelector: selector().describe("Selects namespaces by their labels; an empty one selects all."),
    ipBlock: ipBlock.optional().describe("A network. No other field may stand beside it."),
  });
  const port: z.ZodType<KubernetesPort> = objectOf(unknownFields, {
    protocol: z.enum(KUBERNETES_PROTOCOLS).optional().describe("TCP when left out."),
    port: portOrName().optional().describe("Number or name of the port; every port of the protocol when left out."),
    endPort: z.int().min(1).max(65_535).optional().describe("Last port of a range that begins with port, a number."),
  });
  const rules = (peers: "from" | "to", words: string) =>
    z.array(
      objectOf(unknownFields, {
        ports: z.array(port.describe("A port.")).optional().describe("Ports; all when left out or empty."),
        [peers]: z.array(peer.describe("A peer.")).optional().describe(`${words}; anything when left out or empty.`),
      }).describe("A rule: what matches both lists is allowed."),
    ).optional();
  return {
    podSelector: selector().describe("Selects the pods that the policy is about; an empty one selects all."),
    ingress: rules("from", "Who may send").describe("What may come to the pods."),
    egress: rules("to", "Who may be reached").describe("What may leave the pods."),
    policyTypes: z.array(z.enum(["Ingress", "Egress"]).describe("A direction.")).max(2).optional().describe(
      "Directions that the policy governs. When left out: Ingress, and Egress where there are egress rules.",
    ),
  };
}

/**
 * A `spec` with what Kubernetes fills in: no selector is one of all pods, ports are TCP, and the directions are Ingress and, where egress rules are
 * there, Egress.
 *
 * @example
 * ```ts
 * import { defaultKubernetesPolicy } from "#/resources/kinds/kubernetes_policy_schema.ts";
 * const spec = defaultKubernetesPolicy({ egress: [{}] });
 * if (JSON.stringify(spec.policyTypes) !== '["Ingress","Egress"]') throw new Error(JSON.stringify(spec));
 * ```
 */
export function defaultKubernetesPolicy(spec: JsonObject): JsonObject {
  const withPorts = mapMember(mapMember(spec, "ingress", defaultRules), "egress", defaultRules);
  const { egress, policyTypes } = withPorts;
  const hasEgress = Array.isArray(egress) && egress.length > 0;
  const isGiven = policyTypes !== undefined && !(Array.isArray(policyTypes) && policyTypes.length === 0);
  return {
    ...withDefaults(withPorts, { podSelector: {} }),
    policyTypes: isGiven ? policyTypes : hasEgress ? ["Ingress", "Egress"] : ["Ingress"],
  };
}

function defaultRules(rules: Json): Json {
  const defaultPort = (port: Json) => isJsonObject(port) ? withDefaults(port, { protocol: "TCP" }) : port;
  return mapItems(rules, (rule) => mapMember(rule, "ports", (ports) => mapItems(ports, defaultPort)));
}

/** The rules across fields of a `spec`. */
export function kubernetesPolicyProblems(spec: KubernetesNetworkPolicySpec): Problem[] {
  const rules = [
    ...(spec.ingress ?? []).map(({ ports, from }, at) => ({
      ports,
      peers: from,
      path: `spec.ingress[${at}]`,
      list: "from",
    })),
    ...(spec.egress ?? []).map(({ ports, to }, at) => ({ ports, peers: to, path: `spec.egress[${at}]`, list: "to" })),
  ];
  return [
    ...labelSelectorProblems(spec.podSelector, "spec.podSelector"),
    ...rules.flatMap(({ ports = [], peers = [], path, list }) => [
      ...ports.flatMap((port, at) => portProblems(port, `${path}.ports[${at}]`)),
      ...peers.flatMap((peer, at) => peerProblems(peer, `${path}.${list}[${at}]`)),
    ]),
  ];
}

function portProblems({ port, endPort }: KubernetesPort, path: string): Problem[] {
  if (endPort === undefined) return [];
  if (port === undefined) return [invalid(`${path}.endPort`, endPort, "must not be given without port")];
  if (typeof port === "string") {
    return [invalid(`${path}.endPort`, endPort, `must not be given where port is a name: "${port}"`)];
  }
  return endPort >= port ? [] : [invalid(`${path}.endPort`, endPort, `must be at least port: ${port}`)];
}

function peerProblems({ podSelector, namespaceSelector, ipBlock }: KubernetesPeer, path: string): Problem[] {
  const problems = [
    ...labelSelectorProblems(podSelector, `${path}.podSelector`),
    ...labelSelectorProblems(namespaceSelector, `${path}.namespaceSelector`),
    ...(ipBlock === undefined ? [] : exceptProblems(ipBlock, `${path}.ipBlock`)),
  ];
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  if (!selects && ipBlock === undefined) {
    problems.push(required(path, "must have podSelector, namespaceSelector or ipBlock"));
  }
  if (selects && ipBlock !== undefined) {
    problems.push(forbidden(path, "must not have a selector beside ipBlock"));
  }
  return problems;
}

function exceptProblems({ cidr, except = [] }: IPBlock, path: string): Problem[] {
  const outer = parseCidr(cidr);
  return except.flatMap((text, at) => {
    const inner = parseCidr(text);
    if (outer === undefined || inner === undefined) return [];
    const isWithin = cidrContainsCidr(outer, inner) && inner.prefixLength > outer.prefixLength;
    return isWithin
      ? []
      : [invalid(`${path}.except[${at}]`, text, `must be a part of cidr, and not all of it: ${cidr}`)];
  });
}
