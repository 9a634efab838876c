/**
 * The shape every API object shares: type, metadata, and whatever its kind says. This is the outermost of the three shapes (API resource, event
 * payload, internal value): strings, as users write them.
 *
 * @module
 */
import type { Json, JsonObject } from "#/base/json.ts";

/** One entry of `metadata.managedFields`, as Kubernetes stores it (structured-merge-diff v4, FieldsV1). */
export interface ManagedFieldsEntry {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly time?: string;
  readonly fieldsType: "FieldsV1";
  readonly fieldsV1: JsonObject;
  readonly subresource?: string;
}

/** A reference from a dependent object to its owner. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** `metadata` of an object, in Kubernetes' shape. */
export interface ObjectMeta {
  readonly name: string;
  readonly generateName?: string;
  /** Present on namespaced kinds only. */
  readonly namespace?: string;
  readonly uid?: string;
  /** The position of the event that made the object so, as decimal text. Absent in event payloads: the fold fills it in. */
  readonly resourceVersion?: string;
  /** Grows by one with each change of `spec`. */
  readonly generation?: number;
  /** RFC 3339, whole seconds, UTC. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

/** Any API object. Its kind's own type narrows `spec` and `status`. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: JsonObject;
  readonly status?: JsonObject;
  readonly [field: string]: Json | ObjectMeta | undefined;
}

/** What a kind is called: enough to build streams, paths and messages. `group` is empty for the core group. */
export interface KindName {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Where one object lives: `group/plural`, and `namespace` (empty for cluster scope) with `name`. */
export interface ObjectRef {
  readonly group: string;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * `apiVersion` of a group and version: `v1` for the core group, `group/version` otherwise.
 *
 * @example
 * ```ts
 * import { apiVersionOf } from "#/resources/object.ts";
 * if (apiVersionOf({ group: "projectcalico.org", version: "v3" }) !== "projectcalico.org/v3") throw new Error();
 * if (apiVersionOf({ group: "", version: "v1" }) !== "v1") throw new Error();
 * ```
 */
export function apiVersionOf(name: { readonly group: string; readonly version: string }): string {
  return name.group === "" ? name.version : `${name.group}/${name.version}`;
}

/**
 * How messages name a kind's collection: `tiers.projectcalico.org`, `pods` for the core group.
 *
 * @example
 * ```ts
 * import { qualifiedPlural } from "#/resources/object.ts";
 * if (qualifiedPlural({ group: "", plural: "pods" }) !== "pods") throw new Error();
 * ```
 */
export function qualifiedPlural(name: { readonly group: string; readonly plural: string }): string {
  return name.group === "" ? name.plural : `${name.plural}.${name.group}`;
}

/** The collection key of a kind, `group/plural` with `core` for the empty group: the first half of a stream's name. */
export function collectionKey(name: { readonly group: string; readonly plural: string }): string {
  return `${name.group === "" ? "core" : name.group}/${name.plural}`;
}

/** The key of an object within its collection, `namespace/name`, with an empty namespace for cluster scope. */
export function objectKey(meta: { readonly namespace?: string; readonly name: string }): string {
  return `${meta.namespace ?? ""}/${meta.name}`;
}
