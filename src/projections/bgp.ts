/**
 * BGP as each node speaks it: the full mesh between nodes and the sessions of BGPPeer objects. Made from nodes, BGPConfigurations and BGPPeers by the node
 * projection; the agent prints it for BIRD.
 *
 * Thinner than Calico: IPv4 sessions only, no route reflector clients and no automatic reverse peerings, no passwords, no local workload peers.
 *
 * @module
 */
import { parseIp } from "#/base/ip.ts";
import type { Json, JsonObject } from "#/base/json.ts";
import { matchSelector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import type { Fabric, FabricNode } from "#/projections/fabric.ts";
import type { BgpItem, PeerItem } from "#/projections/node_state.ts";
import { parseAsNumber } from "#/projections/node_view.ts";
import type { KubeObject } from "#/resources/object.ts";

/** AS number of a cluster that names none. */
export const AS_NUMBER_DEFAULT = 64_512;

/** BGP of a node; `undefined` while it has no IPv4 address, because then it speaks none. */
export function bgpItem(fabric: Fabric, node: string): BgpItem | undefined {
  const self = fabric.nodes.get(node);
  if (self?.address === undefined) return undefined;
  return {
    kind: "bgp",
    id: "bgp",
    asNumber: asNumberOf(fabric, self),
    routerId: self.address,
    address: self.address,
    listenPort: listenPortOf(fabric, node),
    logSeverity: text(setting(fabric, node, "logSeverityScreen")) ?? "Info",
  };
}

/**
 * The sessions of a node: the mesh, then global peers, then its own. A session to an address and port that is there already is left out; BGPPeers that
 * compete are taken oldest first, then by name.
 */
export function peerItems(fabric: Fabric, node: string): PeerItem[] {
  const self = fabric.nodes.get(node);
  if (self?.address === undefined) return [];
  const known = { ...self, address: self.address };
  const sessions = new Map<string, PeerItem>();
  for (const peer of [...meshPeers(fabric, known), ...explicitPeers(fabric, known)]) {
    const key = `${peer.address} ${peer.port ?? ""}`;
    if (!sessions.has(key)) sessions.set(key, peer);
  }
  return [...sessions.values()];
}

/** A node whose address is known. */
type Speaker = FabricNode & { readonly address: string };

function meshPeers(fabric: Fabric, self: Speaker): PeerItem[] {
  const enabled = fabric.bgpConfigurations.get("default")?.nodeToNodeMeshEnabled !== false;
  if (!enabled || self.routeReflectorClusterId !== undefined) return [];
  return speakers(fabric).filter((peer) => peer.routeReflectorClusterId === undefined && peer.address !== self.address)
    .map((peer) => ({
      kind: "peer",
      id: `Mesh_${underscored(peer.address)}`,
      type: "mesh",
      address: peer.address,
      port: listenPortOf(fabric, peer.name),
      asNumber: asNumberOf(fabric, peer),
      // Compared as text, as Calico does: one side dials, the other listens, and sessions do not collide.
      passive: peer.address > self.address,
      sourceAddress: self.address,
      keepOriginalNextHop: false,
    }));
}

function explicitPeers(fabric: Fabric, self: Speaker): PeerItem[] {
  const peers = [...fabric.bgpPeers.values()].sort(byAgeThenName);
  const global = peers.filter((peer) => scopeOf(peer) === "global");
  const own = peers.filter((peer) => scopeOf(peer) === "node" && isInScope(peer.spec ?? {}, self));
  return [
    ...global.flatMap((peer) => sessionsOf(fabric, self, peer, "global")),
    ...own.flatMap((peer) => sessionsOf(fabric, self, peer, "node")),
  ];
}

function sessionsOf(fabric: Fabric, self: Speaker, peer: KubeObject, type: "global" | "node"): PeerItem[] {
  const spec = peer.spec ?? {};
  const selfAs = asNumberOf(fabric, self);
  return targetsOf(fabric, spec).filter((target) => target.address !== self.address).map((target) => ({
    kind: "peer",
    id: `${type === "global" ? "Global" : "Node"}_${underscored(target.address)}${target.suffix}`,
    type,
    address: target.address,
    port: target.port,
    asNumber: target.asNumber,
    passive: type === "global" && target.isNode && target.address > self.address,
    sourceAddress: spec.sourceAddress === "None" ? undefined : self.address,
    keepOriginalNextHop: spec.nextHopMode === "Keep" ||
      (spec.keepOriginalNextHop === true && target.asNumber !== selfAs),
  }));
}

interface Target {
  readonly address: string;
  readonly port: number | undefined;
  readonly asNumber: number;
  /** Tells sessions to several ports of one address apart. */
  readonly suffix: string;
  /** It is a node of the cluster that was given by its address. */
  readonly isNode: boolean;
}

function targetsOf(fabric: Fabric, spec: JsonObject): Target[] {
  const peerIp = text(spec.peerIP);
  if (peerIp !== undefined) return targetByAddress(fabric, spec, peerIp);
  const selector = text(spec.peerSelector);
  if (selector === undefined) return [];
  return speakers(fabric).filter((node) => selects(selector, node)).map((node) => ({
    address: node.address,
    port: listenPortOf(fabric, node.name),
    asNumber: asNumberOf(fabric, node),
    suffix: "",
    isNode: false,
  }));
}

function targetByAddress(fabric: Fabric, spec: JsonObject, peerIp: string): Target[] {
  const match = /^(?:\[([^\]]+)\]:(\d+)|([^:]+):(\d+)|(.+))$/.exec(peerIp);
  const address = match?.[1] ?? match?.[3] ?? match?.[5] ?? "";
  if (parseIp(address)?.version !== 4) return [];
  const explicitPort = match?.[2] ?? match?.[4];
  const asNumber = readAsNumber(spec.asNumber) ?? clusterAsNumber(fabric);
  const node = speakers(fabric).find((each) => each.address === address && asNumberOf(fabric, each) === asNumber);
  const port = explicitPort === undefined ? node && listenPortOf(fabric, node.name) : Number(explicitPort);
  return [{
    address,
    port,
    asNumber,
    suffix: explicitPort === undefined ? "" : `_port_${explicitPort}`,
    isNode: node !== undefined,
  }];
}

