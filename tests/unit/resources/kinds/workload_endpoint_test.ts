/**
 * WorkloadEndpoint: names from the spec, labels that only the system sets, addresses and ports.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { workloadEndpoint, workloadEndpointSpecOf } from "#/resources/kinds/workload_endpoint.ts";
import { admitted, calicoObject, cellsOf, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = calicoObject("WorkloadEndpoint", { name: "node--1-nomad-web-eth0", namespace: "shop" }, {
  orchestrator: "nomad",
  node: "node-1",
  workload: "web",
  endpoint: "eth0",
  ipNetworks: ["10.0.0.7/32"],
});
const cni = { name: "node--1-cni-abc-eth0" };

testKind(workloadEndpoint, base, [
  { name: "an endpoint of another orchestrator" },
  { name: "labels of the user", metadata: { labels: { app: "web", "projectcalico.org/tier": "x" } } },
  { name: "bare addresses of both families", spec: { ipNetworks: ["10.0.0.7", "fd00::7"] } },
  {
    name: "an endpoint of plain CNI",
    metadata: cni,
    spec: { orchestrator: "cni", workload: undefined, containerID: "abc" },
  },
  { name: "a port without name but with hostPort", spec: { ports: [{ port: 80, hostPort: 8080 }] } },
  {
    name: "everything",
    spec: {
      pod: "web-1",
      serviceAccountName: "till",
      ipNATs: [{ internalIP: "10.0.0.7", externalIP: "1.2.3.4" }],
      ipv4Gateway: "169.254.1.1",
      ipv6Gateway: "fe80::1",
      profiles: ["kns.shop"],
      interfaceName: "cali0123456789a",
      mac: "ee:ee:ee:ee:ee:ee",
      ports: [{ name: "http", protocol: "tcp", port: 80 }],
      allowSpoofedSourcePrefixes: ["10.9.0.0/16"],
    },
  },

  {
    name: "a name that does not follow from the spec",
    metadata: { name: "web" },
    problems: ["metadata.name FieldValueInvalid"],
    message: 'must be "node--1-nomad-web-eth0"',
  },
  { name: "no workload", spec: { workload: undefined }, problems: ["spec.workload FieldValueRequired"] },
  {
    name: "no containerID with plain CNI",
    metadata: cni,
    spec: { orchestrator: "cni" },
    problems: ["spec.containerID FieldValueRequired"],
  },
  {
    name: "no node and an empty endpoint",
    spec: { node: undefined, endpoint: "" },
    problems: ["spec.node FieldValueRequired", "spec.endpoint FieldValueRequired"],
  },
  {
    name: "the orchestrator of Pods",
    metadata: { name: "node--1-k8s-web-eth0" },
    spec: { orchestrator: "k8s" },
    problems: ["spec.orchestrator FieldValueForbidden"],
  },
  ...[
    "pcns.team",
    "pcsa.role",
    "projectcalico.org/namespace",
    "projectcalico.org/orchestrator",
    "projectcalico.org/serviceaccount",
  ]
    .map((key) => ({
      name: `the label ${key}`,
      metadata: { labels: { [key]: "x" } },
      problems: [`metadata.labels[${key}] FieldValueForbidden`],
      message: "must not be set by users",
    })),
  {
    name: "a network of more than one address",
    spec: { ipNetworks: ["10.0.0.0/24"] },
    problems: ["spec.ipNetworks[0] FieldValueInvalid"],
  },
  {
    name: "an address twice, in two spellings",
    spec: { ipNetworks: ["10.0.0.7", "10.0.0.7/32"] },
    problems: ["spec.ipNetworks[1] FieldValueDuplicate"],
  },
  { name: "a port without name", spec: { ports: [{ port: 80 }] }, problems: ["spec.ports[0].name FieldValueRequired"] },
  {
    name: "port 0 over UDPLite",
    spec: { ports: [{ name: "a", port: 0, protocol: "UDPLite" }] },
    problems: ["spec.ports[0].port FieldValueInvalid", "spec.ports[0].protocol FieldValueNotSupported"],
  },
  {
    name: "an interface name of 16 characters",
    spec: { interfaceName: "x".repeat(16) },
    problems: ["spec.interfaceName FieldValueInvalid"],
  },
]);

Deno.test("workloadEndpoint.defaults() stores addresses as networks and ports with their protocol", () => {
  const spec = {
    ...base.spec,
    ipNetworks: ["10.0.0.7", "FD00::7/128"],
    ports: [{ name: "a", port: 1 }, { name: "b", port: 2, protocol: "udp" }],
  };
  const stored = workloadEndpointSpecOf(admitted(workloadEndpoint, { ...base, spec }));
  assertEquals(stored.ipNetworks, ["10.0.0.7/32", "fd00::7/128"]);
  assertEquals(stored.ports, [{ name: "a", port: 1, protocol: "TCP" }, { name: "b", port: 2, protocol: "UDP" }]);
});

Deno.test("workloadEndpoint.columns show what calicoctl shows", () => {
  const stored = admitted(workloadEndpoint, {
    ...base,
    spec: { ...base.spec, interfaceName: "cali1", profiles: ["a", "b"] },
  });
  assertEquals(cellsOf(workloadEndpoint, stored), {
    Name: "node--1-nomad-web-eth0",
    Workload: "web",
    Node: "node-1",
    Networks: "10.0.0.7/32",
    Interface: "cali1",
    Age: null,
    Profiles: "a,b",
  });
});
