/**
 * Policies and tiers in force, and which endpoints they select: from these each endpoint's chains are made. Holds no rules' effects of its own; ranks and
 * chains are computed by `policy/chain.ts`, once per endpoint that changed.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { selectorId } from "#/base/selector_id.ts";
import { chainOf, type TierSettings } from "#/policy/chain.ts";
import type { ChainIr, Direction } from "#/policy/ir.ts";
import type { LoweredPolicy } from "#/policy/lower.ts";
import type { PlacedEndpoint } from "#/projections/endpoint_reader.ts";
import type { MatchDelta, SelectorIndex } from "#/projections/label_index.ts";
import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";

/** A policy in force and the id of the selector of its subject. */
export interface ActivePolicy {
  readonly lowered: LoweredPolicy;
  readonly subject: string;
}

/** Tiers, policies and the endpoints that they may select. */
export interface ActivePolicies {
  readonly tiers: Map<string, TierSettings>;
  /** By policy key. */
  readonly policies: Map<string, ActivePolicy>;
  readonly bySubject: Multimap<string, string>;
  readonly byTier: Multimap<string, string>;
  /** Endpoints that policy is enforced on, by their id in the label index. */
  readonly endpoints: Map<string, PlacedEndpoint>;
  /** Endpoints whose chains or data may differ from the last flush; also ones that are gone. */
  readonly dirtyEndpoints: Set<string>;
}

/** No policies, no endpoints. */
export function createActivePolicies(): ActivePolicies {
  return {
    tiers: new Map(),
    policies: new Map(),
    bySubject: new Map(),
    byTier: new Map(),
    endpoints: new Map(),
    dirtyEndpoints: new Set(),
  };
}

/** Puts a policy in force, in place of its former self; `undefined` ends it. */
export function setPolicy(
  active: ActivePolicies,
  index: SelectorIndex,
  key: string,
  lowered: LoweredPolicy | undefined,
): void {
  const old = active.policies.get(key);
  const now = lowered && { lowered, subject: selectorId(lowered.subject) };
  const moved = old === undefined || now === undefined || placeOf(old) !== placeOf(now);
  if (now !== undefined) {
    const matches = index.addSelector(now.subject, now.lowered.subject);
    if (moved) markDirty(active, matches);
  }
  if (old !== undefined) {
    if (moved) markDirty(active, index.endpointsOf(old.subject));
    removeFrom(active.bySubject, old.subject, key);
    removeFrom(active.byTier, old.lowered.policy.tier, key);
    index.removeSelector(old.subject);
  }
  if (now === undefined) {
    active.policies.delete(key);
    return;
  }
  active.policies.set(key, now);
  addTo(active.bySubject, now.subject, key);
  addTo(active.byTier, now.lowered.policy.tier, key);
}

/** Puts a tier in place of its former self; `undefined` removes it, and its policies then come last and deny at their end. */
export function setTier(
  active: ActivePolicies,
  index: SelectorIndex,
  name: string,
  tier: TierSettings | undefined,
): void {
  const old = active.tiers.get(name);
  if (old?.order === tier?.order && old?.defaultAction === tier?.defaultAction) return;
  if (tier === undefined) active.tiers.delete(name);
  else active.tiers.set(name, tier);
  for (const key of active.byTier.get(name) ?? []) {
    const policy = active.policies.get(key);
    assert(policy !== undefined, `Policy of tier "${name}" must exist: "${key}"`);
    markDirty(active, index.endpointsOf(policy.subject));
  }
}

/** Takes an endpoint, its change, or with `undefined` its end. */
export function setEndpoint(active: ActivePolicies, id: string, endpoint: PlacedEndpoint | undefined): void {
  if (endpoint === undefined && !active.endpoints.has(id)) return;
  if (endpoint === undefined) active.endpoints.delete(id);
  else active.endpoints.set(id, endpoint);
  active.dirtyEndpoints.add(id);
}

/** Notes that a policy began or ceased to select an endpoint, as the index says. */
export function applyMatchToPolicies(active: ActivePolicies, delta: MatchDelta): void {
  if (active.bySubject.has(delta.selector) && active.endpoints.has(delta.endpoint)) {
    active.dirtyEndpoints.add(delta.endpoint);
  }
}

/** The two chains of an endpoint. Work is proportional to the policies that select it. */
export function chainsOf(
  active: ActivePolicies,
  index: SelectorIndex,
  id: string,
  profiles: readonly string[],
): Readonly<Record<Direction, ChainIr>> {
  const keys = [...index.selectorsOf(id)].flatMap((selector) => [...active.bySubject.get(selector) ?? []]);
  const policies = keys.map((key) => active.policies.get(key)).filter((policy) => policy !== undefined)
    .map((policy) => policy.lowered);
  const from = { tiers: active.tiers, policies, profiles };
  return { ingress: chainOf("ingress", from), egress: chainOf("egress", from) };
}

function markDirty(active: ActivePolicies, ids: Iterable<string>): void {
  for (const id of ids) if (active.endpoints.has(id)) active.dirtyEndpoints.add(id);
}

/** Everything that places a policy in chains; rules do not. */
function placeOf({ lowered, subject }: ActivePolicy): string {
  const { policy, order } = lowered;
  return JSON.stringify([subject, policy.tier, order, policy.ingress !== undefined, policy.egress !== undefined]);
}
