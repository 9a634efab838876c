/** Items of a node state for tests of BIRD: node 10.9.0.1 and its surroundings. @module */
import type { BirdDesired } from "#/agents/bird/desired.ts";
import type { BgpItem, PeerItem, PoolItem } from "#/projections/node_state.ts";

/** BGP of a node. */
export function bgpItem(address: string, changes: Partial<BgpItem> = {}): BgpItem {
  return {
    kind: "bgp",
    id: "bgp",
    asNumber: 64512,
    routerId: address,
    address,
    listenPort: undefined,
    logSeverity: "Info",
    ...changes,
  };
}

/** A session of the mesh, from one address to another. */
export function meshPeer(source: string, target: string, changes: Partial<PeerItem> = {}): PeerItem {
  return {
    kind: "peer",
    id: `Mesh_${target.replaceAll(".", "_")}`,
    type: "mesh",
    address: target,
    port: undefined,
    asNumber: 64512,
    passive: target > source,
    sourceAddress: source,
    keepOriginalNextHop: false,
    ...changes,
  };
}

/** A pool without encapsulation. */
export function poolItem(id: string, cidr: string, changes: Partial<PoolItem> = {}): PoolItem {
  return {
    kind: "pool",
    id,
    cidr,
    blockSize: 26,
    natOutgoing: true,
    disabled: false,
    disableBGPExport: false,
    ipipMode: "Never",
    vxlanMode: "Never",
    allocatable: true,
    ...changes,
  };
}

/** A node of a mesh of two. */
export function meshOfTwo(self: string, other: string, changes: Partial<BirdDesired> = {}): BirdDesired {
  return {
    bgp: bgpItem(self),
    peers: [meshPeer(self, other)],
    blocks: [],
    pools: [poolItem("default", "192.168.0.0/16")],
    ...changes,
  };
}
