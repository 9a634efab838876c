/**
 * Policies and tiers in force, and which endpoints they select: from these each endpoint's chains are made. Holds no rules' effects of its own; ranks and
 * chains are computed by `policy/lowering/chain.ts`, once per endpoint that changed.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { selectorId } from "#/base/selector_id.ts";
import type { ChainIr } from "#/policy/ir.ts";
import { chainOf, type ChainParts, hostChainsOf, type TierSettings } from "#/policy/lowering/chain.ts";
import type { CompiledEndpoint, CompiledHostEndpoint, PolicyScope } from "#/policy/compiled.ts";
import type { LoweredPolicy } from "#/policy/lowering/lower.ts";
import type { PlacedEndpoint } from "#/projections/endpoint_reader.ts";
import type { MatchDelta, SelectorIndex } from "#/projections/label_index.ts";
import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";

/** A policy in force and the id of the selector of its subject. */
export interface ActivePolicy {
  readonly lowered: LoweredPolicy;
  readonly subject: string;
}

/** An endpoint and its chains. */
export type EndpointChains =
  | { readonly kind: "workload"; readonly compiled: CompiledEndpoint }
  | { readonly kind: "host"; readonly compiled: CompiledHostEndpoint };

type WorkloadChains = Pick<CompiledEndpoint, "ingress" | "egress">;

/** Chains that are remembered for endpoints that are alike. */
const LIKE_CHAINS_MAX = 4_096;

/** Tiers, policies and the endpoints that they may select. */
export interface ActivePolicies {
  /** Whose word counts in chains. */
  readonly scope: PolicyScope;
  readonly tiers: Map<string, TierSettings>;
  /** By policy key. */
  readonly policies: Map<string, ActivePolicy>;
  readonly bySubject: Multimap<string, string>;
  readonly byTier: Multimap<string, string>;
  /** Endpoints that policies may govern, by their id in the label index. */
  readonly endpoints: Map<string, PlacedEndpoint>;
  /** Chains of endpoints since they were last dirtied, made when asked for ({@link chainsOf}). */
  readonly chains: Map<string, EndpointChains>;
  /** Chains of workloads by what they are made of, so that endpoints that are alike share them; some of those that were made last. */
  readonly like: Map<string, WorkloadChains>;
  /** Endpoints whose chains or data may differ from the last flush; also ones that are gone. */
  readonly dirtyEndpoints: Set<string>;
}

/** No policies, no endpoints. */
export function createActivePolicies(scope: PolicyScope = "enforced"): ActivePolicies {
  return {
    scope,
    tiers: new Map(),
    policies: new Map(),
    bySubject: new Map(),
    byTier: new Map(),
    endpoints: new Map(),
    chains: new Map(),
    like: new Map(),
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
  const now = lowered && { lowered, subject: subjectId(lowered) };
  const moved = old === undefined || now === undefined || placeOf(old) !== placeOf(now);
  if (moved) forgetLike(active);
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
  forgetLike(active);
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
  dirty(active, id);
}

/** Notes that a policy began or ceased to select an endpoint, as the index says. */
export function applyMatchToPolicies(active: ActivePolicies, delta: MatchDelta): void {
  if (active.bySubject.has(delta.selector) && active.endpoints.has(delta.endpoint)) {
    dirty(active, delta.endpoint);
  }
}

/** An endpoint with its chains. Work is proportional to the policies that select it, and done once until something about it changes. */
export function chainsOf(active: ActivePolicies, index: SelectorIndex, id: string): EndpointChains {
  const known = active.chains.get(id);
  if (known !== undefined) return known;
  const endpoint = active.endpoints.get(id);
  assert(endpoint !== undefined, `Endpoint must exist: "${id}"`);
  const made = makeChains(active, index, id, endpoint);
  active.chains.set(id, made);
  return made;
}

function makeChains(
  active: ActivePolicies,
  index: SelectorIndex,
  key: string,
  endpoint: PlacedEndpoint,
): EndpointChains {
  const keys: string[] = [];
  for (const selector of index.selectorsOf(key)) {
    for (const policy of active.bySubject.get(selector) ?? NO_KEYS) keys.push(policy);
  }
  const { id, node, addresses, interfaceName, profiles } = endpoint;
  if (endpoint.kind === "host") {
    const chains = hostChainsOf(partsOf(active, keys, profiles), interfaceName);
    return { kind: "host", compiled: { id, node, interfaceName, addresses, chains } };
  }
  const { ingress, egress } = workloadChains(active, keys, profiles);
  return { kind: "workload", compiled: { id, workload: endpoint.workload, node, addresses, ingress, egress } };
}

const NO_KEYS: readonly string[] = [];

function workloadChains(active: ActivePolicies, keys: readonly string[], profiles: readonly string[]): WorkloadChains {
  // Names hold no line break. In whatever order the index tells the policies, it mostly is the same for endpoints that are alike.
  const name = `${keys.join("\n")}\n\n${profiles.join("\n")}`;
  const known = active.like.get(name);
  if (known !== undefined) return known;
  const parts = partsOf(active, keys, profiles);
  const ingress = chainOf("ingress", parts);
  const made = { ingress, egress: shared(chainOf("egress", parts), ingress) };
  if (active.like.size >= LIKE_CHAINS_MAX) active.like.clear();
  active.like.set(name, made);
  return made;
}

function forgetLike({ like }: ActivePolicies): void {
  // To clear what is empty costs a new table, and most policies come in a row.
  if (like.size > 0) like.clear();
}

function partsOf(
  { tiers, policies, scope }: ActivePolicies,
  keys: readonly string[],
  profiles: readonly string[],
): ChainParts {
  const selecting = keys.map((key) => policies.get(key)?.lowered).filter((lowered) => lowered !== undefined);
  return { tiers, policies: selecting, profiles, scope };
}

/** The other chain where it is equal, as it mostly is, so that the two are one object; else at least its profiles, which always are. */
function shared(chain: ChainIr, other: ChainIr): ChainIr {
  const sameTiers = chain.tiers.length === other.tiers.length && chain.tiers.every((tier, at) => {
    const its = other.tiers[at]!;
    return tier.tier === its.tier && tier.defaultAction === its.defaultAction &&
      tier.policies.length === its.policies.length && tier.policies.every((key, place) => key === its.policies[place]);
  });
  return sameTiers ? other : { tiers: chain.tiers, profiles: other.profiles };
}

function dirty(active: ActivePolicies, id: string): void {
  active.dirtyEndpoints.add(id);
  active.chains.delete(id);
}

function markDirty(active: ActivePolicies, ids: Iterable<string>): void {
  for (const id of ids) if (active.endpoints.has(id)) dirty(active, id);
}

/** The id of the subject's selector; that of a set whose selector it is saves hashing. */
function subjectId({ subject, sets }: LoweredPolicy): string {
  const same = sets.find((set) => set.type === "net" && "selector" in set && set.selector === subject);
  return same?.id ?? selectorId(subject);
}

/** Everything that places a policy in chains; rules do not. */
function placeOf({ lowered, subject }: ActivePolicy): string {
  const { policy, order, phase, appliesOnForward, stagedAction } = lowered;
  const directions = [policy.ingress !== undefined, policy.egress !== undefined];
  return JSON.stringify([subject, policy.tier, order, directions, phase, appliesOnForward, stagedAction]);
}
