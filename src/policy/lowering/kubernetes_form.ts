/**
 * Kubernetes' kinds of policy in the form of Calico's: subjects as selectors, user rules as Calico rules. One pure conversion per kind, before lowering,
 * so that the rest of the pipeline knows one language. `lower.ts` is the only caller.
 *
 * A user's rule becomes as few rules as its peers and protocols allow; they all bear the id of the user's rule. A user's rule with any part that cannot
 * be read is unreadable as a whole (invariant 6).
 *
 * @module
 */
import { cidrContainsCidr, maskCidr, parseCidrOrIp } from "#/base/cidr.ts";
import { parsePort } from "#/base/port_range.ts";
import { formatSelector, has } from "#/base/selector.ts";
import type { PolicyKind } from "#/policy/ir.ts";
import {
  checkPortName,
  type Faults,
  labelSelectorText,
  podSelectorText,
  type PortGroup,
  portGroups,
  type PortMatch,
} from "#/policy/lowering/kubernetes_parts.ts";
import { NAMESPACE_LABEL } from "#/policy/endpoint_labels.ts";
import type {
  AdminNetworkPolicyPort,
  AdminNetworkPolicyRule,
  AdminNetworkPolicySpec,
  ClusterNetworkPolicyRule,
  ClusterNetworkPolicySpec,
  ClusterPolicyPeer,
  ClusterPolicyProtocol,
  ClusterPolicySubject,
  IPBlock,
  KubernetesPeer,
  KubernetesPort,
  LabelSelector,
  StagedKubernetesNetworkPolicySpec,
} from "#/resources/kinds/kubernetes_policy_spec.ts";
import { specAs } from "#/resources/kinds/kubernetes_policy_spec.ts";
import type { EntityRule, PolicySpec, PolicyType, Rule, RuleActionName } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";

/** One user rule in Calico's form. */
export type RuleForm =
  | { readonly kind: "rules"; readonly rules: readonly Rule[] }
  | { readonly kind: "unreadable"; readonly action: string; readonly message: string };

/** A policy in Calico's form. The list of a direction has one entry for each user rule, in the user's order. */
export interface PolicyForm {
  /** All but the rules. */
  readonly spec: PolicySpec;
  /** Why the subject cannot be read. */
  readonly subjectFault: string | undefined;
  readonly ingress: readonly RuleForm[];
  readonly egress: readonly RuleForm[];
}

/** Tier of the policies of namespaces' owners, and their order in it. */
const NAMESPACE_TIER = "default";
const NAMESPACE_ORDER = 1000;
/** Tiers of cluster-wide policies, before and after all others. */
const ADMIN_TIER = "kube-admin";
const BASELINE_TIER = "kube-baseline";
/** What is in some namespace. */
const HAS_NAMESPACE = formatSelector(has(NAMESPACE_LABEL));

/**
 * A Kubernetes policy in Calico's form; `undefined` for kinds that have it already.
 *
 * @example
 * ```ts
 * import { kubernetesForm } from "#/policy/lowering/kubernetes_form.ts";
 * const form = kubernetesForm("KubernetesNetworkPolicy", {
 *   apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "p", namespace: "shop" },
 *   spec: { podSelector: { matchLabels: { app: "db" } }, policyTypes: ["Ingress"], ingress: [{ ports: [{ port: 80 }, { port: 81 }] }] },
 * });
 * if (form?.spec.selector !== '(projectcalico.org/orchestrator == "k8s" && app == "db")') throw new Error(form?.spec.selector);
 * const [rule] = form.ingress;
 * if (rule?.kind !== "rules" || rule.rules.length !== 1) throw new Error();
 * ```
 */
export function kubernetesForm(kind: PolicyKind, object: KubeObject): PolicyForm | undefined {
  switch (kind) {
    case "KubernetesNetworkPolicy":
    case "StagedKubernetesNetworkPolicy":
      return networkPolicyForm(specAs<StagedKubernetesNetworkPolicySpec>(object));
    case "AdminNetworkPolicy":
    case "BaselineAdminNetworkPolicy":
      return adminPolicyForm(specAs<AdminNetworkPolicySpec>(object), kind === "AdminNetworkPolicy");
    case "KubernetesClusterNetworkPolicy":
      return clusterPolicyForm(specAs<ClusterNetworkPolicySpec>(object));
    default:
      return undefined;
  }
}

