/**
 * Server-side apply: merges what a manager wants into the object, removes what it wanted before and no longer does, and refuses to take fields from
 * other managers unless forced. Called by `decide` for PATCH of type `apply`; admission and the event come after.
 *
 * The meaning is that of Kubernetes (structured-merge-diff): intent is per manager, so that tools and people can share an object without a lock.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { type Problem, reject, type Rejection } from "#/base/problem.ts";
import {
  compareFields,
  type FieldSet,
  namedFields,
  printField,
  withAncestors,
  withoutFields,
} from "#/server/decide/field_set.ts";
import { isJsonArray, itemsByElement, type ListRules, memberPath } from "#/server/decide/list_rules.ts";
import { type FieldOwner, isSameOwner, ownable, type OwnerIdentity } from "#/server/decide/managed_fields.ts";

/** Owner of everything in an object that was written before anybody's fields were recorded. */
export const FIRST_APPLY_MANAGER = "before-first-apply";

/** An apply to carry out. */
export interface ApplyRequest {
  /** The object as it is; empty when there is none. */
  readonly live: JsonObject;
  /** What the manager wants, without nulls and without fields that the server sets. */
  readonly config: JsonObject;
  readonly owners: readonly FieldOwner[];
  /** Operation is `Apply`. */
  readonly applier: OwnerIdentity;
  /** Take over the fields of others. */
  readonly force: boolean;
  /** Fields of others that may be taken without force: see `last_applied.ts`. */
  readonly yielded: FieldSet;
  /** RFC 3339, whole seconds. */
  readonly time: string;
  readonly rules: ListRules;
}

/** The object and its owners after an apply. */
export interface Applied {
  readonly kind: "applied";
  readonly object: JsonObject;
  readonly owners: readonly FieldOwner[];
}

/**
 * Carries out an apply, or says which fields belong to others.
 *
 * Fields that the manager owned and no longer names are removed unless somebody else owns them. Fields that only repeat what is there become shared. Objects and
 * lists that end up empty because of that go too.
 */
export function applyConfig(request: ApplyRequest): Applied | Rejection {
  const { live, config, applier, rules } = request;
  const owners = knownOwners(request);
  const own = owners.find((owner) => isSameOwner(owner, applier));
  const others = owners.filter((owner) => owner !== own);
  const named = ownable(namedFields(config, rules));
  const peers = others.filter((owner) => owner.apiVersion === applier.apiVersion);
  const needed = peers.reduce<FieldSet>((all, owner) => all.union(owner.fields), named);
  const dropped = withAncestors(own?.fields ?? new Set()).difference(withAncestors(needed));
  const object = withoutFields(mergeObject(live, config, "", rules), ownable(dropped), rules);

  const { added, modified, removed } = compareFields(live, object, rules);
  const changed = added.union(modified);
  const conflicts = peers.flatMap((owner) => [...owner.fields.intersection(changed)].map((path) => ({ owner, path })));
  const refused = request.force ? [] : conflicts.filter(({ path }) => !request.yielded.has(path));
  if (refused.length > 0) return conflictRejection(refused);

  const gone = changed.union(removed);
  const isTouched = gone.size > 0 || own === undefined || named.symmetricDifference(own.fields).size > 0;
  return {
    kind: "applied",
    object,
    owners: [
      ...others.map((owner) => peers.includes(owner) ? { ...owner, fields: owner.fields.difference(gone) } : owner),
      { ...applier, fields: named, time: isTouched ? request.time : own.time },
    ],
  };
}

/** The owners on record; without any, an object that is there already belongs to whoever wrote it. */
function knownOwners({ live, owners, applier, time, rules }: ApplyRequest): readonly FieldOwner[] {
  if (owners.length > 0 || Object.keys(live).length === 0) return owners;
  const fields = ownable(compareFields({}, live, rules).added);
  return [{ ...applier, manager: FIRST_APPLY_MANAGER, operation: "Update", subresource: "", time, fields }];
}

function merge(live: Json | undefined, config: Json, field: string, rules: ListRules): Json {
  if (isJsonObject(config)) return mergeObject(isJsonObject(live) ? live : {}, config, field, rules);
  const wanted = isJsonArray(config) ? itemsByElement(config, rules(field)) : undefined;
  const present = wanted !== undefined && isJsonArray(live) ? itemsByElement(live, rules(field)) : undefined;
  if (wanted === undefined || present === undefined) return config;
  const items = new Map(present);
  for (const [element, item] of wanted) items.set(element, merge(items.get(element), item, field, rules));
  return [...items.values()];
}

function mergeObject(live: JsonObject, config: JsonObject, field: string, rules: ListRules): JsonObject {
  const members = new Map(Object.entries(live));
  for (const [key, value] of Object.entries(config)) {
    if (value !== undefined) members.set(key, merge(members.get(key), value, memberPath(field, key), rules));
  }
  return Object.fromEntries(members);
}

interface FieldConflict {
  readonly owner: OwnerIdentity;
  readonly path: string;
}

/** The refusal, worded so that kubectl shows its usual help. */
function conflictRejection(conflicts: readonly FieldConflict[]): Rejection {
  const named = conflicts.map(({ owner, path }) => ({ with: `with ${ownerText(owner)}`, field: printField(path) }))
    .sort((a, b) => a.with < b.with ? -1 : a.with > b.with ? 1 : a.field < b.field ? -1 : 1);
  const problems: Problem[] = named.map((conflict) => ({
    path: conflict.field,
    reason: "FieldManagerConflict",
    message: `conflict ${conflict.with}`,
  }));
  const [first] = named;
  if (named.length === 1) {
    return reject("Conflict", `Apply failed with 1 conflict: conflict ${first!.with}: ${first!.field}`, problems);
  }
  const owners = [...new Set(named.map((conflict) => conflict.with))];
  const lines = owners.flatMap((owner) => [
    `conflicts ${owner}:`,
    ...named.filter((conflict) => conflict.with === owner).map((conflict) => `- ${conflict.field}`),
  ]);
  return reject("Conflict", `Apply failed with ${named.length} conflicts: ${lines.join("\n")}`, problems);
}

function ownerText(owner: OwnerIdentity): string {
  const manager = JSON.stringify(owner.manager) +
    (owner.subresource === "" ? "" : ` with subresource ${JSON.stringify(owner.subresource)}`);
  return owner.operation === "Update" ? `${manager} using ${owner.apiVersion}` : manager;
}
