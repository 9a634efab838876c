/**
 * The form of admission tables: a valid object of a kind, and rows that change it a little and say what must stand against the result. `../admission_test.ts`
 * lists the tables and runs every row through admission; each other file here holds the tables of one part of the API.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import type { KubeObject } from "#/resources/object.ts";

/**
 * Members laid over a table's base, by path: `{"spec.order": 5}`. Names are joined by dots, list indices and keys with dots cannot be named (give the whole
 * list or map); `undefined` removes a member.
 */
export type Patch = Readonly<Record<string, Json | undefined>>;

/** A problem that admission must find: its field path, and a piece of its message that names the rule. */
export type ExpectedProblem = readonly [path: string, rule: string];

/**
 * One row: an identity within the table, the change of the base, and every problem that it has; none where the object must be admitted. A field that the kind
 * does not know is expected as `[path, UNKNOWN_FIELD]`.
 */
export type AdmissionRow = readonly [id: string, patch: Patch, ...problems: readonly ExpectedProblem[]];

/** The rule that {@link AdmissionRow} names for a field that the kind does not know. */
export const UNKNOWN_FIELD = "unknown field";

/** The rows of one kind, or of one part of it. */
export interface AdmissionTable {
  /** Unique among tables; a row is known as `name/id`. */
  readonly name: string;
  readonly kind: KindDefinition;
  /** Must be admitted as it is. */
  readonly base: KubeObject;
  /** Where given, every row is an update of the base with this laid over it; else a creation. */
  readonly stored?: Patch;
  readonly rows: readonly AdmissionRow[];
}

/** The object of a row. */
export function patched(base: KubeObject, patch: Patch): KubeObject {
  return Object.entries(patch).reduce(
    (object, [path, value]) => withMember(object, path.split("."), value),
    base as unknown as JsonObject,
  ) as unknown as KubeObject;
}

function withMember(object: JsonObject, [head, ...rest]: readonly string[], value: Json | undefined): JsonObject {
  if (head === undefined) return object;
  const { [head]: old, ...others } = object;
  if (rest.length > 0) return { ...object, [head]: withMember(isJsonObject(old) ? old : {}, rest, value) };
  return value === undefined ? others : { ...object, [head]: value };
}
