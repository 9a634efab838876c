/**
 * A frame of every kind with an item of every kind, for tests of the sync contract.
 *
 * @module
 */
import { ANY, ANY_SIDE, type ChainIr, type PolicyIr } from "#/policy/ir.ts";
import type { NodeItem } from "#/projections/node_state.ts";
import type { Frame } from "#/sync/frames.ts";

const CHAIN: ChainIr = {
  tiers: [{ tier: "default", defaultAction: "deny", policies: ["GlobalNetworkPolicy//p"] }],
  profiles: ["Profile//kns.shop"],
};

const POLICY: PolicyIr = {
  ref: { kind: "GlobalNetworkPolicy", namespace: "", name: "p" },
  tier: "default",
  ingress: [{
    id: "1/i/0",
    action: "allow",
    ipVersion: 4,
    protocol: 6,
    notProtocol: undefined,
    icmp: { type: 8, code: ANY },
    notIcmp: { type: 3, code: 1 },
    source: { ...ANY_SIDE, sets: ["s:1"], nets: ["10.0.0.0/8"], ports: [{ min: 1, max: 2 }], portSets: ["n:1"] },
    destination: ANY_SIDE,
    comment: "why",
  }],
  egress: undefined,
};

/** One item of each kind; together a complete node state. */
export const ITEMS: readonly NodeItem[] = [
  { kind: "config", id: "node", node: "n1", ipv4Address: "172.30.0.1/24", blocks: ["10.0.0.0/26"] },
  { kind: "set", id: "s:1", type: "net", members: ["10.0.0.1", "10.0.0.2"] },
  { kind: "set", id: "n:1", type: "ipPort", members: ["10.0.0.1,tcp:80"] },
  { kind: "policy", id: "GlobalNetworkPolicy//p", policy: POLICY },
  {
    kind: "profile",
    id: "Profile//kns.shop",
    policy: { ref: { kind: "Profile", namespace: "", name: "kns.shop" }, tier: "", ingress: [], egress: [] },
  },
  {
    kind: "endpoint",
    id: "shop/e",
    workload: "shop/web",
    interfaceName: "cali1",
    mac: undefined,
    addresses: ["10.0.0.1"],
    containerId: undefined,
    ingress: CHAIN,
    egress: { tiers: [], profiles: [] },
  },
  {
    kind: "pool",
    id: "pool",
    cidr: "10.0.0.0/16",
    blockSize: 26,
    natOutgoing: true,
    disabled: false,
    disableBGPExport: false,
    ipipMode: "Never",
    vxlanMode: "CrossSubnet",
    allocatable: true,
  },
  {
    kind: "route",
    id: "10.0.0.0/26",
    cidr: "10.0.0.0/26",
    type: "local",
    node: "n1",
    gateway: undefined,
    programmedBy: "agent",
    pool: "pool",
  },
  {
    kind: "bgp",
    id: "bgp",
    asNumber: 64_512,
    routerId: "172.30.0.1",
    address: "172.30.0.1",
    listenPort: undefined,
    logSeverity: "Info",
  },
  {
    kind: "peer",
    id: "Mesh_172_30_0_2",
    type: "mesh",
    address: "172.30.0.2",
    port: undefined,
    asNumber: 64_512,
    passive: true,
    sourceAddress: "172.30.0.1",
    keepOriginalNextHop: false,
  },
];

/** A whole stream: hello, a full batch, a delta, a ping. */
export const FRAMES: readonly Frame[] = [
  { frame: "hello", contract: 1, logId: "log", epoch: 2, from: 0 },
  { frame: "begin", type: "full" },
  ...ITEMS.map((item): Frame => ({ frame: "put", item })),
  { frame: "end", position: 10 },
  { frame: "begin", type: "delta" },
  { frame: "set", id: "s:1", add: ["10.0.0.3"], del: ["10.0.0.1"] },
  { frame: "del", kind: "peer", id: "Mesh_172_30_0_2" },
  { frame: "end", position: 12 },
  { frame: "ping", position: 14 },
];
