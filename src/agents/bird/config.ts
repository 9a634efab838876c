/**
 * Prints BIRD's configuration from what BIRD must be. Pure, and equal inputs give equal text, so that the driver can compare texts. Written for BIRD
 * 2.0.12 and IPv4.
 *
 * What BIRD is made to do: announce the node's blocks to its peers as a whole, learn the blocks of others and put those into the kernel, and stay out of the
 * kernel otherwise. The blocks are blackholes inside BIRD only; the blackholes in the kernel, and the routes to pods, are the agent's own.
 *
 * @module
 */
import { type Cidr, formatCidr, parseCidr } from "#/base/cidr.ts";
import { ipBits, parseIp } from "#/base/ip.ts";
import { ROUTE_PROTOCOLS } from "#/agents/kernel/kernel.ts";
import type { BgpItem, PeerItem, PoolItem } from "#/projections/node_state.ts";
import type { BirdDesired } from "./desired.ts";

/** Seconds that a restarted BIRD waits for its peers before it removes routes that it put into the kernel in its last life. */
export const GRACEFUL_RESTART_WAIT_S = 10;
/** Size at which BIRD's log is rotated, in bytes; two files are kept. */
export const LOG_BYTES_MAX = 1_048_576;

/** What the text depends on besides the node state. */
export interface BirdConfigOptions {
  /** Path of BIRD's log. */
  readonly logFile: string;
}

/** A configuration, and the items that could not be part of it. */
export interface BirdConfig {
  readonly text: string;
  /** Ids of the peers that have a session, by BIRD's name for it. */
  readonly sessions: ReadonlyMap<string, string>;
  readonly problems: readonly BirdProblem[];
}

/** An item of the node state that BIRD cannot be told. */
export interface BirdProblem {
  /** `kind:id`. */
  readonly item: string;
  readonly message: string;
}

/**
 * Prints the configuration. An item that cannot be printed is left out and reported; it never stops the others.
 *
 * @example
 * ```ts
 * import { birdConfig } from "#/agents/bird/config.ts";
 * const desired = { bgp: undefined, peers: [], blocks: ["10.0.0.0/26"], pools: [] };
 * const { text, problems } = birdConfig(desired, { logFile: "/run/bird.log" });
 * if (!text.includes("route 10.0.0.0/26 blackhole;") || problems.length !== 0) throw new Error();
 * ```
 */
export function birdConfig(desired: BirdDesired, options: BirdConfigOptions): BirdConfig {
  const problems: BirdProblem[] = [];
  const bgp = checkedBgp(desired.bgp, problems);
  const peers = bgp === undefined ? [] : checkedPeers(desired.peers, problems);
  const blocks = desired.blocks.flatMap((block) => ipv4Network("route", block, block, problems));
  const pools = desired.pools.flatMap((pool) =>
    ipv4Network("pool", pool.id, pool.cidr, problems).map((cidr) => ({ pool, cidr }))
  );
  const sections = [
    globalSection(bgp, options),
    devicesSection(),
    blocksSection(blocks),
    kernelSection(pools),
    exportSection(blocks, pools),
    importSection(pools),
    ...(bgp === undefined ? [] : [templateSection(), ...peers.map((peer) => peerSection(peer, bgp))]),
  ];
  const sessions = new Map(peers.map((peer) => [protocolName(peer.id), peer.id]));
  return { text: `${sections.join("\n\n")}\n`, sessions, problems };
}

/**
 * BIRD's name for the session of a peer. Peers' ids are names already unless they clash with a word of BIRD's language or have other characters; quoting
 * does not help against the former.
 */
export function protocolName(id: string): string {
  const plain = id.replaceAll(/[^A-Za-z0-9_]/g, "_");
  return /^(Mesh|Global|Node)_/.test(plain) ? plain : `Peer_${plain}`;
}

interface PoolNetwork {
  readonly pool: PoolItem;
  readonly cidr: Cidr;
}

function checkedBgp(bgp: BgpItem | undefined, problems: BirdProblem[]): BgpItem | undefined {
  if (bgp === undefined) return undefined;
  const wrong = [bgp.routerId, bgp.address].find((address) => parseIp(address)?.version !== 4);
  if (wrong === undefined) return bgp;
  problems.push({ item: "bgp:bgp", message: `Address must be IPv4: "${wrong}"` });
  return undefined;
}

function checkedPeers(peers: readonly PeerItem[], problems: BirdProblem[]): readonly PeerItem[] {
  const names = new Set<string>();
  return peers.filter((peer) => {
    const name = protocolName(peer.id);
    const wrong = [peer.address, peer.sourceAddress].find((address) =>
      address !== undefined && parseIp(address)?.version !== 4
    );
    const message = wrong !== undefined
      ? `Address must be IPv4: "${wrong}"`
      : names.has(name)
      ? `Name must be unlike other peers': "${name}"`
      : undefined;
    if (message !== undefined) problems.push({ item: `peer:${peer.id}`, message });
    names.add(name);
    return message === undefined;
  });
}

/** The network, if it is IPv4. One of IPv6 is none of this configuration's business; one that cannot be read is a problem. */
function ipv4Network(kind: "route" | "pool", id: string, text: string, problems: BirdProblem[]): readonly Cidr[] {
  const cidr = parseCidr(text);
  if (cidr === undefined) problems.push({ item: `${kind}:${id}`, message: `Network must be readable: "${text}"` });
  return cidr?.version === 4 ? [cidr] : [];
}

