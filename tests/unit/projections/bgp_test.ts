/**
 * Sessions of nodes: the mesh and explicit peers, with Calico's rules of who dials.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { bgpItem, peerItems } from "#/projections/bgp.ts";
import { applyToFabric, createFabric, createFabricDirt, type Fabric } from "#/projections/fabric.ts";
import { nodeFromCore } from "#/projections/node_view.ts";
import { collectionOf } from "#tests/support/history.ts";
import type { KubeObject } from "#/resources/object.ts";
import { node, v3 } from "#tests/support/network_objects.ts";

function fabric(...objects: readonly KubeObject[]): Fabric {
  const made = createFabric();
  for (const object of objects) {
    const after = object.kind === "Node" ? nodeFromCore(object) : object;
    const key = `/${after.metadata.name}`;
    applyToFabric(made, createFabricDirt(), {
      kind: "object",
      collection: collectionOf(after),
      key,
      before: undefined,
      after,
    });
  }
  return made;
}

const N1 = node("n1", "10.0.0.9/24");
const N2 = node("n2", "10.0.0.10/24", { rack: "b" }, { "projectcalico.org/ASNumber": "65002" });
const RR = node("rr", "10.0.0.1/24", { rr: "" }, { "projectcalico.org/RouteReflectorClusterID": "1.0.0.1" });

function sessions(made: Fabric, name: string): unknown[] {
  return peerItems(made, name).map((peer) => [peer.id, peer.asNumber, peer.port, peer.passive]);
}

Deno.test("peerItems() makes the mesh, passive by the order of texts", () => {
  const made = fabric(N1, N2, RR, node("addressless", undefined));
  assertEquals(sessions(made, "n1"), [["Mesh_10_0_0_10", 65_002, undefined, false]]);
  assertEquals(sessions(made, "n2"), [["Mesh_10_0_0_9", 64_512, undefined, true]]);
  assertEquals(peerItems(made, "n1")[0]?.sourceAddress, "10.0.0.9");
});

Deno.test("peerItems() leaves route reflectors and nodes without address out of the mesh", () => {
  const made = fabric(N1, RR, node("addressless", undefined));
  assertEquals([sessions(made, "rr"), sessions(made, "addressless"), sessions(made, "nobody")], [[], [], []]);
  assertEquals(sessions(fabric(N1, N2, v3("BGPConfiguration", "default", { nodeToNodeMeshEnabled: false })), "n1"), []);
  assertEquals(sessions(fabric(N1, node("twin", "10.0.0.9/24")), "n1"), []);
});

Deno.test("peerItems() takes explicit peers: global ones first, then the node's own, and each session once", () => {
  const off = v3("BGPConfiguration", "default", { nodeToNodeMeshEnabled: false, asNumber: "1.1" });
  const made = fabric(
    N1,
    N2,
    off,
    v3("BGPPeer", "tor", { peerIP: "10.0.0.254", asNumber: 65_000 }),
    v3("BGPPeer", "port", { peerIP: "10.0.0.254:1179", asNumber: 65_000, sourceAddress: "None" }),
    v3("BGPPeer", "again", { peerIP: "10.0.0.254", asNumber: 65_001, node: "n1" }),
    v3("BGPPeer", "mine", { peerIP: "10.0.0.253", node: "n1", nextHopMode: "Keep" }),
    v3("BGPPeer", "others", { peerIP: "10.0.0.252", nodeSelector: "rack == 'b'" }),
    v3("BGPPeer", "self", { peerIP: "10.0.0.9", asNumber: 65_000 }),
    v3("BGPPeer", "v6", { peerIP: "[fd00::1]:179", asNumber: 65_000 }),
    v3("BGPPeer", "broken", { peerIP: "10.0.0.251", nodeSelector: "((" }),
  );
  assertEquals(sessions(made, "n1"), [
    ["Global_10_0_0_254_port_1179", 65_000, 1179, false],
    ["Global_10_0_0_254", 65_000, undefined, false],
    ["Node_10_0_0_253", 65_537, undefined, false],
  ]);
  const [port, tor, mine] = peerItems(made, "n1");
  assertEquals([port?.sourceAddress, tor?.sourceAddress, mine?.keepOriginalNextHop], [undefined, "10.0.0.9", true]);
  assertEquals(sessions(made, "n2").map((each) => (each as string[])[0]), [
    "Global_10_0_0_254_port_1179",
    "Global_10_0_0_9",
    "Global_10_0_0_254",
    "Node_10_0_0_252",
  ]);
});

Deno.test("peerItems() finds nodes by peerSelector and by address, with their AS and port", () => {
  const own = v3("BGPConfiguration", "node.rr", { listenPort: 1790 });
  const off = v3("BGPConfiguration", "default", { nodeToNodeMeshEnabled: false });
  const bySelector = fabric(
    N1,
    RR,
    own,
    off,
    v3("BGPPeer", "rr", { nodeSelector: "!has(rr)", peerSelector: "has(rr)" }),
  );
  assertEquals(sessions(bySelector, "n1"), [["Node_10_0_0_1", 64_512, 1790, false]]);
  assertEquals(sessions(bySelector, "rr"), []);
  const byAddress = fabric(N1, N2, off, v3("BGPPeer", "n1", { peerIP: "10.0.0.9", asNumber: 64_512 }));
  assertEquals(sessions(byAddress, "n2"), [["Global_10_0_0_9", 64_512, undefined, true]]);
});

Deno.test("bgpItem() reads the node's own settings before the cluster's", () => {
  const made = fabric(
    N1,
    N2,
    v3("BGPConfiguration", "default", { asNumber: 64_600, listenPort: 179, logSeverityScreen: "Debug" }),
    v3("BGPConfiguration", "node.n2", { listenPort: 1790 }),
  );
  assertEquals(bgpItem(made, "n1"), {
    kind: "bgp",
    id: "bgp",
    asNumber: 64_600,
    routerId: "10.0.0.9",
    address: "10.0.0.9",
    listenPort: 179,
    logSeverity: "Debug",
  });
  assertEquals([bgpItem(made, "n2")?.asNumber, bgpItem(made, "n2")?.listenPort], [65_002, 1790]);
  assertEquals(bgpItem(fabric(node("n", undefined)), "n"), undefined);
});
