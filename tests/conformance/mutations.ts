/**
 * Deliberate mistakes about what policy means, each made on one side only: an engine is given objects, or compiled policies, as if somebody had got that
 * point wrong. `mutation_test.ts` holds that the comparison with the oracle notices every one of them.
 *
 * @module
 */
import { parseCidrOrIp } from "#/base/cidr.ts";
import type { CompiledPolicies } from "#/policy/compiled.ts";
import { ANY } from "#/policy/ir.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { isStagedKind } from "#/policy/policy_ref.ts";
import { NAMESPACE_LABEL, ORCHESTRATOR_LABEL } from "#/policy/endpoint_labels.ts";
import type { HostEndpointSpec, ProfileSpec } from "#/resources/kinds/peer_spec.ts";
import type { EntityRule } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import {
  calico,
  chains,
  type Change,
  clusterPeers,
  clusterRules,
  clusterWide,
  compiledRules,
  each,
  endingWith,
  ends,
  hostChains,
  kubernetes,
  kubernetesPeers,
  kubernetesPorts,
  labels,
  rules,
  slices,
  specs,
  staged,
} from "./mutation_changes.ts";

interface TierSpec {
  readonly order?: number;
  readonly defaultAction?: string;
}
interface WorkloadSpec {
  readonly profiles?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
  readonly ipNetworks?: readonly string[];
}

/** Whether an end of a rule is scoped by labels, a negated selector aside. */
function isLabelled(end: EntityRule): boolean {
  return [end.selector, end.namespaceSelector, end.serviceAccounts].some((member) => member !== undefined);
}

/** Profiles that users wrote, of an endpoint, in its order. */
function ownProfiles({ spec }: KubeObject, { profiles = [] }: PolicyObjects): readonly ProfileSpec[] {
  const names = (spec?.profiles ?? []) as readonly string[];
  return names.flatMap((name) => profiles.filter(({ metadata }) => metadata.name === name && !name.startsWith("k")))
    .map((profile) => profile.spec as unknown as ProfileSpec);
}

