/**
 * The v3 Node, a view: its shape and columns.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { calicoNode, calicoNodeSpecOf, NODE_ANNOTATIONS } from "#/resources/kinds/calico_node.ts";
import { admitted, calicoObject, cellsOf, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = calicoObject("Node", { name: "node1" }, { bgp: { ipv4Address: "10.0.0.1/24", asNumber: "1.0" } });

testKind(calicoNode, base, [
  { name: "an address with its network" },
  { name: "an address alone", spec: { bgp: { ipv4Address: "10.0.0.1" } } },
  {
    name: "everything",
    spec: {
      bgp: { ipv6Address: "fd00::1/64", routeReflectorClusterID: "1.0.0.1", ipv4IPIPTunnelAddr: "10.1.0.1" },
      ipv4VXLANTunnelAddr: "10.1.0.2",
      vxlanTunnelMACAddr: "66:00:00:00:00:01",
      wireguard: { interfaceIPv4Address: "10.1.0.3" },
      addresses: [{ address: "10.0.0.1/24", type: "CalicoNodeIP" }, { address: "10.0.0.1" }],
      interfaces: [{ name: "eth0", addresses: ["10.0.0.1"] }],
      orchRefs: [{ nodeName: "node1", orchestrator: "k8s" }],
    },
    status: { podCIDRs: ["10.2.0.0/24"], wireguardPublicKey: "key" },
  },
  { name: "an empty bgp", spec: { bgp: {} }, problems: ["spec.bgp FieldValueRequired"] },
  {
    name: "an IPv6 address as the IPv4 one",
    spec: { bgp: { ipv4Address: "fd00::1" } },
    problems: ["spec.bgp.ipv4Address FieldValueInvalid"],
  },
  {
    name: "a cluster id that is a number",
    spec: { bgp: { routeReflectorClusterID: 7 } },
    problems: ["spec.bgp.routeReflectorClusterID FieldValueTypeInvalid"],
  },
  {
    name: "a bad Ethernet address",
    spec: { vxlanTunnelMACAddr: "66:00" },
    problems: ["spec.vxlanTunnelMACAddr FieldValueInvalid"],
  },
  { name: "a name that is no DNS name", metadata: { name: "Node_1" }, problems: ["metadata.name FieldValueInvalid"] },
]);

Deno.test("calicoNode is a view, and stores AS numbers plainly", () => {
  assertEquals(calicoNode.storage, "derived");
  assertEquals(calicoNodeSpecOf(admitted(calicoNode, base)).bgp?.asNumber, 65_536);
});

Deno.test("calicoNode.columns show AS number and addresses", () => {
  const cells = cellsOf(calicoNode, admitted(calicoNode, base));
  assertEquals(cells, { Name: "node1", Age: null, ASN: 65_536, IPv4: "10.0.0.1/24", IPv6: null });
});

Deno.test("NODE_ANNOTATIONS are all of Calico's own prefix, and different", () => {
  const keys = Object.values(NODE_ANNOTATIONS);
  assertEquals(keys.every((key) => key.startsWith("projectcalico.org/")), true);
  assertEquals(new Set(keys).size, keys.length);
});
