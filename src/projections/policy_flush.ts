/**
 * What the policy projection gives at a flush: the difference of every node since the last one, from dirty policies, profiles, endpoints and sets. Also
 * reads a node's policy items whole. The node projection calls it.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { type Json, jsonEquals } from "#/base/json.ts";
import { ANY_SIDE, type PolicyIr, policyKey, type SideIr } from "#/policy/ir.ts";
import { chainsOf } from "#/projections/active_policies.ts";
import type { PlacedEndpoint } from "#/projections/endpoint_reader.ts";
import { drainSetChanges, setItem } from "#/projections/ip_sets.ts";
import {
  forgetTouched,
  holdersOf,
  keptBy,
  type NodeSlice,
  release,
  retain,
  setNeeds,
  type Shared,
  sharedOf,
  sliceOf,
} from "#/projections/node_slices.ts";
import type { EndpointItem, NodeDelta, NodeItem } from "#/projections/node_state.ts";
import { type PolicyProjection, profileItem } from "#/projections/policy_projection.ts";

/** Whether everything told is flushed. */
export function isFlushed({ active, sets, slices, dirtyPolicies, dirtyProfiles }: PolicyProjection): boolean {
  return active.dirtyEndpoints.size === 0 && sets.dirty.size === 0 && slices.touched.size === 0 &&
    dirtyPolicies.size === 0 && dirtyProfiles.size === 0;
}

/**
 * What changed for each of some nodes since the last flush, in no order. A delta about a shared item is one object for all nodes. Later changes of
 * one thing overwrite earlier ones, and what came and went again is not mentioned.
 */
export function flushPolicies(projection: PolicyProjection, nodes: ReadonlySet<string>): Map<string, NodeDelta[]> {
  const { slices } = projection;
  const changed: Changes = new Map();
  for (const key of projection.dirtyPolicies) flushPolicy(projection, changed, key);
  for (const name of projection.dirtyProfiles) flushProfile(projection, changed, name);
  for (const id of projection.active.dirtyEndpoints) flushEndpoint(projection, changed, id);
  const { changes, gone } = drainSetChanges(projection.sets);
  for (const [id, change] of changes) {
    changed.set(sharedOf(slices, "set", id), { existed: true, delta: { op: "set", id, ...change } });
  }
  const deltas = collectDeltas(projection, changed, nodes);
  forgetGone(projection, gone);
  projection.dirtyPolicies.clear();
  projection.dirtyProfiles.clear();
  projection.active.dirtyEndpoints.clear();
  forgetTouched(slices);
  return deltas;
}

/** The policy items of a node, in no order; shared objects, not copies. */
export function policyItems(projection: PolicyProjection, node: string): NodeItem[] {
  return [...keptBy(projection.slices, node)].map((shared) => itemOf(projection, shared))
    .filter((item) => item !== undefined);
}

/** How an item differs from the last flush: whether it was there then, and what to tell a node that had it and keeps it. */
interface ItemChange {
  readonly existed: boolean;
  readonly delta: NodeDelta;
}

type Changes = Map<Shared, ItemChange>;

const NOTHING: readonly never[] = [];

function flushPolicy(projection: PolicyProjection, changed: Changes, key: string): void {
  const policy = projection.active.policies.get(key)?.lowered.policy;
  const shared = sharedOf(projection.slices, "policy", key);
  replaceItem(changed, shared, policy && { kind: "policy", id: shared.id, policy });
  setNeeds(projection.slices, shared, policy === undefined ? NOTHING : setsOf(projection, policy));
}

function flushProfile(projection: PolicyProjection, changed: Changes, name: string): void {
  const policy = projection.profiles.get(name)?.policy;
  const shared = sharedOf(projection.slices, "profile", profileKey(name));
  replaceItem(changed, shared, policy && profileItem(policy, shared.id));
  setNeeds(projection.slices, shared, policy === undefined ? NOTHING : setsOf(projection, policy));
}

/** Only workload endpoints that are on a node and have an interface are items; nodes are not told of host endpoints yet. */
function flushEndpoint(projection: PolicyProjection, changed: Changes, id: string): void {
  const { active, slices } = projection;
  const endpoint = active.endpoints.get(id);
  const item = endpoint && endpointItem(projection, id, endpoint);
  const key = item?.id ?? id.slice(id.indexOf(" ") + 1);
  if (item === undefined && !slices.shared.endpoint.has(key)) return;
  const shared = sharedOf(slices, "endpoint", key);
  const place = placeOf(shared);
  const next = item === undefined || endpoint === undefined ? undefined : sliceOf(slices, endpoint.node);
  replaceItem(changed, shared, item);
  // The new place is counted before the old one, so that what both need is not dropped between.
  if (next !== undefined && place !== next) retain(slices, next, shared);
  setNeeds(slices, shared, item === undefined ? NOTHING : policiesOf(projection, item));
  if (place !== undefined && place !== next) release(slices, place, shared);
}

/** The node that an endpoint is on, as of the last flush. */
function placeOf(endpoint: Shared): NodeSlice | undefined {
  const [place] = holdersOf(endpoint);
  return place;
}

function endpointItem(projection: PolicyProjection, id: string, endpoint: PlacedEndpoint): EndpointItem | undefined {
  if (endpoint.kind === "host" || endpoint.node === "" || endpoint.interfaceName === undefined) return undefined;
  const chains = chainsOf(projection.active, projection.index, id);
  if (chains.kind === "host") return undefined;
  const { ingress, egress } = chains.compiled;
  const { id: itemId, workload, interfaceName, mac, addresses, containerId } = endpoint;
  return { kind: "endpoint", id: itemId, workload, interfaceName, mac, addresses, containerId, ingress, egress };
}