function globalSection(bgp: BgpItem | undefined, { logFile }: BirdConfigOptions): string {
  const log = JSON.stringify(logFile);
  const rotated = JSON.stringify(`${logFile}.1`);
  return lines(
    "# Written by Tortie's agent; changes are overwritten.",
    `log ${log} ${LOG_BYTES_MAX} ${rotated} { info, remote, warning, error, auth, fatal, bug };`,
    // Without sessions the identifier is never sent, but BIRD wants one where no interface has an address.
    `router id ${bgp?.routerId ?? "0.0.0.1"};`,
    `graceful restart wait ${GRACEFUL_RESTART_WAIT_S};`,
    ...debugLine(bgp?.logSeverity ?? "Info"),
  );
}

function debugLine(severity: string): readonly string[] {
  if (severity === "None") return [];
  return [severity === "Debug" ? "debug protocols all;" : "debug protocols { states };"];
}

function devicesSection(): string {
  return lines(
    "protocol device device1 {",
    "  scan time 1;",
    "}",
    "",
    "# Next hops of iBGP routes resolve through these.",
    "protocol direct direct1 {",
    "  ipv4;",
    '  interface -"cali*", -"kube-ipvs*", "*";',
    "}",
  );
}

/** Blocks of one address are announced by the route to their pod instead: they are reachable only while it is there. */
function blocksSection(blocks: readonly Cidr[]): string {
  return lines(
    "protocol static tortie_blocks {",
    "  ipv4;",
    ...blocks.filter(isBeyondHost).map((block) => `  route ${formatCidr(block)} blackhole;`),
    "}",
  );
}

function kernelSection(pools: readonly PoolNetwork[]): string {
  const encapsulated = pools.filter(({ pool }) => pool.ipipMode !== "Never" || pool.vxlanMode !== "Never");
  return lines(
    "filter tortie_kernel {",
    "  if source != RTS_BGP then reject;",
    ...encapsulated.map(({ cidr }) => `  # The agent carries packets of this pool.\n  ${rule(within(cidr), "reject")}`),
    "  accept;",
    "}",
    "",
    "protocol kernel kernel1 {",
    "  learn;",
    "  persist;",
    "  scan time 1;",
    "  merge paths on;",
    "  graceful restart;",
    "  ipv4 {",
    "    import all;",
    "    export filter tortie_kernel;",
    "  };",
    "}",
  );
}

/** The first rule that fits decides, in the order of the reference: closed pools, own blocks as a whole, then pools. */
function exportSection(blocks: readonly Cidr[], pools: readonly PoolNetwork[]): string {
  const closed = pools.filter(({ pool }) => pool.disableBGPExport);
  return lines(
    "filter tortie_export {",
    "  # Of the agent's own routes in the kernel only those to pods are news to peers.",
    `  if source = RTS_INHERIT && krt_source = ${ROUTE_PROTOCOLS.tortie} && ifname !~ "cali*" then reject;`,
    ...closed.map(({ cidr }) => `  ${rule(within(cidr), "reject")}`),
    ...blocks.filter(isBeyondHost).flatMap((block) => [
      `  if net = ${formatCidr(block)} then accept;`,
      `  ${rule(within(block), "reject")}`,
    ]),
    ...pools.map(({ cidr }) => `  ${rule(within(cidr), "accept")}`),
    "  reject;",
    "}",
  );
}

/** Nodes have nothing to tell each other but addresses of pools; other peers may announce anything. */
function importSection(pools: readonly PoolNetwork[]): string {
  return lines(
    "filter tortie_import_mesh {",
    ...pools.map(({ cidr }) => `  ${rule(within(cidr), "accept")}`),
    "  reject;",
    "}",
  );
}

function templateSection(): string {
  return lines(
    "template bgp tortie_peer {",
    "  multihop;",
    "  graceful restart on;",
    "  connect delay time 1;",
    "  connect retry time 1;",
    "  error wait time 1, 5;",
    "  ipv4 {",
    "    import all;",
    "    export filter tortie_export;",
    "    gateway recursive;",
    "    add paths on;",
    "  };",
    "}",
  );
}

function peerSection(peer: PeerItem, bgp: BgpItem): string {
  const local = [peer.sourceAddress, ...(bgp.listenPort === undefined ? [] : [`port ${bgp.listenPort}`])];
  const port = peer.port === undefined ? "" : ` port ${peer.port}`;
  const channel = [
    ...(peer.type === "mesh" ? ["    import filter tortie_import_mesh;"] : []),
    ...(peer.keepOriginalNextHop ? ["    next hop keep;"] : []),
  ];
  return lines(
    `protocol bgp ${protocolName(peer.id)} from tortie_peer {`,
    `  local ${[...local, `as ${bgp.asNumber}`].filter((word) => word !== undefined).join(" ")};`,
    `  neighbor ${peer.address}${port} as ${peer.asNumber};`,
    ...(peer.passive ? ["  passive on;"] : []),
    ...(channel.length === 0 ? [] : ["  ipv4 {", ...channel, "  };"]),
    "}",
  );
}

function isBeyondHost(cidr: Cidr): boolean {
  return cidr.prefixLength < ipBits(cidr.version);
}

/** The set of a network and everything in it. */
function within(cidr: Cidr): string {
  return `[ ${formatCidr(cidr)}+ ]`;
}

function rule(set: string, verdict: "accept" | "reject"): string {
  return `if net ~ ${set} then ${verdict};`;
}

function lines(...all: readonly string[]): string {
  return all.join("\n");
}