function networkPolicyForm(spec: StagedKubernetesNetworkPolicySpec): PolicyForm {
  const faults: string[] = [];
  const { policyTypes, stagedAction } = spec;
  const types: readonly PolicyType[] = policyTypes === undefined || policyTypes.length === 0
    ? ["Ingress"]
    : policyTypes;
  const selector = podSelectorText("podSelector", spec.podSelector ?? {}, faults);
  const rulesOf = (
    far: FarSide,
    list: string,
    peers: readonly KubernetesPeer[] | undefined,
    ports: readonly KubernetesPort[] | undefined,
  ): RuleForm =>
    ruleForm({ action: "Allow", far, name: undefined }, (found) => ({
      peers: peers === undefined || peers.length === 0 ? [{}] : mergeBlocks(
        peers.map((peer, at) => kubernetesPeer(`${list}[${at}]`, peer, found)),
      ),
      groups: portGroups((ports ?? []).map((port, at) => kubernetesPort(`ports[${at}]`, port, found))),
    }));
  return {
    spec: {
      tier: NAMESPACE_TIER,
      order: NAMESPACE_ORDER,
      types,
      selector,
      ...(stagedAction === undefined ? {} : { stagedAction }),
    },
    subjectFault: faults[0],
    ingress: (spec.ingress ?? []).map(({ from, ports }) => rulesOf("source", "from", from, ports)),
    egress: (spec.egress ?? []).map(({ to, ports }) => rulesOf("destination", "to", to, ports)),
  };
}

function adminPolicyForm(spec: AdminNetworkPolicySpec, isAdmin: boolean): PolicyForm {
  const rulesOf = (far: FarSide, rule: AdminNetworkPolicyRule): RuleForm =>
    ruleForm({ action: rule.action, far, name: rule.name }, (faults) => ({
      peers: clusterPeers(far, far === "source" ? rule.from : rule.to, faults),
      groups: portGroups((rule.ports ?? []).map((port, at) => adminPort(`ports[${at}]`, port, faults))),
    }));
  return {
    ...clusterForm(spec.subject, {
      tier: isAdmin ? ADMIN_TIER : BASELINE_TIER,
      order: isAdmin ? spec.priority : undefined,
    }, spec),
    ingress: (spec.ingress ?? []).map((rule) => rulesOf("source", rule)),
    egress: (spec.egress ?? []).map((rule) => rulesOf("destination", rule)),
  };
}

function clusterPolicyForm(spec: ClusterNetworkPolicySpec): PolicyForm {
  const rulesOf = (far: FarSide, rule: ClusterNetworkPolicyRule): RuleForm =>
    ruleForm({ action: rule.action === "Accept" ? "Allow" : rule.action, far, name: rule.name }, (faults) => ({
      peers: clusterPeers(far, far === "source" ? rule.from : rule.to, faults),
      groups: portGroups((rule.protocols ?? []).map((each, at) => clusterPort(`protocols[${at}]`, each, faults))),
    }));
  const place = { tier: spec.tier === "Admin" ? ADMIN_TIER : BASELINE_TIER, order: spec.priority };
  return {
    ...clusterForm(spec.subject, place, spec),
    ingress: (spec.ingress ?? []).map((rule) => rulesOf("source", rule)),
    egress: (spec.egress ?? []).map((rule) => rulesOf("destination", rule)),
  };
}

/** What cluster-wide policies share. They govern the directions that they have rules for. */
function clusterForm(
  subject: ClusterPolicySubject | undefined,
  place: { readonly tier: string; readonly order: number | undefined },
  rules: { readonly ingress?: readonly unknown[]; readonly egress?: readonly unknown[] },
): Pick<PolicyForm, "spec" | "subjectFault"> {
  const faults: string[] = [];
  const { namespaces, pods } = subject ?? {};
  if ((namespaces === undefined) === (pods === undefined)) {
    faults.push("subject: must have exactly one of namespaces and pods");
  }
  const selector = podSelectorText("subject.pods.podSelector", pods?.podSelector ?? {}, faults);
  const namespaceSelector = labelSelectorText("subject", namespaces ?? pods?.namespaceSelector ?? {}, faults);
  const types: readonly PolicyType[] = [
    ...((rules.ingress ?? []).length > 0 ? ["Ingress"] as const : []),
    ...((rules.egress ?? []).length > 0 ? ["Egress"] as const : []),
  ];
  const { tier, order } = place;
  return {
    spec: { tier, ...(order === undefined ? {} : { order }), types, selector, namespaceSelector },
    subjectFault: faults[0],
  };
}

/** The side of a rule that its peers are on. */
type FarSide = "source" | "destination";

