/**
 * Random policies of Kubernetes' own kinds, for every comparison of policy engines: NetworkPolicies and the cluster-wide kinds, with parts that cannot be
 * read in each.
 *
 * @module
 */
import fc from "fast-check";
import type { JsonObject } from "#/base/json.ts";
import type {
  AdminNetworkPolicyPort,
  ClusterPolicyPeer,
  ClusterPolicyProtocol,
  ClusterPolicySubject,
  KubernetesPeer,
  KubernetesPort,
  LabelSelector,
} from "#/resources/kinds/kubernetes_policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { NAMESPACES, oneOf, policyName, rarely, sometimes } from "./policy_vocabulary.ts";

/** A spec as JSON: absent members are left out. */
function spec(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value));
}

/** An operator that no version of Kubernetes has. */
const UNREADABLE = [
  { matchExpressions: [{ key: "app", operator: "Like", values: ["x"] }] },
  { matchExpressions: [{ key: "app", operator: "NotIn", values: [] }] },
] as unknown as LabelSelector[];

/** Selectors over pods. */
const podSelector: fc.Arbitrary<LabelSelector> = rarely(
  30,
  oneOf<LabelSelector>(
    {},
    {},
    { matchLabels: { app: "x" } },
    { matchLabels: { app: "y" } },
    { matchLabels: { app: "x", zone: "z" } },
    { matchExpressions: [{ key: "app", operator: "In", values: ["x", "w"] }] },
    { matchExpressions: [{ key: "app", operator: "NotIn", values: ["x"] }] },
    { matchExpressions: [{ key: "zone", operator: "Exists" }] },
    { matchExpressions: [{ key: "zone", operator: "DoesNotExist" }] },
    { matchLabels: { app: "y" }, matchExpressions: [{ key: "zone", operator: "DoesNotExist" }] },
  ),
  oneOf(...UNREADABLE),
);

/** Selectors over namespaces. Negative ones must still ask for a namespace. */
const placeSelector: fc.Arbitrary<LabelSelector> = rarely(
  30,
  oneOf<LabelSelector>(
    {},
    {},
    { matchLabels: { env: "a" } },
    { matchLabels: { "projectcalico.org/name": "n2" } },
    { matchExpressions: [{ key: "env", operator: "In", values: ["a", "b"] }] },
    { matchExpressions: [{ key: "env", operator: "NotIn", values: ["a"] }] },
    { matchExpressions: [{ key: "team", operator: "Exists" }] },
    { matchExpressions: [{ key: "team", operator: "DoesNotExist" }] },
  ),
  oneOf(...UNREADABLE),
);

const block = rarely(
  8,
  oneOf<NonNullable<KubernetesPeer["ipBlock"]>>(
    { cidr: "10.0.0.0/29" },
    { cidr: "10.0.0.0/29", except: ["10.0.0.2/31"] },
    { cidr: "0.0.0.0/0", except: ["10.0.0.1/32", "1.1.1.0/24"] },
    { cidr: "1.1.1.1/24" },
    { cidr: "fd00::/126" },
    { cidr: "::/0", except: ["fd00::2/127"] },
  ),
  oneOf<NonNullable<KubernetesPeer["ipBlock"]>>(
    { cidr: "10.0.0/8" },
    { cidr: "10.0.0.0/29", except: ["10.0.0/8"] },
    { cidr: "10.0.0.0/30", except: ["10.0.0.4/30"] },
    { cidr: "10.0.0.0/30", except: ["::/0"] },
  ),
);

const kubernetesPeer: fc.Arbitrary<KubernetesPeer> = rarely<KubernetesPeer>(
  40,
  fc.oneof(
    podSelector.map((pods) => ({ podSelector: pods })),
    placeSelector.map((place) => ({ namespaceSelector: place })),
    fc.tuple(placeSelector, podSelector).map(([place, pods]) => ({ namespaceSelector: place, podSelector: pods })),
    block.map((ipBlock) => ({ ipBlock })),
  ),
  oneOf<KubernetesPeer>({}, { podSelector: {}, ipBlock: { cidr: "10.0.0.0/29" } }),
);

const kubernetesPort: fc.Arbitrary<KubernetesPort> = rarely(
  20,
  oneOf<KubernetesPort>(
    { port: 80 },
    { protocol: "TCP", port: 81, endPort: 90 },
    { protocol: "TCP", port: 81, endPort: 90 },
    { port: "http" },
    { protocol: "UDP", port: 53 },
    { protocol: "UDP", port: "dns" },
    { protocol: "UDP" },
    { protocol: "SCTP" },
    { endPort: 90 },
  ),
  oneOf<KubernetesPort>(
    { port: "http", endPort: 90 },
    { port: 90, endPort: 80 },
    { port: 0 },
    { port: 70_000 },
    { port: "no name!" },
    { protocol: "ICMP" as "TCP", port: 80 },
  ),
);

/** A list that may be absent, empty or short. */
function listOf<T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[] | undefined> {
  return sometimes(80, rarely(12, fc.array(item, { minLength: 1, maxLength: 2 }), fc.constant<T[]>([])));
}

/** What a NetworkPolicy of Kubernetes says; a staged one too. */
export const kubernetesSpec: fc.Arbitrary<JsonObject> = fc.record({
  podSelector,
  policyTypes: oneOf<string[] | undefined>(["Ingress"], ["Egress"], ["Ingress", "Egress"], [], undefined),
  ingress: fc.array(fc.record({ from: listOf(kubernetesPeer), ports: listOf(kubernetesPort) }), { maxLength: 2 }),
  egress: fc.array(fc.record({ to: listOf(kubernetesPeer), ports: listOf(kubernetesPort) }), { maxLength: 2 }),
}).map(spec);

