/**
 * The fabric's part of a node's slice: config, pools, routes, BGP and peers, whole or as the difference of two fabrics. The node projection asks it.
 *
 * @module
 */
import { canonicalJson, type Json } from "#/base/json.ts";
import { bgpItem, peerItems } from "#/projections/bgp.ts";
import type { Fabric, FabricDirt } from "#/projections/fabric.ts";
import { type ConfigItem, type NodeDelta, type NodeItem, nodeItemKey } from "#/projections/node_state.ts";
import { poolItem } from "#/projections/pools.ts";
import { routeItem } from "#/projections/routes.ts";

/** Everything of the fabric that a node needs. Total: a node that nobody has registered has a config without address. */
export function fabricItems(fabric: Fabric, node: string): NodeItem[] {
  return [
    configItem(fabric, node),
    ...itemsOf(fabric.pools.keys(), (name) => poolItem(fabric, name, node)),
    ...itemsOf(fabric.blocks.keys(), (cidr) => routeItem(fabric, cidr, node)),
    ...sessionItems(fabric, node),
  ];
}

/**
 * What changes for each of some nodes between two fabrics, looking only at what is dirty. Deltas about a shared item are one object for all nodes.
 * Nodes without a change are left out.
 */
export function diffFabrics(
  before: Fabric,
  after: Fabric,
  dirt: FabricDirt,
  nodes: Iterable<string>,
): Map<string, NodeDelta[]> {
  const scope = {
    before,
    after,
    dirt,
    routes: dirtyRoutes(before, after, dirt),
    owners: dirtyOwners(before, after, dirt),
  };
  const differ = createDiffer();
  const deltas = new Map<string, NodeDelta[]>();
  for (const node of nodes) {
    const found = diffNode(scope, differ, node);
    if (found.length > 0) deltas.set(node, found);
  }
  return deltas;
}

interface Scope {
  readonly before: Fabric;
  readonly after: Fabric;
  readonly dirt: FabricDirt;
  readonly routes: ReadonlySet<string>;
  readonly owners: ReadonlySet<string>;
}

function diffNode(scope: Scope, differ: Differ, node: string): NodeDelta[] {
  const { before, after, dirt } = scope;
  const ownChange = dirt.nodes.has(node);
  const pools = ownChange ? new Set([...before.pools.keys(), ...after.pools.keys()]) : dirt.pools;
  const config = ownChange || scope.owners.has(node)
    ? differ.one(configItem(before, node), configItem(after, node))
    : [];
  const sessions = dirt.bgp || dirt.nodes.size > 0
    ? differ.many(sessionItems(before, node), sessionItems(after, node))
    : [];
  return [
    ...config,
    ...[...pools].flatMap((name) => differ.one(poolItem(before, name, node), poolItem(after, name, node))),
    ...[...scope.routes].flatMap((cidr) => differ.one(routeItem(before, cidr, node), routeItem(after, cidr, node))),
    ...sessions,
  ];
}

function configItem(fabric: Fabric, node: string): ConfigItem {
  const blocks = [...fabric.blocks.values()].filter((block) => block.node === node).map((block) => block.cidr).sort();
  return { kind: "config", id: "node", node, ipv4Address: fabric.nodes.get(node)?.network, blocks };
}

function sessionItems(fabric: Fabric, node: string): NodeItem[] {
  const bgp = bgpItem(fabric, node);
  return bgp === undefined ? [] : [bgp, ...peerItems(fabric, node)];
}

/** Blocks whose route may differ: changed themselves, or of a changed pool or owner. */
function dirtyRoutes(before: Fabric, after: Fabric, dirt: FabricDirt): Set<string> {
  const routes = new Set(dirt.blocks);
  for (const block of [...before.blocks.values(), ...after.blocks.values()]) {
    if (dirt.pools.has(block.pool) || dirt.nodes.has(block.node)) routes.add(block.cidr);
  }
  return routes;
}

/** Nodes that own a changed block, or did. */
function dirtyOwners(before: Fabric, after: Fabric, dirt: FabricDirt): Set<string> {
  const owners = [...dirt.blocks].flatMap((cidr) => [before.blocks.get(cidr)?.node, after.blocks.get(cidr)?.node]);
  return new Set(owners.filter((owner) => owner !== undefined));
}

interface Differ {
  one(before: NodeItem | undefined, after: NodeItem | undefined): NodeDelta[];
  many(before: readonly NodeItem[], after: readonly NodeItem[]): NodeDelta[];
}

/** Compares items, with the texts and deltas of shared ones kept for the next node. */
function createDiffer(): Differ {
  const texts = new Map<NodeItem, string>();
  const puts = new Map<NodeItem, NodeDelta>();
  const textOf = (item: NodeItem): string => {
    let text = texts.get(item);
    if (text === undefined) texts.set(item, text = canonicalJson(item as unknown as Json));
    return text;
  };
  const one = (before: NodeItem | undefined, after: NodeItem | undefined): NodeDelta[] => {
    if (after === undefined) return before === undefined ? [] : [{ op: "del", kind: before.kind, id: before.id }];
    if (before === after || (before !== undefined && textOf(before) === textOf(after))) return [];
    let put = puts.get(after);
    if (put === undefined) puts.set(after, put = { op: "put", item: after });
    return [put];
  };
  const many = (before: readonly NodeItem[], after: readonly NodeItem[]): NodeDelta[] => {
    const old = new Map(before.map((item) => [nodeItemKey(item), item]));
    const now = new Map(after.map((item) => [nodeItemKey(item), item]));
    return [...new Set([...old.keys(), ...now.keys()])].flatMap((key) => one(old.get(key), now.get(key)));
  };
  return { one, many };
}

function itemsOf(ids: Iterable<string>, item: (id: string) => NodeItem | undefined): NodeItem[] {
  return [...ids].map(item).filter((each) => each !== undefined);
}
