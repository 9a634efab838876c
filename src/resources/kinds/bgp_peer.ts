/**
 * BGPPeer: a router, or a set of nodes or workloads, that nodes speak BGP with.
 *
 * @module
 */
import { z } from "zod";
import { type IpVersion, parseIp } from "#/base/ip.ts";
import { parsePortRange } from "#/base/port_range.ts";
import type { Problem } from "#/base/problem.ts";
import { canonicalAsNumber, mapMember, mapSpec } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, computedColumn, fieldColumn, NAME_COLUMN } from "#/resources/columns.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import {
  asNumber,
  durationText,
  filledText,
  ipText,
  secretKeyRef,
  selectorText,
} from "#/resources/kinds/field_schema.ts";
import { subdomainNameProblems } from "#/resources/metadata.ts";
import { DNS_SUBDOMAIN_RULE, isDnsSubdomain } from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";
import { forbidden, invalid, required } from "#/resources/problems.ts";

/** `spec` of a peer after admission. Exactly one of `peerIP`, `peerSelector` and `localWorkloadSelector` is there. */
export interface BGPPeerSpec {
  /** The one node that has the peering; not together with `nodeSelector`. With neither, every node has it. */
  readonly node?: string;
  readonly nodeSelector?: string;
  /** `address`, `address:port` or `[address]:port`; {@link parsePeerAddress} reads it. */
  readonly peerIP?: string;
  /** Nodes that are the other side. */
  readonly peerSelector?: string;
  /** Workloads of the node that are the other side. */
  readonly localWorkloadSelector?: string;
  /** AS of the other side. Absent with `peerIP`: the cluster's own. */
  readonly asNumber?: number;
  readonly localASNumber?: number;
  readonly numAllowedLocalASNumbers?: number;
  /** Hops allowed under GTSM; 0 or absent: off. */
  readonly ttlSecurity?: number;
  readonly reachableBy?: string;
  readonly password?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
  readonly sourceAddress?: "UseNodeIP" | "None";
  readonly maxRestartTime?: string;
  readonly keepaliveTime?: string;
  readonly filters?: readonly string[];
  readonly nextHopMode?: "Auto" | "Self" | "Keep";
  readonly keepOriginalNextHop?: boolean;
  readonly reversePeering?: "Auto" | "Manual";
}

/** The spec of an admitted peer. */
export function bgpPeerSpecOf(object: KubeObject): BGPPeerSpec {
  return (object.spec ?? {}) as unknown as BGPPeerSpec;
}

/** Where a peer listens. */
export interface PeerAddress {
  readonly version: IpVersion;
  readonly address: string;
  /** `undefined` means BGP's own, 179. */
  readonly port: number | undefined;
}

/**
 * Reads `peerIP`: an address, alone or with a port; an IPv6 address with a port stands in brackets. `undefined` for anything else.
 *
 * @example
 * ```ts
 * import { parsePeerAddress } from "#/resources/kinds/bgp_peer.ts";
 * if (parsePeerAddress("10.0.0.1:1179")?.port !== 1179) throw new Error();
 * if (parsePeerAddress("[fd00::1]:179")?.version !== 6 || parsePeerAddress("fd00::1")?.port !== undefined) throw new Error();
 * if (parsePeerAddress("10.0.0.1:0") !== undefined) throw new Error();
 * ```
 */
export function parsePeerAddress(text: string): PeerAddress | undefined {
  const alone = parseIp(text);
  if (alone !== undefined) return { version: alone.version, address: text, port: undefined };
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  const ip = address === undefined ? undefined : parseIp(address);
  const port = match === null ? undefined : parsePortRange(match[3]!)?.min;
  const isBracketed = match?.[1] !== undefined;
  if (ip === undefined || port === undefined || isBracketed !== (ip.version === 6)) return undefined;
  return { version: ip.version, address: address!, port };
}

