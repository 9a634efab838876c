/**
 * EndpointSlices as views: where nobody writes slices for a Service with a selector, the fold keeps those that follow from its Pods. Called by `views.ts` for
 * every change of a Service, a Pod or a stored slice.
 *
 * Views have names of their own (`isWorkedOutSliceName`) that nobody else may take, so that none ever stands where a stored slice could.
 *
 * @module
 */
import { isJsonObject, type Json, jsonEquals, type JsonObject } from "#/base/json.ts";
import type { IpVersion } from "#/base/ip.ts";
import { type ClusterState, getObject, keysOfNamespace, type ObjectChange } from "#/projections/cluster_state.ts";
import { ENDPOINTS_MAX } from "#/resources/kinds/endpoint_slice.ts";
import { SERVICE_NAME_LABEL } from "#/resources/kinds/peer_spec.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";
import {
  endpointSlicesOf,
  FAMILIES,
  isWorkedOutSliceName,
  type PodEndpoints,
  podEndpoints,
  selectsEndpoints,
} from "#/resources/service_endpoints.ts";

/** Collection of the EndpointSlices: those that controllers write, and views. */
export const ENDPOINT_SLICES = "discovery.k8s.io/endpointslices";
const SERVICES = "core/services";
const PODS = "core/pods";

/** A slice as it must be, or that none must be there. */
export interface SliceUpdate {
  readonly key: string;
  readonly object: KubeObject | undefined;
}

/** The slices that a change of a Service, a Pod or a stored slice touches, in the state after it; in order of their Services' names. */
export function slicesAfter(state: ClusterState, change: ObjectChange): SliceUpdate[] {
  const namespace = change.key.slice(0, change.key.indexOf("/"));
  switch (change.collection) {
    case SERVICES:
      return serviceSlices(state, namespace, change.key.slice(namespace.length + 1));
    case ENDPOINT_SLICES: {
      const names = [change.before, change.after].map((slice) =>
        slice === undefined ? undefined : serviceNameOf(slice)
      );
      return [...new Set(names.filter((name) => name !== undefined))].sort()
        .flatMap((name) => serviceSlices(state, namespace, name));
    }
    case PODS:
      return objectsOf(state, SERVICES, namespace).filter(selectsEndpoints)
        .sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1)
        .flatMap((service) => slicesAfterPod(state, namespace, service, change));
    default:
      return [];
  }
}

/** What becomes of the views of one Service when one Pod changed: as a rule one endpoint of a slice, else all is worked out again. */
function slicesAfterPod(
  state: ClusterState,
  namespace: string,
  service: KubeObject,
  change: ObjectChange,
): SliceUpdate[] {
  const before = change.before === undefined ? undefined : podEndpoints(service, change.before);
  const after = change.after === undefined ? undefined : podEndpoints(service, change.after);
  if (before === undefined && after === undefined) return [];
  const { name } = service.metadata;
  const slices = slicesNamed(state, namespace, name);
  const updates: SliceUpdate[] = [];
  for (const family of FAMILIES) {
    const had = before?.byFamily.get(family);
    const has = after?.byFamily.get(family);
    if (jsonEquals(had, has) && jsonEquals(portsOf(before, had), portsOf(after, has))) continue;
    const slice = onlySlice(slices, family);
    const fits = slice !== undefined && [portsOf(before, had), portsOf(after, has)]
      .every((ports) => ports === undefined || jsonEquals(ports, slice.ports as Json));
    const endpoints = fits ? withEndpoint(endpointsOf(slice), had, has) : [];
    if (slice === undefined || endpoints.length === 0 || endpoints.length > ENDPOINTS_MAX) {
      return serviceSlices(state, namespace, name);
    }
    updates.push({ key: objectKey(slice.metadata), object: withEndpoints(slice, endpoints) });
  }
  return updates;
}

/** The ports of a Pod as far as an endpoint of it stands anywhere. */
function portsOf(pod: PodEndpoints | undefined, endpoint: JsonObject | undefined): Json | undefined {
  return pod === undefined || endpoint === undefined ? undefined : [...pod.ports];
}

/** The one slice of a family, with endpoints; `undefined` where there are several, or none to change in place. */
function onlySlice(slices: readonly KubeObject[], family: IpVersion): KubeObject | undefined {
  const [slice, ...others] = slices.filter(({ addressType }) => addressType === `IPv${family}`);
  const isView = slice !== undefined && isWorkedOutSliceName(slice.metadata.name);
  return isView && others.length === 0 && endpointsOf(slice).length > 0 ? slice : undefined;
}

/** Endpoints in order of their Pods' names, with one taken out, put in, or put in its place. */
function withEndpoint(
  endpoints: readonly JsonObject[],
  before: JsonObject | undefined,
  after: JsonObject | undefined,
): readonly JsonObject[] {
  const changed = (after ?? before)!;
  const name = podNameOf(changed);
  const others = before === undefined ? endpoints : endpoints.filter((endpoint) => podNameOf(endpoint) !== name);
  if (after === undefined) return others;
  const at = others.findIndex((endpoint) => podNameOf(endpoint) > name);
  return at < 0 ? [...others, after] : [...others.slice(0, at), after, ...others.slice(at)];
}

function podNameOf({ targetRef }: JsonObject): string {
  return isJsonObject(targetRef) && typeof targetRef.name === "string" ? targetRef.name : "";
}

function endpointsOf({ endpoints }: KubeObject): readonly JsonObject[] {
  return Array.isArray(endpoints) ? endpoints : [];
}

function withEndpoints(slice: KubeObject, endpoints: readonly JsonObject[]): KubeObject {
  const { resourceVersion: _, ...metadata } = slice.metadata;
  return { ...slice, metadata, endpoints };
}

/** What becomes of all views of one Service: those that must be there, and that all others must not. */
function serviceSlices(state: ClusterState, namespace: string, name: string): SliceUpdate[] {
  const slices = slicesNamed(state, namespace, name);
  const wanted = wantedSlices(state, namespace, name, slices);
  const keys = new Set(wanted.map(({ key }) => key));
  const gone = slices.filter((slice) => isWorkedOutSliceName(slice.metadata.name))
    .map((slice) => ({ key: objectKey(slice.metadata), object: undefined }))
    .filter(({ key }) => !keys.has(key));
  return [...gone, ...wanted];
}

function wantedSlices(
  state: ClusterState,
  namespace: string,
  name: string,
  slices: readonly KubeObject[],
): SliceUpdate[] {
  const service = getObject(state, SERVICES, namespace, name);
  if (service === undefined || !selectsEndpoints(service)) return [];
  if (slices.some((slice) => !isWorkedOutSliceName(slice.metadata.name))) return [];
  return endpointSlicesOf(service, objectsOf(state, PODS, namespace))
    .map((object) => ({ key: objectKey(object.metadata), object }));
}

/** All slices that name a Service, views and stored ones. */
function slicesNamed(state: ClusterState, namespace: string, name: string): KubeObject[] {
  return objectsOf(state, ENDPOINT_SLICES, namespace).filter((slice) => serviceNameOf(slice) === name);
}

function serviceNameOf({ metadata }: KubeObject): string | undefined {
  return metadata.labels?.[SERVICE_NAME_LABEL];
}

function objectsOf(state: ClusterState, collection: string, namespace: string): KubeObject[] {
  const objects = state.collections.get(collection);
  return [...keysOfNamespace(state, collection, namespace)].map((key) => objects?.get(key))
    .filter((object) => object !== undefined);
}