/** A staged policy as the enforced one that it previews. */
function enforcedForm(policy: KubeObject): KubeObject {
  const { stagedAction: _, ...spec } = policy.spec ?? {};
  return policy.kind === "StagedKubernetesNetworkPolicy"
    ? { ...policy, spec, apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" }
    : { ...policy, spec, kind: policy.kind.slice("Staged".length) };
}

function keyOf({ apiVersion, kind, metadata }: KubeObject): string {
  return `${apiVersion}/${kind}/${metadata.namespace ?? ""}/${metadata.name}`;
}

const parses = (net: string) => parseCidrOrIp(net) !== undefined;
const actionOf = ({ spec }: KubeObject) => spec?.stagedAction ?? "Set";

const ORDER: readonly (readonly [string, Change])[] = [
  ["the order of tiers is reversed", specs<TierSpec>("tiers", ({ order = 1e12 }) => ({ order: -order }))],
  [
    "policies of equal order go by bare name",
    calico(({ order = 1e6 }, { metadata }) => {
      const place = ["a", "a-b", "a.b", "a0", "b", "c"].indexOf(metadata.name);
      return order === 1000 ? {} : { order: order + place / 1000 };
    }),
  ],
  ["policies without an order come first", calico(({ order = -1 }) => ({ order }))],
  ["policies of Kubernetes come after all of order 1000", calico(({ order }) => order === 1000 ? { order: 999 } : {})],
  ["the lowest priority comes first", clusterWide(({ priority = 0 }) => ({ priority: 1000 - priority }))],
  [
    "the baseline tier comes first",
    specs<TierSpec>("tiers", (_, { metadata }) => metadata.name === "kube-baseline" ? { order: 0 } : {}),
  ],
];

const TIERS_AND_PROFILES: readonly (readonly [string, Change])[] = [
  ["the end of a tier denies no ingress", chains(endingWith("pass"), "ingress")],
  ["the end of a tier denies no egress", chains(endingWith("pass"), "egress")],
  ["every tier denies at its end", specs<TierSpec>("tiers", () => ({ defaultAction: "Deny" }))],
  [
    "a tier that nobody made passes",
    {
      objects: (objects) => {
        const spec = { order: 1e12, defaultAction: "Pass" };
        const tier = { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "missing" }, spec };
        return { ...objects, tiers: [...objects.tiers, tier] };
      },
    },
  ],
  [
    "a policy without rules does not isolate",
    calico(({ types, ingress = [], egress = [] }) => {
      const given = (types ?? []).length === 0 ? ["Ingress", "Egress"] as const : types;
      const left = given.filter((type) => (type === "Ingress" ? ingress : egress).length > 0);
      return left.length === 0 ? { selector: "has(nobody)" } : { types: left };
    }),
  ],
  ["Pass goes on in the tier", rules((rule) => rule.action === "Pass" ? { ...rule, action: "Log" } : rule)],
  ["Log denies", rules((rule) => rule.action === "Log" ? { ...rule, action: "Deny" } : rule)],
  [
    "Pass in a profile denies",
    specs<ProfileSpec>("profiles", ({ ingress, egress }) => {
      const denied = (list: ProfileSpec["ingress"]) =>
        list?.map((rule) => rule.action === "Pass" ? { ...rule, action: "Deny" as const } : rule);
      return { ingress: denied(ingress), egress: denied(egress) };
    }),
  ],
  [
    "a missing profile is gone by",
    specs<WorkloadSpec>("workloadEndpoints", ({ profiles = [] }, _, all) => ({
      profiles: profiles.filter((name) =>
        name !== "kns.gone" && (!/^p\d$/.test(name) || all.profiles?.some(({ metadata }) => metadata.name === name))
      ),
    })),
  ],
  ["rules of profiles are not asked", specs<ProfileSpec>("profiles", () => ({ ingress: [], egress: [] }))],
  ["the order of profiles is reversed", chains((chain) => ({ ...chain, profiles: chain.profiles.toReversed() }))],
  ["empty types mean ingress", calico(({ types }) => types?.length === 0 ? { types: ["Ingress"] } : {})],
  [
    "empty policyTypes mean both directions",
    kubernetes(({ policyTypes = [] }) => policyTypes.length === 0 ? { policyTypes: ["Ingress", "Egress"] } : {}),
  ],
];

