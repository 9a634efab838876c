/**
 * The node state: what one node's kernel and daemons must be, as a keyed collection. The end of the projections' part of the arrow and the
 * only thing agents know; server and agents meet here and in `sync/`.
 *
 * Items are shared by all nodes that need them and are plain JSON. A referenced item (a policy named by an endpoint, a set named by a rule) is always
 * present in the same node state.
 *
 * @module
 */
import type { ChainIr, PolicyIr } from "#/policy/ir.ts";

/** An IP set: addresses or networks, or addresses with protocol and port. Both families in one set. */
export interface SetItem {
  readonly kind: "set";
  /** `s:...`, `n:...` or `svc:...`, as in Calico; never changes meaning. */
  readonly id: string;
  /** `net`: members are addresses or CIDRs. `ipPort`: members are `10.0.0.1,tcp:8080` (`fd00::1,udp:53`). */
  readonly type: "net" | "ipPort";
  /** Sorted, without duplicates; host prefixes bare. */
  readonly members: readonly string[];
}

/** A policy that an endpoint of the node names. Its id is `policyKey(policy.ref)`. */
export interface PolicyItem {
  readonly kind: "policy";
  readonly id: string;
  readonly policy: PolicyIr;
}

/** A profile that an endpoint of the node names. Its id is `policyKey(policy.ref)` with kind Profile. */
export interface ProfileItem {
  readonly kind: "profile";
  readonly id: string;
  readonly policy: PolicyIr;
}

/** A workload endpoint on the node. Its id is `namespace/name` of the WorkloadEndpoint. */
export interface EndpointItem {
  readonly kind: "endpoint";
  readonly id: string;
  /** The Pod's `namespace/name`, or the WorkloadEndpoint's own when no Pod is behind it. */
  readonly workload: string;
  readonly interfaceName: string;
  readonly mac: string | undefined;
  /** Addresses without prefix length. */
  readonly addresses: readonly string[];
  /** The sandbox that CNI made, so that a newer sandbox of the same name is told apart. */
  readonly containerId: string | undefined;
  readonly ingress: ChainIr;
  readonly egress: ChainIr;
}

/** A block of addresses and how it is reached from this node. Its id is the CIDR. */
export interface RouteItem {
  readonly kind: "route";
  readonly id: string;
  readonly cidr: string;
  /** `local`: this node allocates in it, and unused addresses are blackholed. `remote`: another node does. */
  readonly type: "local" | "remote";
  readonly node: string;
  /** Address of that node on the fabric, without prefix length; `undefined` while unknown. */
  readonly gateway: string | undefined;
  /** Who programs a remote route: BIRD (no encapsulation) or the agent. Local ones are always the agent's. */
  readonly programmedBy: "agent" | "bird";
  readonly pool: string;
}

/** An IP pool in force. Its id is the pool's name. */
export interface PoolItem {
  readonly kind: "pool";
  readonly id: string;
  readonly cidr: string;
  readonly blockSize: number;
  readonly natOutgoing: boolean;
  readonly disabled: boolean;
  readonly disableBGPExport: boolean;
  readonly ipipMode: "Never" | "Always" | "CrossSubnet";
  readonly vxlanMode: "Never" | "Always" | "CrossSubnet";
  /** Whether this node may claim blocks in it (nodeSelector, allowedUses, assignmentMode). */
  readonly allocatable: boolean;
}

/** One BGP session of this node. Its id is `Mesh_<address with _>` and the like; also the BIRD protocol's name. */
export interface PeerItem {
  readonly kind: "peer";
  readonly id: string;
  readonly type: "mesh" | "global" | "node";
  readonly address: string;
  readonly port: number | undefined;
  readonly asNumber: number;
  /** The other side dials. */
  readonly passive: boolean;
  readonly sourceAddress: string | undefined;
  readonly keepOriginalNextHop: boolean;
}

/** BGP as this node speaks it. At most one, with id `bgp`. */
export interface BgpItem {
  readonly kind: "bgp";
  readonly id: "bgp";
  readonly asNumber: number;
  readonly routerId: string;
  /** Address of this node, without prefix length. */
  readonly address: string;
  readonly listenPort: number | undefined;
  readonly logSeverity: string;
}

/** The node itself. Exactly one, with id `node`. */
export interface ConfigItem {
  readonly kind: "config";
  readonly id: "node";
  readonly node: string;
  /** IPv4 address of the node on the fabric with its prefix length; `undefined` while unknown. */
  readonly ipv4Address: string | undefined;
  /** Blocks this node allocates in, sorted. */
  readonly blocks: readonly string[];
}

/** Everything a node state may hold. (vtep and wireguard join when their room is built.) */
export type NodeItem =
  | SetItem
  | PolicyItem
  | ProfileItem
  | EndpointItem
  | RouteItem
  | PoolItem
  | PeerItem
  | BgpItem
  | ConfigItem;

/** The names of the collections. */
export type NodeItemKind = NodeItem["kind"];

/** Dependency order: an item may refer only to kinds before its own. Adds go in this order, removals in reverse. */
export const NODE_ITEM_KINDS: readonly NodeItemKind[] = [
  "config",
  "set",
  "policy",
  "profile",
  "endpoint",
  "pool",
  "route",
  "bgp",
  "peer",
];

/** A node's items by `kind:id`. */
export type NodeState = ReadonlyMap<string, NodeItem>;

/** The key of an item in a {@link NodeState}, `kind:id`. */
export function nodeItemKey(item: { readonly kind: NodeItemKind; readonly id: string }): string {
  return `${item.kind}:${item.id}`;
}

/** One difference between two node states. A `set` change is sent instead of a `put` when only members changed. */
export type NodeDelta =
  | { readonly op: "put"; readonly item: NodeItem }
  | { readonly op: "set"; readonly id: string; readonly add: readonly string[]; readonly del: readonly string[] }
  | { readonly op: "del"; readonly kind: NodeItemKind; readonly id: string };
