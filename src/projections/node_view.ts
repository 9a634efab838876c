/**
 * The v3 Node as a view of the core Node: the network's facts about a node live in annotations of the core object, as Calico keeps them. Called by the
 * fold (`views.ts`) whenever a core Node changes.
 *
 * @module
 */
import { formatCidr, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp } from "#/base/ip.ts";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { derivedUid } from "#/base/names.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Prefix of the annotations that hold a node's network facts. */
export const NODE_ANNOTATION_PREFIX = "projectcalico.org/";

/** Highest AS number. */
const AS_NUMBER_MAX = 4_294_967_295;

/**
 * The v3 Node of a core Node, without `resourceVersion`.
 *
 * An annotation that cannot be read counts as absent: a broken address must not take the node's other facts along. `spec.bgp` is left out rather than
 * empty. The address of the node on the fabric is the annotation `projectcalico.org/IPv4Address` alone, never guessed from `status.addresses`,
 * because that has no prefix length and may be of another network.
 *
 * @example
 * ```ts
 * import { nodeFromCore } from "#/projections/node_view.ts";
 * const node = nodeFromCore({
 *   apiVersion: "v1", kind: "Node",
 *   metadata: { name: "node1", annotations: { "projectcalico.org/IPv4Address": "172.30.0.1/24" } },
 * });
 * if (JSON.stringify(node.spec?.bgp) !== '{"ipv4Address":"172.30.0.1/24"}') throw new Error(JSON.stringify(node));
 * ```
 */
export function nodeFromCore(core: KubeObject): KubeObject {
  const { name, uid, creationTimestamp, labels } = core.metadata;
  const read = (key: string): string | undefined => core.metadata.annotations?.[NODE_ANNOTATION_PREFIX + key];
  const bgp = bgpSpec(read);
  const spec = present({
    addresses: nodeAddresses(core, bgp),
    bgp: isEmpty(bgp) ? undefined : bgp,
    ipv4VXLANTunnelAddr: address(read("IPv4VXLANTunnelAddr")),
    ipv6VXLANTunnelAddr: address(read("IPv6VXLANTunnelAddr")),
    vxlanTunnelMACAddr: read("VXLANTunnelMACAddr"),
    wireguard: wireguardSpec(read),
    orchRefs: [{ nodeName: name, orchestrator: "k8s" }],
  });
  const status = nodeStatus(core, read);
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "Node",
    metadata: {
      name,
      ...(uid === undefined ? {} : { uid: derivedUid(uid) }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(labels === undefined ? {} : { labels }),
    },
    spec,
    ...(isEmpty(status) ? {} : { status }),
  };
}

/**
 * Reads an AS number written as an integer or as `high.low`; `undefined` for anything else, 0 included.
 *
 * @example
 * ```ts
 * import { parseAsNumber } from "#/projections/node_view.ts";
 * if (parseAsNumber("64512") !== 64512 || parseAsNumber("1.10") !== 65546 || parseAsNumber("1.70000") !== undefined) throw new Error();
 * ```
 */
export function parseAsNumber(text: string): number | undefined {
  const match = /^(?:(\d{1,5})\.)?(\d{1,10})$/.exec(text);
  if (match === null) return undefined;
  const high = match[1] === undefined ? undefined : Number(match[1]);
  const low = Number(match[2]);
  if (high !== undefined && (high > 65_535 || low > 65_535)) return undefined;
  const value = (high ?? 0) * 65_536 + low;
  return value >= 1 && value <= AS_NUMBER_MAX ? value : undefined;
}

type ReadAnnotation = (key: string) => string | undefined;

function bgpSpec(read: ReadAnnotation): JsonObject {
  return present({
    asNumber: parseAsNumber(read("ASNumber") ?? ""),
    ipv4Address: network(read("IPv4Address"), 4),
    ipv6Address: network(read("IPv6Address"), 6),
    ipv4IPIPTunnelAddr: address(read("IPv4IPIPTunnelAddr")),
    routeReflectorClusterID: read("RouteReflectorClusterID") || undefined,
  });
}

function wireguardSpec(read: ReadAnnotation): JsonObject | undefined {
  const spec = present({
    interfaceIPv4Address: address(read("IPv4WireguardInterfaceAddr")),
    interfaceIPv6Address: address(read("IPv6WireguardInterfaceAddr")),
  });
  return isEmpty(spec) ? undefined : spec;
}

function nodeAddresses(core: KubeObject, bgp: JsonObject): JsonObject[] | undefined {
  const known = core.status?.addresses;
  const fromStatus = (Array.isArray(known) ? known : []).filter(isJsonObject)
    .filter((entry) => entry.type === "InternalIP" || entry.type === "ExternalIP")
    .map((entry) => ({ address: entry.address, type: entry.type }));
  const fromBgp = [bgp.ipv4Address, bgp.ipv6Address].filter((entry) => typeof entry === "string")
    .map((entry) => ({ address: entry, type: "CalicoNodeIP" }));
  const all = [...fromBgp, ...fromStatus];
  return all.length === 0 ? undefined : all;
}

function nodeStatus(core: KubeObject, read: ReadAnnotation): JsonObject {
  const podCidrs = core.spec?.podCIDRs;
  return present({
    podCIDRs: Array.isArray(podCidrs) && podCidrs.length > 0 ? podCidrs : undefined,
    wireguardPublicKey: read("WireguardPublicKey") || undefined,
    wireguardPublicKeyV6: read("WireguardPublicKeyV6") || undefined,
  });
}

/** An address with its prefix length kept, host bits and all; a bare address counts as its own network. */
function network(text: string | undefined, version: 4 | 6): string | undefined {
  const cidr = text === undefined ? undefined : parseCidrOrIp(text);
  return cidr?.version === version ? formatCidr(cidr) : undefined;
}

function address(text: string | undefined): string | undefined {
  const cidr = text === undefined ? undefined : parseCidrOrIp(text);
  return cidr === undefined ? undefined : formatIp({ version: cidr.version, value: cidr.address });
}

function present(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function isEmpty(object: JsonObject): boolean {
  return Object.keys(object).length === 0;
}
