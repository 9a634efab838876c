/**
 * What BIRD must be on a node, cut out of the node state. The loop makes one of these whenever BGP, peers, pools or local blocks change and hands it to the
 * driver.
 *
 * @module
 */
import type { BgpItem, NodeItem, NodeItemKind, NodeState, PeerItem, PoolItem } from "#/projections/node_state.ts";

/** The part of a node state that BIRD's configuration is a function of. */
export interface BirdDesired {
  /** `undefined` while the node's own address is unknown: BIRD then runs without sessions. */
  readonly bgp: BgpItem | undefined;
  readonly peers: readonly PeerItem[];
  /** CIDRs of the blocks that this node allocates in: what it announces. */
  readonly blocks: readonly string[];
  readonly pools: readonly PoolItem[];
}

/** Kinds of node state items that {@link birdDesired} looks at; changes of others never concern BIRD. */
export const BIRD_ITEM_KINDS: readonly NodeItemKind[] = ["bgp", "peer", "route", "pool"];

/**
 * Cuts BIRD's part out of a node state. Equal node states give equal results whatever order their items came in.
 *
 * @example
 * ```ts
 * import { birdDesired } from "#/agents/bird/desired.ts";
 * const route = {
 *   kind: "route", id: "10.0.0.0/26", cidr: "10.0.0.0/26", type: "local", node: "node1", gateway: undefined,
 *   programmedBy: "agent", pool: "default",
 * } as const;
 * const desired = birdDesired(new Map([["route:10.0.0.0/26", route]]));
 * if (desired.blocks.join() !== "10.0.0.0/26" || desired.bgp !== undefined) throw new Error();
 * ```
 */
export function birdDesired(state: NodeState): BirdDesired {
  const items = [...state.values()].sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  return {
    bgp: items.find((item): item is BgpItem => item.kind === "bgp"),
    peers: items.filter((item): item is PeerItem => item.kind === "peer"),
    blocks: items.filter(isLocalRoute).map((item) => item.id),
    pools: items.filter((item): item is PoolItem => item.kind === "pool"),
  };
}

function isLocalRoute(item: NodeItem): boolean {
  return item.kind === "route" && item.type === "local";
}
