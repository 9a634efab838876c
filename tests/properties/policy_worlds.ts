/**
 * Random small clusters with policies of every kind, and flows near the edges of what the policies say. For every comparison of policy engines.
 * Vocabularies are tiny, so that rules and flows meet; `policy_coverage.ts` counts whether they do.
 *
 * @module
 */
import fc from "fast-check";
import type { JsonObject } from "#/base/json.ts";
import type { Flow } from "#/policy/oracle/flow.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { SERVICE_NAME_LABEL } from "#/resources/kinds/peer_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { namespace, serviceAccount, tier, workload } from "#tests/unit/policy/policy_builders.ts";
import { hostEndpoints } from "./host_policy_worlds.ts";
import { clusterWidePolicy, kubernetesPolicy } from "./kubernetes_policy_worlds.ts";
import { flowsOf } from "./policy_flows.ts";
import { calicoPolicy, calicoRules, hostPolicy } from "./policy_rules.ts";
import {
  asJson,
  endpointPorts,
  labelled,
  NAMESPACES,
  narrowNets,
  oneOf,
  rarely,
  sometimes,
} from "./policy_vocabulary.ts";
import { stagedDrafts, stagedPolicies } from "./staged_policy_worlds.ts";

/** A cluster and flows to try in it. */
export interface PolicyCase {
  readonly objects: PolicyObjects;
  readonly flows: readonly Flow[];
}

const FLOWS_PER_CASE = 12;

/** Lists of profiles; the namespace's and the account's own stand for themselves. */
const PROFILE_LISTS: readonly (readonly string[])[] = [
  ...Array(8).fill(["kns", "ksa"]),
  ["kns", "ksa", "p1"],
  ["p1", "kns", "ksa"],
  ["p1", "p2"],
  ["p2", "p1"],
  ["p2", "p1", "kns"],
  ["ksa", "kns.gone"],
  ["projectcalico-default-allow"],
  ["ksa"],
];

/** Whether two workloads may have one address, as they do while one takes over from the other. */
type Sharing = "each its own" | "some shared";

/** The workload whose addresses end in `index`. */
function endpoint(index: number, sharing: Sharing): fc.Arbitrary<KubeObject> {
  return fc.record({
    namespace: oneOf(...NAMESPACES),
    app: sometimes(70, oneOf("x", "y")),
    zone: sometimes(40, fc.constant("z")),
    account: oneOf("default", "teller"),
    ports: endpointPorts,
    families: oneOf<"both" | "IPv4" | "IPv6">("both", "both", "IPv4", "IPv4", "IPv6"),
    node: oneOf("node1", "node1", "node1", "node2", "node2", ""),
    profiles: oneOf(...PROFILE_LISTS),
    orchestrator: rarely(8, fc.constant("k8s"), fc.constant("nomad")),
    shared: sharing === "each its own" ? fc.constant(0) : rarely(5, fc.constant(0), oneOf(1, 2, 6)),
  }).map(({ namespace: place, app, zone, account, ports, families, node, profiles, orchestrator, shared }) => {
    const addresses = (last: number) => [
      ...(families === "IPv6" ? [] : [`10.0.0.${last}`]),
      ...(families === "IPv4" ? [] : [`fd00::${last}`]),
    ];
    const lists: Record<string, string> = { kns: `kns.${place}`, ksa: `ksa.${place}.${account}` };
    const made = workload(
      place,
      `w${index}`,
      [...addresses(index), ...(shared === 0 || shared === index ? [] : addresses(shared))],
      { labels: labelled({ app, zone }), account, ports, node, profiles: profiles.map((name) => lists[name] ?? name) },
    );
    const labels = { ...made.metadata.labels, "projectcalico.org/orchestrator": orchestrator };
    return { ...made, metadata: { ...made.metadata, labels } };
  });
}

const setNets = fc.oneof(
  { weight: 4, arbitrary: narrowNets },
  {
    weight: 2,
    // Host bits, whole families, overlaps, and what does not parse, which is no member.
    arbitrary: oneOf<string[]>(["10.0.0.3/30"], ["0.0.0.0/0"], ["::/0", "fd00::2"], ["10.0.0.2", "10.0.0.0/30"], [
      "10.0.0/8",
      "1.1.1.0/24",
    ]),
  },
);

const networkSets: fc.Arbitrary<KubeObject[]> = fc.array(
  fc.record({
    namespace: oneOf<string | undefined>(undefined, "n1", "n2"),
    app: sometimes(70, oneOf("x", "y")),
    env: sometimes(10, fc.constant("a")),
    nets: setNets,
  }),
  { maxLength: 2 },
).map((sets) =>
  sets.map(({ namespace: place, app, env, nets }, index): KubeObject => ({
    apiVersion: "projectcalico.org/v3",
    kind: place === undefined ? "GlobalNetworkSet" : "NetworkSet",
    metadata: { name: `set${index}`, namespace: place, labels: labelled({ app, env }) },
    spec: { nets },
  }))
);

