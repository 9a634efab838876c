/**
 * What the cluster-wide policies of `policy.networking.k8s.io` share: subjects, peers and their rules. The limits are those of the project's custom
 * resource definitions; label selectors and the names of ports are checked as well, which those leave to whoever enforces them.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import { mapItems, mapMember } from "#/resources/canonical_values.ts";
import { conditionList, uniqueList } from "#/resources/kinds/field_schema.ts";
import { kubernetesCidr } from "#/resources/kinds/kubernetes_policy_schema.ts";
import type {
  ClusterPolicyPeer,
  ClusterPolicySubject,
  NamespacedPods,
} from "#/resources/kinds/kubernetes_policy_spec.ts";
import { labelSelectorProblems, labelSelectorSchema } from "#/resources/kinds/label_selector.ts";
import { forbidden, required } from "#/resources/problems.ts";

/** Highest `priority`. */
export const PRIORITY_MAX = 1000;
/** Longest name of a rule, in characters. */
const RULE_NAME_LENGTH_MAX = 100;
/** Most networks, and most domain names, in one peer. */
const NETWORKS_MAX = 25;
/** Longest network, in characters. */
const NETWORK_LENGTH_MAX = 43;

/** A name with dots inside, `*.` before it for all names below. */
const DOMAIN_NAME = /^(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$/;

const selector = labelSelectorSchema("strict");

const namespacedPods: z.ZodType<NamespacedPods> = z.strictObject({
  namespaceSelector: selector.describe("Selects namespaces by their labels; an empty one selects all."),
  podSelector: selector.describe("Selects pods of those namespaces; an empty one selects all."),
});

const NAMESPACES = selector.optional().describe("All pods of the namespaces selected; an empty one selects all.");
const PODS = namespacedPods.optional().describe("Pods selected, of the namespaces selected.");

const subject: z.ZodType<ClusterPolicySubject> = z.strictObject({ namespaces: NAMESPACES, pods: PODS });

const ingressPeer: z.ZodType<ClusterPolicyPeer> = z.strictObject({ namespaces: NAMESPACES, pods: PODS });

const addressedPeer = z.strictObject({
  namespaces: NAMESPACES,
  pods: PODS,
  nodes: selector.optional().describe("Nodes by their labels. Not enforced: a rule with it cannot be read."),
  networks: uniqueList(kubernetesCidr(NETWORK_LENGTH_MAX).describe("A network."), NETWORKS_MAX, 1).optional().describe(
    "Networks, by address.",
  ),
});

const baselineEgressPeer: z.ZodType<ClusterPolicyPeer> = addressedPeer;

const egressPeer: z.ZodType<ClusterPolicyPeer> = addressedPeer.extend({
  domainNames: uniqueList(
    z.string().regex(DOMAIN_NAME, { error: 'must be a domain name with a dot inside, or "*." and one' }).describe(
      "A domain name.",
    ),
    NETWORKS_MAX,
    1,
  ).optional().describe("Domain names. Not enforced: a rule with it cannot be read."),
});

/** What the rules of one kind look like. */
export interface ClusterRuleShape {
  readonly actions: readonly [string, ...string[]];
  /** Most rules in one direction. */
  readonly rulesMax: number;
  /** Most peers, and most ports or protocols, in one rule. */
  readonly itemsMax: number;
  /** The list of ports or protocols, and what its items are. */
  readonly traffic: { readonly field: "ports" | "protocols"; readonly item: z.ZodType };
  readonly domainNames: boolean;
}

/** `subject`, `ingress` and `egress` of a kind's `spec`. */
export function clusterPolicyFields(shape: ClusterRuleShape): z.ZodRawShape {
  const { actions, rulesMax, itemsMax, traffic, domainNames } = shape;
  const rules = (peers: "from" | "to", peer: z.ZodType) =>
    z.array(
      z.strictObject({
        name: z.string().max(RULE_NAME_LENGTH_MAX).optional().describe("Name of the rule, for people."),
        action: z.enum(actions).describe("What becomes of traffic that the rule matches."),
        [peers]: z.array(peer.describe("A peer: exactly one field.")).min(1).max(itemsMax).describe(
          "Peers, one of which must match.",
        ),
        [traffic.field]: z.array(traffic.item.describe("Exactly one field.")).min(1).max(itemsMax).optional().describe(
          "What must match one of these; all traffic when left out.",
        ),
      }).describe("A rule."),
    ).max(rulesMax).optional();
  return {
    subject: subject.describe("The pods that the policy is about: exactly one field."),
    ingress: rules("from", ingressPeer).describe("Rules for traffic to the pods, first match first."),
    egress: rules("to", domainNames ? egressPeer : baselineEgressPeer).describe(
      "Rules for traffic from the pods, first match first.",
    ),
  };
}

/** `priority` of a policy. */
export const PRIORITY_FIELD: z.ZodType = z.int().min(0).max(PRIORITY_MAX).describe(
  "Place among the policies of the same stage: lower comes first.",
);

/** `status` of every cluster-wide policy. */
export const CLUSTER_POLICY_STATUS: z.ZodType = z.strictObject({ conditions: conditionList() }).optional().describe(
  "What was observed.",
);

/** One rule, as far as the shared rules look into it. */
interface ClusterRule {
  readonly from?: readonly ClusterPolicyPeer[];
  readonly to?: readonly ClusterPolicyPeer[];
}

/** A `spec`, as far as the shared rules look into it. */
interface ClusterSpec<Rule extends ClusterRule> {
  readonly subject: ClusterPolicySubject;
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

/** How a kind tells what traffic its rules are about. */
export interface TrafficRules<Rule> {
  /** What is wrong with the rule's ports or protocols. */
  readonly problems: (rule: Rule, path: string) => readonly Problem[];
  /** Whether a port is given by its name, which only pods have. */
  readonly namesPort: (rule: Rule) => boolean;
}

/**
 * The rules across fields that all cluster-wide policies share: exactly one field in subjects and peers, selectors that can be read, and no port by name
 * towards what has no names.
 */
export function clusterPolicyProblems<Rule extends ClusterRule>(
  spec: ClusterSpec<Rule>,
  traffic: TrafficRules<Rule>,
): Problem[] {
  const { ingress = [], egress = [] } = spec;
  return [
    ...memberProblems(spec.subject, "spec.subject", ["namespaces", "pods"]),
    ...peerProblems(spec.subject, "spec.subject"),
    ...ingress.flatMap((rule, at) => {
      const path = `spec.ingress[${at}]`;
      return [...ruleProblems(rule.from ?? [], `${path}.from`, INGRESS_PEERS), ...traffic.problems(rule, path)];
    }),
    ...egress.flatMap((rule, at) => {
      const path = `spec.egress[${at}]`;
      const named = traffic.namesPort(rule) && (rule.to ?? []).some(hasNoPortNames)
        ? [forbidden(path, "must not give a port by name where a peer is nodes, networks or domainNames")]
        : [];
      return [...ruleProblems(rule.to ?? [], `${path}.to`, EGRESS_PEERS), ...traffic.problems(rule, path), ...named];
    }),
  ];
}

const INGRESS_PEERS = ["namespaces", "pods"] as const;
const EGRESS_PEERS = ["namespaces", "pods", "nodes", "networks", "domainNames"] as const;

function hasNoPortNames({ nodes, networks, domainNames }: ClusterPolicyPeer): boolean {
  return nodes !== undefined || networks !== undefined || domainNames !== undefined;
}

function ruleProblems(peers: readonly ClusterPolicyPeer[], path: string, members: readonly string[]): Problem[] {
  return peers.flatMap((peer, at) => [
    ...memberProblems(peer, `${path}[${at}]`, members),
    ...peerProblems(peer, `${path}[${at}]`),
  ]);
}

/**
 * Whether exactly one of the members stands in an object.
 *
 * @param members names in the order that the message tells them in
 */
export function memberProblems(object: object, path: string, members: readonly string[]): Problem[] {
  const count = Object.values(object).filter((value) => value !== undefined).length;
  if (count === 1) return [];
  const rule = `must have exactly one of ${members.join(", ")}`;
  return [count === 0 ? required(path, rule) : forbidden(path, rule)];
}

function peerProblems({ namespaces, pods, nodes }: ClusterPolicyPeer, path: string): Problem[] {
  return [
    ...labelSelectorProblems(namespaces, `${path}.namespaces`),
    ...labelSelectorProblems(nodes, `${path}.nodes`),
    ...labelSelectorProblems(pods?.namespaceSelector, `${path}.pods.namespaceSelector`),
    ...labelSelectorProblems(pods?.podSelector, `${path}.pods.podSelector`),
  ];
}

/** A `spec` with every subject, and every peer and port or protocol of every rule, rewritten. */
export function mapClusterPolicy(
  spec: JsonObject,
  rewrite: { readonly pods: (pods: Json) => Json; readonly traffic: (item: Json) => Json },
): JsonObject {
  const peer = (value: Json) => mapMember(value, "pods", rewrite.pods);
  const rule = (value: Json): Json => {
    const peered = mapMember(mapMember(value, "from", peersOf(peer)), "to", peersOf(peer));
    const ported = mapMember(peered, "ports", (items) => mapItems(items, rewrite.traffic));
    return mapMember(ported, "protocols", (items) => mapItems(items, rewrite.traffic));
  };
  const rules = (value: Json) => mapItems(value, rule);
  const mapped = mapMember(mapMember(mapMember(spec, "subject", peer), "ingress", rules), "egress", rules);
  return isJsonObject(mapped) ? mapped : spec;
}

function peersOf(peer: (value: Json) => Json): (peers: Json) => Json {
  return (peers) => mapItems(peers, peer);
}

/** Pods with the namespace selector that may be left out: one of all namespaces. */
export function defaultNamespaces(pods: Json): Json {
  if (!isJsonObject(pods) || pods.namespaceSelector !== undefined) return pods;
  const all: NamespacedPods["namespaceSelector"] = {};
  return { ...pods, namespaceSelector: all as JsonObject };
}
