/**
 * What EndpointSlices contribute to the sets of Services that rules name: addresses behind the Service, ready or not, with the slices' ports. `ip_sets.ts`
 * counts the contributions together with all others.
 *
 * @module
 */
import { formatIp, parseIp } from "#/base/ip.ts";
import { isJsonObject, type Json } from "#/base/json.ts";
import { formatProtocol, parseProtocol } from "#/base/protocol.ts";
import type { ServiceSetDefinition } from "#/policy/lowering/set_definition.ts";
import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";
import { SERVICE_NAME_LABEL } from "#/resources/kinds/peer_spec.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Collection of the objects that fill the sets of Services. */
export const ENDPOINT_SLICES = "discovery.k8s.io/endpointslices";

/** What one EndpointSlice says. */
export interface ServiceSlice {
  /** `namespace/name` of the Service. */
  readonly service: string;
  /** Canonical text. */
  readonly addresses: readonly string[];
  /** `tcp:8080`. */
  readonly ports: readonly string[];
}

/** Slices by key, and their keys by Service. */
export interface ServiceSlices {
  readonly slices: Map<string, ServiceSlice>;
  readonly byService: Multimap<string, string>;
}

/** No slices. */
export function createServiceSlices(): ServiceSlices {
  return { slices: new Map(), byService: new Map() };
}

/**
 * Reads an EndpointSlice; `undefined` for one of no Service. What cannot be read is left out: addresses that are none (those of type FQDN), ports without
 * a number.
 *
 * @example
 * ```ts
 * import { readEndpointSlice } from "#/projections/service_sets.ts";
 * const slice = readEndpointSlice({
 *   apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice",
 *   metadata: { name: "db-1", namespace: "shop", labels: { "kubernetes.io/service-name": "db" } },
 *   addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.5"] }], ports: [{ port: 5432 }],
 * });
 * if (slice?.service !== "shop/db" || slice.ports[0] !== "tcp:5432") throw new Error();
 * ```
 */
export function readEndpointSlice(object: KubeObject): ServiceSlice | undefined {
  const { namespace, labels } = object.metadata;
  const name = labels?.[SERVICE_NAME_LABEL];
  if (name === undefined || name === "") return undefined;
  const addresses = list(object.endpoints as Json | undefined)
    .flatMap((endpoint) => isJsonObject(endpoint) ? list(endpoint.addresses) : [])
    .flatMap(readAddress);
  const ports = list(object.ports as Json | undefined).flatMap(readPort);
  return { service: `${namespace ?? ""}/${name}`, addresses: [...new Set(addresses)], ports: [...new Set(ports)] };
}

/** Puts a slice in place of its former self, which is returned; `undefined` ends it. */
export function replaceSlice(
  state: ServiceSlices,
  key: string,
  next: ServiceSlice | undefined,
): ServiceSlice | undefined {
  const old = state.slices.get(key);
  if (old !== undefined) removeFrom(state.byService, old.service, key);
  if (next === undefined) {
    state.slices.delete(key);
    return old;
  }
  state.slices.set(key, next);
  addTo(state.byService, next.service, key);
  return old;
}

/** The slices of a Service. */
export function slicesOf(state: ServiceSlices, service: string): readonly ServiceSlice[] {
  return [...state.byService.get(service) ?? []].flatMap((key) => state.slices.get(key) ?? []);
}

/** What a slice contributes to a set of its Service. */
export function sliceMembers(slice: ServiceSlice, type: ServiceSetDefinition["type"]): readonly string[] {
  if (type === "net") return slice.addresses;
  return slice.addresses.flatMap((address) => slice.ports.map((port) => `${address},${port}`));
}

function readAddress(address: Json): string[] {
  const ip = typeof address === "string" ? parseIp(address) : undefined;
  return ip === undefined ? [] : [formatIp(ip)];
}

function readPort(entry: Json): string[] {
  if (!isJsonObject(entry) || typeof entry.port !== "number") return [];
  const named = typeof entry.protocol === "string" && entry.protocol !== "" ? entry.protocol : "TCP";
  const protocol = parseProtocol(named);
  return protocol === undefined ? [] : [`${formatProtocol(protocol).toLowerCase()}:${entry.port}`];
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