/** A NetworkPolicy of Kubernetes. */
export const kubernetesPolicy: fc.Arbitrary<KubeObject> = fc.record({
  namespace: oneOf(...NAMESPACES),
  name: policyName,
  spec: kubernetesSpec,
}).map(({ namespace, name, spec }) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name, namespace },
  spec,
}));

const clusterPods = fc.tuple(placeSelector, podSelector).map(([place, pods]) => ({
  pods: { namespaceSelector: place, podSelector: pods },
}));

const subject: fc.Arbitrary<ClusterPolicySubject> = rarely<ClusterPolicySubject>(
  20,
  fc.oneof(placeSelector.map((namespaces) => ({ namespaces })), clusterPods),
  oneOf<ClusterPolicySubject>({}, { namespaces: {}, pods: { namespaceSelector: {}, podSelector: {} } }),
);

/** Peers of one direction: networks are for egress, nodes and domain names for nobody. */
function clusterPeer(networks: "with networks" | "without networks"): fc.Arbitrary<ClusterPolicyPeer> {
  const known = fc.oneof(
    placeSelector.map((namespaces) => ({ namespaces })),
    clusterPods,
    ...(networks === "with networks"
      ? [
        oneOf<ClusterPolicyPeer>(
          { networks: ["10.0.0.0/30"] },
          { networks: ["1.1.1.0/24", "fd00::2/127"] },
          { networks: ["0.0.0.0/0"] },
        ),
      ]
      : []),
  );
  return rarely(
    25,
    known,
    oneOf<ClusterPolicyPeer>(
      { nodes: {} },
      { domainNames: ["example.com"] },
      {},
      { namespaces: {}, networks: ["10.0.0.0/30"] },
      { networks: ["10.0.0/8"] },
      { networks: [] },
      ...(networks === "with networks" ? [] : [{ networks: ["10.0.0.0/30"] }]),
    ),
  );
}

const clusterPeers = (networks: Parameters<typeof clusterPeer>[0]) =>
  rarely<ClusterPolicyPeer[]>(25, fc.array(clusterPeer(networks), { minLength: 1, maxLength: 2 }), fc.constant([]));

const adminPort: fc.Arbitrary<AdminNetworkPolicyPort> = rarely(
  20,
  oneOf<AdminNetworkPolicyPort>(
    { portNumber: { port: 80 } },
    { portNumber: { protocol: "UDP", port: 53 } },
    { portRange: { protocol: "TCP", start: 81, end: 90 } },
    { portRange: { protocol: "SCTP", start: 53, end: 80 } },
    { namedPort: "http" },
    { namedPort: "dns" },
  ),
  oneOf<AdminNetworkPolicyPort>(
    {},
    { portRange: { start: 90, end: 80 } },
    { namedPort: "no name!" },
    { namedPort: "http", portNumber: { port: 80 } },
  ),
);

const clusterPort: fc.Arbitrary<ClusterPolicyProtocol> = rarely(
  20,
  oneOf<ClusterPolicyProtocol>(
    { tcp: { destinationPort: { number: 80 } } },
    { tcp: { destinationPort: { range: { start: 81, end: 90 } } } },
    { udp: { destinationPort: { number: 53 } } },
    { udp: {} },
    { sctp: { destinationPort: { number: 80 } } },
    { destinationNamedPort: "http" },
    { destinationNamedPort: "dns" },
  ),
  oneOf<ClusterPolicyProtocol>(
    {},
    { tcp: {}, udp: {} },
    { tcp: { destinationPort: {} } },
    { tcp: { destinationPort: { range: { start: 90, end: 80 } } } },
    { destinationNamedPort: "" },
  ),
);

/** Rules for both directions. The baseline policy has no action that passes. */
function clusterRules(actions: readonly string[], portField: Readonly<Record<string, fc.Arbitrary<unknown>>>) {
  const shared = { action: oneOf(...actions), ...portField };
  return {
    ingress: sometimes(
      70,
      fc.array(fc.record({ ...shared, from: clusterPeers("without networks") }), { maxLength: 3 }),
    ),
    egress: sometimes(70, fc.array(fc.record({ ...shared, to: clusterPeers("with networks") }), { maxLength: 3 })),
  };
}

const adminPorts = { ports: sometimes(60, fc.array(adminPort, { minLength: 1, maxLength: 2 })) };
const priority = oneOf(0, 1, 1, 2, 1000);

function clusterWide(kind: string, version: string, name: string, value: unknown): KubeObject {
  return { apiVersion: `policy.networking.k8s.io/${version}`, kind, metadata: { name }, spec: spec(value) };
}

/** A policy for the whole cluster, of one of the three kinds. */
export const clusterWidePolicy: fc.Arbitrary<KubeObject> = fc.oneof(
  fc.tuple(policyName, fc.record({ priority, subject, ...clusterRules(["Allow", "Deny", "Pass"], adminPorts) }))
    .map(([name, value]) => clusterWide("AdminNetworkPolicy", "v1alpha1", name, value)),
  fc.record({ subject, ...clusterRules(["Allow", "Deny"], adminPorts) })
    .map((value) => clusterWide("BaselineAdminNetworkPolicy", "v1alpha1", "default", value)),
  fc.tuple(
    policyName,
    fc.record({
      tier: oneOf("Admin", "Baseline"),
      priority,
      subject,
      ...clusterRules(["Accept", "Deny", "Pass"], {
        protocols: sometimes(60, fc.array(clusterPort, { minLength: 1, maxLength: 2 })),
      }),
    }),
  ).map(([name, value]) => clusterWide("ClusterNetworkPolicy", "v1alpha2", name, value)),
);
