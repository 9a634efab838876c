/**
 * Strategic merge patch: Kubernetes' merge patch for its own kinds, which merges some lists item by item and takes directives (`$patch`,
 * `$deleteFromPrimitiveList`, `$setElementOrder`, `$retainKeys`). `kubectl apply`, `label` and `edit` send it for core kinds. `decide` calls it; the result
 * is then treated as a replacement of the whole object.
 *
 * Directives are read leniently: what cannot be made sense of has no effect, and admission judges the result.
 *
 * @module
 */
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import {
  isJsonArray,
  itemElement,
  itemsByElement,
  type ListRule,
  type ListRules,
  memberPath,
} from "#/server/decide/list_rules.ts";

const PATCH = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_FROM = "$deleteFromPrimitiveList/";
const SET_ORDER = "$setElementOrder/";

/** Members of an object being merged, in order. */
type Members = Map<string, Json | undefined>;

/**
 * The target after the patch. Never fails.
 *
 * @param rules how the kind's lists merge; lists without a rule are replaced whole
 *
 * @example
 * ```ts
 * import { listRulesOf } from "#/server/decide/list_rules.ts";
 * import { strategicPatch } from "#/server/decide/patch_strategic.ts";
 * const rules = listRulesOf({ "spec.containers": "name" });
 * const after = strategicPatch(
 *   { spec: { containers: [{ name: "a", image: "1" }, { name: "b" }] } },
 *   { spec: { containers: [{ name: "a", image: "2" }, { name: "b", $patch: "delete" }] } },
 *   rules,
 * );
 * if (JSON.stringify(after) !== '{"spec":{"containers":[{"name":"a","image":"2"}]}}') throw new Error(JSON.stringify(after));
 * ```
 */
export function strategicPatch(target: JsonObject, patch: JsonObject, rules: ListRules): JsonObject {
  return mergeObject(target, patch, "", rules);
}

function mergeObject(target: JsonObject, patch: JsonObject, path: string, rules: ListRules): JsonObject {
  if (patch[PATCH] === "delete") return {};
  const members: Members = new Map(patch[PATCH] === "replace" ? [] : Object.entries(target));
  const entries = Object.entries(patch);
  for (const [key, values] of entries) {
    if (key.startsWith(DELETE_FROM)) deleteFrom(members, key.slice(DELETE_FROM.length), values);
  }
  for (const [key, value] of entries.filter(([key]) => !isDirective(key))) {
    const member = mergeMember(members.get(key), value, memberPath(path, key), rules);
    if (member === undefined) members.delete(key);
    else members.set(key, member);
  }
  for (const [key, order] of entries) {
    if (!key.startsWith(SET_ORDER)) continue;
    const member = key.slice(SET_ORDER.length);
    setOrder(members, member, { order, before: target[member], rule: rules(memberPath(path, member)) });
  }
  const retained = patch[RETAIN_KEYS];
  if (isJsonArray(retained)) retainKeys(members, retained);
  return Object.fromEntries(members);
}

function isDirective(key: string): boolean {
  return key === PATCH || key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER);
}

function mergeMember(
  before: Json | undefined,
  patch: Json | undefined,
  path: string,
  rules: ListRules,
): Json | undefined {
  if (patch === null || patch === undefined) return undefined;
  if (isJsonArray(patch)) return mergeList(isJsonArray(before) ? before : [], patch, path, rules);
  if (!isJsonObject(patch)) return patch;
  return patch[PATCH] === "delete" ? undefined : mergeObject(isJsonObject(before) ? before : {}, patch, path, rules);
}

function mergeList(before: readonly Json[], patch: readonly Json[], path: string, rules: ListRules): readonly Json[] {
  const rule = rules(path);
  switch (rule.kind) {
    case "atomic":
      return patch;
    case "set": {
      const present = new Set(before.map((item) => canonicalJson(item)));
      return [...before, ...patch.filter((item) => !present.has(canonicalJson(item)))];
    }
    case "map":
      return mergeItems(before, patch, (item, change) => mergeObject(item, change, path, rules), rule);
  }
}

/** Merges items by key. A stored list whose items cannot be told apart is replaced, because no item of it can be meant. */
function mergeItems(
  before: readonly Json[],
  patch: readonly Json[],
  merge: (item: JsonObject, change: JsonObject) => JsonObject,
  rule: ListRule,
): readonly Json[] {
  const replaces = patch.some((item) => isJsonObject(item) && item[PATCH] === "replace");
  const items = new Map(replaces ? [] : itemsByElement(before, rule) ?? []);
  for (const change of patch) {
    const element = itemElement(change, rule);
    if (element === undefined || !isJsonObject(change)) continue;
    const item = items.get(element);
    if (change[PATCH] === "delete") items.delete(element);
    else items.set(element, merge(isJsonObject(item) ? item : {}, change));
  }
  return [...items.values()];
}

function deleteFrom(members: Members, key: string, values: Json | undefined): void {
  const list = members.get(key);
  if (!isJsonArray(list) || !isJsonArray(values)) return;
  const doomed = new Set(values.map((value) => canonicalJson(value)));
  members.set(key, list.filter((item) => !doomed.has(canonicalJson(item))));
}

function retainKeys(members: Members, retained: readonly Json[]): void {
  const keys = new Set(retained);
  for (const key of [...members.keys()]) if (!keys.has(key)) members.delete(key);
}

/**
 * Sorts a merged list as the patch says. Items that the patch does not name stay before the first named item that they stood before.
 */
function setOrder(
  members: Members,
  key: string,
  wanted: { readonly order: Json | undefined; readonly before: Json | undefined; readonly rule: ListRule },
): void {
  const list = members.get(key);
  const items = isJsonArray(list) ? itemsByElement(list, wanted.rule) : undefined;
  if (items === undefined || !isJsonArray(wanted.order)) return;
  const named = wanted.order.map((item) => itemElement(item, wanted.rule)).filter((element) => element !== undefined);
  const places = elementPlaces(isJsonArray(wanted.before) ? wanted.before : [], wanted.rule);
  const isNamed = new Set(named);
  const others = [...items.keys()].filter((element) => !isNamed.has(element));
  const sorted: string[] = [];
  let next = 0;
  for (const element of named.filter((element) => items.has(element))) {
    const place = places.get(element) ?? -1;
    for (; next < others.length && (places.get(others[next]!) ?? Infinity) < place; next++) sorted.push(others[next]!);
    sorted.push(element);
  }
  members.set(key, [...new Set([...sorted, ...others.slice(next)])].map((element) => items.get(element)!));
}

function elementPlaces(list: readonly Json[], rule: ListRule): ReadonlyMap<string, number> {
  return new Map([...itemsByElement(list, rule)?.keys() ?? []].map((element, place) => [element, place]));
}