function replaceItem(changed: Changes, shared: Shared, next: NodeItem | undefined): void {
  const old = shared.item;
  if (next !== undefined && old !== undefined && jsonEquals(asJson(old), asJson(next))) return;
  if (next === undefined && old === undefined) return;
  shared.item = next;
  // Whom a new item finds later it is new to, and is told of by what was touched.
  if (shared.holders === undefined && old === undefined) return;
  const delta: NodeDelta = next === undefined
    ? { op: "del", kind: shared.kind, id: shared.id }
    : { op: "put", item: next };
  changed.set(shared, { existed: old !== undefined, delta });
}

function collectDeltas(
  projection: PolicyProjection,
  changed: Changes,
  nodes: ReadonlySet<string>,
): Map<string, NodeDelta[]> {
  const deltas = new Map<string, NodeDelta[]>();
  const puts = new Map<Shared, NodeDelta>();
  const tell = ({ node }: NodeSlice, delta: NodeDelta | undefined): void => {
    if (delta === undefined || !nodes.has(node)) return;
    const list = deltas.get(node);
    if (list === undefined) deltas.set(node, [delta]);
    else list.push(delta);
  };
  for (const [shared, { delta }] of changed) {
    for (const slice of holdersOf(shared)) if (!slice.touched.has(shared)) tell(slice, delta);
  }
  for (const slice of projection.slices.touched) {
    for (const [shared, held] of slice.touched) {
      const item = slice.counts.has(shared) ? itemOf(projection, shared) : undefined;
      const change = changed.get(shared);
      const wasThere = held && (shared.kind === "set" || (change?.existed ?? shared.item !== undefined));
      if (item !== undefined && wasThere) tell(slice, change?.delta);
      else if (item !== undefined) tell(slice, change?.delta.op === "put" ? change.delta : putOf(puts, shared, item));
      else if (wasThere) tell(slice, { op: "del", kind: shared.kind, id: shared.id });
    }
  }
  return deltas;
}

/** One put for all nodes. */
function putOf(puts: Map<Shared, NodeDelta>, shared: Shared, item: NodeItem): NodeDelta {
  const known = puts.get(shared);
  if (known !== undefined) return known;
  const put: NodeDelta = { op: "put", item };
  if (shared.holders instanceof Set) puts.set(shared, put);
  return put;
}

/** What is gone and needed by nobody is forgotten. A profile that is missing stays as long as endpoints name it. */
function forgetGone({ slices, dirtyPolicies, dirtyProfiles }: PolicyProjection, goneSets: readonly string[]): void {
  const { shared } = slices;
  for (const id of goneSets) shared.set.delete(id);
  for (const key of dirtyPolicies) forget(shared.policy, key);
  for (const name of dirtyProfiles) forget(shared.profile, profileKey(name));
  for (const slice of slices.touched) {
    for (const { kind, id } of slice.touched.keys()) if (kind !== "set") forget(shared[kind], id);
  }
}

function forget(shared: Map<string, Shared>, id: string): void {
  const found = shared.get(id);
  if (found?.item === undefined && found?.holders === undefined) shared.delete(id);
}

function setsOf({ slices }: PolicyProjection, policy: PolicyIr): readonly Shared[] {
  const found: Shared[] = [];
  const add = ({ sets, notSets, portSets, notPortSets }: SideIr): void => {
    for (const ids of [sets, notSets, portSets, notPortSets]) {
      for (const id of ids) found.push(sharedOf(slices, "set", id));
    }
  };
  for (const rules of [policy.ingress, policy.egress]) {
    for (const { source, destination } of rules ?? NOTHING) {
      if (source !== ANY_SIDE) add(source);
      if (destination !== ANY_SIDE) add(destination);
    }
  }
  return distinct(found);
}

function policiesOf({ slices }: PolicyProjection, { ingress, egress }: EndpointItem): readonly Shared[] {
  const found: Shared[] = [];
  for (const chain of ingress === egress ? [ingress] : [ingress, egress]) {
    for (const { policies } of chain.tiers) for (const id of policies) found.push(sharedOf(slices, "policy", id));
    for (const id of chain.profiles) found.push(sharedOf(slices, "profile", id));
  }
  return distinct(found);
}

/** Each once, in a list of the exact length: there is one for every policy and endpoint. */
function distinct(found: readonly Shared[]): readonly Shared[] {
  if (found.length === 0) return NOTHING;
  const isShort = found.length <= SHORT_LIST_MAX;
  if (isShort && found.every((each, at) => found.indexOf(each) === at)) return found.slice();
  return [...new Set(found)].slice();
}

/** Up to this length a list is searched through; a set is not worth making. */
const SHORT_LIST_MAX = 8;

function profileKey(name: string): string {
  return policyKey({ kind: "Profile", namespace: "", name });
}

/** An item. A policy or set that is needed is always there; a profile may be missing, and then denies. */
function itemOf({ sets }: PolicyProjection, { kind, id, item }: Shared): NodeItem | undefined {
  const found = kind === "set" ? setItem(sets, id) : item;
  assert(found !== undefined || kind === "profile", `Needed item must exist: "${kind}:${id}"`);
  return found;
}

function asJson(item: NodeItem): Json {
  return item as unknown as Json;
}
