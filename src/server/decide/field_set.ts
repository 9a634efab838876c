/**
 * Sets of fields of an object, as `metadata.managedFields` records them (FieldsV1 of Kubernetes): which fields a document names, how two objects
 * differ, and the nested text form. Managed fields and server-side apply are arithmetic on these sets.
 *
 * A path is its FieldsV1 elements joined by NUL: `f:name` for a member, `k:{"name":"web"}` or `v:"x"` for a list item. Flat texts make union and difference
 * the set operations of the language. A path stands for itself only, not for what is below it.
 *
 * @module
 */
import { isJsonObject, type Json, jsonEquals, type JsonObject } from "#/base/json.ts";
import { isJsonArray, itemsByElement, type ListRules, memberPath } from "#/server/decide/list_rules.ts";

/** Paths of fields. */
export type FieldSet = ReadonlySet<string>;

const SEPARATOR = "\0";
/** The element of FieldsV1 that says that the parent itself is in the set. */
const SELF = ".";

/**
 * The path made of FieldsV1 elements.
 *
 * @example
 * ```ts
 * import { fieldPathOf, printField } from "#/server/decide/field_set.ts";
 * const path = fieldPathOf("f:spec", "f:containers", 'k:{"name":"web"}', "f:image");
 * if (printField(path) !== '.spec.containers[name="web"].image') throw new Error(printField(path));
 * ```
 */
export function fieldPathOf(...elements: readonly string[]): string {
  return elements.join(SEPARATOR);
}

