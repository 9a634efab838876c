/**
 * Who manages which field of an object: `metadata.managedFields` as a table of owners, and what a write does to it. Every write of `decide` passes here;
 * server-side apply (`apply.ts`) rests on the result.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { ManagedFieldsEntry } from "#/resources/object.ts";
import {
  compareFields,
  decodeFields,
  encodeFields,
  fieldPathOf,
  type FieldSet,
  isWithin,
} from "#/server/decide/field_set.ts";
import type { ListRules } from "#/server/decide/list_rules.ts";

/** Most entries of operation Update on one object; the oldest are joined under {@link ANCIENT_MANAGER}. The limit of Kubernetes. */
export const UPDATE_OWNERS_MAX = 10;
/** Manager that takes over the fields of the oldest updaters. */
export const ANCIENT_MANAGER = "ancient-changes";

/** What tells owners apart: the same manager owns separately by apply, by update, and through each subresource. */
export interface OwnerIdentity {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  /** `status`, or empty for the object itself. */
  readonly subresource: string;
}

/** One entry of `metadata.managedFields`. */
export interface FieldOwner extends OwnerIdentity {
  /** RFC 3339, whole seconds. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

const METADATA = "f:metadata";

/** Fields that nobody owns, because the server sets them or they tell which object is meant. */
const UNOWNABLE: readonly string[] = [
  "f:apiVersion",
  "f:kind",
  ...[
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
  ].map((member) => fieldPathOf(METADATA, `f:${member}`)),
];

/** The set without the fields that nobody can own. */
export function ownable(set: FieldSet): FieldSet {
  return new Set([...set].filter((path) => path !== METADATA && !UNOWNABLE.some((field) => isWithin(path, field))));
}

/** Whether two owners are the same one. */
export function isSameOwner(a: OwnerIdentity, b: OwnerIdentity): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.apiVersion === b.apiVersion &&
    a.subresource === b.subresource;
}

/**
 * Reads `metadata.managedFields`; `undefined` when it is not of that shape, which users may bring about.
 */
export function decodeOwners(entries: Json | readonly ManagedFieldsEntry[] | undefined): FieldOwner[] | undefined {
  if (entries === undefined || entries === null) return [];
  if (!Array.isArray(entries)) return undefined;
  const owners: FieldOwner[] = [];
  for (const entry of entries) {
    const owner = decodeOwner(entry);
    if (owner === undefined) return undefined;
    owners.push(owner);
  }
  return owners;
}

function decodeOwner(entry: unknown): FieldOwner | undefined {
  if (!isJsonObject(entry)) return undefined;
  const { manager, operation, apiVersion, time, subresource, fieldsType, fieldsV1 } = entry;
  if (typeof manager !== "string" || typeof apiVersion !== "string" || fieldsType !== "FieldsV1") return undefined;
  if (operation !== "Apply" && operation !== "Update" || !isJsonObject(fieldsV1)) return undefined;
  return {
    manager,
    operation,
    apiVersion,
    subresource: typeof subresource === "string" ? subresource : "",
    time: typeof time === "string" ? time : undefined,
    fields: decodeFields(fieldsV1),
  };
}

/** Writes `metadata.managedFields`: owners of nothing are left out, the rest stand in Kubernetes' order (appliers first, then by time and name). */
export function encodeOwners(owners: readonly FieldOwner[]): ManagedFieldsEntry[] {
  return owners.filter((owner) => owner.fields.size > 0).sort(compareOwners).map((owner) => ({
    manager: owner.manager,
    operation: owner.operation,
    apiVersion: owner.apiVersion,
    ...(owner.time === undefined ? {} : { time: owner.time }),
    fieldsType: "FieldsV1",
    fieldsV1: encodeFields(owner.fields),
    ...(owner.subresource === "" ? {} : { subresource: owner.subresource }),
  }));
}

function compareOwners(a: FieldOwner, b: FieldOwner): number {
  const key = (owner: FieldOwner) =>
    [owner.operation, owner.time ?? "", owner.manager, owner.apiVersion, owner.subresource].join("\0");
  const [left, right] = [key(a), key(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * The owners that a write starts from. A user may rewrite the table by sending one; a table that is empty or cannot be read leaves the stored one, so that
 * clients that do not know the field never lose it; a table of one empty entry, `[{}]`, clears it.
 *
 * @param stored of the object as it is, `undefined` when there is none
 * @param sent of the object that the user wants
 */
export function ownersBeforeWrite(
  stored: readonly ManagedFieldsEntry[] | undefined,
  sent: Json | readonly ManagedFieldsEntry[] | undefined,
): FieldOwner[] {
  if (Array.isArray(sent) && sent.length === 1 && isJsonObject(sent[0]) && Object.keys(sent[0]).length === 0) return [];
  const wanted = decodeOwners(sent);
  return wanted === undefined || wanted.length === 0 ? decodeOwners(stored) ?? [] : wanted;
}

/** What a write did, for {@link ownersAfterUpdate}. */
export interface UpdateRecord {
  /** Empty for a creation. */
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly owners: readonly FieldOwner[];
  readonly writer: OwnerIdentity;
  /** RFC 3339, whole seconds. */
  readonly time: string;
  readonly rules: ListRules;
}

/**
 * The owners after a write other than an apply: the writer owns what it added or changed, and nobody else does any longer; what it removed, nobody owns. Owners
 * through another API version (a view of the object) are carried along. An object of which nothing is recorded stays so until its first apply, which
 * takes all of it as one former owner's: a part of the truth would be worse.
 */
export function ownersAfterUpdate({ before, after, owners, writer, time, rules }: UpdateRecord): FieldOwner[] {
  if (owners.length === 0 && Object.keys(before).length > 0) return [];
  const { added, modified, removed } = compareFields(before, after, rules);
  const taken = ownable(added.union(modified));
  const gone = taken.union(removed);
  const own = owners.find((owner) => isSameOwner(owner, writer));
  const others = owners.filter((owner) => owner !== own).map((owner) =>
    owner.apiVersion === writer.apiVersion ? { ...owner, fields: owner.fields.difference(gone) } : owner
  );
  const fields = (own?.fields ?? new Set<string>()).difference(removed).union(taken);
  const isTouched = gone.size > 0;
  return capUpdaters([...others, { ...writer, fields, time: isTouched ? time : own?.time ?? time }]);
}

/** Joins the oldest updaters into one when there are too many. */
function capUpdaters(owners: readonly FieldOwner[]): FieldOwner[] {
  const updaters = owners.filter((owner) => owner.operation === "Update" && owner.fields.size > 0).sort(compareOwners);
  const excess = updaters.length - UPDATE_OWNERS_MAX;
  if (excess <= 0) return [...owners];
  const joined = updaters.slice(0, excess + 1);
  const newest = joined.at(-1)!;
  const fields = joined.reduce<FieldSet>((all, owner) => all.union(owner.fields), new Set());
  return [
    ...owners.filter((owner) => !joined.includes(owner)),
    { ...newest, manager: ANCIENT_MANAGER, subresource: "", fields },
  ];
}
