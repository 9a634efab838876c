/**
 * How the lists of a kind are merged: as one value, as a set of texts, or item by item under a key. Strategic merge patch, server-side apply and the
 * field sets of `metadata.managedFields` all ask here, so that they agree on what an item is.
 *
 * @module
 */
import { canonicalJson, isJsonObject, type Json } from "#/base/json.ts";
import type { MergeKeys } from "#/resources/kind.ts";

/** What a list is: one value (`atomic`), a set of primitives (`set`), or items told apart by a member (`map`). */
export type ListRule =
  | { readonly kind: "atomic" }
  | { readonly kind: "set" }
  | { readonly kind: "map"; readonly key: string };

/** The rule of the list at a field path without indices: `spec.containers`. */
export type ListRules = (path: string) => ListRule;

const ATOMIC: ListRule = { kind: "atomic" };
const SET: ListRule = { kind: "set" };

/**
 * The list rules of a kind. The lists of `metadata` are the same for every kind; of the others only those with a merge key are not atomic.
 *
 * @param mergeKeys `undefined` for kinds without strategic merge patch
 *
 * @example
 * ```ts
 * import { listRulesOf } from "#/server/decide/list_rules.ts";
 * const rules = listRulesOf({ "spec.containers": "name" });
 * if (rules("spec.containers").kind !== "map" || rules("spec.tolerations").kind !== "atomic") throw new Error();
 * if (rules("metadata.finalizers").kind !== "set") throw new Error();
 * ```
 */
export function listRulesOf(mergeKeys: MergeKeys | undefined): ListRules {
  const keys = new Map(Object.entries(mergeKeys ?? {}));
  return (path) => {
    if (path === "metadata.finalizers") return SET;
    const key = path === "metadata.ownerReferences" ? "uid" : keys.get(path);
    return key === undefined ? ATOMIC : { kind: "map", key };
  };
}

/** Whether a JSON value is a list. */
export function isJsonArray(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** The path of a member: `spec` and `order` give `spec.order`. */
export function memberPath(path: string, member: string): string {
  return path === "" ? member : `${path}.${member}`;
}

/**
 * The name of one list item as a path element of FieldsV1: `k:{"name":"web"}` by key, `v:"x"` in a set, `undefined` when the item has no such name.
 */
export function itemElement(item: Json, rule: ListRule): string | undefined {
  switch (rule.kind) {
    case "atomic":
      return undefined;
    case "set":
      return typeof item === "object" && item !== null ? undefined : `v:${canonicalJson(item)}`;
    case "map": {
      const value = isJsonObject(item) ? item[rule.key] : undefined;
      if (value === undefined || typeof value === "object") return undefined;
      return `k:${canonicalJson({ [rule.key]: value })}`;
    }
  }
}

/**
 * The items of a list by their path element, in the list's order; `undefined` when the list is atomic, or when an item has no name or shares one: such a
 * list can only be treated as one value.
 */
export function itemsByElement(list: readonly Json[], rule: ListRule): ReadonlyMap<string, Json> | undefined {
  if (rule.kind === "atomic") return undefined;
  const items = new Map<string, Json>();
  for (const item of list) {
    const element = itemElement(item, rule);
    if (element === undefined || items.has(element)) return undefined;
    items.set(element, item);
  }
  return items;
}
