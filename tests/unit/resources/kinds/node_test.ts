/**
 * Core Node: addresses, Pod networks, and the annotations that configure the network.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { NODE_ANNOTATIONS } from "#/resources/kinds/calico_node.ts";
import { node, nodeSpecOf } from "#/resources/kinds/node.ts";
import { admitted, cellsOf, coreObject, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = coreObject("Node", { name: "node1" });
const annotated = (key: string, value: string) => ({ annotations: { [key]: value } });

testKind(node, base, [
  { name: "a name alone" },
  {
    name: "addresses of every type",
    status: { addresses: [{ type: "InternalIP", address: "10.0.0.1" }, { type: "Hostname", address: "a b" }] },
  },
  { name: "fields that are not modelled", spec: { taints: [{ key: "a", effect: "NoSchedule" }] } },
  { name: "an AS number as a.b", metadata: annotated(NODE_ANNOTATIONS.asNumber, "1.10") },
  { name: "an address with its network", metadata: annotated(NODE_ANNOTATIONS.ipv4Address, "10.0.0.1/24") },
  { name: "an empty annotation", metadata: annotated(NODE_ANNOTATIONS.ipv4Address, "") },

  { name: "a bad name", metadata: { name: "Node_1" }, problems: ["metadata.name FieldValueInvalid"] },
  {
    name: "an InternalIP that is none",
    status: { addresses: [{ type: "InternalIP", address: "node1" }] },
    problems: ["status.addresses[0].address FieldValueInvalid"],
  },
  {
    name: "a Pod network that is none",
    spec: { podCIDR: "10.0.0.0" },
    problems: ["spec.podCIDR FieldValueInvalid", "spec.podCIDRs[0] FieldValueInvalid"],
  },
  {
    name: "two Pod networks that disagree",
    spec: { podCIDR: "10.0.0.0/24", podCIDRs: ["10.0.1.0/24"] },
    problems: ["spec.podCIDRs[0] FieldValueInvalid"],
  },
  {
    name: "two Pod networks of one family",
    spec: { podCIDRs: ["10.0.0.0/24", "10.0.1.0/24"] },
    problems: ["spec.podCIDRs[1] FieldValueInvalid"],
  },
  { name: "an update that gives a Pod network", old: {}, spec: { podCIDR: "10.0.0.0/24" } },
  {
    name: "an update of the Pod network",
    old: { podCIDR: "10.0.1.0/24" },
    spec: { podCIDR: "10.0.0.0/24" },
    problems: ["spec.podCIDRs FieldValueForbidden"],
  },
  ...[
    [NODE_ANNOTATIONS.asNumber, "0"],
    [NODE_ANNOTATIONS.asNumber, "one"],
    [NODE_ANNOTATIONS.ipv4Address, "fd00::1"],
    [NODE_ANNOTATIONS.ipv6Address, "10.0.0.1"],
    [NODE_ANNOTATIONS.routeReflectorClusterID, "7"],
    [NODE_ANNOTATIONS.vxlanTunnelMACAddr, "66:00"],
  ].map(([key, value]) => ({
    name: `the annotation ${key}: ${value}`,
    metadata: annotated(key!, value!),
    problems: [`metadata.annotations[${key}] FieldValueInvalid`],
    message: `Invalid value: "${value}": must be`,
  })),
]);

Deno.test("node.defaults() makes podCIDR and podCIDRs agree", () => {
  assertEquals(nodeSpecOf(admitted(node, { ...base, spec: { podCIDR: "10.0.0.0/24" } })).podCIDRs, ["10.0.0.0/24"]);
  const both = ["10.0.0.0/24", "fd00::/64"];
  assertEquals(nodeSpecOf(admitted(node, { ...base, spec: { podCIDRs: both } })), {
    podCIDRs: both,
    podCIDR: "10.0.0.0/24",
  });
});

Deno.test("node.columns show what kubectl shows", () => {
  const object = {
    ...base,
    metadata: {
      name: "node1",
      labels: { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "" },
    },
    spec: { unschedulable: true },
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
      nodeInfo: {
        kubeletVersion: "v1.33.0",
        osImage: "Debian",
        kernelVersion: "6.12",
        containerRuntimeVersion: "lab://1",
      },
    },
  };
  assertEquals(cellsOf(node, object), {
    Name: "node1",
    Status: "Ready,SchedulingDisabled",
    Roles: "control-plane,worker",
    Age: null,
    Version: "v1.33.0",
    "Internal-IP": "10.0.0.1",
    "External-IP": "<none>",
    "OS-Image": "Debian",
    "Kernel-Version": "6.12",
    "Container-Runtime": "lab://1",
  });
  assertEquals([cellsOf(node, base).Status, cellsOf(node, base).Roles], ["Unknown", "<none>"]);
  const failing = { ...base, status: { conditions: [{ type: "Ready", status: "Unknown" }] } };
  assertEquals(cellsOf(node, failing).Status, "NotReady");
});
