/**
 * The oracle's reading of the policies of Kubernetes, from their own specs: NetworkPolicy (and its staged form), AdminNetworkPolicy,
 * BaselineAdminNetworkPolicy and ClusterNetworkPolicy. Part of the definition of semantics; called by `oracle.ts` alone.
 *
 * All of them are about pods. A NetworkPolicy only allows: what it does not allow is denied at the end of the default tier, where it stands. The
 * cluster-wide kinds have tiers of their own, before and after, that pass what they do not decide.
 *
 * @module
 */
import { type Cidr, cidrContains, cidrContainsCidr, maskCidr } from "#/base/cidr.ts";
import { parsePort, PORT_MAX, type PortRange } from "#/base/port_range.ts";
import { parseProtocol, protocolHasPorts } from "#/base/protocol.ts";
import type { LabelLookup } from "#/base/selector.ts";
import type { Direction } from "#/policy/ir.ts";
import {
  type Faults,
  isListed,
  isNamed,
  NAMESPACE,
  prefixed,
  readCidr,
  type RuleContext,
} from "#/policy/oracle/oracle_match.ts";
import type { Packet } from "#/policy/packet.ts";
import { type Holder, holdersAt, type PolicyWorld } from "#/policy/oracle/world.ts";
import {
  type AdminNetworkPolicyPort,
  type AdminNetworkPolicyRule,
  type AdminNetworkPolicySpec,
  type ClusterNetworkPolicyRule,
  type ClusterNetworkPolicySpec,
  type ClusterPolicyPeer,
  type ClusterPolicyProtocol,
  type ClusterPolicySubject,
  type KubernetesNetworkPolicySpec,
  type KubernetesPeer,
  type KubernetesPort,
  type LabelSelector,
  specAs,
} from "#/resources/kinds/kubernetes_policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";

/** A rule, read. What it could not be read for is in `faults`. */
export interface KubernetesRule {
  readonly action: "Allow" | "Deny" | "Pass";
  /** Who is at the far end: one of these. */
  readonly peers: readonly Peer[] | "anyone";
  /** Where the connection goes: to one of these. */
  readonly ports: readonly PortForm[] | "anywhere";
  readonly faults: readonly string[];
}

/** Pods, everything in namespaces, or networks. */
type Peer =
  | { readonly kind: "pods"; readonly namespaces: LabelSelector | "own"; readonly pods: LabelSelector }
  | { readonly kind: "namespaces"; readonly namespaces: LabelSelector }
  | { readonly kind: "networks"; readonly cidrs: readonly Cidr[]; readonly except: readonly Cidr[] };

/** Ports of a protocol: all, a range, or one that the receiver gives a name. */
interface PortForm {
  readonly protocol: number | "any";
  readonly port: PortRange | { readonly name: string } | "every port";
}

const EVERYTHING: LabelSelector = {};
const LABEL_KEY = /^[A-Za-z0-9_./-]+$/;
const isPod = (labels: LabelLookup) => labels("projectcalico.org/orchestrator") === "k8s";

/** The tier and order of a policy: NetworkPolicies stand in the default tier with order 1000, the cluster-wide kinds go by priority. */
export function kubernetesPlace(policy: KubeObject): { readonly tier: string; readonly order: number | undefined } {
  switch (policy.kind) {
    case "AdminNetworkPolicy":
      return { tier: "kube-admin", order: specAs<AdminNetworkPolicySpec>(policy).priority };
    case "BaselineAdminNetworkPolicy":
      return { tier: "kube-baseline", order: undefined };
    case "ClusterNetworkPolicy": {
      const { tier, priority } = specAs<ClusterNetworkPolicySpec>(policy);
      return { tier: tier === "Admin" ? "kube-admin" : "kube-baseline", order: priority };
    }
    default:
      return { tier: "default", order: 1000 };
  }
}

/** A NetworkPolicy governs its `policyTypes`, ingress when there are none; the cluster-wide kinds govern the directions in which they have rules. */
export function kubernetesGoverns(policy: KubeObject, direction: Direction): boolean {
  const spec = specAs<KubernetesNetworkPolicySpec>(policy);
  if (isClusterWide(policy)) return isListed<unknown>(spec[direction]);
  const types = isListed(spec.policyTypes) ? spec.policyTypes : ["Ingress"];
  return types.includes(direction === "ingress" ? "Ingress" : "Egress");
}

