/**
 * The policy part of node states: endpoints with their chains, and the policies, profiles and sets that these need, shared by all nodes and counted per
 * node. Takes changes of the cluster state one by one; `policy_flush.ts` gives what each node must be told.
 *
 * @module
 */
import { tierSettings } from "#/policy/lowering/chain.ts";
import type { CompiledPolicies, PolicyScope } from "#/policy/compiled.ts";
import { type PolicyIr, policyKey } from "#/policy/ir.ts";
import {
  lowerDefaultAllowProfile,
  type LoweredPolicy,
  type LoweredProfile,
  lowerPolicy,
  lowerProfile,
} from "#/policy/lowering/lower.ts";
import { isStagedKind, POLICY_COLLECTIONS, policyRefOf } from "#/policy/policy_ref.ts";
import { deletedTwin, hasSay } from "#/policy/lowering/policy_scope.ts";
import { DEFAULT_ALLOW_PROFILE, profileLabels, profileNameOf } from "#/policy/lowering/profile.ts";
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
import {
  acquireSet,
  applyMatchToSets,
  createIpSets,
  type IpSets,
  releaseSet,
  setPeer,
  setSlice,
} from "#/projections/ip_sets.ts";
import { createLabelIndex, type MatchDelta, type SelectorIndex } from "#/projections/label_index.ts";
import { createNodeSlices, type NodeSlices, sharedOf } from "#/projections/node_slices.ts";
import type { ProfileItem } from "#/projections/node_state.ts";
import { type SharedSides, shareNothing, shareParts } from "#/projections/shared_sides.ts";
import { ENDPOINT_SLICES, readEndpointSlice } from "#/projections/service_sets.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Everything that the policy part rests on. Content is a function of the objects it was told, never of their order. */
export interface PolicyProjection {
  readonly index: SelectorIndex;
  readonly sets: IpSets;
  readonly active: ActivePolicies;
  readonly slices: NodeSlices;
  /** For scope `pending`: policies that may have a say, by key. More than are active, because a staged deletion ends some. */
  readonly lowered: Map<string, LoweredPolicy>;
  /** What rules of many policies have in common. */
  readonly sides: SharedSides;
  /** Profiles by name. */
  readonly profiles: Map<string, LoweredProfile>;
  readonly dirtyPolicies: Set<string>;
  readonly dirtyProfiles: Set<string>;
  /** All of it for the whole cluster, until the next change (`compiled_policies.ts`). */
  compiled: CompiledPolicies | undefined;
}

/**
 * A projection of no objects; only the profile that is always there is in it.
 *
 * @param scope `pending` takes staged policies as well, which nodes must never be told of
 */
export function createPolicyProjection(scope: PolicyScope = "enforced"): PolicyProjection {
  const allow = lowerDefaultAllowProfile();
  const slices = createNodeSlices();
  const allowKey = policyKey(allow.ref);
  sharedOf(slices, "profile", allowKey).item = profileItem(allow, allowKey);
  return {
    index: createLabelIndex(),
    sets: createIpSets(),
    active: createActivePolicies(scope),
    slices,
    lowered: new Map(),
    sides: new Map(),
    profiles: new Map([[DEFAULT_ALLOW_PROFILE, { policy: allow, sets: [], problems: [] }]]),
    dirtyPolicies: new Set(),
    dirtyProfiles: new Set(),
    compiled: undefined,
  };
}

const PROFILE_COLLECTIONS: readonly string[] = [
  "core/namespaces",
  "core/serviceaccounts",
  "projectcalico.org/profiles",
];

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
  projection.compiled = undefined;
  if (collection === "projectcalico.org/tiers") {
    setTier(projection.active, projection.index, key.slice(1), after && tierSettings(after));
  } else if (POLICY_COLLECTIONS.has(collection)) {
    const position = origins.get(streamOfKey(collection, key))?.specPosition ?? 0;
    const object = after ?? before;
    if (object !== undefined) applyPolicy(projection, object, after !== undefined, position);
  } else if (PROFILE_COLLECTIONS.includes(collection)) {
    const position = origins.get(streamOfKey(collection, key))?.specPosition ?? 0;
    applyProfile(projection, before, after, position);
  } else if (PEER_COLLECTIONS.includes(collection)) {
    // One index for several collections; a number in place of their long names, because there is an id for every endpoint.
    applyPeer(projection, collection, `${PEER_COLLECTIONS.indexOf(collection)} ${key}`, after);
  } else if (collection === ENDPOINT_SLICES) {
    setSlice(projection.sets, key, after && readEndpointSlice(after));
  }
}

function applyPolicy(projection: PolicyProjection, object: KubeObject, exists: boolean, position: number): void {
  const { active, lowered, sides } = projection;
  const ref = policyRefOf(object);
  if (isStagedKind(ref.kind) && active.scope === "enforced") return;
  const key = policyKey(ref);
  const next = exists ? shareParts(lowerPolicy(object, position), sides) : undefined;
  if (active.scope === "enforced") {
    activate(projection, key, next);
    return;
  }
  const old = lowered.get(key);
  if (next === undefined) lowered.delete(key);
  else lowered.set(key, next);
  const twins = [old, next].map((each) => each && deletedTwin(each));
  for (const changed of new Set([key, ...twins])) {
    if (changed !== undefined) activate(projection, changed, pendingPolicy(projection, changed));
  }
}

/** What a policy says where staged ones count: nothing where it has no say or its deletion is staged. */
function pendingPolicy({ active, lowered }: PolicyProjection, key: string): LoweredPolicy | undefined {
  const known = lowered.get(key);
  const staged = lowered.get(`Staged${key}`);
  const isDeleted = staged !== undefined && deletedTwin(staged) === key;
  return known !== undefined && hasSay(known, active.scope) && !isDeleted ? known : undefined;
}

/** Has a policy say what it says, or nothing. */
function activate(projection: PolicyProjection, key: string, next: LoweredPolicy | undefined): void {
  const { index, sets, active } = projection;
  const old = active.policies.get(key)?.lowered;
  if (next === old) return;
  // New uses before old ones end, so that what both share is neither emptied nor matched again.
  for (const definition of next?.sets ?? []) acquireSet(sets, index, definition);
  setPolicy(active, index, key, next);
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
  const { index, sets, profiles } = projection;
  const old = profiles.get(name);
  const next = after && shareNothing(lowerProfile(after, position));
  for (const definition of next?.sets ?? []) acquireSet(sets, index, definition);
  for (const definition of old?.sets ?? []) releaseSet(sets, index, definition.id);
  if (next === undefined) profiles.delete(name);
  else profiles.set(name, next);
  projection.dirtyProfiles.add(name);
  const deltas = after === undefined
    ? index.removeParent(name)
    : index.upsertParent(name, Object.fromEntries(profileLabels(after)));
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

/** The item of a profile, whose id is its policy key. */
export function profileItem(policy: PolicyIr, id: string): ProfileItem {
  return { kind: "profile", id, policy };
}
