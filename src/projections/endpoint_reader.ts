/**
 * Reads what policy needs of the objects that have addresses: WorkloadEndpoints and network sets. The border between objects' text and the policy
 * projections; what cannot be read of one object is left out and never stops the others.
 *
 * @module
 */
import { type Cidr, formatCidrOrIp, maskCidr, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp, ipBits } from "#/base/ip.ts";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { parseProtocol } from "#/base/protocol.ts";
import { namespaceProfileName } from "#/policy/profile.ts";
import { NAMESPACE_LABEL } from "#/policy/scope.ts";
import type { Labels } from "#/projections/label_index.ts";
import type { EndpointItem } from "#/projections/node_state.ts";
import { WORKLOAD_ENDPOINTS } from "#/projections/views.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";

/** Collections whose objects are members of sets. */
export const PEER_COLLECTIONS: readonly string[] = [
  WORKLOAD_ENDPOINTS,
  "projectcalico.org/networksets",
  "projectcalico.org/globalnetworksets",
];

/** A port that a workload gives a name. */
export interface NamedPort {
  readonly name: string;
  /** IP protocol number. */
  readonly protocol: number;
  readonly port: number;
}

/** What an object contributes to sets that it is in. */
export interface Peer {
  /** Networks as members of `net` sets: masked, host prefixes bare. */
  readonly nets: readonly string[];
  /** Addresses whose ports have names; empty for network sets. */
  readonly addresses: readonly string[];
  readonly ports: readonly NamedPort[];
}

/** An endpoint that some node enforces policy on: all of its item but the chains. */
export interface PlacedEndpoint extends Omit<EndpointItem, "kind" | "ingress" | "egress"> {
  readonly node: string;
  readonly profiles: readonly string[];
}

/** An object with addresses, as the policy projections take it. */
export interface PeerObject {
  readonly labels: Labels;
  /** Profiles whose labels it inherits. */
  readonly parents: readonly string[];
  readonly peer: Peer;
  /** `undefined` for what is on no node or has no interface. */
  readonly placed: PlacedEndpoint | undefined;
}

/** Reads an object of one of the {@link PEER_COLLECTIONS}. */
export function readPeerObject(collection: string, object: KubeObject): PeerObject {
  return collection === WORKLOAD_ENDPOINTS ? readWorkloadEndpoint(object) : readNetworkSet(object);
}

function readWorkloadEndpoint(object: KubeObject): PeerObject {
  const spec = object.spec ?? {};
  const cidrs = readCidrs(spec.ipNetworks);
  const addresses = cidrs.filter((cidr) => cidr.prefixLength === ipBits(cidr.version))
    .map((cidr) => formatIp({ version: cidr.version, value: cidr.address }));
  const profiles = list(spec.profiles).filter((name) => typeof name === "string");
  return {
    labels: object.metadata.labels ?? {},
    parents: profiles,
    peer: { nets: cidrs.flatMap(setMembers), addresses, ports: list(spec.ports).flatMap(readPort) },
    placed: readPlaced(object, spec, addresses, profiles),
  };
}

function readPlaced(
  object: KubeObject,
  spec: JsonObject,
  addresses: readonly string[],
  profiles: readonly string[],
): PlacedEndpoint | undefined {
  const node = text(spec.node);
  const interfaceName = text(spec.interfaceName);
  if (node === undefined || interfaceName === undefined) return undefined;
  const pod = text(spec.pod);
  const id = objectKey(object.metadata);
  return {
    id,
    workload: pod === undefined ? id : `${object.metadata.namespace ?? ""}/${pod}`,
    node,
    interfaceName,
    mac: text(spec.mac),
    addresses,
    containerId: text(spec.containerID),
    profiles,
  };
}

function readNetworkSet(object: KubeObject): PeerObject {
  const { namespace, labels } = object.metadata;
  const nets = readCidrs(object.spec?.nets).flatMap(setMembers);
  const peer = { nets: [...new Set(nets)], addresses: [], ports: [] };
  if (namespace === undefined) return { labels: labels ?? {}, parents: [], peer, placed: undefined };
  return {
    labels: { ...labels, [NAMESPACE_LABEL]: namespace },
    parents: [namespaceProfileName(namespace)],
    peer,
    placed: undefined,
  };
}

function readCidrs(value: Json | undefined): Cidr[] {
  return list(value).map((net) => typeof net === "string" ? parseCidrOrIp(net) : undefined)
    .filter((cidr) => cidr !== undefined).map(maskCidr);
}

/** A network as members of a set: the whole of a family as its two halves, because the kernel's sets hold no prefix of length 0. */
function setMembers(cidr: Cidr): string[] {
  if (cidr.prefixLength > 0) return [formatCidrOrIp(cidr)];
  const upper = 1n << BigInt(ipBits(cidr.version) - 1);
  return [0n, upper].map((address) => formatCidrOrIp({ ...cidr, address, prefixLength: 1 }));
}

function readPort(entry: Json): NamedPort[] {
  if (!isJsonObject(entry)) return [];
  const name = text(entry.name);
  const named = typeof entry.protocol === "string" || typeof entry.protocol === "number" ? entry.protocol : "TCP";
  const protocol = parseProtocol(named);
  if (name === undefined || protocol === undefined || typeof entry.port !== "number") return [];
  return [{ name, protocol, port: entry.port }];
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