/** Whether a policy is about the pod with these labels. A subject that cannot be read covers the policy's namespace, or everything that has one. */
export function kubernetesSelects(policy: KubeObject, labels: LabelLookup): boolean {
  const faults: Faults = [];
  if (!isClusterWide(policy)) {
    if (labels(NAMESPACE) !== policy.metadata.namespace) return false;
    const { podSelector = EVERYTHING } = specAs<KubernetesNetworkPolicySpec>(policy);
    const isMeant = holds(podSelector, labels, faults) && isPod(labels);
    return faults.length > 0 || isMeant;
  }
  const { namespaces, pods } = specAs<ClusterSpec>(policy).subject ?? {};
  const place = namespaces ?? pods?.namespaceSelector;
  if ((namespaces === undefined) === (pods === undefined)) faults.push("Subject");
  const isMeant = [
    isPod(labels),
    inNamespaces(place ?? EVERYTHING, labels, faults),
    holds(pods?.podSelector ?? EVERYTHING, labels, faults),
  ].every((isMet) => isMet);
  return faults.length > 0 ? labels(NAMESPACE) !== undefined : isMeant;
}

/** The rules of one direction, in order. No peers, or none listed, is anyone in a NetworkPolicy, and cannot be read in the cluster-wide kinds. */
export function kubernetesRules(
  world: PolicyWorld,
  policy: KubeObject,
  direction: Direction,
): readonly KubernetesRule[] {
  if (isClusterWide(policy)) {
    return (specAs<ClusterSpec>(policy)[direction] ?? []).map((rule) =>
      clusterRuleOf(world, rule, { policy, direction })
    );
  }
  const { ingress = [], egress = [] } = specAs<KubernetesNetworkPolicySpec>(policy);
  const rules = direction === "ingress"
    ? ingress.map(({ from, ports }) => ({ peers: from, ports }))
    : egress.map(({ to, ports }) => ({ peers: to, ports }));
  return rules.map(({ peers, ports }) => {
    const faults: Faults = [];
    return {
      action: "Allow",
      peers: isListed(peers) ? peers.flatMap((peer) => peerOf(world, peer, faults) ?? []) : "anyone",
      ports: isListed(ports) ? ports.map((port) => portOf(port, faults)) : "anywhere",
      faults,
    };
  });
}

/** Whether a rule matches a packet. One that cannot be read matches nothing when it allows or passes, and everything when it denies. */
export function kubernetesRuleMatches(rule: KubernetesRule, context: RuleContext): boolean {
  if (rule.faults.length > 0) return rule.action === "Deny";
  const { world, packet, direction } = context;
  const remote = direction === "ingress" ? packet.source : packet.destination;
  const everyone = holdersAt(world, remote);
  const receivers = holdersAt(world, packet.destination);
  /** Whether the far end, by what these holders are, is meant: then the ports are asked, named ones of the peer itself where it receives. */
  const isMet = (among: readonly Holder[]) =>
    rule.ports === "anywhere" ||
    rule.ports.some((port) => isOnPort(port, packet, direction === "egress" ? among : receivers));
  if (rule.peers === "anyone") return isMet(everyone);
  return rule.peers.some((peer) => {
    if (peer.kind === "networks") {
      const isInside = peer.cidrs.some((cidr) => cidrContains(cidr, remote)) &&
        !peer.except.some((cidr) => cidrContains(cidr, remote));
      return isInside && isMet(everyone);
    }
    const among = everyone.filter(({ labels }) => isAmong(peer, labels, context.namespace));
    return among.length > 0 && isMet(among);
  });
}

/** A rule of either cluster-wide shape: they differ in the word for Allow and in how ports are named. */
type ClusterRule =
  & Omit<AdminNetworkPolicyRule, "action">
  & Omit<ClusterNetworkPolicyRule, "action">
  & { readonly action: AdminNetworkPolicyRule["action"] | ClusterNetworkPolicyRule["action"] };

/** The spec of either cluster-wide shape. */
interface ClusterSpec {
  readonly subject?: ClusterPolicySubject;
  readonly ingress?: readonly ClusterRule[];
  readonly egress?: readonly ClusterRule[];
}

