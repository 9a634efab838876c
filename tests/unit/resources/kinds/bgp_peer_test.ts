/**
 * BGPPeer: who peers with whom, and what may stand together.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { bgpPeer, bgpPeerSpecOf, parsePeerAddress } from "#/resources/kinds/bgp_peer.ts";
import { admitted, calicoObject, cellsOf, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = calicoObject("BGPPeer", { name: "rack" }, { peerIP: "10.0.0.1", asNumber: 64_512 });
const selected = { peerIP: undefined, asNumber: undefined, peerSelector: "role == 'reflector'" };

testKind(bgpPeer, base, [
  { name: "an address and an AS number" },
  { name: "an address alone", spec: { asNumber: undefined } },
  { name: "an AS number as a.b", spec: { asNumber: "1.10" } },
  { name: "a port", spec: { peerIP: "10.0.0.1:1179" } },
  { name: "an IPv6 port", spec: { peerIP: "[fd00::1]:1179", reachableBy: "fd00::2" } },
  { name: "one node", spec: { node: "node-1" } },
  { name: "nodes by selector", spec: { nodeSelector: "rack == 'a'" } },
  { name: "peers by selector", spec: selected },
  { name: "workloads by selector", spec: { peerIP: undefined, localWorkloadSelector: "app == 'bird'" } },
  {
    name: "everything else",
    spec: {
      localASNumber: 64_513,
      numAllowedLocalASNumbers: 1,
      ttlSecurity: 1,
      reachableBy: "10.0.0.2",
      password: { secretKeyRef: { name: "bgp", key: "password" } },
      sourceAddress: "None",
      maxRestartTime: "1m30s",
      keepaliveTime: "10s",
      filters: ["a", "b"],
      nextHopMode: "Self",
      reversePeering: "Manual",
    },
  },

  {
    name: "no other side",
    spec: { peerIP: undefined, asNumber: undefined },
    problems: ["spec.peerIP FieldValueRequired"],
  },
  { name: "an empty other side", spec: { peerIP: "" }, problems: ["spec.peerIP FieldValueRequired"] },
  { name: "an address that is none", spec: { peerIP: "10.0.0" }, problems: ["spec.peerIP FieldValueInvalid"] },
  { name: "port 0", spec: { peerIP: "10.0.0.1:0" }, problems: ["spec.peerIP FieldValueInvalid"] },
  {
    name: "a node and a nodeSelector",
    spec: { node: "a", nodeSelector: "all()" },
    problems: ["spec.nodeSelector FieldValueForbidden"],
  },
  { name: "a node that is no name", spec: { node: "A B" }, problems: ["spec.node FieldValueInvalid"] },
  {
    name: "two other sides",
    spec: { peerSelector: "all()", asNumber: undefined },
    problems: ["spec.peerSelector FieldValueForbidden"],
  },
  {
    name: "an AS number for peers by selector",
    spec: { ...selected, asNumber: 1 },
    problems: ["spec.asNumber FieldValueForbidden"],
  },
  {
    name: "workloads without AS number",
    spec: { peerIP: undefined, asNumber: undefined, localWorkloadSelector: "all()" },
    problems: ["spec.asNumber FieldValueRequired"],
  },
  ...[0, 4_294_967_296, 1.5, "1.65536", "x", "", -1, true].map((asNumber) => ({
    name: `AS number ${JSON.stringify(asNumber)}`,
    spec: { asNumber },
    problems: ["spec.asNumber FieldValueInvalid"],
    message: "must be an AS number from 1 to 4294967295, or a.b",
  })),
  {
    name: "a gateway of another family",
    spec: { reachableBy: "fd00::1" },
    problems: ["spec.reachableBy FieldValueInvalid"],
  },
  {
    name: "a gateway to nobody",
    spec: { ...selected, reachableBy: "10.0.0.2" },
    problems: ["spec.reachableBy FieldValueForbidden"],
  },
  {
    name: "keepOriginalNextHop with nextHopMode",
    spec: { keepOriginalNextHop: true, nextHopMode: "Auto" },
    problems: ["spec.keepOriginalNextHop FieldValueForbidden"],
  },
  { name: "256 hops", spec: { ttlSecurity: 256 }, problems: ["spec.ttlSecurity FieldValueInvalid"] },
  { name: "a time without unit", spec: { maxRestartTime: "90" }, problems: ["spec.maxRestartTime FieldValueInvalid"] },
  {
    name: "a password without key",
    spec: { password: { secretKeyRef: { name: "a" } } },
    problems: ["spec.password.secretKeyRef.key FieldValueRequired"],
  },
  {
    name: "an unknown source address",
    spec: { sourceAddress: "Any" },
    problems: ["spec.sourceAddress FieldValueNotSupported"],
  },
]);

Deno.test("bgpPeer.defaults() stores AS numbers as plain numbers", () => {
  const spec = bgpPeerSpecOf(
    admitted(bgpPeer, { ...base, spec: { peerIP: "10.0.0.1", asNumber: "1.10", localASNumber: "7" } }),
  );
  assertEquals([spec.asNumber, spec.localASNumber], [65_546, 7]);
});

Deno.test("parsePeerAddress() reads addresses with and without port, and nothing else", () => {
  assertEquals(parsePeerAddress("10.0.0.1"), { version: 4, address: "10.0.0.1", port: undefined });
  assertEquals(parsePeerAddress("10.0.0.1:179"), { version: 4, address: "10.0.0.1", port: 179 });
  assertEquals(parsePeerAddress("fd00::1"), { version: 6, address: "fd00::1", port: undefined });
  assertEquals(parsePeerAddress("[fd00::1]:179"), { version: 6, address: "fd00::1", port: 179 });
  for (
    const text of ["", "x", "10.0.0.1:", "10.0.0.1:65536", "[10.0.0.1]:179", "[fd00::1]", "fd00::1%eth0", "10.0.0.1/32"]
  ) {
    assertEquals(parsePeerAddress(text), undefined, text);
  }
});

Deno.test("bgpPeer.columns show the nodes that have the peering", () => {
  const nodeCell = (spec: Record<string, string>) =>
    cellsOf(bgpPeer, { ...base, spec: { ...base.spec, ...spec } }).Node;
  assertEquals(cellsOf(bgpPeer, base), { Name: "rack", PeerIP: "10.0.0.1", Node: "(global)", ASN: 64_512, Age: null });
  assertEquals([nodeCell({ node: "n" }), nodeCell({ nodeSelector: "all()" })], ["n", "all()"]);
});