interface RuleParts {
  /** Any of them. */
  readonly peers: readonly EntityRule[];
  /** Any of them. */
  readonly groups: readonly PortGroup[];
}

/** The rules of one user rule: one for each pair of peer and protocol. */
function ruleForm(
  head: { readonly action: string; readonly far: FarSide; readonly name: string | undefined },
  read: (faults: Faults) => RuleParts,
): RuleForm {
  const faults: string[] = [];
  const { peers, groups } = read(faults);
  if (faults.length > 0) return { kind: "unreadable", action: head.action, message: faults.join("; ") };
  const shared = {
    action: head.action as RuleActionName,
    ...(head.name === undefined || head.name === "" ? {} : { metadata: { annotations: { name: head.name } } }),
  };
  const rules = groups.flatMap(({ protocol, ports }) =>
    peers.map((peer): Rule => {
      const destination = head.far === "destination" ? { ...peer, ...ports } : ports;
      return {
        ...shared,
        ...(protocol === undefined ? {} : { protocol }),
        ...(head.far === "source" ? { source: peer } : {}),
        ...(destination === undefined ? {} : { destination }),
      };
    })
  );
  return { kind: "rules", rules };
}

function kubernetesPeer(path: string, peer: KubernetesPeer, faults: Faults): EntityRule {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  if (ipBlock !== undefined) {
    if (podSelector !== undefined || namespaceSelector !== undefined) faults.push(`${path}.ipBlock: must stand alone`);
    return blockPeer(`${path}.ipBlock`, ipBlock, faults);
  }
  if (podSelector === undefined && namespaceSelector === undefined) {
    faults.push(`${path}: must have podSelector, namespaceSelector or ipBlock`);
  }
  return {
    selector: podSelectorText(`${path}.podSelector`, podSelector ?? {}, faults),
    ...(namespaceSelector === undefined ? {} : {
      namespaceSelector: labelSelectorText(`${path}.namespaceSelector`, namespaceSelector, faults),
    }),
  };
}

function blockPeer(path: string, { cidr = "", except = [] }: Partial<IPBlock>, faults: Faults): EntityRule {
  const whole = parseCidrOrIp(cidr);
  if (whole === undefined) faults.push(`${path}.cidr: must be a CIDR: "${cidr}"`);
  for (const net of except) {
    const part = parseCidrOrIp(net);
    if (part === undefined) faults.push(`${path}.except: must be a CIDR: "${net}"`);
    else if (whole !== undefined && !cidrContainsCidr(maskCidr(whole), maskCidr(part))) {
      faults.push(`${path}.except: must lie within ${cidr}: "${net}"`);
    }
  }
  return except.length === 0 ? { nets: [cidr] } : { nets: [cidr], notNets: except };
}

/** Plain networks, one peer each, as one peer with all of them. */
function mergeBlocks(peers: readonly EntityRule[]): readonly EntityRule[] {
  const isPlain = (peer: EntityRule) => peer.nets !== undefined && peer.notNets === undefined;
  const nets = peers.filter(isPlain).flatMap((peer) => peer.nets ?? []);
  const others = peers.filter((peer) => !isPlain(peer));
  return nets.length === 0 ? others : [...others, { nets }];
}

/** Peers of a cluster-wide policy. Unlike those of a NetworkPolicy they are never left out to mean anything. */
function clusterPeers(
  far: FarSide,
  peers: readonly ClusterPolicyPeer[] | undefined,
  faults: Faults,
): readonly EntityRule[] {
  const list = far === "source" ? "from" : "to";
  if (peers === undefined || peers.length === 0) faults.push(`${list}: must have a peer`);
  return mergeBlocks((peers ?? []).map((peer, at) => {
    if (far === "source" && peer.networks !== undefined) faults.push(`from[${at}].networks: is only for egress`);
    return clusterPeer(`${list}[${at}]`, peer, faults);
  }));
}

/** `namespaces` means whatever has these namespaces, network sets too; `pods` means pods. */
function clusterPeer(path: string, peer: ClusterPolicyPeer, faults: Faults): EntityRule {
  const { namespaces, pods, nodes, networks, domainNames } = peer;
  if (nodes !== undefined) faults.push(`${path}.nodes: is not supported`);
  if (domainNames !== undefined) faults.push(`${path}.domainNames: is not supported`);
  const given = [namespaces, pods, nodes, networks, domainNames].filter((member) => member !== undefined);
  if (given.length !== 1) faults.push(`${path}: must have exactly one kind of peer`);
  if (networks !== undefined) {
    if (networks.length === 0) faults.push(`${path}.networks: must not be empty`);
    for (const net of networks) {
      if (parseCidrOrIp(net) === undefined) faults.push(`${path}.networks: must be a CIDR: "${net}"`);
    }
    return { nets: networks };
  }
  if (pods === undefined) {
    const namespaceSelector = labelSelectorText(`${path}.namespaces`, namespaces ?? {}, faults);
    return isNegative(namespaces ?? {}) ? { namespaceSelector, selector: HAS_NAMESPACE } : { namespaceSelector };
  }
  return {
    namespaceSelector: labelSelectorText(`${path}.pods.namespaceSelector`, pods.namespaceSelector ?? {}, faults),
    selector: podSelectorText(`${path}.pods.podSelector`, pods.podSelector ?? {}, faults),
  };
}

