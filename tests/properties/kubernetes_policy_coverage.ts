/**
 * Counts which peers and ports of Kubernetes' policies decided, each way: a peer where the rule's ports were met, a port where one of its peers was.
 *
 * @module
 */
import { type KubernetesRule, kubernetesRuleMatches, kubernetesRules } from "#/policy/oracle/oracle_kubernetes.ts";
import type { RuleContext } from "#/policy/oracle/oracle_match.ts";
import type { KubeObject } from "#/resources/object.ts";

const PEERS = ["pods of its own namespace", "pods of namespaces", "namespaces", "networks", "networks with exceptions"];
const PORTS = ["number", "range", "every port", "name of a protocol", "name of any protocol"];
const UNREADABLE = [
  "NetworkPolicy",
  "StagedKubernetesNetworkPolicy",
  "AdminNetworkPolicy",
  "BaselineAdminNetworkPolicy",
  "ClusterNetworkPolicy",
];

/** Every condition of Kubernetes' rules that must have gone both ways; with those of rules that cannot be read by what became of them. */
export const KUBERNETES_CONDITIONS: readonly string[] = [
  ...PEERS.map((peer) => `peer ${peer}`),
  ...PORTS.map((port) => `port ${port}`),
  // Only the cluster-wide kinds can deny.
  ...UNREADABLE.slice(2).map((kind) => `unreadable rule of ${kind} matches`),
];

/** Counts the peers and ports of one policy's rules that alone decide whether a packet matches them. */
export function countKubernetesConditions(
  count: (what: string) => void,
  policy: KubeObject,
  context: RuleContext,
): void {
  for (const rule of kubernetesRules(context.world, policy, context.direction)) {
    if (rule.faults.length > 0) {
      count(`unreadable rule of ${policy.kind} matches ${kubernetesRuleMatches(rule, context)}`);
      continue;
    }
    const matches = (changed: Partial<KubernetesRule>) => kubernetesRuleMatches({ ...rule, ...changed }, context);
    if (rule.peers !== "anyone" && matches({ peers: "anyone" })) {
      for (const peer of rule.peers) count(`peer ${peerText(peer)} ${matches({ peers: [peer] })}`);
    }
    if (rule.ports !== "anywhere" && matches({ ports: "anywhere" })) {
      for (const port of rule.ports) count(`port ${portText(port)} ${matches({ ports: [port] })}`);
    }
  }
}

function peerText(peer: Exclude<KubernetesRule["peers"], string>[number]): string {
  switch (peer.kind) {
    case "namespaces":
      return "namespaces";
    case "pods":
      return peer.namespaces === "own" ? "pods of its own namespace" : "pods of namespaces";
    case "networks":
      return peer.except.length > 0 ? "networks with exceptions" : "networks";
  }
}

function portText({ protocol, port }: Exclude<KubernetesRule["ports"], string>[number]): string {
  if (port === "every port") return port;
  if ("name" in port) return protocol === "any" ? "name of any protocol" : "name of a protocol";
  return port.min === port.max ? "number" : "range";
}
