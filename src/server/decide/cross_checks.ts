/**
 * Rules of a write that rest on other objects: the namespace and the tier must be there, pools must not overlap. Rules of the object alone belong to its
 * kind (`resources/`).
 *
 * @module
 */
import { cidrOverlaps, parseCidr } from "#/base/cidr.ts";
import type { Problem, Rejection } from "#/base/problem.ts";
import { type ClusterState, getObject } from "#/projections/cluster_state.ts";
import { DEFAULT_TIER } from "#/resources/kinds/tier.ts";
import { collectionKey, type KubeObject, type ObjectRef } from "#/resources/object.ts";
import { invalid } from "#/resources/problems.ts";
import { forbidden, notFound } from "#/server/decide/refusals.ts";

/** Collections whose objects belong to a tier. */
export const TIERED_COLLECTIONS: readonly string[] = [
  "projectcalico.org/globalnetworkpolicies",
  "projectcalico.org/networkpolicies",
  "projectcalico.org/stagedglobalnetworkpolicies",
  "projectcalico.org/stagednetworkpolicies",
];

const POOLS = "projectcalico.org/ippools";

/** Why nothing can be created in the namespace of a reference, or `undefined` when it can. */
export function namespaceRefusal(state: ClusterState, ref: ObjectRef): Rejection | undefined {
  if (ref.namespace === "") return undefined;
  const namespace = getObject(state, "core/namespaces", "", ref.namespace);
  if (namespace === undefined) return notFound({ group: "", plural: "namespaces", name: ref.namespace });
  if (namespace.metadata.deletionTimestamp === undefined) return undefined;
  return forbidden(
    ref,
    `unable to create new content in namespace ${ref.namespace} because it is being terminated`,
  );
}

/** The tier of a policy. */
export function tierOf(policy: KubeObject): string {
  return typeof policy.spec?.tier === "string" ? policy.spec.tier : DEFAULT_TIER;
}

/** Broken rules between the object and others. */
export function crossProblems(
  state: ClusterState,
  { ref, before, after }: {
    readonly ref: ObjectRef;
    readonly before: KubeObject | undefined;
    readonly after: KubeObject;
  },
): readonly Problem[] {
  const collection = collectionKey(ref);
  if (TIERED_COLLECTIONS.includes(collection)) return tierProblems(state, before, after);
  return collection === POOLS ? poolProblems(state, before, after) : [];
}

function tierProblems(state: ClusterState, before: KubeObject | undefined, after: KubeObject): readonly Problem[] {
  const name = tierOf(after);
  const tier = getObject(state, "projectcalico.org/tiers", "", name);
  if (tier === undefined) {
    const message = `Not found: ${JSON.stringify(name)}: must name a tier that exists`;
    return [{ path: "spec.tier", reason: "FieldValueNotFound", message }];
  }
  const joins = before === undefined || tierOf(before) !== name;
  if (!joins || tier.metadata.deletionTimestamp === undefined) return [];
  return [invalid("spec.tier", name, "must not name a tier that is being deleted")];
}

function poolProblems(state: ClusterState, before: KubeObject | undefined, after: KubeObject): readonly Problem[] {
  const cidr = poolCidr(after);
  if (cidr === undefined || before?.spec?.cidr === after.spec?.cidr) return [];
  for (const other of state.collections.get(POOLS)?.values() ?? []) {
    const taken = poolCidr(other);
    if (other.metadata.name === after.metadata.name || taken === undefined || !cidrOverlaps(cidr, taken)) continue;
    const rule = `must not overlap another pool: pool "${other.metadata.name}" has ${String(other.spec?.cidr)}`;
    return [invalid("spec.cidr", after.spec?.cidr, rule)];
  }
  return [];
}

function poolCidr(pool: KubeObject): ReturnType<typeof parseCidr> {
  return typeof pool.spec?.cidr === "string" ? parseCidr(pool.spec.cidr) : undefined;
}
