/**
 * The cluster-wide policies of Kubernetes: AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy.
 *
 * @module
 */
import type { Json, JsonObject } from "#/base/json.ts";
import { adminNetworkPolicy } from "#/resources/kinds/admin_network_policy.ts";
import { baselineAdminNetworkPolicy } from "#/resources/kinds/baseline_admin_network_policy.ts";
import { clusterNetworkPolicy } from "#/resources/kinds/cluster_network_policy.ts";
import { items, letters } from "#tests/conformance/admission_cases/builders.ts";
import {
  CIDR_RULE,
  egress,
  ingress,
  object,
  selectorRows,
} from "#tests/conformance/admission_cases/kubernetes_builders.ts";
import {
  type AdmissionRow,
  type AdmissionTable,
  type Patch,
  UNKNOWN_FIELD,
} from "#tests/conformance/admission_cases/row.ts";

const EXACTLY_ONE_SUBJECT = "must have exactly one of namespaces, pods";
const EXACTLY_ONE_PEER = "must have exactly one of namespaces, pods, nodes, networks, domainNames";
const ALL_PODS: JsonObject = { namespaceSelector: {}, podSelector: {} };
const NAMED_RULE = "must not give a port by name";

/** What differs between the three kinds. */
interface ClusterKind {
  readonly allow: "Allow" | "Accept";
  readonly rulesMax: number;
  readonly traffic: "ports" | "protocols";
  readonly namedPort: JsonObject;
}

function clusterRows(kind: ClusterKind): readonly AdmissionRow[] {
  return [...SUBJECT_ROWS, ...ruleRows(kind), ...egressRows(kind), ...trafficRows(kind), ...STATUS_ROWS];
}

const RULE = "spec.ingress[0]";
const TARGET = "spec.egress[0].to[0]";

const SUBJECT_ROWS: readonly AdmissionRow[] = [
  ["pods as subject", { "spec.subject": { pods: ALL_PODS } }],
  ["no subject", { "spec.subject": undefined }, ["spec.subject", "must be"]],
  ["an empty subject", { "spec.subject": {} }, ["spec.subject", EXACTLY_ONE_SUBJECT]],
  ["two subjects", { "spec.subject": { namespaces: {}, pods: ALL_PODS } }, ["spec.subject", EXACTLY_ONE_SUBJECT]],
  ["pods without podSelector", { "spec.subject": { pods: { namespaceSelector: {} } } }, [
    "spec.subject.pods.podSelector",
    "must be",
  ]],
  ["a subject that is not known", { "spec.subject": { namespaces: {}, nodes: {} } }, [
    "spec.subject.nodes",
    UNKNOWN_FIELD,
  ]],
  ...selectorRows((namespaces) => ({ "spec.subject": { namespaces } }), "spec.subject.namespaces"),
  ...selectorRows(
    (podSelector) => ({ "spec.subject": { pods: { namespaceSelector: {}, podSelector } } }),
    "spec.subject.pods.podSelector",
  ),
];

function ruleRows({ allow, rulesMax }: ClusterKind): readonly AdmissionRow[] {
  const into = (members: JsonObject): Patch => ingress({ action: allow, from: [{ namespaces: {} }], ...members });
  const rule: JsonObject = { action: allow, from: [{ namespaces: {} }] };
  return [
    ["a rule", into({})],
    ["a rule with a name", into({ name: letters(100) })],
    ["a rule with a long name", into({ name: letters(101) }), [`${RULE}.name`, "at most 100 characters"]],
    ["Deny", into({ action: "Deny" })],
    ["Log", into({ action: "Log" }), [`${RULE}.action`, "supported values"]],
    ["no action", ingress({ from: [{ namespaces: {} }] }), [`${RULE}.action`, "must be"]],
    ["no peers", ingress({ action: allow, from: [] }), [`${RULE}.from`, "must have at least 1"]],
    ["no list of peers", ingress({ action: allow }), [`${RULE}.from`, "must be"]],
    ["a peer of nothing", into({ from: [{}] }), [`${RULE}.from[0]`, "must have exactly one of namespaces, pods"]],
    ["two peers in one", into({ from: [{ namespaces: {}, pods: ALL_PODS }] }), [
      `${RULE}.from[0]`,
      "must have exactly one of namespaces, pods",
    ]],
    [
      "networks that send",
      into({ from: [{ networks: ["10.0.0.0/8"] }] }),
      [`${RULE}.from[0].networks`, UNKNOWN_FIELD],
      [
        `${RULE}.from[0]`,
        "must have exactly one",
      ],
    ],
    ["the most peers", into({ from: items(rulesMax, () => ({ namespaces: {} })) })],
    ["too many peers", into({ from: items(rulesMax + 1, () => ({ namespaces: {} })) }), [
      `${RULE}.from`,
      `at most ${rulesMax} items`,
    ]],
    ["the most rules", { "spec.ingress": items(rulesMax, () => rule) }],
    ["too many rules", { "spec.ingress": items(rulesMax + 1, () => rule) }, [
      "spec.ingress",
      `at most ${rulesMax} items`,
    ]],
  ];
}

