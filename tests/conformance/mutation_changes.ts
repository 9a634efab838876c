/**
 * The ways in which `mutations.ts` changes what an engine is given: objects by kind, or compiled chains and rules. Each takes what is to change and makes
 * a change of a whole cluster of it.
 *
 * @module
 */
import type { CompiledPolicies, HostChains, PolicyScope } from "#/policy/compiled.ts";
import type { ChainIr, Direction, HostPhase, RuleIr } from "#/policy/ir.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { isStagedKind } from "#/policy/policy_ref.ts";
import type {
  AdminNetworkPolicyRule,
  ClusterNetworkPolicyRule,
  ClusterPolicyPeer,
  KubernetesNetworkPolicySpec,
  KubernetesPeer,
  KubernetesPort,
} from "#/resources/kinds/kubernetes_policy_spec.ts";
import type { EndpointSliceFields } from "#/resources/kinds/peer_spec.ts";
import { type EntityRule, type PolicySpec, policySpecOf, type Rule } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { isOfKubernetes } from "#tests/properties/policy_coverage.ts";

/** What an engine is given instead, and the scope in which both sides judge: `enforced` when absent. */
export interface Change {
  readonly objects?: (objects: PolicyObjects) => PolicyObjects;
  readonly compiled?: (compiled: CompiledPolicies) => CompiledPolicies;
  readonly scope?: PolicyScope;
}

/** Objects of one member of a cluster. An object becomes any number. */
export function each(
  member: keyof PolicyObjects,
  change: (object: KubeObject, objects: PolicyObjects) => KubeObject | readonly KubeObject[],
): Change {
  return {
    objects: (objects) => ({
      ...objects,
      [member]: (objects[member] ?? []).flatMap((object) => change(object, objects)),
    }),
  };
}

/** Members of the spec of objects; whose type the caller knows. */
export function specs<Spec>(
  member: keyof PolicyObjects,
  change: (spec: Spec, object: KubeObject, objects: PolicyObjects) => Partial<Spec>,
): Change {
  return each(
    member,
    (object, objects) => withSpec(object, change((object.spec ?? {}) as unknown as Spec, object, objects)),
  );
}

function withSpec(object: KubeObject, changed: object): KubeObject {
  // As JSON: members that are `undefined` are gone.
  return { ...object, spec: JSON.parse(JSON.stringify({ ...object.spec, ...changed })) };
}

/** Labels of objects. */
export function labels(
  member: keyof PolicyObjects,
  change: (own: Readonly<Record<string, string>>, object: KubeObject, objects: PolicyObjects) => Record<string, string>,
): Change {
  return each(member, (object, objects) => ({
    ...object,
    metadata: { ...object.metadata, labels: change(object.metadata.labels ?? {}, object, objects) },
  }));
}

/** Specs of Calico's policies. */
export function calico(change: (spec: PolicySpec, policy: KubeObject) => Partial<PolicySpec>): Change {
  return each(
    "policies",
    (policy) => isOfKubernetes(policy) ? policy : withSpec(policy, change(policySpecOf(policy), policy)),
  );
}

/** Rules of Calico's policies. */
export function rules(change: (rule: Rule, policy: KubeObject) => Rule): Change {
  return calico(({ ingress, egress }, policy) => ({
    ingress: ingress?.map((rule) => change(rule, policy)),
    egress: egress?.map((rule) => change(rule, policy)),
  }));
}

/** Both ends of Calico's rules; `namespace` is the policy's, empty for a global one. */
export function ends(change: (end: EntityRule, namespace: string) => EntityRule): Change {
  return rules((rule, { metadata }) => ({
    ...rule,
    source: change(rule.source ?? {}, metadata.namespace ?? ""),
    destination: change(rule.destination ?? {}, metadata.namespace ?? ""),
  }));
}

/** NetworkPolicies of Kubernetes. */
export function kubernetes(
  change: (spec: KubernetesNetworkPolicySpec) => Partial<KubernetesNetworkPolicySpec>,
): Change {
  return each(
    "policies",
    (policy) =>
      policy.apiVersion.startsWith("networking.k8s.io/")
        ? withSpec(policy, change((policy.spec ?? {}) as unknown as KubernetesNetworkPolicySpec))
        : policy,
  );
}