/** A path as Kubernetes prints it in messages: `.spec.order`, `.spec.containers[name="web"].image`. */
export function printField(path: string): string {
  return path.split(SEPARATOR).map((element) => {
    const text = element.slice(2);
    if (element.startsWith("f:")) return `.${text}`;
    if (!element.startsWith("k:")) return `[=${text}]`;
    const keys = parseObject(text);
    return `[${Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
  }).join("");
}

function parseObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Whether `path` is `ancestor` or lies below it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(ancestor + SEPARATOR);
}

/**
 * Reads FieldsV1. Members that are no objects are ignored: users may write the field, and what cannot be read owns nothing.
 *
 * @example
 * ```ts
 * import { decodeFields, encodeFields } from "#/server/decide/field_set.ts";
 * const fields = { "f:spec": { ".": {}, "f:order": {} } };
 * if (JSON.stringify(encodeFields(decodeFields(fields))) !== JSON.stringify(fields)) throw new Error();
 * ```
 */
export function decodeFields(fields: JsonObject): FieldSet {
  const paths = new Set<string>();
  const visit = (members: JsonObject, path: string): void => {
    for (const [element, below] of Object.entries(members)) {
      if (!isJsonObject(below)) continue;
      if (element === SELF) {
        if (path !== "") paths.add(path);
        continue;
      }
      const child = path === "" ? element : path + SEPARATOR + element;
      if (Object.keys(below).length === 0) paths.add(child);
      else visit(below, child);
    }
  };
  visit(fields, "");
  return paths;
}

interface Branch {
  isMember: boolean;
  readonly children: Map<string, Branch>;
}

/** Writes FieldsV1, members sorted. */
export function encodeFields(set: FieldSet): JsonObject {
  const root: Branch = { isMember: false, children: new Map() };
  for (const path of set) {
    let branch = root;
    for (const element of path.split(SEPARATOR)) {
      let child = branch.children.get(element);
      if (child === undefined) branch.children.set(element, child = { isMember: false, children: new Map() });
      branch = child;
    }
    branch.isMember = true;
  }
  return encodeBranch(root);
}

function encodeBranch(branch: Branch): JsonObject {
  const children = [...branch.children].sort(([a], [b]) => a < b ? -1 : 1);
  const self: readonly [string, JsonObject][] = branch.isMember && children.length > 0 ? [[SELF, {}]] : [];
  return Object.fromEntries([...self, ...children.map(([element, child]) => [element, encodeBranch(child)] as const)]);
}

/** A value with its place: `path` as a FieldsV1 path, `field` as list rules know it. */
interface Place {
  readonly path: string;
  readonly field: string;
}

const ROOT: Place = { path: "", field: "" };

type Children = ReadonlyMap<string, { readonly value: Json; readonly place: Place }>;

/** Members of an object or named items of a list; `undefined` for a value that is owned whole. */
function childrenOf(value: Json, place: Place, rules: ListRules): Children | undefined {
  const at = (element: string) => place.path === "" ? element : place.path + SEPARATOR + element;
  if (isJsonObject(value)) {
    const children = new Map<string, { readonly value: Json; readonly place: Place }>();
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      const element = `f:${key}`;
      children.set(element, { value: member, place: { path: at(element), field: memberPath(place.field, key) } });
    }
    return children;
  }
  if (!isJsonArray(value)) return undefined;
  const items = itemsByElement(value, rules(place.field));
  if (items === undefined) return undefined;
  return new Map([...items].map(([element, item]) => [
    element,
    { value: item, place: { path: at(element), field: place.field } },
  ]));
}

/**
 * The fields that an applied document names: its scalars, atomic lists, empty objects and lists, and the items of keyed lists. Objects that only hold
 * others are not in the set.
 */
export function namedFields(document: JsonObject, rules: ListRules): FieldSet {
  const paths = new Set<string>();
  const visit = (value: Json, place: Place): void => {
    const children = childrenOf(value, place, rules);
    const isItem = !place.path.slice(place.path.lastIndexOf(SEPARATOR) + 1).startsWith("f:");
    if (children === undefined || children.size === 0 || isItem) paths.add(place.path);
    for (const child of children?.values() ?? []) visit(child.value, child.place);
  };
  for (const child of childrenOf(document, ROOT, rules)?.values() ?? []) visit(child.value, child.place);
  return paths;
}

/** How one object differs from another. The three sets have no path in common. */
export interface FieldComparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/**
 * Compares two objects field by field. What is added or removed counts with everything below it, objects included; an object on both sides is never
 * itself modified.
 */
export function compareFields(before: JsonObject, after: JsonObject, rules: ListRules): FieldComparison {
  const sets = { added: new Set<string>(), modified: new Set<string>(), removed: new Set<string>() };
  const collect = (value: Json, place: Place, paths: Set<string>): void => {
    paths.add(place.path);
    for (const child of childrenOf(value, place, rules)?.values() ?? []) collect(child.value, child.place, paths);
  };
  const compareChildren = (old: Children, now: Children): void => {
    for (const [element, child] of old) {
      if (!now.has(element)) collect(child.value, child.place, sets.removed);
    }
    for (const [element, child] of now) {
      const former = old.get(element);
      if (former === undefined) collect(child.value, child.place, sets.added);
      else compare(former.value, child.value, child.place);
    }
  };
  const compare = (old: Json, now: Json, place: Place): void => {
    if (old === now) return;
    const oldChildren = childrenOf(old, place, rules);
    const nowChildren = childrenOf(now, place, rules);
    const isBranch = oldChildren !== undefined && nowChildren !== undefined && isJsonArray(old) === isJsonArray(now);
    if (!isBranch && !jsonEquals(old, now)) sets.modified.add(place.path);
    compareChildren(oldChildren ?? new Map(), nowChildren ?? new Map());
  };
  compareChildren(childrenOf(before, ROOT, rules) ?? new Map(), childrenOf(after, ROOT, rules) ?? new Map());
  return sets;
}

/** The set and every object and list above its paths: what there must be for the paths to be there. */
export function withAncestors(set: FieldSet): FieldSet {
  const paths = new Set<string>();
  for (let path of set) {
    while (path !== "" && !paths.has(path)) {
      paths.add(path);
      path = path.slice(0, Math.max(0, path.lastIndexOf(SEPARATOR)));
    }
  }
  return paths;
}

/** The object without the fields of a set and everything below them. */
export function withoutFields(object: JsonObject, set: FieldSet, rules: ListRules): JsonObject {
  if (set.size === 0) return object;
  const prune = (value: Json, place: Place): Json => {
    const children = childrenOf(value, place, rules);
    if (children === undefined) return value;
    const kept = [...children].filter(([, child]) => !set.has(child.place.path))
      .map(([element, child]) => [element, prune(child.value, child.place)] as const);
    if (isJsonArray(value)) return kept.map(([, item]) => item);
    return Object.fromEntries(kept.map(([element, member]) => [element.slice(2), member]));
  };
  const pruned = prune(object, ROOT);
  return isJsonObject(pruned) ? pruned : {};
}
