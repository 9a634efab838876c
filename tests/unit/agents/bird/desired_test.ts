/** Tests of BIRD's part of a node state. @module */
import { assertEquals } from "@std/assert";
import { birdDesired } from "#/agents/bird/desired.ts";
import { type NodeItem, nodeItemKey } from "#/projections/node_state.ts";
import { bgpItem, meshPeer, poolItem } from "#tests/support/bird_items.ts";

function route(cidr: string, type: "local" | "remote"): NodeItem {
  return {
    kind: "route",
    id: cidr,
    cidr,
    type,
    node: "node1",
    gateway: undefined,
    programmedBy: "bird",
    pool: "default",
  };
}

const ITEMS: readonly NodeItem[] = [
  { kind: "config", id: "node", node: "node1", ipv4Address: "10.9.0.1/24", blocks: [] },
  poolItem("default", "192.168.0.0/16"),
  route("192.168.1.0/26", "local"),
  route("192.168.0.0/26", "local"),
  route("192.168.2.0/26", "remote"),
  bgpItem("10.9.0.1"),
  meshPeer("10.9.0.1", "10.9.0.3"),
  meshPeer("10.9.0.1", "10.9.0.2"),
];

Deno.test("birdDesired() takes local blocks, peers and pools, sorted, whatever order they came in", () => {
  const expected = {
    bgp: bgpItem("10.9.0.1"),
    peers: [meshPeer("10.9.0.1", "10.9.0.2"), meshPeer("10.9.0.1", "10.9.0.3")],
    blocks: ["192.168.0.0/26", "192.168.1.0/26"],
    pools: [poolItem("default", "192.168.0.0/16")],
  };
  for (const items of [ITEMS, ITEMS.toReversed()]) {
    assertEquals(birdDesired(new Map(items.map((item) => [nodeItemKey(item), item]))), expected);
  }
});

Deno.test("birdDesired() of an empty node state wants no BGP", () => {
  assertEquals(birdDesired(new Map()), { bgp: undefined, peers: [], blocks: [], pools: [] });
});
