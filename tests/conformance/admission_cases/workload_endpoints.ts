/**
 * Workload endpoints as users write them, for workloads of other orchestrators than Kubernetes.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import { workloadEndpoint } from "#/resources/kinds/workload_endpoint.ts";
import { calico, letters } from "#tests/conformance/admission_cases/builders.ts";
import type { AdmissionRow, AdmissionTable, Patch } from "#tests/conformance/admission_cases/row.ts";

const NAME = "metadata.name";
const PORT: JsonObject = { name: "http", protocol: "TCP", port: 80 };
const PORTS = "spec.ports";
const port = (members: JsonObject): Patch => ({ [PORTS]: [{ ...PORT, ...members }] });

const DNS_RULE = "must be a DNS name";

const IDENTITY_ROWS: readonly AdmissionRow[] = [
  ["another name than that of its parts", { [NAME]: "vm1" }, [NAME, 'must be "node1-openstack-vm1-eth0"']],
  ["parts in another order", { [NAME]: "openstack-node1-vm1-eth0" }, [NAME, "joined by"]],
  ["dashes of parts that are not doubled", { "spec.workload": "vm-1", [NAME]: "node1-openstack-vm-1-eth0" }, [
    NAME,
    'must be "node1-openstack-vm--1-eth0"',
  ]],
  ["dashes of parts that are doubled", { "spec.workload": "vm-1", [NAME]: "node1-openstack-vm--1-eth0" }],
  ["no workload", { "spec.workload": undefined }, ["spec.workload", "the endpoint's name holds it"]],
  ["no node", { "spec.node": undefined }, ["spec.node", "must be a text"]],
  ["an empty node", { "spec.node": "", [NAME]: "-openstack-vm1-eth0" }, ["spec.node", "must not be empty"], [
    NAME,
    "must be a DNS name",
  ]],
  ["no orchestrator", { "spec.orchestrator": undefined }, ["spec.orchestrator", "must be a text"]],
  ["no endpoint", { "spec.endpoint": undefined }, ["spec.endpoint", "must be a text"]],
  ["the orchestrator of Pods", { "spec.orchestrator": "k8s", [NAME]: "node1-k8s-vm1-eth0" }, [
    "spec.orchestrator",
    "endpoints of Pods come from the Pods",
  ]],
  ["a container of CNI", {
    "spec.orchestrator": "cni",
    "spec.containerID": "a1-B2",
    "spec.workload": undefined,
    [NAME]: "node1-cni-a1--b2-eth0",
  }, [NAME, "node1-cni-a1--B2-eth0"]],
  ["a container of CNI in lower case", {
    "spec.orchestrator": "cni",
    "spec.containerID": "a1b2",
    "spec.workload": undefined,
    [NAME]: "node1-cni-a1b2-eth0",
  }],
  ["CNI without a container", { "spec.orchestrator": "cni", [NAME]: "node1-cni-vm1-eth0" }, [
    "spec.containerID",
    "the endpoint's name holds it",
  ]],
  ["a container in both cases", { "spec.containerID": "4d8AfE-9" }],
  ["a container that starts with a dash", { "spec.containerID": "-abc" }, ["spec.containerID", "must be at most 253"]],
  ["a container that ends with a dash", { "spec.containerID": "abc-" }, ["spec.containerID", "must be at most 253"]],
  ["a container with a dot", { "spec.containerID": "a.b" }, ["spec.containerID", "must be at most 253"]],
  ["a container of 254 characters", { "spec.containerID": letters(254) }, ["spec.containerID", "must be at most 253"]],
  ["a pod in capitals", { "spec.pod": "Pod" }, ["spec.pod", DNS_RULE]],
  ["a service account", { "spec.serviceAccountName": "seller" }],
  ["a service account in capitals", { "spec.serviceAccountName": "Seller" }, ["spec.serviceAccountName", DNS_RULE]],
  ["profiles", { "spec.profiles": ["kns.shop", "web"] }],
  ["a profile that starts with a dot", { "spec.profiles": [".web"] }, ["spec.profiles[0]", DNS_RULE]],
  ["a profile twice", { "spec.profiles": ["web", "web"] }, ["spec.profiles[1]", "only once"]],
  ["an unknown field", { "spec.host": "node1" }, ["spec.host", "unknown field"]],
];

const ADDRESS_ROWS: readonly AdmissionRow[] = [
  ["no addresses", { "spec.ipNetworks": [] }],
  ["addresses of both families", { "spec.ipNetworks": ["10.0.0.1/32", "fd00::1/128"] }],
  ["addresses without a length", { "spec.ipNetworks": ["10.0.0.1", "fd00::1"] }],
  ["a network of several addresses", { "spec.ipNetworks": ["10.0.0.0/24"] }, ["spec.ipNetworks[0]", "one address"]],
  ["two addresses in one", { "spec.ipNetworks": ["10.0.0.1/32", "10.0.0.2/31"] }, [
    "spec.ipNetworks[1]",
    "one address",
  ]],
  ["an IPv6 network of several", { "spec.ipNetworks": ["fd00::/64"] }, ["spec.ipNetworks[0]", "one address"]],
  ["an address that is none", { "spec.ipNetworks": ["10.0.0"] }, ["spec.ipNetworks[0]", "one address"]],
  ["an address twice, once with its length", { "spec.ipNetworks": ["10.0.0.1", "10.0.0.1/32"] }, [
    "spec.ipNetworks[1]",
    "only once",
  ]],
  ["gateways", { "spec.ipv4Gateway": "10.0.0.254", "spec.ipv6Gateway": "fd00::254" }],
  ["an IPv4 gateway of the other family", { "spec.ipv4Gateway": "fd00::1" }, ["spec.ipv4Gateway", "IPv4 address"]],
  ["an IPv6 gateway of the other family", { "spec.ipv6Gateway": "10.0.0.1" }, ["spec.ipv6Gateway", "IPv6 address"]],
  ["a gateway that is a network", { "spec.ipv4Gateway": "10.0.0.0/24" }, ["spec.ipv4Gateway", "IPv4 address"]],
  ["a gateway that is none", { "spec.ipv4Gateway": "gateway" }, ["spec.ipv4Gateway", "IPv4 address"]],
  ["a translation", { "spec.ipNATs": [{ internalIP: "10.0.0.1", externalIP: "192.0.2.1" }] }],
  ["a translation of IPv6", {
    "spec.ipNetworks": ["fd00::1"],
    "spec.ipNATs": [{ internalIP: "fd00::1", externalIP: "2001:db8::1" }],
  }],
  ["a translation of another endpoint's address", {
    "spec.ipNATs": [{ internalIP: "10.0.0.9", externalIP: "192.0.2.1" }],
  }, ["spec.ipNATs[0].internalIP", "must be one of ipNetworks"]],
  ["a translation without addresses", {
    "spec.ipNetworks": undefined,
    "spec.ipNATs": [{ internalIP: "10.0.0.1", externalIP: "192.0.2.1" }],
  }, ["spec.ipNATs[0].internalIP", "must be one of ipNetworks"]],
  ["a translation between families", {
    "spec.ipNATs": [{ internalIP: "10.0.0.1", externalIP: "2001:db8::1" }],
  }, ["spec.ipNATs[0].externalIP", "must be an IPv4 address, as internalIP"]],
  ["a translation without an outer address", { "spec.ipNATs": [{ internalIP: "10.0.0.1" }] }, [
    "spec.ipNATs[0].externalIP",
    "must be a text",
  ]],
  ["a translation of a network", { "spec.ipNATs": [{ internalIP: "10.0.0.1/32", externalIP: "192.0.2.1" }] }, [
    "spec.ipNATs[0].internalIP",
    "must be an IP address",
  ]],
  ["an interface", { "spec.interfaceName": "Valid_Iface.0-9" }],
  ["an interface of 16 characters", { "spec.interfaceName": letters(16) }, [
    "spec.interfaceName",
    "must be an interface name",
  ]],
  ...["a&b", "a#b", "a:b"].map((name): AdmissionRow => [
    `an interface ${name}`,
    { "spec.interfaceName": name },
    ["spec.interfaceName", "must be an interface name"],
  ]),
  ["a MAC", { "spec.mac": "ee:EE:00:12:34:56" }],
  ["a MAC of five", { "spec.mac": "ee:ee:00:12:34" }, ["spec.mac", "must be an Ethernet address"]],
  ["a MAC of other letters", { "spec.mac": "gg:ee:00:12:34:56" }, ["spec.mac", "must be an Ethernet address"]],
  ["other addresses that it may send from", { "spec.allowSpoofedSourcePrefixes": ["10.0.0.1", "192.168.0.0/16"] }],
  ["a network with host bits that it may send from", { "spec.allowSpoofedSourcePrefixes": ["10.0.0.1/8"] }],
  ["no address that it may send from", { "spec.allowSpoofedSourcePrefixes": ["10.abcd"] }, [
    "spec.allowSpoofedSourcePrefixes[0]",
    "must be a network as ADDRESS/LENGTH, or an address",
  ]],
];

const PORT_ROWS: readonly AdmissionRow[] = [
  ["a port", port({})],
  ["a port over UDP", port({ protocol: "UDP" })],
  ["a port over SCTP", port({ protocol: "SCTP" })],
  ["a port over udp in lower case", port({ protocol: "udp" })],
  ["a port over protocol 132", port({ protocol: 132 })],
  ["one name for two ports", { [PORTS]: [PORT, { ...PORT, protocol: "UDP", port: 5456 }] }],
  ["a port with a port of the node", port({ hostPort: 8080, hostIP: "192.0.2.1" })],
  ["a port of the node, without a name", port({ name: undefined, hostPort: 8080 })],
  ["a port of the node, with an empty name", port({ name: "", hostPort: 8080 })],
  ["a port without a name", port({ name: undefined }), [`${PORTS}[0].name`, "must be given where hostPort is not"]],
  ["a port with an empty name", port({ name: "" }), [`${PORTS}[0].name`, "must be given where hostPort is not"]],
  ["a port without a name and with hostPort 0", port({ name: undefined, hostPort: 0 }), [
    `${PORTS}[0].name`,
    "must be given where hostPort is not",
  ]],
  ["a name of 16 characters", port({ name: letters(16) }), [`${PORTS}[0].name`, "must be a port name"]],
  ["a name with an underscore", port({ name: "a_b" }), [`${PORTS}[0].name`, "must be a port name"]],
  ...["ICMP", "UDPLite", 123, 1, "foo"].map((protocol): AdmissionRow => [
    `a port over ${JSON.stringify(protocol)}`,
    port({ protocol }),
    [`${PORTS}[0].protocol`, "supported values"],
  ]),
  ["no number", port({ port: undefined }), [`${PORTS}[0].port`, "must be a number"]],
  ["port 0", port({ port: 0 }), [`${PORTS}[0].port`, "must be at least 1"]],
  ["port 65536", port({ port: 65_536 }), [`${PORTS}[0].port`, "must be at most 65535"]],
  ["hostPort 65536", port({ hostPort: 65_536 }), [`${PORTS}[0].hostPort`, "must be at most 65535"]],
  ["an address of the node that is none", port({ hostPort: 80, hostIP: "10.0.0" }), [
    `${PORTS}[0].hostIP`,
    "must be an IP address",
  ]],
];

const qos = (limits: JsonObject): Patch => ({ "spec.qosControls": limits });
const bounds = (field: string, min: number, max: number): readonly AdmissionRow[] => [
  [`${field} at its least`, qos({ [field]: min })],
  [`${field} at its most`, qos({ [field]: max })],
  [`${field} 0`, qos({ [field]: 0 })],
  [`${field} below its least`, qos({ [field]: min === 1 ? -1 : min - 1 }), [
    `spec.qosControls.${field}`,
    `from ${min} to`,
  ]],
  [`${field} above its most`, qos({ [field]: max + 1 }), [`spec.qosControls.${field}`, `to ${max}`]],
];

const QOS_ROWS: readonly AdmissionRow[] = [
  ["no limit", qos({})],
  ...bounds("ingressBandwidth", 1_000, 1e15),
  ...bounds("egressBandwidth", 1_000, 1e15),
  ...bounds("egressBurst", 1_000, 34_359_738_360),
  ...bounds("ingressPacketRate", 1, 10_000),
  ...bounds("egressPacketBurst", 1, 10_000),
  ...bounds("egressMaxConnections", 1, 4_294_967_295),
  ["a limit as text", qos({ ingressBandwidth: "1M" }), ["spec.qosControls.ingressBandwidth", "must be a number"]],
  ["an unknown limit", qos({ bandwidth: 1_000 }), ["spec.qosControls.bandwidth", "unknown field"]],
  ["a DSCP number", qos({ dscp: 63 })],
  ["a DSCP name", qos({ dscp: "AF41" })],
  ["a DSCP name in lower case", qos({ dscp: "ef" })],
  ["DSCP 64", qos({ dscp: 64 }), ["spec.qosControls.dscp", "from 0 to 63"]],
  ["DSCP -1", qos({ dscp: -1 }), ["spec.qosControls.dscp", "from 0 to 63"]],
  ["an unknown DSCP name", qos({ dscp: "AF99" }), ["spec.qosControls.dscp", "or one of"]],
];

const base = calico("WorkloadEndpoint", "node1-openstack-vm1-eth0", {
  orchestrator: "openstack",
  workload: "vm1",
  node: "node1",
  endpoint: "eth0",
  interfaceName: "tap1",
  ipNetworks: ["10.0.0.1/32"],
}, "shop");

/** Tables of this part. */
export const WORKLOAD_ENDPOINT_TABLES: readonly AdmissionTable[] = [
  { name: "WorkloadEndpoint", kind: workloadEndpoint, base, rows: IDENTITY_ROWS },
  { name: "WorkloadEndpoint addresses", kind: workloadEndpoint, base, rows: ADDRESS_ROWS },
  { name: "WorkloadEndpoint ports", kind: workloadEndpoint, base, rows: PORT_ROWS },
  { name: "WorkloadEndpoint limits", kind: workloadEndpoint, base, rows: QOS_ROWS },
  {
    name: "WorkloadEndpoint labels",
    kind: workloadEndpoint,
    base,
    rows: [
      ["labels", { "metadata.labels": { app: "vm", "projectcalico.org/name": "x" } }],
      ["a label of the namespace's", { "metadata.labels": { "pcns.a": "b" } }, [
        "metadata.labels[pcns.a]",
        "the system sets it",
      ]],
      ["a label of the account's", { "metadata.labels": { "pcsa.a": "b" } }, [
        "metadata.labels[pcsa.a]",
        "the system sets it",
      ]],
      ["the label of the namespace", { "metadata.labels": { "projectcalico.org/namespace": "shop" } }, [
        "metadata.labels[projectcalico.org/namespace]",
        "the system sets it",
      ]],
      ["the label of the account", { "metadata.labels": { "projectcalico.org/serviceaccount": "a" } }, [
        "metadata.labels[projectcalico.org/serviceaccount]",
        "the system sets it",
      ]],
      ["the label of the orchestrator", { "metadata.labels": { "projectcalico.org/orchestrator": "k8s" } }, [
        "metadata.labels[projectcalico.org/orchestrator]",
        "the system sets it",
      ]],
    ],
  },
];