function egressRows({ allow }: ClusterKind): readonly AdmissionRow[] {
  const out = (peer: Json, members: JsonObject = {}): Patch => egress({ action: allow, to: [peer], ...members });
  return [
    ["networks", out({ networks: ["10.0.0.0/8", "fd00::/8", "10.1.2.3/8"] })],
    ["25 networks", out({ networks: items(25, (at) => `10.${at}.0.0/16`) })],
    ["26 networks", out({ networks: items(26, (at) => `10.${at}.0.0/16`) }), [
      `${TARGET}.networks`,
      "at most 25 items",
    ]],
    ["no networks", out({ networks: [] }), [`${TARGET}.networks`, "must have at least 1"]],
    ["a network twice", out({ networks: ["10.0.0.0/8", "10.0.0.0/8"] }), [
      `${TARGET}.networks[1]`,
      "must stand only once",
    ]],
    ["an address as network", out({ networks: ["10.0.0.1"] }), [`${TARGET}.networks[0]`, CIDR_RULE]],
    ["nodes", out({ nodes: { matchLabels: { role: "edge" } } })],
    ...selectorRows((nodes) => out({ nodes }), `${TARGET}.nodes`).slice(3, 5),
    ["an egress peer of nothing", out({}), [TARGET, "must have exactly one"]],
    ["networks beside nodes", out({ networks: ["10.0.0.0/8"], nodes: {} }), [TARGET, "must have exactly one"]],
  ];
}

function trafficRows({ allow, rulesMax, traffic, namedPort }: ClusterKind): readonly AdmissionRow[] {
  const into = (members: JsonObject): Patch => ingress({ action: allow, from: [{ namespaces: {} }], ...members });
  const out = (peer: Json, members: JsonObject = {}): Patch => egress({ action: allow, to: [peer], ...members });
  return [
    ["a named port", into({ [traffic]: [namedPort] })],
    ["a named port of namespaces", out({ namespaces: {} }, { [traffic]: [namedPort] })],
    ["a named port of networks", out({ networks: ["10.0.0.0/8"] }, { [traffic]: [namedPort] }), [
      "spec.egress[0]",
      NAMED_RULE,
    ]],
    ["a named port of nodes", out({ nodes: {} }, { [traffic]: [namedPort] }), ["spec.egress[0]", NAMED_RULE]],
    [`no ${traffic}`, into({ [traffic]: [] }), [`${RULE}.${traffic}`, "must have at least 1"]],
    [`too many ${traffic}`, into({ [traffic]: items(rulesMax + 1, () => namedPort) }), [
      `${RULE}.${traffic}`,
      `at most ${rulesMax} items`,
    ]],
    [`${traffic} of nothing`, into({ [traffic]: [{}] }), [`${RULE}.${traffic}[0]`, "must have exactly one of"]],
  ];
}

const STATUS_ROWS: readonly AdmissionRow[] = [
  ["a field that is not known", { "spec.future": 1 }, ["spec.future", UNKNOWN_FIELD]],
  ["a namespace", { "metadata.namespace": "shop" }, ["metadata.namespace", "must not be given"]],
  ["conditions", { status: { conditions: [{ type: "Accepted", status: "True" }] } }],
  ["a status without conditions", { status: {} }, ["status.conditions", "must be"]],
  ["a condition without status", { status: { conditions: [{ type: "Accepted" }] } }, [
    "status.conditions[0].status",
    "must be",
  ]],
];

const DOMAIN_ROWS = (allow: string): readonly AdmissionRow[] => {
  const to = (...domainNames: readonly Json[]): Patch =>
    egress({ action: allow, to: [{ domainNames: [...domainNames] }] });
  const name = "spec.egress[0].to[0].domainNames";
  return [
    ["domain names", to("example.com", "*.example.com", "www.example.com.")],
    ["a domain name without dot", to("localhost"), [`${name}[0]`, "must be a domain name"]],
    ["a domain name with a star inside", to("www.*.com"), [`${name}[0]`, "must be a domain name"]],
    ["a domain name twice", to("a.com", "a.com"), [`${name}[1]`, "must stand only once"]],
    ["26 domain names", to(...items(26, (at) => `a${at}.com`)), [name, "at most 25 items"]],
    ["no domain names", to(), [name, "must have at least 1"]],
    [
      "domain names beside networks",
      egress({ action: allow, to: [{ domainNames: ["a.com"], networks: ["10.0.0.0/8"] }] }),
      [
        "spec.egress[0].to[0]",
        EXACTLY_ONE_PEER,
      ],
    ],
  ];
};