/** Peers of NetworkPolicies of Kubernetes; `undefined` for rules without. */
export function kubernetesPeers(
  change: (peers: readonly KubernetesPeer[] | undefined) => readonly KubernetesPeer[] | undefined,
): Change {
  return kubernetes(({ ingress, egress }) => ({
    ingress: ingress?.map((rule) => ({ ...rule, from: change(rule.from) })),
    egress: egress?.map((rule) => ({ ...rule, to: change(rule.to) })),
  }));
}

/** Ports of NetworkPolicies of Kubernetes. */
export function kubernetesPorts(change: (port: KubernetesPort) => KubernetesPort): Change {
  return kubernetes(({ ingress, egress }) => ({
    ingress: ingress?.map((rule) => ({ ...rule, ports: rule.ports?.map(change) })),
    egress: egress?.map((rule) => ({ ...rule, ports: rule.ports?.map(change) })),
  }));
}

/** A rule of a cluster-wide policy, of either shape. */
type ClusterRule = Omit<AdminNetworkPolicyRule, "action"> & Omit<ClusterNetworkPolicyRule, "action">;
interface ClusterSpec {
  readonly priority?: number;
  readonly ingress?: readonly ClusterRule[];
  readonly egress?: readonly ClusterRule[];
}

/** Specs of the cluster-wide policies of Kubernetes. */
export function clusterWide(change: (spec: ClusterSpec) => Partial<ClusterSpec>): Change {
  return each(
    "policies",
    (policy) =>
      policy.apiVersion.startsWith("policy.networking.k8s.io/")
        ? withSpec(policy, change((policy.spec ?? {}) as ClusterSpec))
        : policy,
  );
}

/** Rules of the cluster-wide policies. */
export function clusterRules(change: (rule: ClusterRule) => ClusterRule): Change {
  return clusterWide(({ ingress, egress }) => ({ ingress: ingress?.map(change), egress: egress?.map(change) }));
}

/** Peers of the cluster-wide policies; each becomes any number. */
export function clusterPeers(change: (peer: ClusterPolicyPeer) => readonly ClusterPolicyPeer[]): Change {
  return clusterRules((rule) => ({ ...rule, from: rule.from?.flatMap(change), to: rule.to?.flatMap(change) }));
}

/** Staged policies in the scope where they have a say; each becomes any number of policies. */
export function staged(change: (policy: KubeObject) => readonly KubeObject[]): Change {
  return {
    ...each("policies", (policy) => isStagedKind(policy.kind) ? change(policy) : policy),
    scope: "pending",
  };
}

/** EndpointSlices; their fields stand beside the metadata. */
export function slices(change: (slice: EndpointSliceFields) => Partial<EndpointSliceFields>): Change {
  return each("endpointSlices", (object) => ({ ...object, ...change(object as unknown as EndpointSliceFields) }));
}

/** Chains of workloads, in one direction or both. */
export function chains(change: (chain: ChainIr) => ChainIr, only?: Direction): Change {
  return {
    compiled: (compiled) => ({
      ...compiled,
      endpoints: compiled.endpoints.map((endpoint) => ({
        ...endpoint,
        ingress: only === "egress" ? endpoint.ingress : change(endpoint.ingress),
        egress: only === "ingress" ? endpoint.egress : change(endpoint.egress),
      })),
    }),
  };
}

/** Chains of host endpoints, in some phases. */
export function hostChains(phases: readonly HostPhase[], change: (chain: ChainIr) => ChainIr): Change {
  const changed = (all: HostChains): HostChains => ({
    ...all,
    ...Object.fromEntries(
      phases.map((phase) => [phase, { ingress: change(all[phase].ingress), egress: change(all[phase].egress) }]),
    ),
  });
  return {
    compiled: (compiled) => ({
      ...compiled,
      hostEndpoints: compiled.hostEndpoints.map((endpoint) => ({ ...endpoint, chains: changed(endpoint.chains) })),
    }),
  };
}

/** Every tier of a chain with another default action. */
export function endingWith(defaultAction: "deny" | "pass"): (chain: ChainIr) => ChainIr {
  return (chain) => ({ ...chain, tiers: chain.tiers.map((tier) => ({ ...tier, defaultAction })) });
}

/** Compiled rules of all policies. */
export function compiledRules(change: (rule: RuleIr) => RuleIr): Change {
  return {
    compiled: (compiled) => ({
      ...compiled,
      policies: new Map(
        [...compiled.policies].map(([key, policy]) => [key, {
          ...policy,
          ingress: policy.ingress?.map(change),
          egress: policy.egress?.map(change),
        }]),
      ),
    }),
  };
}
