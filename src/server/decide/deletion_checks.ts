/**
 * Why an object may not be deleted although its author may write it: others rest on it. Asked by `decide` before anything is removed.
 *
 * @module
 */
import type { Rejection } from "#/base/problem.ts";
import { cidrContainsCidr, parseCidr } from "#/base/cidr.ts";
import type { BlockRecord, ClusterState } from "#/projections/cluster_state.ts";
import { builtinTier } from "#/resources/kinds/tier.ts";
import { collectionKey, type KubeObject, type ObjectRef } from "#/resources/object.ts";
import { TIERED_COLLECTIONS, tierOf } from "#/server/decide/cross_checks.ts";
import { conflict, forbidden } from "#/server/decide/refusals.ts";

/** Namespaces that the cluster cannot be without. */
const IMMORTAL_NAMESPACES: readonly string[] = ["default", "kube-system"];
/** Policies that a refusal names; it counts the rest. */
const NAMED_POLICIES_MAX = 5;

/** Why the object must stay, or `undefined` when it may go. */
export function deletionRefusal(state: ClusterState, ref: ObjectRef, live: KubeObject): Rejection | undefined {
  switch (collectionKey(ref)) {
    case "core/namespaces":
      return IMMORTAL_NAMESPACES.includes(ref.name) ? forbidden(ref, "this namespace may not be deleted") : undefined;
    case "projectcalico.org/tiers":
      return tierRefusal(state, ref);
    case "projectcalico.org/ippools":
      return poolRefusal(state, ref, live);
    default:
      return undefined;
  }
}

function tierRefusal(state: ClusterState, ref: ObjectRef): Rejection | undefined {
  if (builtinTier(ref.name) !== undefined) return forbidden(ref, "built-in tiers may not be deleted");
  const policies = TIERED_COLLECTIONS.flatMap((collection) => [...state.collections.get(collection)?.values() ?? []])
    .filter((policy) => tierOf(policy) === ref.name).map(policyText).sort();
  if (policies.length === 0) return undefined;
  const more = policies.length - NAMED_POLICIES_MAX;
  const named = policies.slice(0, NAMED_POLICIES_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return conflict(ref, `the tier still holds ${counted(policies.length, "policy", "policies")}: ${named}`);
}

function policyText({ kind, metadata }: KubeObject): string {
  const { namespace, name } = metadata;
  return `${kind} "${namespace === undefined ? name : `${namespace}/${name}`}"`;
}

/**
 * A pool with blocks stays: the nodes that hold them go on giving addresses out, and addresses without a pool would neither be routed nor masqueraded.
 */
function poolRefusal(state: ClusterState, ref: ObjectRef, live: KubeObject): Rejection | undefined {
  const blocks = new Set([...state.blocks.values()].filter((block) => isOfPool(block, live)).map(({ cidr }) => cidr));
  if (blocks.size === 0) return undefined;
  const addresses = [...state.addresses.values()].filter(({ block }) => blocks.has(block)).length;
  const used = counted(addresses, "address", "addresses");
  return conflict(ref, `the pool has ${used} in use, in ${counted(blocks.size, "block", "blocks")} that nodes hold`);
}

function isOfPool(block: BlockRecord, pool: KubeObject): boolean {
  if (block.pool === pool.metadata.name) return true;
  const outer = typeof pool.spec?.cidr === "string" ? parseCidr(pool.spec.cidr) : undefined;
  const inner = parseCidr(block.cidr);
  return outer !== undefined && inner !== undefined && cidrContainsCidr(outer, inner);
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