function scopeOf(peer: KubeObject): "global" | "node" {
  return text(peer.spec?.node) === undefined && text(peer.spec?.nodeSelector) === undefined ? "global" : "node";
}

function isInScope(spec: JsonObject, self: Speaker): boolean {
  const selector = text(spec.nodeSelector);
  return text(spec.node) === self.name || (selector !== undefined && selects(selector, self));
}

/** Whether a selector of nodes matches; one that cannot be read matches none. */
function selects(selector: string, node: FabricNode): boolean {
  const parsed = parseSelector(selector);
  return parsed.kind === "parsed" &&
    matchSelector(parsed.selector, (key) => Object.hasOwn(node.labels, key) ? node.labels[key] : undefined);
}

/** Nodes with an address, by name, so that the order of sessions does not depend on that of events. */
function speakers(fabric: Fabric): Speaker[] {
  return [...fabric.nodes.values()].filter((node): node is Speaker => node.address !== undefined)
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

function asNumberOf(fabric: Fabric, node: FabricNode): number {
  return node.asNumber ?? clusterAsNumber(fabric);
}

function clusterAsNumber(fabric: Fabric): number {
  return readAsNumber(fabric.bgpConfigurations.get("default")?.asNumber) ?? AS_NUMBER_DEFAULT;
}

function readAsNumber(value: Json | undefined): number | undefined {
  return typeof value === "number" || typeof value === "string" ? parseAsNumber(String(value)) : undefined;
}

function listenPortOf(fabric: Fabric, node: string): number | undefined {
  const port = setting(fabric, node, "listenPort");
  return typeof port === "number" ? port : undefined;
}

/** A setting that the node's own BGPConfiguration may override. */
function setting(fabric: Fabric, node: string, name: string): Json | undefined {
  return fabric.bgpConfigurations.get(`node.${node}`)?.[name] ?? fabric.bgpConfigurations.get("default")?.[name];
}

function underscored(address: string): string {
  return address.replaceAll(/[.:]/g, "_");
}

function byAgeThenName(a: KubeObject, b: KubeObject): number {
  const [left, right] = [a, b].map((peer) => `${peer.metadata.creationTimestamp ?? ""} ${peer.metadata.name}`);
  return left! < right! ? -1 : 1;
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
