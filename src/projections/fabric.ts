/**
 * What routes, pools and BGP rest on: nodes, pools, blocks and BGP settings, read once from objects and facts. Small (nothing in it per Pod), so the node
 * projection keeps two of it, at the last flush and now, and finds what changed by asking both the same questions.
 *
 * @module
 */
import { isJsonObject, type Json, jsonEquals, type JsonObject } from "#/base/json.ts";
import type { BlockRecord, Change } from "#/projections/cluster_state.ts";
import type { Labels } from "#/projections/label_index.ts";
import type { ItemMemo } from "#/projections/memo.ts";
import { parseAsNumber } from "#/projections/node_view.ts";
import { type Pool, readPool } from "#/projections/pools.ts";
import { NODES } from "#/projections/views.ts";
import type { KubeObject } from "#/resources/object.ts";

/** A node as the fabric sees it. */
export interface FabricNode {
  readonly name: string;
  readonly labels: Labels;
  /** IPv4 address with its prefix length. */
  readonly network: string | undefined;
  /** The same without prefix length. */
  readonly address: string | undefined;
  readonly asNumber: number | undefined;
  readonly routeReflectorClusterId: string | undefined;
}

/** A block of addresses and its owner. */
export interface FabricBlock {
  readonly cidr: string;
  readonly node: string;
  readonly pool: string;
}

/** Everything that routes, pools and BGP are made of. */
export interface Fabric {
  readonly nodes: Map<string, FabricNode>;
  readonly pools: Map<string, Pool>;
  readonly blocks: Map<string, FabricBlock>;
  /** Specs of BGPConfigurations by name. */
  readonly bgpConfigurations: Map<string, JsonObject>;
  readonly bgpPeers: Map<string, KubeObject>;
  /** Items that several nodes share, made on demand; thrown away with the fabric. */
  readonly memo: ItemMemo;
}

/** Which of the fabric's keys differ from the last flush. */
export interface FabricDirt {
  readonly nodes: Set<string>;
  readonly pools: Set<string>;
  readonly blocks: Set<string>;
  bgp: boolean;
}

/** A fabric of nothing. */
export function createFabric(): Fabric {
  return {
    nodes: new Map(),
    pools: new Map(),
    blocks: new Map(),
    bgpConfigurations: new Map(),
    bgpPeers: new Map(),
    memo: new Map(),
  };
}

/** Nothing differs. */
export function createFabricDirt(): FabricDirt {
  return { nodes: new Set(), pools: new Set(), blocks: new Set(), bgp: false };
}

/** A fabric of its own with the same content and an empty memo. */
export function copyFabric(fabric: Fabric): Fabric {
  return {
    nodes: new Map(fabric.nodes),
    pools: new Map(fabric.pools),
    blocks: new Map(fabric.blocks),
    bgpConfigurations: new Map(fabric.bgpConfigurations),
    bgpPeers: new Map(fabric.bgpPeers),
    memo: new Map(),
  };
}

/** Whether a change concerns the fabric at all. */
export function concernsFabric(change: Change): boolean {
  return change.kind === "block" || (change.kind === "object" && FABRIC_COLLECTIONS.includes(change.collection));
}

/** Takes a change over into the fabric, and notes what differs by it. A change that alters nothing the fabric reads leaves no trace. */
export function applyToFabric(fabric: Fabric, dirt: FabricDirt, change: Change): void {
  if (change.kind === "block") {
    if (replace(fabric.blocks, change.cidr, readBlock(change.after))) dirt.blocks.add(change.cidr);
    return;
  }
  if (change.kind !== "object") return;
  const name = change.key.slice(1);
  const { after } = change;
  switch (change.collection) {
    case NODES:
      if (replace(fabric.nodes, name, after && readNode(after))) dirt.nodes.add(name);
      return;
    case IP_POOLS:
      if (replace(fabric.pools, name, after && readPool(after))) dirt.pools.add(name);
      return;
    case BGP_CONFIGURATIONS:
      if (replace(fabric.bgpConfigurations, name, after && (after.spec ?? {}))) dirt.bgp = true;
      return;
    case BGP_PEERS:
      if (replace(fabric.bgpPeers, name, after)) dirt.bgp = true;
      return;
    default:
      return;
  }
}

const IP_POOLS = "projectcalico.org/ippools";
const BGP_CONFIGURATIONS = "projectcalico.org/bgpconfigurations";
const BGP_PEERS = "projectcalico.org/bgppeers";
const FABRIC_COLLECTIONS: readonly string[] = [NODES, IP_POOLS, BGP_CONFIGURATIONS, BGP_PEERS];

function readBlock(record: BlockRecord | undefined): FabricBlock | undefined {
  return record === undefined ? undefined : { cidr: record.cidr, node: record.node, pool: record.pool };
}

function readNode(object: KubeObject): FabricNode {
  const bgp = isJsonObject(object.spec?.bgp) ? object.spec.bgp : {};
  const network = typeof bgp.ipv4Address === "string" ? bgp.ipv4Address : undefined;
  return {
    name: object.metadata.name,
    labels: object.metadata.labels ?? {},
    network,
    address: network?.split("/")[0],
    asNumber: bgp.asNumber === undefined ? undefined : parseAsNumber(String(bgp.asNumber)),
    routeReflectorClusterId: typeof bgp.routeReflectorClusterID === "string" ? bgp.routeReflectorClusterID : undefined,
  };
}

/** Puts or deletes; returns whether the content differs afterwards. */
function replace<T>(map: Map<string, T>, key: string, next: T | undefined): boolean {
  const old = map.get(key);
  if (jsonEquals(old as Json | undefined, next as Json | undefined) && (old === undefined) === (next === undefined)) {
    return false;
  }
  if (next === undefined) map.delete(key);
  else map.set(key, next);
  return true;
}
