/**
 * NetworkPolicy of Kubernetes and its staged twin, and the list of all tables of Kubernetes' kinds.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import { kubernetesNetworkPolicy } from "#/resources/kinds/kubernetes_network_policy.ts";
import { stagedKubernetesNetworkPolicy } from "#/resources/kinds/staged_kubernetes_network_policy.ts";
import { calico, letters } from "#tests/conformance/admission_cases/builders.ts";
import {
  CIDR_RULE,
  egress,
  ingress,
  object,
  PORT_RULE,
  selectorRows,
} from "#tests/conformance/admission_cases/kubernetes_builders.ts";
import { CLUSTER_POLICY_TABLES } from "#tests/conformance/admission_cases/kubernetes_cluster.ts";
import { SERVICE_TABLES } from "#tests/conformance/admission_cases/kubernetes_services.ts";
import {
  type AdmissionRow,
  type AdmissionTable,
  type Patch,
  UNKNOWN_FIELD,
} from "#tests/conformance/admission_cases/row.ts";

const from = (...peers: readonly Json[]): Patch => ingress({ from: [...peers] });
const port = (item: Json): Patch => ingress({ ports: [item] });
const block = (cidr: Json, except?: Json): Patch =>
  from({ ipBlock: { cidr, ...(except === undefined ? {} : { except }) } });

const PORT = "spec.ingress[0].ports[0]";
const PEER = "spec.ingress[0].from[0]";

const PORT_ROWS: readonly AdmissionRow[] = [
  ["no ports", ingress({ ports: [] })],
  ["a port of nothing", port({})],
  ["a protocol alone", port({ protocol: "SCTP" })],
  ["a number", port({ port: 80 })],
  ["the highest number", port({ port: 65_535, protocol: "UDP" })],
  ["a name", port({ port: "http-alt" })],
  ["a range", port({ port: 80, endPort: 90 })],
  ["a range of one", port({ port: 80, endPort: 80 })],
  ["port 0", port({ port: 0 }), [`${PORT}.port`, PORT_RULE]],
  ["port 65536", port({ port: 65_536 }), [`${PORT}.port`, PORT_RULE]],
  ["a negative port", port({ port: -1 }), [`${PORT}.port`, PORT_RULE]],
  ["a port with a fraction", port({ port: 80.5 }), [`${PORT}.port`, PORT_RULE]],
  ["a number as text", port({ port: "80" }), [`${PORT}.port`, PORT_RULE]],
  ["a name of 16 characters", port({ port: letters(16) }), [`${PORT}.port`, PORT_RULE]],
  ["a name in capitals", port({ port: "HTTP" }), [`${PORT}.port`, PORT_RULE]],
  ["a name with two dashes", port({ port: "a--b" }), [`${PORT}.port`, PORT_RULE]],
  ["an empty name", port({ port: "" }), [`${PORT}.port`, PORT_RULE]],
  ["a list as port", port({ port: [80] }), [`${PORT}.port`, PORT_RULE]],
  ["ICMP", port({ protocol: "ICMP" }), [`${PORT}.protocol`, "supported values"]],
  ["a protocol in small letters", port({ protocol: "tcp" }), [`${PORT}.protocol`, "supported values"]],
  ["endPort below port", port({ port: 90, endPort: 80 }), [`${PORT}.endPort`, "must be at least port: 90"]],
  ["endPort without port", port({ endPort: 80 }), [`${PORT}.endPort`, "must not be given without port"]],
  ["endPort with a name", port({ port: "http", endPort: 80 }), [
    `${PORT}.endPort`,
    "must not be given where port is a name",
  ]],
  ["endPort 65536", port({ port: 80, endPort: 65_536 }), [`${PORT}.endPort`, "must be at most 65535"]],
  ["endPort as text", port({ port: 80, endPort: "90" }), [`${PORT}.endPort`, "must be"]],
  ["an egress port below 1", egress({ ports: [{ port: 0 }] }), ["spec.egress[0].ports[0].port", PORT_RULE]],
];

const PEER_ROWS: readonly AdmissionRow[] = [
  ["no peers", ingress({ from: [] })],
  ["pods", from({ podSelector: {} })],
  ["namespaces", from({ namespaceSelector: {} })],
  ["pods of namespaces", from({ podSelector: {}, namespaceSelector: { matchLabels: { team: "red" } } })],
  ["a peer of nothing", from({}), [PEER, "must have podSelector, namespaceSelector or ipBlock"]],
  ["a second peer of nothing", from({ podSelector: {} }, {}), ["spec.ingress[0].from[1]", "must have podSelector"]],
  ["an egress peer of nothing", egress({ to: [{}] }), ["spec.egress[0].to[0]", "must have podSelector"]],
  ["a network", block("10.0.0.0/8")],
  ["a network of IPv6", block("fd00::/8", ["fd00:1::/32"])],
  ["a network with host bits", block("10.1.2.3/8")],
  ["everything", block("0.0.0.0/0", ["10.0.0.0/8", "192.168.0.0/16"])],
  ["an address", block("10.0.0.1"), [`${PEER}.ipBlock.cidr`, CIDR_RULE]],
  ["an empty cidr", block(""), [`${PEER}.ipBlock.cidr`, "must be"]],
  ["no cidr", from({ ipBlock: {} }), [`${PEER}.ipBlock.cidr`, "must be"]],
  ["a cidr that is none", block("all"), [`${PEER}.ipBlock.cidr`, CIDR_RULE]],
  ["a cidr that is too long", block("10.0.0.0/33"), [`${PEER}.ipBlock.cidr`, CIDR_RULE]],
  ["a cidr that is a number", block(10), [`${PEER}.ipBlock.cidr`, "must be a text"]],
  ["except outside", block("10.0.0.0/8", ["11.0.0.0/16"]), [`${PEER}.ipBlock.except[0]`, "must be a part of cidr"]],
  ["except equal", block("10.0.0.0/8", ["10.0.0.0/8"]), [`${PEER}.ipBlock.except[0]`, "must be a part of cidr"]],
  ["except wider", block("10.0.0.0/8", ["10.0.0.0/7"]), [`${PEER}.ipBlock.except[0]`, "must be a part of cidr"]],
  ["except of the other family", block("10.0.0.0/8", ["fd00::/8"]), [
    `${PEER}.ipBlock.except[0]`,
    "must be a part of cidr",
  ]],
  ["except that is none", block("10.0.0.0/8", ["10.1.0.0/16", "x"]), [`${PEER}.ipBlock.except[1]`, CIDR_RULE]],
  ["a network beside pods", from({ ipBlock: { cidr: "10.0.0.0/8" }, podSelector: {} }), [
    PEER,
    "must not have a selector beside ipBlock",
  ]],
  ["a network beside namespaces", from({ ipBlock: { cidr: "10.0.0.0/8" }, namespaceSelector: {} }), [
    PEER,
    "must not have a selector beside ipBlock",
  ]],
  ["peers that are no list", ingress({ from: {} }), ["spec.ingress[0].from", "must be a list"]],
  ...selectorRows((podSelector) => from({ podSelector }), `${PEER}.podSelector`),
  ...selectorRows(
    (namespaceSelector) => egress({ to: [{ namespaceSelector }] }),
    "spec.egress[0].to[0].namespaceSelector",
  ),
];

const DIRECTION_ROWS: readonly AdmissionRow[] = [
  ["an empty spec", { spec: {} }],
  ["no directions", { "spec.policyTypes": [] }],
  ["both directions", { "spec.policyTypes": ["Egress", "Ingress"] }],
  ["a direction twice", { "spec.policyTypes": ["Ingress", "Ingress"] }],
  ["three directions", { "spec.policyTypes": ["Ingress", "Egress", "Ingress"] }, [
    "spec.policyTypes",
    "must have at most 2",
  ]],
  ["a third direction", { "spec.policyTypes": ["Sideways"] }, ["spec.policyTypes[0]", "supported values"]],
  ["a direction in small letters", { "spec.policyTypes": ["ingress"] }, ["spec.policyTypes[0]", "supported values"]],
  ["a rule for everything", { "spec.ingress": [{}], "spec.egress": [{}] }],
  ["rules that are no list", { "spec.ingress": {} }, ["spec.ingress", "must be a list"]],
  ["a rule that is a text", { "spec.egress": ["all"] }, ["spec.egress[0]", "must be an object"]],
  ["a spec that is a text", { spec: "all" }, ["spec", "must be an object"]],
];

const NETWORK_POLICY: AdmissionTable = {
  name: "KubernetesNetworkPolicy",
  kind: kubernetesNetworkPolicy,
  base: object("networking.k8s.io/v1", "NetworkPolicy", "web", { spec: { podSelector: {} } }, "shop"),
  rows: [
    ["no spec", { spec: undefined }],
    ["a name with dots", { "metadata.name": "a.b.c" }],
    ["an object's name in capitals", { "metadata.name": "Web" }, ["metadata.name", "must be a DNS name"]],
    ["no namespace", { "metadata.namespace": undefined }, ["metadata.namespace", "must be given"]],
    ["a status as older clusters wrote it", { status: { conditions: [] } }],
    ["a field that is not known", { "spec.future": true }, ["spec.future", UNKNOWN_FIELD]],
    ["a field beside spec that is not known", { sepc: {} }, ["sepc", UNKNOWN_FIELD]],
    ["a field of a rule that is not known", ingress({ note: "x" }), ["spec.ingress[0].note", UNKNOWN_FIELD]],
    ["a field of a peer that is not known", from({ podSelector: {}, fqdn: "x" }), [`${PEER}.fqdn`, UNKNOWN_FIELD]],
    ...DIRECTION_ROWS,
    ...selectorRows((podSelector) => ({ "spec.podSelector": podSelector }), "spec.podSelector"),
    ...PORT_ROWS,
    ...PEER_ROWS,
  ],
};

const STAGED_POLICY: AdmissionTable = {
  name: "StagedKubernetesNetworkPolicy",
  kind: stagedKubernetesNetworkPolicy,
  base: calico("StagedKubernetesNetworkPolicy", "web", { podSelector: {} }, "shop"),
  rows: [
    ["no spec", { spec: undefined }],
    ["an object's name in capitals", { "metadata.name": "Web" }, ["metadata.name", "must be a DNS name"]],
    ...["Set", "Delete", "Learn", "Ignore"].map((action): AdmissionRow => [action, { "spec.stagedAction": action }]),
    ["another action", { "spec.stagedAction": "Drop" }, ["spec.stagedAction", "supported values"]],
    ["a field that is not known", { "spec.future": true }, ["spec.future", UNKNOWN_FIELD]],
    ["a field of a peer that is not known", from({ podSelector: {}, fqdn: "x" }), [`${PEER}.fqdn`, UNKNOWN_FIELD]],
    ["Delete of pods", { spec: { stagedAction: "Delete", podSelector: { matchLabels: { a: "b" } } } }, [
      "spec.podSelector",
      "must be left out where stagedAction is Delete",
    ]],
    [
      "Delete with rules",
      { spec: { stagedAction: "Delete", ingress: [{}], egress: [{}], policyTypes: ["Egress"] } },
      [
        "spec.ingress",
        "must be left out",
      ],
      ["spec.egress", "must be left out"],
      ["spec.policyTypes", "must be left out"],
    ],
    ...DIRECTION_ROWS.map(([id, ...rest]): AdmissionRow => [`staged ${id}`, ...rest]),
    ...PORT_ROWS.map(([id, ...rest]): AdmissionRow => [`staged ${id}`, ...rest]),
  ],
};

/** The tables of all of Kubernetes' kinds. */
export const KUBERNETES_TABLES: readonly AdmissionTable[] = [
  NETWORK_POLICY,
  STAGED_POLICY,
  ...CLUSTER_POLICY_TABLES,
  ...SERVICE_TABLES,
];