const PRIORITY_ROWS: readonly AdmissionRow[] = [
  ["priority 0", { "spec.priority": 0 }],
  ["priority 1000", { "spec.priority": 1000 }],
  ["priority 1001", { "spec.priority": 1001 }, ["spec.priority", "must be at most 1000"]],
  ["a negative priority", { "spec.priority": -1 }, ["spec.priority", "must be at least 0"]],
  ["a priority as text", { "spec.priority": "1" }, ["spec.priority", "must be"]],
  ["a priority with a fraction", { "spec.priority": 1.5 }, ["spec.priority", "must be"]],
  ["no priority", { "spec.priority": undefined }, ["spec.priority", "must be"]],
];

const ADMIN_PORT = "spec.ingress[0].ports[0]";

function adminPortRows(): readonly AdmissionRow[] {
  const at = (item: Json): Patch => ingress({ action: "Allow", from: [{ namespaces: {} }], ports: [item] });
  const range = (start: Json, end: Json): Patch => at({ portRange: { start, end } });
  return [
    ["a port", at({ portNumber: { port: 80 } })],
    ["a port of UDP", at({ portNumber: { port: 53, protocol: "UDP" } })],
    ["a range", range(1, 65_535)],
    ["a range of one", range(80, 80)],
    ["a range of SCTP", at({ portRange: { start: 1, end: 2, protocol: "SCTP" } })],
    ["a range backwards", range(90, 80), [`${ADMIN_PORT}.portRange.end`, "must be at least start: 90"]],
    ["a range from 0", range(0, 80), [`${ADMIN_PORT}.portRange.start`, "must be at least 1"]],
    ["a range without end", at({ portRange: { start: 1 } }), [`${ADMIN_PORT}.portRange.end`, "must be"]],
    ["port 0", at({ portNumber: { port: 0 } }), [`${ADMIN_PORT}.portNumber.port`, "must be at least 1"]],
    ["port 65536", at({ portNumber: { port: 65_536 } }), [`${ADMIN_PORT}.portNumber.port`, "must be at most 65535"]],
    ["no port", at({ portNumber: {} }), [`${ADMIN_PORT}.portNumber.port`, "must be"]],
    ["ICMP", at({ portNumber: { port: 80, protocol: "ICMP" } }), [
      `${ADMIN_PORT}.portNumber.protocol`,
      "supported values",
    ]],
    ["a name that is none", at({ namedPort: "80" }), [`${ADMIN_PORT}.namedPort`, "must be a port name"]],
    ["a port and a range", at({ portNumber: { port: 80 }, portRange: { start: 1, end: 2 } }), [
      ADMIN_PORT,
      "must have exactly one of portNumber, portRange, namedPort",
    ]],
    ["a protocol of its own", at({ protocol: "TCP", portNumber: { port: 80 } }), [
      `${ADMIN_PORT}.protocol`,
      UNKNOWN_FIELD,
    ]],
  ];
}

const ADMIN_KIND: ClusterKind = {
  allow: "Allow",
  rulesMax: 100,
  traffic: "ports",
  namedPort: { namedPort: "http" },
};

const ADMIN_POLICY: AdmissionTable = {
  name: "AdminNetworkPolicy",
  kind: adminNetworkPolicy,
  base: object("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "guard", {
    spec: { priority: 10, subject: { namespaces: {} } },
  }),
  rows: [
    ["no spec", { spec: undefined }, ["spec", "must be"]],
    ["a name in capitals", { "metadata.name": "Guard" }, ["metadata.name", "must be a DNS name"]],
    ["Pass", ingress({ action: "Pass", from: [{ namespaces: {} }] })],
    ["Accept", ingress({ action: "Accept", from: [{ namespaces: {} }] }), [
      "spec.ingress[0].action",
      "supported values",
    ]],
    ["pods without namespaceSelector", { "spec.subject": { pods: { podSelector: {} } } }, [
      "spec.subject.pods.namespaceSelector",
      "must be",
    ]],
    ...PRIORITY_ROWS,
    ...clusterRows(ADMIN_KIND),
    ...DOMAIN_ROWS("Allow"),
    ...adminPortRows(),
  ],
};

