/**
 * What stands around policies: network sets, host endpoints, profiles.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import { globalNetworkSet } from "#/resources/kinds/global_network_set.ts";
import { hostEndpoint } from "#/resources/kinds/host_endpoint.ts";
import { networkSet } from "#/resources/kinds/network_set.ts";
import { profile } from "#/resources/kinds/profile.ts";
import { calico, items, letters } from "#tests/conformance/admission_cases/builders.ts";
import type { AdmissionRow, AdmissionTable, Patch } from "#tests/conformance/admission_cases/row.ts";

const NETWORK_RULE = "must be a network as ADDRESS/LENGTH, or an address";

const SET_ROWS: readonly AdmissionRow[] = [
  ["no nets", { spec: {} }],
  ["empty nets", { "spec.nets": [] }],
  ["networks and addresses of both families", {
    "spec.nets": ["10.0.0.0/8", "10.0.0.1", "fd00::/8", "fd00::1", "10.0.0.1/32"],
  }],
  ["a network with host bits", { "spec.nets": ["10.0.0.1/8", "fd00::1/64"] }],
  ["every address", { "spec.nets": ["0.0.0.0/0", "::/0"] }],
  ["2000 networks", { "spec.nets": items(2000, (at) => `10.${at >> 8}.${at & 255}.0/24`) }],
  ["a network twice", { "spec.nets": ["10.0.0.0/8", "fd00::/8", "10.0.0.0/8"] }, ["spec.nets[2]", "only once"]],
  ...["", "10.0.0", "10.0.0.0/33", "fd00::/129", "10.0.0.256", "office", "10.0.0.0/8,10.1.0.0/16", "10.0.0.0 /8"]
    .map((net): AdmissionRow => [`the net "${net}"`, { "spec.nets": ["10.0.0.0/8", net] }, [
      "spec.nets[1]",
      NETWORK_RULE,
    ]]),
  ["a net that is a number", { "spec.nets": [10] }, ["spec.nets[0]", "must be a text"]],
  ["nets as text", { "spec.nets": "10.0.0.0/8" }, ["spec.nets", "must be a list"]],
  ["an unknown field", { "spec.allowedEgressDomains": ["example.com"] }, [
    "spec.allowedEgressDomains",
    "unknown field",
  ]],
];

const NODE = "spec.node";
const INTERFACE = "spec.interfaceName";
const INTERFACE_RULE = 'must be "*" or an interface name';
const NEEDED_RULE = "must be given where expectedIPs is not";
const PORTS = "spec.ports";
const PORT: JsonObject = { name: "ssh", protocol: "TCP", port: 22 };
const PORT_NAME_RULE = "must be a port name";

const port = (members: JsonObject): Patch => ({ [PORTS]: [{ ...PORT, ...members }] });

const HOST_ROWS: readonly AdmissionRow[] = [
  ["interfaceName and node", { spec: { node: "node1", interfaceName: "eth0" } }],
  ["every interface", { spec: { node: "node1", interfaceName: "*" } }],
  ["expectedIPs and node", { spec: { node: "node1", expectedIPs: ["10.0.0.1", "fd00::1"] } }],
  ["an empty interfaceName with expectedIPs", {
    spec: { node: "node1", interfaceName: "", expectedIPs: ["10.0.0.1"] },
  }],
  ["an empty spec", { spec: {} }, [NODE, "must be a text"]],
  ["a node alone", { spec: { node: "node1" } }, [INTERFACE, NEEDED_RULE]],
  ["an empty interfaceName and no addresses", { spec: { node: "node1", interfaceName: "", expectedIPs: [] } }, [
    INTERFACE,
    NEEDED_RULE,
  ]],
  ["no node", { [NODE]: undefined }, [NODE, "must be"]],
  ["an empty node", { [NODE]: "" }, [NODE, "must not be empty"]],
  ["a node with dots", { [NODE]: "node-1.example.com" }],
  ["a node in capitals", { [NODE]: "Node1" }, [NODE, "must be a DNS name"]],
  ["a node of 254 characters", { [NODE]: [...items(3, () => letters(63)), letters(62)].join(".") }, [
    NODE,
    "at most 253",
  ]],
  ["an interface of every kind of letter", { [INTERFACE]: "Eth_0.1-9" }],
  ["an interface of 15 characters", { [INTERFACE]: letters(15) }],
  ["an interface of 16 characters", { [INTERFACE]: letters(16) }, [INTERFACE, INTERFACE_RULE]],
  ...["eth&0", "eth#0", "eth:0", "eth 0", "eth/0", "**", "eth*", "ünï"].map((name): AdmissionRow => [
    `an interface ${name}`,
    { [INTERFACE]: name },
    [INTERFACE, INTERFACE_RULE],
  ]),
  ["an interface that is a number", { [INTERFACE]: 0 }, [INTERFACE, "must be a text"]],
  ...["10.0.0.0/8", "10.0.0.1/32", "10.0.0", "", "node1", "fd00::/8", "fd00:::1"].map((ip): AdmissionRow => [
    `the address "${ip}"`,
    { "spec.expectedIPs": [ip] },
    ["spec.expectedIPs[0]", "must be an IP address"],
  ]),
  ["an address twice", { "spec.expectedIPs": ["10.0.0.1", "10.0.0.1"] }, ["spec.expectedIPs[1]", "only once"]],
  ["addresses as text", { "spec.expectedIPs": "10.0.0.1" }, ["spec.expectedIPs", "must be a list"]],
  ["profiles", { "spec.profiles": ["web", "kns.shop", "projectcalico-default-allow", "knp.default.funner.11234-a"] }],
  ["a profile that starts with a dot", { "spec.profiles": [".fun"] }, ["spec.profiles[0]", "must be a DNS name"]],
  ["a profile without a name", { "spec.profiles": ["web", ""] }, ["spec.profiles[1]", "must not be empty"]],
  ["a profile twice", { "spec.profiles": ["web", "web"] }, ["spec.profiles[1]", "only once"]],
  ["a port", port({})],
  ["a port over UDP", port({ protocol: "UDP" })],
  ["a port over SCTP", port({ protocol: "SCTP" })],
  ["a port over tcp in lower case", port({ protocol: "tcp" })],
  ["a port over protocol 6", port({ protocol: 6 })],
  ["one name for two ports", { [PORTS]: [PORT, { ...PORT, protocol: "UDP", port: 5456 }] }],
  ["a port of the highest number", port({ port: 65_535 })],
  ...["ICMP", "UDPLite", 1, 123, "", "tcpfoo"].map((protocol): AdmissionRow => [
    `a port over ${JSON.stringify(protocol)}`,
    port({ protocol }),
    [`${PORTS}[0].protocol`, 'supported values: "TCP", "UDP", "SCTP"'],
  ]),
  ["a port without protocol", port({ protocol: undefined }), [`${PORTS}[0].protocol`, "must be one of"]],
  ["a port without a name", port({ name: undefined }), [`${PORTS}[0].name`, "must be a text"]],
  ["a port with an empty name", port({ name: "" }), [`${PORTS}[0].name`, "must not be empty"]],
  ["a port with a name of 15 characters", port({ name: letters(15) })],
  ["a port with a name of 16 characters", port({ name: letters(16) }), [`${PORTS}[0].name`, PORT_NAME_RULE]],
  ["a port with a name in capitals", port({ name: "SSH" }), [`${PORTS}[0].name`, PORT_NAME_RULE]],
  ["a port with a name of digits", port({ name: "22" }), [`${PORTS}[0].name`, PORT_NAME_RULE]],
  ["a port without a number", port({ port: undefined }), [`${PORTS}[0].port`, "must be a number"]],
  ["port 0", port({ port: 0 }), [`${PORTS}[0].port`, "must be at least 1"]],
  ["port 65536", port({ port: 65_536 }), [`${PORTS}[0].port`, "must be at most 65535"]],
  ["a port as text", port({ port: "22" }), [`${PORTS}[0].port`, "must be a number"]],
  ["a port range", port({ port: "22:23" }), [`${PORTS}[0].port`, "must be a number"]],
  ["a port with a hostPort", port({ hostPort: 22 }), [`${PORTS}[0].hostPort`, "unknown field"]],
  ["an unknown field", { "spec.interface": "eth0" }, ["spec.interface", "unknown field"]],
];

const APPLY = "spec.labelsToApply";
const ALLOW: JsonObject = { action: "Allow" };

const PROFILE_ROWS: readonly AdmissionRow[] = [
  ["an empty spec", { spec: {} }],
  ["rules", { "spec.ingress": [ALLOW], "spec.egress": [{ action: "Deny", protocol: "udp" }] }],
  ["a Pass rule", { "spec.egress": [{ action: "Pass" }] }],
  ["1024 rules", { "spec.ingress": items(1024, () => ALLOW) }],
  ["1025 rules", { "spec.ingress": items(1025, () => ALLOW) }, ["spec.ingress", "at most 1024 items"]],
  ["1025 egress rules", { "spec.egress": items(1025, () => ALLOW) }, ["spec.egress", "at most 1024 items"]],
  ["a rule without action", { "spec.egress": [{}] }, ["spec.egress[0].action", "must be one of"]],
  ["a rule with a port and no protocol", { "spec.ingress": [{ action: "Allow", destination: { ports: [80] } }] }, [
    "spec.ingress[0].destination.ports[0]",
    "TCP, UDP or SCTP",
  ]],
  ["a rule with both families", { "spec.ingress": [{ action: "Deny", source: { nets: ["10.0.0.0/8", "::/0"] } }] }, [
    "spec.ingress[0].source.nets[1]",
    "must be an IPv4 network",
  ]],
  ["a rule with a bad selector", { "spec.egress": [{ action: "Deny", destination: { selector: "a =" } }] }, [
    "spec.egress[0].destination.selector",
    "must be a selector",
  ]],
  ["http in egress", { "spec.egress": [{ action: "Allow", http: { methods: ["GET"] } }] }, [
    "spec.egress[0].http",
    "only in ingress rules",
  ]],
  ["labels", { [APPLY]: { "project.example.org/my-valid-label": letters(63), role: "" } }],
  ["a label value of 64 characters", { [APPLY]: { a: letters(64) } }, [`${APPLY}[a]`, "must be empty or at most 63"]],
  ["a label value with a space", { [APPLY]: { a: "b c" } }, [`${APPLY}[a]`, "must be empty or at most 63"]],
  ["a label key that starts with a dot", { [APPLY]: { ".a": "b" } }, [`${APPLY}[.a]`, "must be a name of at most 63"]],
  ["a label key with a mark", { [APPLY]: { "a!b": "c" } }, [`${APPLY}[a!b]`, "must be a name of at most 63"]],
  ["a label key with a dollar", { [APPLY]: { "a$": "c" } }, [`${APPLY}[a$]`, "must be a name of at most 63"]],
  ["a label value that is a number", { [APPLY]: { a: 1 } }, [`${APPLY}[a]`, "must be a text"]],
  ["labels that are a list", { [APPLY]: ["a"] }, [APPLY, "must be"]],
  ["a label of a namespace's", { [APPLY]: { "pcns.env": "prod" } }, [`${APPLY}[pcns.env]`, "the system sets it"]],
  ["a label of an account's", { [APPLY]: { "pcsa.a": "b" } }, [`${APPLY}[pcsa.a]`, "the system sets it"]],
  [
    "the label of the namespace",
    { [APPLY]: { "projectcalico.org/namespace": "shop" } },
    [`${APPLY}[projectcalico.org/namespace]`, "the system sets it"],
  ],
  ["a selector, which profiles do not have", { "spec.selector": "all()" }, ["spec.selector", "unknown field"]],
  ["types, which profiles do not have", { "spec.types": ["Ingress"] }, ["spec.types", "unknown field"]],
];

/** Tables of this part. */
export const PEER_TABLES: readonly AdmissionTable[] = [
  {
    name: "NetworkSet",
    kind: networkSet,
    base: calico("NetworkSet", "office", { nets: ["10.0.0.0/8"] }, "shop"),
    rows: SET_ROWS,
  },
  {
    name: "GlobalNetworkSet",
    kind: globalNetworkSet,
    base: calico("GlobalNetworkSet", "office", { nets: ["10.0.0.0/8"] }),
    rows: SET_ROWS,
  },
  {
    name: "HostEndpoint",
    kind: hostEndpoint,
    base: calico("HostEndpoint", "node1-eth0", { node: "node1", interfaceName: "eth0" }),
    rows: HOST_ROWS,
  },
  { name: "Profile", kind: profile, base: calico("Profile", "web", {}), rows: PROFILE_ROWS },
];