const LABELS: readonly (readonly [string, Change])[] = [
  ["labels of profiles are not inherited", specs<ProfileSpec>("profiles", () => ({ labelsToApply: {} }))],
  [
    "an inherited label beats the endpoint's own",
    labels("workloadEndpoints", (own, object, all) => {
      const inherited = ownProfiles(object, all).toReversed().map(({ labelsToApply }) => labelsToApply ?? {});
      return Object.assign({}, own, ...inherited);
    }),
  ],
  [
    "of two inherited labels the last wins",
    labels("workloadEndpoints", (own, object, all) => {
      const inherited = ownProfiles(object, all).map(({ labelsToApply }) => labelsToApply ?? {});
      return Object.assign({}, ...inherited, own);
    }),
  ],
  [
    "a network set does not inherit from its namespace",
    each(
      "networkSets",
      (set) => ({ ...set, kind: "GlobalNetworkSet", metadata: { ...set.metadata, namespace: undefined } }),
    ),
  ],
  ["network sets count as pods", labels("networkSets", (own) => ({ ...own, [ORCHESTRATOR_LABEL]: "k8s" }))],
  ["host endpoints have no labels", labels("hostEndpoints", () => ({}))],
  [
    "workloads of other orchestrators count as pods",
    labels("workloadEndpoints", (own) => ({ ...own, [ORCHESTRATOR_LABEL]: "k8s" })),
  ],
  [
    "a shared address is the first's alone",
    specs<WorkloadSpec>("workloadEndpoints", ({ ipNetworks = [] }, { metadata }) => {
      const own = metadata.name.match(/-w(\d)-/)?.[1] ?? "";
      return { ipNetworks: ipNetworks.filter((net) => net.replace(/\/\d+$/, "").endsWith(own)) };
    }),
  ],
  [
    "a selector of a NetworkPolicy reaches all namespaces",
    ends((end, namespace) =>
      namespace === "" || end.selector === undefined || end.namespaceSelector !== undefined
        ? end
        : { ...end, namespaceSelector: "all()" }
    ),
  ],
  [
    "a negated selector of a NetworkPolicy reaches all namespaces",
    ends((end, namespace) =>
      namespace === "" || end.notSelector === undefined || isLabelled(end)
        ? end
        : { ...end, namespaceSelector: "all()" }
    ),
  ],
  [
    "service accounts of a NetworkPolicy are those of all namespaces",
    ends((end, namespace) =>
      namespace === "" || end.serviceAccounts === undefined || end.namespaceSelector !== undefined
        ? end
        : { ...end, namespaceSelector: "all()" }
    ),
  ],
  [
    "a negated selector of a global policy asks for somebody",
    ends((end, namespace) =>
      namespace !== "" || end.notSelector === undefined || isLabelled(end) ? end : { ...end, selector: "all()" }
    ),
  ],
  [
    "global() means all",
    ends((end) => end.namespaceSelector === "global()" ? { ...end, namespaceSelector: undefined } : end),
  ],
  [
    "all() in a namespace selector means what has none too",
    ends((end) => end.namespaceSelector === "all()" ? { ...end, namespaceSelector: undefined } : end),
  ],
  [
    "a global policy's namespace selector is not asked",
    calico(({ namespaceSelector }) => namespaceSelector === undefined ? {} : { namespaceSelector: undefined }),
  ],
  [
    "what has no namespace is in one without labels",
    labels(
      "networkSets",
      (own, { metadata }) => metadata.namespace === undefined ? { ...own, [NAMESPACE_LABEL]: "none" } : { ...own },
    ),
  ],
];

