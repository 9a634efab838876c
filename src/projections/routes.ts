/**
 * Routes to blocks of addresses as nodes see them: local where the node allocates in the block, remote over the owner's address elsewhere. Made from block
 * facts by the node projection.
 *
 * @module
 */
import type { Fabric } from "#/projections/fabric.ts";
import { memoised } from "#/projections/memo.ts";
import type { RouteItem } from "#/projections/node_state.ts";
import { poolEncapsulates } from "#/projections/pools.ts";

/**
 * The route to a block from a node, or `undefined` when nobody owns the block. All nodes but the owner share one item. A block of a pool that is not
 * known counts as one without encapsulation.
 */
export function routeItem(fabric: Fabric, cidr: string, node: string): RouteItem | undefined {
  const block = fabric.blocks.get(cidr);
  if (block === undefined) return undefined;
  const type = block.node === node ? "local" : "remote";
  const byAgent = type === "local" || poolEncapsulates(fabric.pools.get(block.pool));
  return memoised(fabric.memo, "route", `${cidr}@${type}`, () => ({
    kind: "route",
    id: cidr,
    cidr,
    type,
    node: block.node,
    gateway: fabric.nodes.get(block.node)?.address,
    programmedBy: byAgent ? "agent" : "bird",
    pool: block.pool,
  }));
}
