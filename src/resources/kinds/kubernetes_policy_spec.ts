/**
 * What the policies of Kubernetes say, as types: NetworkPolicy of `networking.k8s.io/v1`, and AdminNetworkPolicy, BaselineAdminNetworkPolicy
 * (`v1alpha1`) and ClusterNetworkPolicy (`v1alpha2`) of `policy.networking.k8s.io`; `spec` after admission. The oracle and the lowering read policies
 * through these; the zod schemas are checked against them.
 *
 * Sources: k8s.io/api/networking/v1, sigs.k8s.io/network-policy-api/apis.
 *
 * @module
 */
import type { KubeObject } from "#/resources/object.ts";
import type { PolicyType, StagedAction } from "#/resources/kinds/policy_spec.ts";

/** A selector of labels as Kubernetes writes it: everything listed must hold; an empty one selects all. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelSelectorRequirement[];
}

/** One requirement of a {@link LabelSelector}. `values` is there for `In` and `NotIn` only, and then not empty. */
export interface LabelSelectorRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

/** A network, less the networks in `except`, each of which lies within it. Host bits may be set, and mean nothing. */
export interface IPBlock {
  readonly cidr: string;
  readonly except?: readonly string[];
}

/** A peer: `ipBlock` alone, or pods: of the policy's own namespace unless `namespaceSelector` is there. */
export interface KubernetesPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: IPBlock;
}

/** A port: number or name; the whole protocol when absent. `endPort` only with a number. */
export interface KubernetesPort {
  /** TCP when absent. */
  readonly protocol?: "TCP" | "UDP" | "SCTP";
  readonly port?: number | string;
  readonly endPort?: number;
}

/** What is let in. No peers, or none listed: from anywhere; the same for ports. */
export interface KubernetesIngressRule {
  readonly from?: readonly KubernetesPeer[];
  readonly ports?: readonly KubernetesPort[];
}

/** What is let out. */
export interface KubernetesEgressRule {
  readonly to?: readonly KubernetesPeer[];
  readonly ports?: readonly KubernetesPort[];
}

/** `spec` of a NetworkPolicy of `networking.k8s.io/v1`. */
export interface KubernetesNetworkPolicySpec {
  /** Pods of the policy's namespace; absent means all. */
  readonly podSelector?: LabelSelector;
  readonly ingress?: readonly KubernetesIngressRule[];
  readonly egress?: readonly KubernetesEgressRule[];
  /** Directions governed; never empty after admission. */
  readonly policyTypes?: readonly PolicyType[];
}

/** `spec` of a StagedKubernetesNetworkPolicy. */
export interface StagedKubernetesNetworkPolicySpec extends KubernetesNetworkPolicySpec {
  readonly stagedAction?: StagedAction;
}

/** Pods by their namespace's labels and their own; both must hold. A ClusterNetworkPolicy's missing `namespaceSelector` is filled in as `{}`. */
export interface NamespacedPods {
  readonly namespaceSelector: LabelSelector;
  readonly podSelector: LabelSelector;
}

/** What a cluster-wide policy is about: exactly one member. `namespaces` means all pods of those namespaces. */
export interface ClusterPolicySubject {
  readonly namespaces?: LabelSelector;
  readonly pods?: NamespacedPods;
}

/** A peer of a cluster-wide policy: exactly one member. Ingress peers are `namespaces` or `pods`. */
export interface ClusterPolicyPeer {
  readonly namespaces?: LabelSelector;
  readonly pods?: NamespacedPods;
  /** Nodes by label; not supported: a rule with it cannot be read. */
  readonly nodes?: LabelSelector;
  /** CIDRs. Host bits may be set, and mean nothing. */
  readonly networks?: readonly string[];
  /** Not supported: a rule with it cannot be read. */
  readonly domainNames?: readonly string[];
}

/** A port of an AdminNetworkPolicy or BaselineAdminNetworkPolicy: exactly one member. `protocol` is TCP when absent. */
export interface AdminNetworkPolicyPort {
  readonly portNumber?: { readonly protocol?: "TCP" | "UDP" | "SCTP"; readonly port: number };
  readonly portRange?: { readonly protocol?: "TCP" | "UDP" | "SCTP"; readonly start: number; readonly end: number };
  readonly namedPort?: string;
}

/** A rule of an AdminNetworkPolicy or BaselineAdminNetworkPolicy (which has no `Pass`). `from` for ingress, `to` for egress; never empty. */
export interface AdminNetworkPolicyRule {
  readonly name?: string;
  readonly action: "Allow" | "Deny" | "Pass";
  readonly from?: readonly ClusterPolicyPeer[];
  readonly to?: readonly ClusterPolicyPeer[];
  /** Absent: everything. */
  readonly ports?: readonly AdminNetworkPolicyPort[];
}

/** `spec` of an AdminNetworkPolicy; a BaselineAdminNetworkPolicy has no `priority`. */
export interface AdminNetworkPolicySpec {
  /** 0 to 1000; lower comes first. */
  readonly priority?: number;
  readonly subject: ClusterPolicySubject;
  readonly ingress?: readonly AdminNetworkPolicyRule[];
  readonly egress?: readonly AdminNetworkPolicyRule[];
}

/** Destination port of a protocol: a number or a range with start below end, exactly one. */
export interface ClusterPolicyPort {
  readonly number?: number;
  readonly range?: { readonly start: number; readonly end: number };
}

/**
 * A protocol of a ClusterNetworkPolicy's rule: exactly one member. A port's name means it in any protocol. Admission asks for `destinationPort`; where it is
 * absent all ports are meant.
 */
export interface ClusterPolicyProtocol {
  readonly tcp?: { readonly destinationPort?: ClusterPolicyPort };
  readonly udp?: { readonly destinationPort?: ClusterPolicyPort };
  readonly sctp?: { readonly destinationPort?: ClusterPolicyPort };
  readonly destinationNamedPort?: string;
}

/** A rule of a ClusterNetworkPolicy. */
export interface ClusterNetworkPolicyRule {
  readonly name?: string;
  readonly action: "Accept" | "Deny" | "Pass";
  readonly from?: readonly ClusterPolicyPeer[];
  readonly to?: readonly ClusterPolicyPeer[];
  /** Absent or empty: everything. */
  readonly protocols?: readonly ClusterPolicyProtocol[];
}

/** `spec` of a ClusterNetworkPolicy. */
export interface ClusterNetworkPolicySpec {
  readonly tier: "Admin" | "Baseline";
  /** 0 to 1000; lower comes first. */
  readonly priority: number;
  readonly subject: ClusterPolicySubject;
  readonly ingress?: readonly ClusterNetworkPolicyRule[];
  readonly egress?: readonly ClusterNetworkPolicyRule[];
}

/** The spec of an admitted object as its kind's type: the caller names the type that belongs to the object's kind. */
export function specAs<Spec>(object: KubeObject): Spec {
  return (object.spec ?? {}) as unknown as Spec;
}
