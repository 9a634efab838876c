/**
 * What differs between two states, object by object and field by field. Right side of the arrow for readers: `tortie diff` and, later, plan and revert
 * ask it; it never looks at the log.
 *
 * @module
 */
import { isJsonObject, type Json, jsonEquals } from "#/base/json.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import type { KubeObject } from "#/resources/object.ts";

/** One field that differs. A side is absent where the field is. */
export interface FieldDifference {
  /** `spec.ingress[0].action`. */
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
}

/** One object that differs. */
export interface ObjectDifference {
  readonly change: "added" | "removed" | "changed";
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly fields: readonly FieldDifference[];
  readonly before?: KubeObject;
  readonly after?: KubeObject;
}

/** Metadata that every write changes: noise in a comparison. */
const BOOKKEEPING = new Set(["metadata.resourceVersion", "metadata.generation", "metadata.managedFields"]);

/** Views of other objects: their sources are compared instead. */
const VIEWS = new Set(["projectcalico.org/nodes", "projectcalico.org/workloadendpoints"]);

/**
 * The fields in which two values differ, in the order of their paths. Lists are compared item by item.
 *
 * @example
 * ```ts
 * import { diffValues } from "#/projections/object_diff.ts";
 * const [difference] = diffValues({ a: [{ b: 1 }] }, { a: [{ b: 2 }] });
 * if (difference?.path !== "a[0].b" || difference.after !== 2) throw new Error(JSON.stringify(difference));
 * ```
 */
export function diffValues(before: Json | undefined, after: Json | undefined, path = ""): FieldDifference[] {
  if (BOOKKEEPING.has(path) || jsonEquals(before, after) && (before === undefined) === (after === undefined)) return [];
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => diffValues(before[key], after[key], path === "" ? key : `${path}.${key}`));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, at) => diffValues(before[at], after[at], `${path}[${at}]`)).flat();
  }
  return [{ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
}

/** Every stored object that differs between two states, sorted by collection, namespace and name. */
export function diffStates(before: ClusterState, after: ClusterState): ObjectDifference[] {
  const collections = [...new Set([...before.collections.keys(), ...after.collections.keys()])].sort();
  return collections.filter((collection) => !VIEWS.has(collection)).flatMap((collection) => {
    const old = before.collections.get(collection) ?? new Map<string, KubeObject>();
    const now = after.collections.get(collection) ?? new Map<string, KubeObject>();
    return [...new Set([...old.keys(), ...now.keys()])].sort()
      .map((key) => diffObjects(old.get(key), now.get(key))).filter((difference) => difference !== undefined);
  });
}

function diffObjects(before: KubeObject | undefined, after: KubeObject | undefined): ObjectDifference | undefined {
  const object = after ?? before;
  if (object === undefined || before === after) return undefined;
  const fields = diffValues(before as Json | undefined, after as Json | undefined);
  if (fields.length === 0) return undefined;
  return {
    change: before === undefined ? "added" : after === undefined ? "removed" : "changed",
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    fields: before !== undefined && after !== undefined ? fields : [],
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}