const BASELINE_POLICY: AdmissionTable = {
  name: "BaselineAdminNetworkPolicy",
  kind: baselineAdminNetworkPolicy,
  base: object("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy", "default", {
    spec: { subject: { namespaces: {} } },
  }),
  rows: [
    ["another name", { "metadata.name": "other" }, ["metadata.name", "must be default"]],
    ["a priority", { "spec.priority": 1 }, ["spec.priority", UNKNOWN_FIELD]],
    ["Pass", ingress({ action: "Pass", from: [{ namespaces: {} }] }), ["spec.ingress[0].action", "supported values"]],
    ["domain names", egress({ action: "Deny", to: [{ domainNames: ["a.com"] }] }), [
      "spec.egress[0].to[0].domainNames",
      UNKNOWN_FIELD,
    ], ["spec.egress[0].to[0]", "must have exactly one"]],
    ...clusterRows(ADMIN_KIND),
    ...adminPortRows(),
  ],
};

const PROTOCOL = "spec.ingress[0].protocols[0]";

function protocolRows(): readonly AdmissionRow[] {
  const at = (item: Json): Patch => ingress({ action: "Accept", from: [{ namespaces: {} }], protocols: [item] });
  const tcp = (destinationPort: Json): Patch => at({ tcp: { destinationPort } });
  const destination = `${PROTOCOL}.tcp.destinationPort`;
  return [
    ["TCP to a port", tcp({ number: 443 })],
    ["UDP to a range", at({ udp: { destinationPort: { range: { start: 1, end: 2 } } } })],
    ["SCTP to a port", at({ sctp: { destinationPort: { number: 1 } } })],
    ["TCP to nothing", at({ tcp: {} }), [`${PROTOCOL}.tcp`, "must have destinationPort"]],
    ["SCTP to nothing", at({ sctp: {} }), [`${PROTOCOL}.sctp`, "must have destinationPort"]],
    ["an empty port", tcp({}), [destination, "must have exactly one of number, range"]],
    ["number and range", tcp({ number: 1, range: { start: 1, end: 2 } }), [destination, "must have exactly one"]],
    ["number 0", tcp({ number: 0 }), [`${destination}.number`, "must be at least 1"]],
    ["number 65536", tcp({ number: 65_536 }), [`${destination}.number`, "must be at most 65535"]],
    ["a range of one", tcp({ range: { start: 80, end: 80 } }), [
      `${destination}.range.end`,
      "must be greater than start",
    ]],
    ["a range backwards", tcp({ range: { start: 90, end: 80 } }), [
      `${destination}.range.end`,
      "must be greater than start",
    ]],
    ["a range without start", tcp({ range: { end: 80 } }), [`${destination}.range.start`, "must be"]],
    ["TCP and UDP in one", at({ tcp: { destinationPort: { number: 1 } }, udp: { destinationPort: { number: 1 } } }), [
      PROTOCOL,
      "must have exactly one of tcp, udp, sctp, destinationNamedPort",
    ]],
    ["ICMP", at({ icmp: {} }), [`${PROTOCOL}.icmp`, UNKNOWN_FIELD], [PROTOCOL, "must have exactly one"]],
    ["a name that is none", at({ destinationNamedPort: "Not A Port" }), [
      `${PROTOCOL}.destinationNamedPort`,
      "must be a port name",
    ]],
  ];
}

const CLUSTER_POLICY: AdmissionTable = {
  name: "ClusterNetworkPolicy",
  kind: clusterNetworkPolicy,
  base: object("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "guard", {
    spec: { tier: "Admin", priority: 10, subject: { namespaces: {} } },
  }),
  rows: [
    ["Baseline", { "spec.tier": "Baseline" }],
    ["another tier", { "spec.tier": "default" }, ["spec.tier", "supported values"]],
    ["no tier", { "spec.tier": undefined }, ["spec.tier", "must be"]],
    ["Pass", ingress({ action: "Pass", from: [{ namespaces: {} }] })],
    ["Allow", ingress({ action: "Allow", from: [{ namespaces: {} }] }), ["spec.ingress[0].action", "supported values"]],
    ["pods without namespaceSelector", { "spec.subject": { pods: { podSelector: {} } } }],
    ...PRIORITY_ROWS,
    ...clusterRows({
      allow: "Accept",
      rulesMax: 25,
      traffic: "protocols",
      namedPort: { destinationNamedPort: "http" },
    }),
    ...DOMAIN_ROWS("Accept"),
    ...protocolRows(),
  ],
};

/** The tables of this file. */
export const CLUSTER_POLICY_TABLES: readonly AdmissionTable[] = [ADMIN_POLICY, BASELINE_POLICY, CLUSTER_POLICY];
