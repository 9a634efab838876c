/**
 * JSON merge patch (RFC 7386): what `kubectl apply` and `kubectl patch --type merge` send for custom resources. `decide` calls it; the result is then
 * treated as a replacement of the whole object.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";

/**
 * The target after the patch. Members of the patch replace those of the target, objects are merged, `null` removes, lists are replaced whole. Never fails.
 *
 * @example
 * ```ts
 * import { mergePatch } from "#/server/decide/patch_merge.ts";
 * const after = mergePatch({ a: 1, b: { c: 2, d: 3 } }, { a: null, b: { c: 4 } });
 * if (JSON.stringify(after) !== '{"b":{"c":4,"d":3}}') throw new Error(JSON.stringify(after));
 * ```
 */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const members = new Map(Object.entries(isJsonObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined) members.delete(key);
    else members.set(key, mergePatch(members.get(key), value));
  }
  return Object.fromEntries(members);
}
