/**
 * The policies of a whole cluster, compiled: read off the policy projection, so that what is asked (`reach`, `plan`, the image) and what nodes are sent
 * are one computation.
 *
 * @module
 */
import { compareBytewise } from "#/base/bytewise.ts";
import type { CompiledPolicies, CompiledSet, PolicyScope } from "#/policy/compiled.ts";
import { FAILSAFE_POLICIES } from "#/policy/lowering/failsafe.ts";
import { type PolicyIr, policyKey } from "#/policy/ir.ts";
import { POLICY_OBJECT_COLLECTIONS, type PolicyObjects } from "#/policy/policy_objects.ts";
import { policyCollectionOf, policyRefOf } from "#/policy/policy_ref.ts";
import { chainsOf } from "#/projections/active_policies.ts";
import type { ObjectOrigin } from "#/projections/cluster_state.ts";
import { streamOfKey } from "#/projections/fold.ts";
import { setItem } from "#/projections/ip_sets.ts";
import { applyToPolicies, createPolicyProjection, type PolicyProjection } from "#/projections/policy_projection.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";

/** How objects are compiled. */
export interface CompileOptions {
  /** Position for the rule ids of an object; its place in the order in which objects are taken when absent. */
  readonly positionOf?: (object: KubeObject) => number;
}

/**
 * Compiles objects that no projection follows: a past state, a plan, a directory of files.
 *
 * @param scope whose word counts; `enforced` when absent
 *
 * @example
 * ```ts
 * import { compileObjects } from "#/projections/compiled_policies.ts";
 * const compiled = compileObjects({ policies: [], tiers: [], namespaces: [], serviceAccounts: [], workloadEndpoints: [] });
 * if (compiled.endpoints.length !== 0 || !compiled.policies.has("Profile//projectcalico-default-allow")) throw new Error();
 * ```
 */
export function compileObjects(
  objects: PolicyObjects,
  scope: PolicyScope = "enforced",
  options: CompileOptions = {},
): CompiledPolicies {
  const projection = createPolicyProjection(scope);
  const origins = new Map<string, ObjectOrigin>();
  for (const [collection, object] of collectionsOf(objects)) {
    const key = objectKey(object.metadata);
    const position = options.positionOf?.(object) ?? origins.size + 1;
    origins.set(streamOfKey(collection, key), {
      revision: 1,
      position,
      specPosition: position,
      author: "",
      occurredAt: "",
    });
    applyToPolicies(projection, { kind: "object", collection, key, before: undefined, after: object }, origins);
  }
  return compiledPolicies(projection);
}

/**
 * What a projection holds, for the whole cluster, flushed or not. The same value until the next change; after one, only the chains of endpoints that it
 * touched are made anew.
 */
export function compiledPolicies(projection: PolicyProjection): CompiledPolicies {
  return projection.compiled ??= compile(projection);
}

function compile({ active, index, sets, profiles }: PolicyProjection): CompiledPolicies {
  const chains = [...active.endpoints.keys()].map((id) => chainsOf(active, index, id));
  const endpoints = chains.filter((each) => each.kind === "workload").map((each) => each.compiled);
  const hostEndpoints = chains.filter((each) => each.kind === "host").map((each) => each.compiled);
  const policies = new Map<string, PolicyIr>();
  for (const [key, { lowered }] of active.policies) policies.set(key, lowered.policy);
  for (const { policy } of profiles.values()) policies.set(policyKey(policy.ref), policy);
  if (hostEndpoints.length > 0) {
    for (const policy of Object.values(FAILSAFE_POLICIES)) policies.set(policyKey(policy.ref), policy);
  }
  const compiledSets = new Map<string, CompiledSet>();
  for (const id of sets.sets.keys()) {
    const item = setItem(sets, id);
    if (item !== undefined) compiledSets.set(id, { type: item.type, members: item.members });
  }
  return { endpoints: endpoints.sort(byId), hostEndpoints: hostEndpoints.sort(byId), policies, sets: compiledSets };
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return compareBytewise(a.id, b.id);
}

/** Every object with the collection it belongs to. */
function* collectionsOf(objects: PolicyObjects): Iterable<readonly [string, KubeObject]> {
  for (const [member, [first = "", second = first]] of Object.entries(POLICY_OBJECT_COLLECTIONS)) {
    for (const object of objects[member as keyof PolicyObjects] ?? []) {
      yield [object.metadata.namespace === undefined ? second : first, object];
    }
  }
  for (const object of objects.policies) yield [policyCollectionOf(policyRefOf(object).kind) ?? "", object];
}
