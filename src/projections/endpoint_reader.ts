/**
 * Reads what policy needs of the objects that have addresses: workload and host endpoints and network sets. The border between objects' text and the policy
 * projections; what cannot be read of one object is left out and never stops the others.
 *
 * @module
 */
import { type Cidr, formatCidrOrIp, maskCidr, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp, ipBits } from "#/base/ip.ts";
import { isJsonObject, type Json } from "#/base/json.ts";
import { parseProtocol } from "#/base/protocol.ts";
import { endpointLabels, systemLabels } from "#/policy/endpoint_labels.ts";
import { namespaceProfileName } from "#/policy/lowering/profile.ts";
import { NAMESPACE_LABEL } from "#/policy/endpoint_labels.ts";
import type { Labels } from "#/projections/label_index.ts";
import type { EndpointItem } from "#/projections/node_state.ts";
import { WORKLOAD_ENDPOINTS } from "#/projections/views.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";

/** Collection of the host endpoints. */
const HOST_ENDPOINTS = "projectcalico.org/hostendpoints";

/** Collections whose objects are members of sets. */
export const PEER_COLLECTIONS: readonly string[] = [
  WORKLOAD_ENDPOINTS,
  "projectcalico.org/networksets",
  "projectcalico.org/globalnetworksets",
  HOST_ENDPOINTS,
];

/** A port that an endpoint gives a name. */
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

/** A workload endpoint: all of its item but the chains. `node` is empty while it is on none; no node enforces it then, or without an interface. */
export interface WorkloadPlace extends Omit<EndpointItem, "kind" | "interfaceName" | "ingress" | "egress"> {
  readonly kind: "workload";
  readonly node: string;
  readonly interfaceName: string | undefined;
  readonly profiles: readonly string[];
}

/** A host endpoint. */
export interface HostPlace {
  readonly kind: "host";
  /** Its name. */
  readonly id: string;
  readonly node: string;
  /** `*` for every interface that has no endpoint of its own. */
  readonly interfaceName: string | undefined;
  readonly addresses: readonly string[];
  readonly profiles: readonly string[];
}

/** What policies select and govern. */
export type PlacedEndpoint = WorkloadPlace | HostPlace;

/** An object with addresses, as the policy projections take it. */
export interface PeerObject {
  readonly labels: Labels;
  /** Profiles whose labels it inherits. */
  readonly parents: readonly string[];
  readonly peer: Peer;
  /** `undefined` for network sets, which no policy governs. */
  readonly placed: PlacedEndpoint | undefined;
}

/** Reads an object of one of the {@link PEER_COLLECTIONS}. */
export function readPeerObject(collection: string, object: KubeObject): PeerObject {
  switch (collection) {
    case WORKLOAD_ENDPOINTS:
      return readWorkloadEndpoint(object);
    case HOST_ENDPOINTS:
      return readHostEndpoint(object);
    default:
      return readNetworkSet(object);
  }
}

function readWorkloadEndpoint(object: KubeObject): PeerObject {
  const spec = object.spec ?? {};
  const shared = readEndpoint(object, spec.ipNetworks);
  const pod = text(spec.pod);
  const id = objectKey(object.metadata);
  return {
    ...shared,
    placed: {
      kind: "workload",
      id,
      workload: pod === undefined ? id : `${object.metadata.namespace ?? ""}/${pod}`,
      node: text(spec.node) ?? "",
      interfaceName: text(spec.interfaceName),
      mac: text(spec.mac),
      addresses: shared.peer.addresses,
      containerId: text(spec.containerID),
      profiles: shared.parents,
    },
  };
}

function readHostEndpoint(object: KubeObject): PeerObject {
  const spec = object.spec ?? {};
  const shared = readEndpoint(object, spec.expectedIPs);
  return {
    ...shared,
    placed: {
      kind: "host",
      id: object.metadata.name,
      node: text(spec.node) ?? "",
      interfaceName: text(spec.interfaceName),
      addresses: shared.peer.addresses,
      profiles: shared.parents,
    },
  };
}

const NO_PORTS: readonly NamedPort[] = [];

function readEndpoint(object: KubeObject, networks: Json | undefined): Omit<PeerObject, "placed"> {
  const { profiles, ports } = object.spec ?? {};
  const cidrs = readCidrs(networks);
  const addresses = cidrs.filter((cidr) => cidr.prefixLength === ipBits(cidr.version))
    .map((cidr) => formatIp({ version: cidr.version, value: cidr.address }));
  return {
    labels: labelsOf(object),
    parents: list(profiles).filter((name) => typeof name === "string").slice(),
    peer: {
      // Bare addresses are their own members of sets, so that the two lists mostly are one.
      nets: addresses.length === cidrs.length ? addresses : cidrs.flatMap(setMembers),
      addresses,
      ports: ports === undefined ? NO_PORTS : list(ports).flatMap(readPort),
    },
  };
}

/** The object's own labels where those that the system gives are among them, as they are for most endpoints: then there is no copy. */
function labelsOf(object: KubeObject): Labels {
  const { labels } = object.metadata;
  const isWhole = labels !== undefined &&
    Object.entries(systemLabels(object)).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
  return isWhole ? labels : endpointLabels(object);
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
