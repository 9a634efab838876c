/**
 * The kinds that the API serves, and how they are found: by path, by `apiVersion` and `kind`, by a word on the command line. Discovery, admission, decide
 * and the command line ask here; a new kind is one file in `kinds/` and one line below.
 *
 * @module
 */
import type { KindDefinition } from "#/resources/kind.ts";
import { adminNetworkPolicy } from "#/resources/kinds/admin_network_policy.ts";
import { baselineAdminNetworkPolicy } from "#/resources/kinds/baseline_admin_network_policy.ts";
import { bgpConfiguration } from "#/resources/kinds/bgp_configuration.ts";
import { bgpPeer } from "#/resources/kinds/bgp_peer.ts";
import { calicoNode } from "#/resources/kinds/calico_node.ts";
import { clusterNetworkPolicy } from "#/resources/kinds/cluster_network_policy.ts";
import { endpointSlice } from "#/resources/kinds/endpoint_slice.ts";
import { globalNetworkPolicy } from "#/resources/kinds/global_network_policy.ts";
import { globalNetworkSet } from "#/resources/kinds/global_network_set.ts";
import { hostEndpoint } from "#/resources/kinds/host_endpoint.ts";
import { ipPool } from "#/resources/kinds/ip_pool.ts";
import { kubernetesNetworkPolicy } from "#/resources/kinds/kubernetes_network_policy.ts";
import { namespace } from "#/resources/kinds/namespace.ts";
import { networkPolicy } from "#/resources/kinds/network_policy.ts";
import { networkSet } from "#/resources/kinds/network_set.ts";
import { node } from "#/resources/kinds/node.ts";
import { pod } from "#/resources/kinds/pod.ts";
import { profile } from "#/resources/kinds/profile.ts";
import { service } from "#/resources/kinds/service.ts";
import { serviceAccount } from "#/resources/kinds/service_account.ts";
import { stagedGlobalNetworkPolicy } from "#/resources/kinds/staged_global_network_policy.ts";
import { stagedKubernetesNetworkPolicy } from "#/resources/kinds/staged_kubernetes_network_policy.ts";
import { stagedNetworkPolicy } from "#/resources/kinds/staged_network_policy.ts";
import { tier } from "#/resources/kinds/tier.ts";
import { workloadEndpoint } from "#/resources/kinds/workload_endpoint.ts";
import { qualifiedPlural } from "#/resources/object.ts";

/** Every kind served, Kubernetes' own first: a word that fits several kinds means the first, here and for kubectl. */
export const KINDS: readonly KindDefinition[] = [
  namespace,
  node,
  pod,
  service,
  serviceAccount,
  kubernetesNetworkPolicy,
  endpointSlice,
  adminNetworkPolicy,
  baselineAdminNetworkPolicy,
  clusterNetworkPolicy,
  bgpConfiguration,
  bgpPeer,
  globalNetworkPolicy,
  globalNetworkSet,
  hostEndpoint,
  ipPool,
  networkPolicy,
  networkSet,
  calicoNode,
  profile,
  stagedGlobalNetworkPolicy,
  stagedKubernetesNetworkPolicy,
  stagedNetworkPolicy,
  tier,
  workloadEndpoint,
];

/** Words that calicoctl's users type and discovery does not list, with the kind meant. */
const CALICOCTL_WORDS: Readonly<Record<string, string>> = {
  gnetsets: "globalnetworksets.projectcalico.org",
  np: "networkpolicies.projectcalico.org",
  pol: "networkpolicies.projectcalico.org",
  policy: "networkpolicies.projectcalico.org",
  policies: "networkpolicies.projectcalico.org",
  pool: "ippools.projectcalico.org",
  pools: "ippools.projectcalico.org",
  pro: "profiles.projectcalico.org",
  pros: "profiles.projectcalico.org",
  sgnps: "stagedglobalnetworkpolicies.projectcalico.org",
  spol: "stagednetworkpolicies.projectcalico.org",
  spols: "stagednetworkpolicies.projectcalico.org",
  stagedpolicies: "stagednetworkpolicies.projectcalico.org",
  stagedpolicy: "stagednetworkpolicies.projectcalico.org",
};

/**
 * The kind of a collection.
 *
 * @param group empty for the core group
 *
 * @example
 * ```ts
 * import { findKind } from "#/resources/registry.ts";
 * if (findKind("projectcalico.org", "tiers")?.kind !== "Tier" || findKind("", "tiers") !== undefined) throw new Error();
 * ```
 */
export function findKind(group: string, plural: string): KindDefinition | undefined {
  return KINDS.find((kind) => kind.group === group && kind.plural === plural);
}

/** The kind of an object by what it says of itself. */
export function findKindByName(group: string, version: string, kind: string): KindDefinition | undefined {
  return KINDS.find((known) => known.group === group && known.version === version && known.kind === kind);
}

/**
 * The kind that a word of the command line means: kind, plural, singular or short name in any case, alone or followed by `.group` or `.version.group`.
 * Where several fit (`node`), the core kind is meant unless the group is given.
 *
 * @example
 * ```ts
 * import { resolveKind } from "#/resources/registry.ts";
 * if (resolveKind("gnp")?.kind !== "GlobalNetworkPolicy") throw new Error();
 * if (resolveKind("node")?.group !== "") throw new Error();
 * if (resolveKind("nodes.projectcalico.org")?.group !== "projectcalico.org") throw new Error();
 * ```
 */
export function resolveKind(word: string): KindDefinition | undefined {
  const lower = word.toLowerCase();
  const wanted = Object.hasOwn(CALICOCTL_WORDS, lower) ? CALICOCTL_WORDS[lower]! : lower;
  return KINDS.find((kind) => wordsFor(kind).includes(wanted));
}

/** Everything that means a kind, in lower case. */
function wordsFor(kind: KindDefinition): readonly string[] {
  const names = [kind.plural, kind.singular, kind.kind.toLowerCase(), ...kind.shortNames];
  const suffixes = kind.group === ""
    ? ["", `.${kind.version}`]
    : ["", `.${kind.group}`, `.${kind.version}.${kind.group}`];
  return names.flatMap((name) => suffixes.map((suffix) => name + suffix));
}

/** The qualified plurals of all kinds served, sorted: for messages about a word that means none. */
export function knownKindNames(): readonly string[] {
  return KINDS.map(qualifiedPlural).sort();
}