/** Profiles that users wrote. The second name belongs to a namespace that nobody made: such a profile means nothing. */
const profiles: fc.Arbitrary<KubeObject[]> = fc.uniqueArray(
  fc.record({
    name: oneOf("p1", "p1", "p1", "p2", "p2", "p2", "kns.gone"),
    app: sometimes(70, oneOf("x", "y")),
    zone: sometimes(60, oneOf("z", "q")),
    ingress: calicoRules("ingress", 2),
    egress: calicoRules("egress", 2),
  }),
  { maxLength: 3, selector: ({ name }) => name },
).map((list) =>
  list.map(({ name, app, zone, ingress, egress }): KubeObject => ({
    apiVersion: "projectcalico.org/v3",
    kind: "Profile",
    metadata: { name },
    spec: { ingress, egress, labelsToApply: labelled({ app, zone }) },
  }))
);

const slicePorts = fc.subarray<JsonObject>([
  { name: "http", protocol: "TCP", port: 8080 },
  { port: 80 },
  { name: "dns", protocol: "UDP", port: 53 },
  { name: "later", protocol: "TCP" },
]);

/** EndpointSlices; a Service may have several, of either family. */
const endpointSlices: fc.Arbitrary<KubeObject[]> = fc.array(
  fc.record({
    namespace: oneOf("n1", "n1", "n2"),
    service: oneOf("web", "web", "db"),
    family: oneOf<"IPv4" | "IPv6" | "FQDN">("IPv4", "IPv4", "IPv4", "IPv6", "IPv6", "FQDN"),
    last: fc.subarray([1, 2, 3, 4, 6], { minLength: 1 }),
    ports: slicePorts,
  }),
  { maxLength: 3 },
).map((slices) =>
  slices.map(({ namespace: place, service, family, last, ports }, index) => {
    const address = (end: number) =>
      family === "IPv4" ? `10.0.0.${end}` : family === "IPv6" ? `fd00::${end}` : "web.example.com";
    const object = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${service}-${index}`, namespace: place, labels: { [SERVICE_NAME_LABEL]: service } },
      addressType: family,
      endpoints: last.map((end) => ({ addresses: [address(end)], conditions: { ready: end % 2 === 0 } })),
      ports,
    };
    return object as unknown as KubeObject;
  })
);

const tiers: fc.Arbitrary<KubeObject[]> = fc.record({
  early: oneOf<"Pass" | "Deny">("Pass", "Deny"),
  earlyOrder: oneOf(1, 1000, 2000),
  late: oneOf<"Pass" | "Deny">("Pass", "Deny"),
  lateOrder: sometimes(50, oneOf(1_000_000, 2_000_000)),
  hasBuiltIn: rarely(10, fc.constant(true), fc.constant(false)),
}).map(({ early, earlyOrder, late, lateOrder, hasBuiltIn }) => [
  tier("default", 1_000_000, "Deny"),
  tier("early", earlyOrder, early),
  asJson<JsonObject>(tier("late", lateOrder, late)) as unknown as KubeObject,
  ...(hasBuiltIn ? [tier("kube-admin", 1000, "Pass"), tier("kube-baseline", 10_000_000, "Pass")] : []),
]);

const policies: fc.Arbitrary<KubeObject[]> = fc.record({
  calico: fc.array(calicoPolicy, { maxLength: 5 }),
  host: fc.array(hostPolicy, { maxLength: 1 }),
  kubernetes: fc.array(kubernetesPolicy, { maxLength: 3 }),
  clusterWide: fc.array(clusterWidePolicy, { maxLength: 3 }),
  staged: stagedDrafts,
}).map(({ calico, host, kubernetes, clusterWide, staged }) => {
  const all = [...calico, ...host, ...kubernetes, ...clusterWide];
  const key = ({ apiVersion, kind, metadata }: KubeObject) =>
    `${apiVersion}/${kind}/${metadata.namespace}/${metadata.name}`;
  const enforced = [...new Map(all.map((one) => [key(one), one])).values()];
  return [...enforced, ...stagedPolicies(enforced, staged)];
});

const objectsWith = (sharing: Sharing): fc.Arbitrary<PolicyObjects> =>
  fc.record({
    policies,
    tiers,
    namespaces: fc.tuple(sometimes(70, oneOf("a", "b")), fc.boolean()).map(([env, team]) => [
      namespace("n1", { ...(env === undefined ? {} : { env }), ...(team ? { team: "t" } : {}) }),
      namespace("n2", { env: "b" }),
    ]),
    serviceAccounts: sometimes(70, fc.constant("r")).map((role) => [
      serviceAccount("n1", "default"),
      serviceAccount("n2", "default"),
      serviceAccount("n1", "teller", role === undefined ? {} : { role }),
      serviceAccount("n2", "teller", { role: "other" }),
    ]),
    workloadEndpoints: fc.tuple(...[1, 2, 3, 4].map((index) => endpoint(index, sharing))),
    hostEndpoints,
    networkSets,
    profiles,
    endpointSlices,
  });

/** A random cluster with flows to try in it. Every address belongs to one workload at most. */
export const policyCase: fc.Arbitrary<PolicyCase> = fc.record({
  objects: objectsWith("each its own"),
  flows: flowsOf(FLOWS_PER_CASE),
});

/** A random cluster where workloads may share addresses, with each other and with hosts, and more flows. */
export function policyCaseInTransition(flows: number): fc.Arbitrary<PolicyCase> {
  return fc.record({ objects: objectsWith("some shared"), flows: flowsOf(flows) });
}
