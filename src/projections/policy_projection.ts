/**
 * The policy part of node states: endpoints with their chains, and the policies, profiles and sets that these need, shared by all nodes and counted per
 * node. Takes changes of the cluster state one by one; `policy_flush.ts` gives what each node must be told.
 *
 * @module
 */
import { tierSettings } from "#/policy/chain.ts";
import { type PolicyIr, policyKey } from "#/policy/ir.ts";
import { lowerDefaultAllowProfile, lowerPolicy, lowerProfile } from "#/policy/lower.ts";
import { isStagedKind, policyRefOf } from "#/policy/policy_ref.ts";
import { DEFAULT_ALLOW_PROFILE, profileLabels, profileNameOf } from "#/policy/profile.ts";
import {
  type ActivePolicies,
  applyMatchToPolicies,
  createActivePolicies,
  setEndpoint,
  setPolicy,
  setTier,
} from "#/projections/active_policies.ts";
import type { ObjectChange, ObjectOrigin } from "#/projections/cluster_state.ts";
import { PEER_COLLECTIONS, readPeerObject } from "#/projections/endpoint_reader.ts";
import { streamOfKey } from "#/projections/fold.ts";
import { acquireSet, applyMatchToSets, createIpSets, type IpSets, releaseSet, setPeer } from "#/projections/ip_sets.ts";
import { createLabelIndex, type MatchDelta, type SelectorIndex } from "#/projections/label_index.ts";
import { createNodeSlices, type NodeSlices } from "#/projections/node_slices.ts";
import { type NodeItem, nodeItemKey, type ProfileItem } from "#/projections/node_state.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Everything that the policy part rests on. Content is a function of the objects it was told, never of their order. */
export interface PolicyProjection {
  readonly index: SelectorIndex;
  readonly sets: IpSets;
  readonly active: ActivePolicies;
  readonly slices: NodeSlices;
  /** Profiles by name. */
  readonly profiles: Map<string, PolicyIr>;
  /** Policies, profiles and endpoints by item key, as of the last flush. */
  readonly items: Map<string, NodeItem>;
  /** The node each endpoint is on, by item key, as of the last flush. */
  readonly places: Map<string, string>;
  readonly dirtyPolicies: Set<string>;
  readonly dirtyProfiles: Set<string>;
}

/** A projection of no objects; only the profile that is always there is in it. */
export function createPolicyProjection(): PolicyProjection {
  const allow = profileItem(lowerDefaultAllowProfile());
  return {
    index: createLabelIndex(),
    sets: createIpSets(),
    active: createActivePolicies(),
    slices: createNodeSlices(),
    profiles: new Map([[DEFAULT_ALLOW_PROFILE, allow.policy]]),
    items: new Map([[nodeItemKey(allow), allow]]),
    places: new Map(),
    dirtyPolicies: new Set(),
    dirtyProfiles: new Set(),
  };
}

/** Collections of policies that are enforced. */
const POLICY_COLLECTIONS: readonly string[] = [
  "projectcalico.org/networkpolicies",
  "projectcalico.org/globalnetworkpolicies",
];
const PROFILE_COLLECTIONS: readonly string[] = ["core/namespaces", "core/serviceaccounts"];

/**
 * Takes the change of one object.
 *
 * @param origins of the state that the change led to; rule ids are made of the positions in it
 */
export function applyToPolicies(
  projection: PolicyProjection,
  change: ObjectChange,
  origins: ReadonlyMap<string, ObjectOrigin>,
): void {
  const { collection, key, before, after } = change;
  if (collection === "projectcalico.org/tiers") {
    setTier(projection.active, projection.index, key.slice(1), after && tierSettings(after));
  } else if (POLICY_COLLECTIONS.includes(collection)) {
    const position = origins.get(streamOfKey(collection, key))?.specPosition ?? 0;
    const object = after ?? before;
    if (object !== undefined) applyPolicy(projection, object, after !== undefined, position);
  } else if (PROFILE_COLLECTIONS.includes(collection)) {
    const position = origins.get(streamOfKey(collection, key))?.specPosition ?? 0;
    applyProfile(projection, before, after, position);
  } else if (PEER_COLLECTIONS.includes(collection)) {
    applyPeer(projection, collection, `${collection} ${key}`, after);
  }
}

function applyPolicy(projection: PolicyProjection, object: KubeObject, exists: boolean, position: number): void {
  const { index, sets, active } = projection;
  const ref = policyRefOf(object);
  if (isStagedKind(ref.kind)) return;
  const key = policyKey(ref);
  const lowered = exists ? lowerPolicy(object, position) : undefined;
  const old = active.policies.get(key)?.lowered;
  // New uses before old ones end, so that what both share is neither emptied nor matched again.
  for (const definition of lowered?.sets ?? []) acquireSet(sets, index, definition);
  setPolicy(active, index, key, lowered);
  for (const definition of old?.sets ?? []) releaseSet(sets, index, definition.id);
  projection.dirtyPolicies.add(key);
}

function applyProfile(
  projection: PolicyProjection,
  before: KubeObject | undefined,
  after: KubeObject | undefined,
  position: number,
): void {
  const object = after ?? before;
  const name = object && profileNameOf(object);
  if (name === undefined) return;
  if (after === undefined) projection.profiles.delete(name);
  else projection.profiles.set(name, lowerProfile(after, position));
  projection.dirtyProfiles.add(name);
  const deltas = after === undefined
    ? projection.index.removeParent(name)
    : projection.index.upsertParent(name, Object.fromEntries(profileLabels(after)));
  applyMatches(projection, deltas);
}

function applyPeer(
  projection: PolicyProjection,
  collection: string,
  id: string,
  object: KubeObject | undefined,
): void {
  const { index, sets, active } = projection;
  const read = object && readPeerObject(collection, object);
  setPeer(sets, index, id, read?.peer);
  setEndpoint(active, id, read?.placed);
  applyMatches(
    projection,
    read === undefined ? index.removeEndpoint(id) : index.upsertEndpoint(id, read.labels, read.parents),
  );
}

function applyMatches(projection: PolicyProjection, deltas: readonly MatchDelta[]): void {
  for (const delta of deltas) {
    applyMatchToSets(projection.sets, delta);
    applyMatchToPolicies(projection.active, delta);
  }
}

/** The item of a profile. */
export function profileItem(policy: PolicyIr): ProfileItem {
  return { kind: "profile", id: policyKey(policy.ref), policy };
}