/** An action that is none of the policy's kind counts as a deny of everything, as any deny that cannot be read. */
function clusterRuleOf(
  world: PolicyWorld,
  rule: ClusterRule,
  { policy, direction }: { readonly policy: KubeObject; readonly direction: Direction },
): KubernetesRule {
  const faults: Faults = [];
  const allows: readonly string[] = policy.kind === "ClusterNetworkPolicy" ? ["Accept", "Allow"] : ["Allow"];
  const isAllow = allows.includes(rule.action);
  if (!isAllow && rule.action !== "Pass" && rule.action !== "Deny") faults.push(`Action ${rule.action}`);
  const peers = (direction === "ingress" ? rule.from : rule.to) ?? [];
  if (peers.length === 0) faults.push("A rule must have peers");
  const ports = [
    ...(rule.ports ?? []).map((port) => adminPortOf(port, faults)),
    ...(rule.protocols ?? []).map((protocol) => clusterPortOf(protocol, faults)),
  ];
  return {
    action: isAllow ? "Allow" : rule.action === "Pass" ? "Pass" : "Deny",
    peers: peers.flatMap((peer) => clusterPeerOf(world, peer, { direction, faults }) ?? []),
    ports: ports.length === 0 ? "anywhere" : ports,
    faults,
  };
}

function isAmong(peer: Exclude<Peer, { kind: "networks" }>, labels: LabelLookup, own: string): boolean {
  const isInPlace = peer.namespaces === "own" ? labels(NAMESPACE) === own : inNamespaces(peer.namespaces, labels, []);
  // Network sets of a namespace are in it, and are no pods.
  return isInPlace && (peer.kind === "namespaces" || (isPod(labels) && holds(peer.pods, labels, [])));
}

function peerOf(world: PolicyWorld, peer: KubernetesPeer, faults: Faults): Peer | undefined {
  const { ipBlock, podSelector, namespaceSelector } = peer;
  const isPods = podSelector !== undefined || namespaceSelector !== undefined;
  if (isPods === (ipBlock !== undefined)) faults.push("A peer must be pods or a network");
  if (ipBlock !== undefined) {
    const cidrs = [ipBlock.cidr ?? ""].flatMap((cidr) => readCidr(world, cidr, faults) ?? []);
    const except = (ipBlock.except ?? []).flatMap((cidr) => readCidr(world, cidr, faults) ?? []);
    const isWithin = (part: Cidr) => cidrs.some((cidr) => cidrContainsCidr(maskCidr(cidr), maskCidr(part)));
    if (!except.every(isWithin)) faults.push(`Exceptions must lie within ${ipBlock.cidr}`);
    return { kind: "networks", cidrs, except };
  }
  const selectors = { namespaces: namespaceSelector ?? "own" as const, pods: podSelector ?? EVERYTHING };
  checkSelectors([namespaceSelector, podSelector], faults);
  return { kind: "pods", ...selectors };
}

/** Networks only receive; nodes and domain names are not known. */
function clusterPeerOf(
  world: PolicyWorld,
  peer: ClusterPolicyPeer,
  { direction, faults }: { readonly direction: Direction; readonly faults: Faults },
): Peer | undefined {
  const { namespaces, pods, networks } = peer;
  const isKnown = countOf(peer) === 1 &&
    (direction === "egress" || networks === undefined);
  checkSelectors([namespaces, pods?.namespaceSelector, pods?.podSelector], faults);
  if (isKnown && namespaces !== undefined) return { kind: "namespaces", namespaces };
  if (isKnown && pods !== undefined) {
    const { namespaceSelector, podSelector } = pods;
    return { kind: "pods", namespaces: namespaceSelector ?? EVERYTHING, pods: podSelector ?? EVERYTHING };
  }
  if (isKnown && isListed(networks)) {
    return { kind: "networks", cidrs: networks.flatMap((net) => readCidr(world, net, faults) ?? []), except: [] };
  }
  faults.push(`Peers must be one of namespaces, pods and, going out, networks: ${Object.keys(peer)}`);
  return undefined;
}

/** TCP unless said otherwise; every port of the protocol without a number or name. A range begins with a number. */
function portOf({ protocol = "TCP", port, endPort }: KubernetesPort, faults: Faults): PortForm {
  const form = { protocol: protocolOf(protocol, faults) };
  if (port === undefined) return { ...form, port: "every port" };
  if (typeof port === "number") return { ...form, port: rangeOf(port, endPort ?? port, faults) };
  if (endPort !== undefined) faults.push(`A named port must not have an end: ${port}`);
  return { ...form, port: nameOf(port, faults) };
}