const CONDITIONS: readonly (readonly [string, Change])[] = [
  [
    "the ICMP code is not asked",
    rules((rule) => rule.icmp?.code === undefined ? rule : { ...rule, icmp: { type: rule.icmp.type } }),
  ],
  [
    "the name ICMP does not pin the family",
    rules((rule) => rule.protocol === "ICMP" ? { ...rule, protocol: 1 } : rule),
  ],
  [
    "negated networks do not pin the family",
    compiledRules((rule) => {
      const isPinned = [rule.source, rule.destination].some(({ notNets, nets }) => notNets.length > 0 && nets === ANY);
      return isPinned ? { ...rule, ipVersion: ANY } : rule;
    }),
  ],
  [
    "a named port is of any protocol",
    specs<WorkloadSpec>("workloadEndpoints", ({ ports = [] }) => ({
      ports: ports.flatMap((port) => ["TCP", "UDP"].map((protocol) => ({ ...port, protocol }))),
    })),
  ],
  [
    "a named port of a host endpoint is none",
    specs<HostEndpointSpec>("hostEndpoints", () => ({ ports: [] })),
  ],
  [
    "networks that do not parse are left out",
    ends((end) => end.nets === undefined || end.nets.every(parses) ? end : { ...end, nets: end.nets.filter(parses) }),
  ],
  [
    "exceptions that do not parse are left out",
    kubernetesPeers((peers) =>
      peers?.map((peer) => {
        const { ipBlock } = peer;
        return ipBlock?.except === undefined || ipBlock.except.every(parses)
          ? peer
          : { ...peer, ipBlock: { ...ipBlock, except: ipBlock.except.filter(parses) } };
      })
    ),
  ],
  [
    "a policy whose selector does not parse is gone",
    calico(({ selector }) => selector === "app = 'x'" ? { selector: "has(nobody)" } : {}),
  ],
  ["peers by node and domain name are left out", clusterPeers((peer) => peer.nodes || peer.domainNames ? [] : [peer])],
  [
    "exceptions are not asked",
    kubernetesPeers((peers) =>
      peers?.map(({ ipBlock, ...peer }) => ipBlock === undefined ? peer : { ...peer, ipBlock: { cidr: ipBlock.cidr } })
    ),
  ],
  [
    "a range ends one port late",
    kubernetesPorts((port) => typeof port.port === "number" && port.endPort === 90 ? { ...port, endPort: 91 } : port),
  ],
  [
    "a range begins one port late",
    clusterRules((rule) => JSON.parse(JSON.stringify(rule).replaceAll('"start":81', '"start":82'))),
  ],
  [
    "a port's name is of TCP alone where no protocol is said",
    compiledRules((rule) =>
      rule.protocol === ANY && rule.destination.portSets.length > 0 ? { ...rule, protocol: 6 } : rule
    ),
  ],
  [
    "a protocol without a port means none of its ports",
    kubernetesPorts((port) => port.port === undefined && port.protocol === "UDP" ? { ...port, port: 1 } : port),
  ],
  [
    "an empty list of peers means nobody",
    kubernetesPeers((peers) => peers?.length === 0 ? [{ ipBlock: { cidr: "192.0.2.1/32" } }] : peers),
  ],
  [
    "a pod selector alone means pods of all namespaces",
    kubernetesPeers((peers) =>
      peers?.map((peer) => peer.podSelector && !peer.namespaceSelector ? { ...peer, namespaceSelector: {} } : peer)
    ),
  ],
  [
    "ports of services are not asked",
    slices(() => ({
      ports: [1, 22, 53, 67, 68, 79, 80, 81, 90, 91, 179, 8080]
        .flatMap((port) => ["TCP", "UDP"].map((protocol) => ({ protocol, port }))),
    })),
  ],
  ["a service is its own address, not its endpoints", each("endpointSlices", () => [])],
  [
    "only one slice of a service counts",
    each("endpointSlices", (slice, { endpointSlices = [] }) => {
      const service = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name.split("-")[0]}`;
      return endpointSlices.find((one) => service(one) === service(slice)) === slice ? slice : [];
    }),
  ],
  [
    "endpoints of services must be ready",
    slices(({ endpoints }) => ({
      endpoints: endpoints?.filter((one) => JSON.stringify(one).includes('"ready":true')),
    })),
  ],
  [
    "a service without a namespace is nobody's",
    ends((end) =>
      end.services === undefined || end.services.namespace !== undefined || end.services.name === undefined
        ? end
        : { ...end, services: { ...end.services, namespace: "nowhere" } }
    ),
  ],
];

const HOSTS: readonly (readonly [string, Change])[] = [
  [
    "an untracked allow goes on to later phases",
    calico(({ doNotTrack, ingress, egress }) => {
      const passed = (list: typeof ingress) =>
        list?.map((rule) => rule.action === "Allow" ? { ...rule, action: "Pass" as const } : rule);
      return doNotTrack ? { ingress: passed(ingress), egress: passed(egress) } : {};
    }),
  ],
  [
    "a pre-DNAT allow goes on to later phases",
    calico(({ preDNAT, ingress }) =>
      preDNAT
        ? { ingress: ingress?.map((rule) => rule.action === "Allow" ? { ...rule, action: "Pass" as const } : rule) }
        : {}
    ),
  ],
  [
    "untracked policies are asked of workloads too",
    calico(({ doNotTrack }) => doNotTrack ? { doNotTrack: false } : {}),
  ],
  ["pre-DNAT policies are asked of workloads too", calico(({ preDNAT }) => preDNAT ? { preDNAT: false } : {})],
  [
    "forwarded traffic meets every policy of a host",
    each(
      "policies",
      (policy) =>
        policy.kind === "GlobalNetworkPolicy" ? { ...policy, spec: { ...policy.spec, applyOnForward: true } } : policy,
    ),
  ],
  [
    "no policy applies to forwarded traffic",
    calico(({ applyOnForward, doNotTrack, preDNAT }) =>
      applyOnForward && !doNotTrack && !preDNAT ? { applyOnForward: false } : {}
    ),
  ],
  [
    "policies on forward do not concern the host itself",
    each("policies", (policy) => {
      const { applyOnForward, doNotTrack, preDNAT } = policy.spec ?? {};
      return applyOnForward === true && !doNotTrack && !preDNAT ? [] : policy;
    }),
  ],
  ["untracked tiers deny at their end", hostChains(["untracked"], endingWith("deny"))],
  ["pre-DNAT tiers deny at their end", hostChains(["preDnat"], endingWith("deny"))],
  ["forward tiers pass at their end", hostChains(["forward"], endingWith("pass"))],
  [
    "the normal phase knows no failsafe ports",
    hostChains(["normal"], (chain) => ({ ...chain, tiers: chain.tiers.filter(({ tier }) => tier !== "") })),
  ],
  [
    "the early phases know no failsafe ports",
    hostChains(["untracked", "preDnat"], (chain) => ({
      ...chain,
      tiers: chain.tiers.map((tier) => ({
        ...tier,
        policies: tier.policies.filter((key) => !key.startsWith("Failsafe/")),
      })),
    })),
  ],
  ["hosts ask no profiles", hostChains(["normal"], (chain) => ({ ...chain, profiles: [] }))],
  [
    "untracked policies hold at the endpoint of all interfaces",
    specs<HostEndpointSpec>("hostEndpoints", ({ interfaceName, node }, _, { hostEndpoints = [] }) => {
      const isAlone = hostEndpoints.filter(({ spec }) => spec?.node === node).length === 1;
      return interfaceName === "*" && isAlone ? { interfaceName: "eth9" } : {};
    }),
  ],
  [
    "a crossed host is the first of its node",
    {
      compiled: (compiled: CompiledPolicies) => {
        const first = (node: string) => compiled.hostEndpoints.find((endpoint) => endpoint.node === node);
        return {
          ...compiled,
          hostEndpoints: compiled.hostEndpoints.map((endpoint) => ({
            ...endpoint,
            interfaceName: first(endpoint.node) === endpoint ? "*" : "eth9",
          })),
        };
      },
    },
  ],
];

const STAGED: readonly (readonly [string, Change])[] = [
  [
    "staged policies are enforced",
    {
      objects: (objects) => {
        const enforced = new Set(objects.policies.map(keyOf));
        const made = objects.policies.filter((policy) => isStagedKind(policy.kind) && actionOf(policy) !== "Delete")
          .map(enforcedForm).filter((policy) => !enforced.has(keyOf(policy)));
        return { ...objects, policies: [...objects.policies, ...made] };
      },
    },
  ],
  ["a staged deletion is without effect", staged((policy) => actionOf(policy) === "Delete" ? [] : [policy])],
  [
    "Ignore counts as Set",
    staged((policy) =>
      actionOf(policy) === "Ignore" ? [{ ...policy, spec: { ...policy.spec, stagedAction: "Set" } }] : [policy]
    ),
  ],
  ["Learn is left out", staged((policy) => actionOf(policy) === "Learn" ? [] : [policy])],
  [
    "a staged policy takes its twin's place",
    {
      objects: (objects) => {
        const replaced = new Set(
          objects.policies.filter((policy) =>
            isStagedKind(policy.kind) && ["Set", "Learn"].includes(`${actionOf(policy)}`)
          )
            .map((policy) => keyOf(enforcedForm(policy))),
        );
        return { ...objects, policies: objects.policies.filter((policy) => !replaced.has(keyOf(policy))) };
      },
      scope: "pending",
    },
  ],
];

/** What is wrong, and the change that makes it so. */
export const MUTATIONS: readonly (readonly [string, Change])[] = [
  ...ORDER,
  ...TIERS_AND_PROFILES,
  ...LABELS,
  ...CONDITIONS,
  ...HOSTS,
  ...STAGED,
];
