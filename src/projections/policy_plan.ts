/**
 * Plans: what a change of objects would open and close, before it is made. Two sets of objects are compiled and compared; who makes the second one (a
 * server, by deciding on a copy of its state; the command line, by laying files over files) is the caller's business.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import type { ReachOptions } from "#/policy/reach/reach.ts";
import { diffReach, type ReachChange } from "#/policy/reach/reach_diff.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { diffValues, type FieldDifference } from "#/projections/object_diff.ts";
import type { KubeObject } from "#/resources/object.ts";

/** What becomes of one object of a plan. */
export interface PlannedObject {
  readonly change: "created" | "updated" | "unchanged";
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for cluster scope. */
  readonly namespace: string;
  readonly name: string;
  /** Of an update. */
  readonly fields: readonly FieldDifference[];
}

/** A plan: objects in the order in which they were given, and every pair of ends whose connections change. */
export interface PolicyPlan {
  readonly objects: readonly PlannedObject[];
  readonly connections: readonly ReachChange[];
}

/**
 * What becomes of an object. Bookkeeping (versions, managers of fields) does not count.
 *
 * @example
 * ```ts
 * import { plannedObject } from "#/projections/policy_plan.ts";
 * const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
 * if (plannedObject(undefined, object).change !== "created") throw new Error();
 * if (plannedObject(object, { ...object, metadata: { name: "shop", resourceVersion: "7" } }).change !== "unchanged") throw new Error();
 * ```
 */
export function plannedObject(before: KubeObject | undefined, after: KubeObject): PlannedObject {
  const { apiVersion, kind, metadata } = after;
  const fields = before === undefined
    ? []
    : diffValues(before as unknown as Json, after as unknown as Json).filter(({ path }) => path !== "metadata.uid");
  return {
    change: before === undefined ? "created" : fields.length === 0 ? "unchanged" : "updated",
    apiVersion,
    kind,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    fields,
  };
}

/** The exact change of the connections that are allowed. */
export function plannedConnections(
  before: PolicyObjects,
  after: PolicyObjects,
  options: ReachOptions,
): readonly ReachChange[] {
  return diffReach(compileObjects(before), compileObjects(after), options);
}
