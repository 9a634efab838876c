/**
 * What the policy projection gives at a flush: the difference of every node since the last one, from dirty policies, profiles, endpoints and sets. Also
 * reads a node's policy items whole. The node projection calls it.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { type Json, jsonEquals } from "#/base/json.ts";
import { type PolicyIr, policyKey, type RuleIr } from "#/policy/ir.ts";
import { chainsOf } from "#/projections/active_policies.ts";
import { drainSetChanges, setItem } from "#/projections/ip_sets.ts";
import { holds, keysOf, nodesHolding, release, retain, setDependencies } from "#/projections/node_slices.ts";
import {
  type EndpointItem,
  NODE_ITEM_KINDS,
  type NodeDelta,
  type NodeItem,
  type NodeItemKind,
} from "#/projections/node_state.ts";
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
  const changed = new Map<string, ItemChange>();
  for (const key of projection.dirtyPolicies) flushPolicy(projection, changed, key);
  for (const name of projection.dirtyProfiles) flushProfile(projection, changed, name);
  for (const id of projection.active.dirtyEndpoints) flushEndpoint(projection, changed, id);
  for (const [id, change] of drainSetChanges(projection.sets)) {
    changed.set(`set:${id}`, { existed: true, delta: { op: "set", id, ...change } });
  }
  const deltas = collectDeltas(projection, changed, nodes);
  projection.dirtyPolicies.clear();
  projection.dirtyProfiles.clear();
  projection.active.dirtyEndpoints.clear();
  projection.slices.touched.clear();
  return deltas;
}

/** The policy items of a node, in no order; shared objects, not copies. */
export function policyItems(projection: PolicyProjection, node: string): NodeItem[] {
  return [...keysOf(projection.slices, node)].map((key) => itemOf(projection, key)).filter((item) =>
    item !== undefined
  );
}

/** How an item differs from the last flush: whether it was there then, and what to tell a node that had it and keeps it. */
interface ItemChange {
  readonly existed: boolean;
  readonly delta: NodeDelta;
}

function flushPolicy(projection: PolicyProjection, changed: Map<string, ItemChange>, key: string): void {
  const policy = projection.active.policies.get(key)?.lowered.policy;
  replaceItem(projection, changed, `policy:${key}`, policy && { kind: "policy", id: key, policy });
  setDependencies(projection.slices, `policy:${key}`, policy === undefined ? [] : setKeysOf(policy));
}

function flushProfile(projection: PolicyProjection, changed: Map<string, ItemChange>, name: string): void {
  const policy = projection.profiles.get(name);
  const key = `profile:${policyKey({ kind: "Profile", namespace: "", name })}`;
  replaceItem(projection, changed, key, policy && profileItem(policy));
}

function flushEndpoint(projection: PolicyProjection, changed: Map<string, ItemChange>, id: string): void {
  const { active, index, slices, places } = projection;
  const endpoint = active.endpoints.get(id);
  const key = `endpoint:${id.slice(id.indexOf(" ") + 1)}`;
  let item: EndpointItem | undefined;
  if (endpoint !== undefined) {
    const { node: _, profiles, ...data } = endpoint;
    item = { kind: "endpoint", ...data, ...chainsOf(active, index, id, profiles) };
  }
  replaceItem(projection, changed, key, item);
  // The new place is counted before the old one, so that what both need is not dropped between.
  const place = places.get(key);
  if (endpoint !== undefined && place !== endpoint.node) {
    retain(slices, endpoint.node, key);
    places.set(key, endpoint.node);
  }
  setDependencies(slices, key, item === undefined ? [] : policyKeysOf(item));
  if (place !== undefined && place !== endpoint?.node) release(slices, place, key);
  if (endpoint === undefined) places.delete(key);
}

function replaceItem(
  projection: PolicyProjection,
  changed: Map<string, ItemChange>,
  key: string,
  next: NodeItem | undefined,
): void {
  const old = projection.items.get(key);
  if (next !== undefined && old !== undefined && jsonEquals(asJson(old), asJson(next))) return;
  if (next === undefined && old === undefined) return;
  if (next === undefined) projection.items.delete(key);
  else projection.items.set(key, next);
  const delta: NodeDelta = next === undefined
    ? { op: "del", kind: kindOf(key), id: idOf(key) }
    : { op: "put", item: next };
  changed.set(key, { existed: old !== undefined, delta });
}

function collectDeltas(
  projection: PolicyProjection,
  changed: ReadonlyMap<string, ItemChange>,
  nodes: ReadonlySet<string>,
): Map<string, NodeDelta[]> {
  const { slices } = projection;
  const deltas = new Map<string, NodeDelta[]>();
  const shared = new Map<string, NodeDelta>();
  const tell = (node: string, delta: NodeDelta | undefined): void => {
    if (delta === undefined || !nodes.has(node)) return;
    const list = deltas.get(node);
    if (list === undefined) deltas.set(node, [delta]);
    else list.push(delta);
  };
  for (const [key, change] of changed) {
    for (const node of nodesHolding(slices, key)) {
      if (slices.touched.get(node)?.has(key)) continue;
      tell(node, change.delta);
    }
  }
  for (const [node, keys] of slices.touched) {
    for (const [key, held] of keys) {
      const item = holds(slices, node, key) ? itemOf(projection, key) : undefined;
      const change = changed.get(key);
      const wasThere = held && (kindOf(key) === "set" || (change?.existed ?? projection.items.has(key)));
      if (item !== undefined && wasThere) tell(node, change?.delta);
      else if (item !== undefined) tell(node, sharedPut(shared, key, item));
      else if (wasThere) tell(node, { op: "del", kind: kindOf(key), id: idOf(key) });
    }
  }
  return deltas;
}

function setKeysOf(policy: PolicyIr): string[] {
  const rules: readonly RuleIr[] = [...policy.ingress ?? [], ...policy.egress ?? []];
  const ids = rules.flatMap(({ source, destination }) =>
    [source, destination].flatMap((side) => [...side.sets, ...side.notSets, ...side.portSets, ...side.notPortSets])
  );
  return [...new Set(ids)].map((id) => `set:${id}`);
}

function policyKeysOf(item: EndpointItem): string[] {
  const policies = [item.ingress, item.egress].flatMap((chain) => chain.tiers.flatMap((tier) => tier.policies));
  const profiles = [item.ingress, item.egress].flatMap((chain) => chain.profiles);
  return [
    ...[...new Set(policies)].map((id) => `policy:${id}`),
    ...[...new Set(profiles)].map((id) => `profile:${id}`),
  ];
}

/** An item by key. A policy or set that is needed is always there; a profile may be missing, and then denies. */
function itemOf(projection: PolicyProjection, key: string): NodeItem | undefined {
  const item = kindOf(key) === "set" ? setItem(projection.sets, idOf(key)) : projection.items.get(key);
  assert(item !== undefined || kindOf(key) === "profile", `Needed item must exist: "${key}"`);
  return item;
}

function sharedPut(shared: Map<string, NodeDelta>, key: string, item: NodeItem): NodeDelta {
  let put = shared.get(key);
  if (put === undefined) shared.set(key, put = { op: "put", item });
  return put;
}

function kindOf(key: string): NodeItemKind {
  const kind = NODE_ITEM_KINDS.find((each) => key.startsWith(`${each}:`));
  assert(kind !== undefined, `Item key must begin with its kind: "${key}"`);
  return kind;
}

function idOf(key: string): string {
  return key.slice(key.indexOf(":") + 1);
}

function asJson(item: NodeItem): Json {
  return item as unknown as Json;
}