const schema = z.strictObject({
  spec: z.strictObject({
    node: z.string().max(253).optional().describe("The one node that has the peering."),
    nodeSelector: selectorText().optional().describe("Nodes that have the peering; all when node is left out too."),
    peerIP: z.string().max(64).refine((text) => text === "" || parsePeerAddress(text) !== undefined, {
      error: "must be an address, ADDRESS:PORT, or [ADDRESS]:PORT for IPv6",
    }).optional().describe("Address of the other side, with a port where it is not 179."),
    peerSelector: selectorText().optional().describe("Nodes that are the other side."),
    localWorkloadSelector: selectorText().optional().describe("Workloads of the node that are the other side."),
    asNumber: asNumber().optional().describe(
      "AS number of the other side, as number or a.b. The cluster's own when left out with peerIP.",
    ),
    localASNumber: asNumber().optional().describe("AS number that the node uses towards this peer."),
    numAllowedLocalASNumbers: z.int().min(0).max(255).optional().describe(
      "How often the node's own AS number may stand in paths that it accepts.",
    ),
    ttlSecurity: z.int().min(0).max(255).optional().describe("Hops to the peer under TTL security; 0 is off."),
    reachableBy: ipText().optional().describe("Gateway to the peer, where it is not on a connected network."),
    password: z.strictObject({ secretKeyRef: secretKeyRef().optional() }).optional().describe(
      "Password of the session.",
    ),
    sourceAddress: z.enum(["UseNodeIP", "None"]).optional().describe(
      "Whether the session starts from the node's address.",
    ),
    maxRestartTime: durationText().optional().describe("How long routes are kept while the peer restarts."),
    keepaliveTime: durationText().optional().describe("Time between keep-alive messages."),
    filters: z.array(filledText(253).describe("Name of a BGPFilter.")).optional().describe(
      "Filters, applied in order.",
    ),
    nextHopMode: z.enum(["Auto", "Self", "Keep"]).optional().describe("What next hop the peer is told."),
    keepOriginalNextHop: z.boolean().optional().describe("Whether the next hop stays; use nextHopMode instead."),
    reversePeering: z.enum(["Auto", "Manual"]).optional().describe(
      "Whether nodes chosen by peerSelector get the other side of the peering by themselves.",
    ),
  }).describe("What the peering is."),
});

const TARGETS = ["peerIP", "peerSelector", "localWorkloadSelector"] as const;

function defaults(object: KubeObject): KubeObject {
  return mapSpec(object, (spec) => {
    return mapMember(mapMember(spec, "asNumber", canonicalAsNumber), "localASNumber", canonicalAsNumber);
  });
}

function validate(object: KubeObject): readonly Problem[] {
  const spec = bgpPeerSpecOf(object);
  const problems = subdomainNameProblems(object);
  if (isGiven(spec.node) && !isDnsSubdomain(spec.node)) {
    problems.push(invalid("spec.node", spec.node, DNS_SUBDOMAIN_RULE));
  }
  if (isGiven(spec.node) && isGiven(spec.nodeSelector)) {
    problems.push(forbidden("spec.nodeSelector", "must not be given together with node"));
  }
  if (spec.keepOriginalNextHop === true && spec.nextHopMode !== undefined) {
    problems.push(forbidden("spec.keepOriginalNextHop", "must not be true where nextHopMode is given"));
  }
  return [...problems, ...targetProblems(spec), ...reachabilityProblems(spec)];
}

function targetProblems(spec: BGPPeerSpec): Problem[] {
  const given = TARGETS.filter((target) => isGiven(spec[target]));
  if (given.length === 0) {
    return [required("spec.peerIP", "must give one of peerIP, peerSelector and localWorkloadSelector")];
  }
  const [first, ...others] = given;
  const problems = others.map((target) => forbidden(`spec.${target}`, `must not be given together with ${first}`));
  if (given.includes("peerSelector") && spec.asNumber !== undefined) {
    problems.push(
      forbidden("spec.asNumber", "must not be given together with peerSelector: it is the peer node's own"),
    );
  }
  if (given.includes("localWorkloadSelector") && spec.asNumber === undefined) {
    problems.push(required("spec.asNumber", "must be given together with localWorkloadSelector"));
  }
  return problems;
}

function reachabilityProblems(spec: BGPPeerSpec): Problem[] {
  if (spec.reachableBy === undefined) return [];
  if (!isGiven(spec.peerIP)) {
    return [forbidden("spec.reachableBy", "must be given only together with peerIP")];
  }
  const peer = parsePeerAddress(spec.peerIP);
  const gateway = parseIp(spec.reachableBy);
  if (peer === undefined || gateway === undefined || peer.version === gateway.version) return [];
  return [invalid("spec.reachableBy", spec.reachableBy, `must be an IPv${peer.version} address, as peerIP`)];
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

/** The kind. */
export const bgpPeer: KindDefinition = defineCalicoKind({
  kind: "BGPPeer",
  plural: "bgppeers",
  singular: "bgppeer",
  shortNames: ["bgpp"],
  namespaced: false,
  description: "A router, or a set of nodes or workloads, that nodes speak BGP with.",
  schema,
  defaults,
  validate,
  columns: [
    NAME_COLUMN,
    fieldColumn("PeerIP", "spec.peerIP", "Address of the other side."),
    computedColumn("Node", "Nodes that have the peering.", (object) => {
      const { node, nodeSelector } = bgpPeerSpecOf(object);
      return isGiven(node) ? node : isGiven(nodeSelector) ? nodeSelector : "(global)";
    }),
    fieldColumn("ASN", "spec.asNumber", "AS number of the other side.", "integer"),
    AGE_COLUMN,
  ],
});