/** Whether a selector asks only for what is missing, so that it would pick what has no namespace as well. An empty one asks for a namespace as it is. */
function isNegative({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length > 0 &&
    matchExpressions.every(({ operator }) => operator === "NotIn" || operator === "DoesNotExist");
}

/** A port of a NetworkPolicy. Without a number it is the whole protocol, whatever else it says. */
function kubernetesPort(path: string, { protocol = "TCP", port, endPort }: KubernetesPort, faults: Faults): PortMatch {
  if (!["TCP", "UDP", "SCTP"].includes(protocol)) {
    faults.push(`${path}.protocol: must be TCP, UDP or SCTP: "${protocol}"`);
  }
  if (typeof port === "string") checkPortName(`${path}.port`, port, faults);
  if (port === undefined || endPort === undefined) return portMatch(path, { protocol, port }, faults);
  if (typeof port !== "number") faults.push(`${path}.endPort: must not stand with a port's name: "${port}"`);
  else if (endPort < port) faults.push(`${path}.endPort: must not be below port: ${endPort}`);
  return portMatch(path, { protocol, port: `${port}:${endPort}` }, faults);
}

function adminPort(path: string, entry: AdminNetworkPolicyPort, faults: Faults): PortMatch {
  const { portNumber, portRange, namedPort } = entry;
  const given = [portNumber, portRange, namedPort].filter((member) => member !== undefined);
  if (given.length !== 1) faults.push(`${path}: must have exactly one of portNumber, portRange and namedPort`);
  if (portNumber !== undefined) {
    return portMatch(path, { protocol: portNumber.protocol ?? "TCP", port: portNumber.port }, faults);
  }
  if (portRange !== undefined) {
    const port = rangeText(`${path}.portRange`, portRange, faults);
    return portMatch(path, { protocol: portRange.protocol ?? "TCP", port }, faults);
  }
  if (namedPort !== undefined) checkPortName(`${path}.namedPort`, namedPort, faults);
  return { protocol: undefined, port: namedPort };
}

function clusterPort(path: string, entry: ClusterPolicyProtocol, faults: Faults): PortMatch {
  const { tcp, udp, sctp, destinationNamedPort } = entry;
  const given = [tcp, udp, sctp, destinationNamedPort].filter((member) => member !== undefined);
  if (given.length !== 1) faults.push(`${path}: must have exactly one of tcp, udp, sctp and destinationNamedPort`);
  if (destinationNamedPort !== undefined) {
    checkPortName(`${path}.destinationNamedPort`, destinationNamedPort, faults);
    return { protocol: undefined, port: destinationNamedPort };
  }
  const protocol = tcp !== undefined ? "TCP" : udp !== undefined ? "UDP" : "SCTP";
  const port = (tcp ?? udp ?? sctp)?.destinationPort;
  if (port === undefined) return { protocol, port: undefined };
  if ((port.number === undefined) === (port.range === undefined)) {
    faults.push(`${path}.destinationPort: must have exactly one of number and range`);
  }
  if (port.range === undefined) return portMatch(path, { protocol, port: port.number }, faults);
  return portMatch(path, { protocol, port: rangeText(`${path}.destinationPort.range`, port.range, faults) }, faults);
}

/** The port, faulted where no packet can have it: another entry of its list might stand for the whole protocol, and then nobody would read it again. */
function portMatch(path: string, match: PortMatch, faults: Faults): PortMatch {
  if (match.port !== undefined && parsePort(match.port) === undefined) {
    faults.push(`${path}: must be a port, a range or a port's name: "${match.port}"`);
  }
  return match;
}

function rangeText(path: string, range: { readonly start: number; readonly end: number }, faults: Faults): string {
  if (range.end < range.start) faults.push(`${path}: end must not be below start: ${range.end}`);
  return `${range.start}:${range.end}`;
}