function adminPortOf(entry: AdminNetworkPolicyPort, faults: Faults): PortForm {
  const { portNumber, portRange, namedPort } = entry;
  if (countOf(entry) !== 1) faults.push("A port must be a number, a range or a name");
  if (portNumber !== undefined) {
    const { protocol = "TCP", port } = portNumber;
    return { protocol: protocolOf(protocol, faults), port: rangeOf(port, port, faults) };
  }
  if (portRange !== undefined) {
    const { protocol = "TCP", start, end } = portRange;
    return { protocol: protocolOf(protocol, faults), port: rangeOf(start, end, faults) };
  }
  return { protocol: "any", port: nameOf(namedPort ?? "", faults) };
}

function clusterPortOf(entry: ClusterPolicyProtocol, faults: Faults): PortForm {
  const { tcp, udp, sctp, destinationNamedPort } = entry;
  if (countOf(entry) !== 1) faults.push("A port must be of one protocol, or a name");
  const given = tcp ?? udp ?? sctp;
  if (given === undefined) return { protocol: "any", port: nameOf(destinationNamedPort ?? "", faults) };
  const protocol = protocolOf(tcp !== undefined ? "TCP" : udp !== undefined ? "UDP" : "SCTP", faults);
  if (given.destinationPort === undefined) return { protocol, port: "every port" };
  const { number, range } = given.destinationPort;
  if (countOf(given.destinationPort) !== 1) faults.push("A destination port must be a number or a range");
  return { protocol, port: rangeOf(range?.start ?? number ?? 0, range?.end ?? number ?? 0, faults) };
}

function protocolOf(text: string, faults: Faults): number {
  const protocol = parseProtocol(text);
  if (protocol !== undefined && protocolHasPorts(protocol)) return protocol;
  faults.push(`Protocol ${text}`);
  return 0;
}

function rangeOf(min: number, max: number, faults: Faults): PortRange {
  if (!(min >= 1 && max <= PORT_MAX && min <= max)) faults.push(`Ports ${min} to ${max}`);
  return { min, max };
}

function nameOf(name: string, faults: Faults): { readonly name: string } {
  if (parsePort(name)?.kind !== "name") faults.push(`Port name ${name}`);
  return { name };
}

function isOnPort({ protocol, port }: PortForm, packet: Packet, receivers: readonly Holder[]): boolean {
  if (protocol !== "any" && protocol !== packet.protocol) return false;
  if (port === "every port") return true;
  const number = packet.destinationPort;
  if (number === undefined) return false;
  if ("name" in port) return isNamed(port.name, receivers, { protocol: packet.protocol, port: number });
  return port.min <= number && number <= port.max;
}

/** Whether something is in a namespace with such labels. What has no namespace has no labels of one either. */
function inNamespaces(selector: LabelSelector, labels: LabelLookup, faults: Faults): boolean {
  const isMeant = holds(selector, prefixed(labels, "pcns."), faults);
  return labels(NAMESPACE) !== undefined && isMeant;
}

/** Whether labels meet a selector of Kubernetes: everything listed holds. A missing label is not in any list, so `NotIn` holds for it. */
function holds({ matchLabels, matchExpressions }: LabelSelector, labels: LabelLookup, faults: Faults): boolean {
  const expressions = (matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    const value = labels(key);
    if (!LABEL_KEY.test(key ?? "")) faults.push(`Label ${key}`);
    if (values.length === 0 && (operator === "In" || operator === "NotIn")) faults.push(`${operator} without values`);
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      default:
        faults.push(`Operator ${operator}`);
        return false;
    }
  });
  return Object.entries(matchLabels ?? {}).every(([key, value]) => labels(key) === value) &&
    expressions.every((isMet) => isMet);
}

function checkSelectors(selectors: readonly (LabelSelector | undefined)[], faults: Faults): void {
  for (const selector of selectors) holds(selector ?? EVERYTHING, () => undefined, faults);
}

/** How many members are there. */
function countOf(value: object): number {
  return Object.values(value).filter((member) => member !== undefined).length;
}

function isClusterWide({ kind }: KubeObject): boolean {
  return kind === "AdminNetworkPolicy" || kind === "BaselineAdminNetworkPolicy" || kind === "ClusterNetworkPolicy";
}
