/**
 * Admission of one object by its kind: defaults, schema, metadata, rules across fields, unknown fields. Pure; rules that rest on other objects
 * (`server/decide`) come after. Between a command and its event.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { metadataProblems, metadataSchema } from "#/resources/metadata.ts";
import type { KubeObject, ObjectMeta } from "#/resources/object.ts";
import { fieldPath, wrongType } from "#/resources/problems.ts";
import { isShapeFault, problemOfIssue, type SchemaIssue, unknownFieldPaths } from "#/resources/schema_problems.ts";

/** What is done with fields that the kind does not know: the request is refused, or they are dropped with or without a warning. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** What admission says of an object. */
export interface Admission {
  /** The object to store: with defaults, in canonical form, without unknown fields. Meaningful only without problems. */
  readonly object: KubeObject;
  /** Every broken rule; the object may be stored only when there is none. */
  readonly problems: readonly Problem[];
  /** Lines for `Warning:` headers. */
  readonly warnings: readonly string[];
  /**
   * Paths of fields that the kind does not know, at most {@link PROBLEMS_MAX} of them. Under `Strict` the caller refuses the request, in the words of
   * {@link strictDecodingMessage}.
   */
  readonly unknownFields: readonly string[];
}

/** Most problems told at once; what is beyond is counted in a last one. */
export const PROBLEMS_MAX = 100;
/** Deepest nesting of an object, so that no later recursion over it can run out of stack. */
export const OBJECT_DEPTH_MAX = 128;

/**
 * Admits an object, or says everything that stands against it.
 *
 * Members that are null count as left out, as in Kubernetes. Rules across fields are asked only where every field has its type: a rule about ports
 * has nothing to say of ports that are no list.
 *
 * @param object as the user sent it: only that it is an object with `metadata` is taken as given
 * @param old the stored object on an update, for fields that must not change
 */
export function admit(
  kind: KindDefinition,
  object: KubeObject,
  old: KubeObject | undefined,
  fieldValidation: FieldValidation,
): Admission {
  const refused = (problem: Problem): Admission => ({ object, problems: [problem], warnings: [], unknownFields: [] });
  if (isDeeperThan(object, OBJECT_DEPTH_MAX)) {
    return refused({
      path: "",
      reason: "FieldValueInvalid",
      message: `Object must nest at most ${OBJECT_DEPTH_MAX} deep`,
    });
  }
  const given = withoutNulls(object);
  if (!isJsonObject(given) || !isJsonObject(given.metadata)) {
    return refused(wrongType("metadata", isJsonObject(given) ? given.metadata : given, "must be an object"));
  }
  const metadata = checkMetadata(given.metadata);
  const metadataFaults = issueProblems(metadata.issues, given.metadata, ["metadata"]);
  const named = { ...given, metadata: metadata.value } as KubeObject;
  if (metadata.issues.some(isShapeFault)) {
    return { object: named, problems: limited(metadataFaults), warnings: [], unknownFields: [] };
  }
  const own = checkOwn(kind, kind.defaults(named));
  const problems = [
    ...metadataFaults,
    ...issueProblems(own.issues, own.checked, []),
    ...metadataProblems(kind, own.value),
    ...(own.issues.some(isShapeFault) ? [] : kind.validate(own.value, old)),
  ];
  const unknownFields = [...unknownFieldPaths(metadata.issues, ["metadata"]), ...unknownFieldPaths(own.issues, [])]
    .slice(0, PROBLEMS_MAX);
  const isWarned = fieldValidation === "Warn";
  return {
    object: own.value,
    problems: limited(problems),
    warnings: isWarned ? unknownFields.map((path) => `unknown field ${JSON.stringify(path)}`) : [],
    unknownFields,
  };
}

/**
 * The message of a request refused for unknown fields, in Kubernetes' words.
 *
 * @example
 * ```ts
 * import { strictDecodingMessage } from "#/resources/validate.ts";
 * if (strictDecodingMessage(["spec.foo"]) !== 'strict decoding error: unknown field "spec.foo"') throw new Error();
 * ```
 */
export function strictDecodingMessage(unknownFields: readonly string[]): string {
  return `strict decoding error: ${unknownFields.map((path) => `unknown field ${JSON.stringify(path)}`).join(", ")}`;
}

interface Checked<T> {
  /** What was checked, without the fields that the schema does not know. */
  readonly value: T;
  readonly checked: JsonObject;
  readonly issues: readonly SchemaIssue[];
}

function checkMetadata(metadata: JsonObject): Checked<ObjectMeta> {
  const issues = metadataSchema.safeParse(metadata).error?.issues ?? [];
  const { selfLink: _, ...value } = withoutUnknown(metadata, issues) as JsonObject & ObjectMeta;
  return { value: { ...value, name: value.name ?? "" }, checked: metadata, issues };
}

/** Checks what is the kind's own: everything but `apiVersion`, `kind` and `metadata`. */
function checkOwn(kind: KindDefinition, object: KubeObject): Checked<KubeObject> {
  const { apiVersion, kind: kindName, metadata, ...own } = object;
  const checked = own as JsonObject;
  const issues = kind.schema.safeParse(checked).error?.issues ?? [];
  const value = { apiVersion, kind: kindName, metadata, ...withoutUnknown(checked, issues) } as KubeObject;
  return { value, checked, issues };
}

/** Of a value of a wrong type only that is told: zod measures the length of a text even where it wants a list. */
function issueProblems(issues: readonly SchemaIssue[], value: JsonObject, prefix: readonly string[]): Problem[] {
  const mistyped = new Set(issues.filter(({ code }) => code === "invalid_type").map(({ path }) => fieldPath(path)));
  return issues
    .filter(({ code, path }) =>
      code === "invalid_type" || code !== "unrecognized_keys" && !mistyped.has(fieldPath(path))
    )
    .map((issue) => problemOfIssue(issue, value, prefix));
}

function limited(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= PROBLEMS_MAX) return problems;
  const more = problems.length - PROBLEMS_MAX;
  const message = `Too many problems to show: ${more} more`;
  return [...problems.slice(0, PROBLEMS_MAX), { path: "", reason: "FieldValueInvalid", message }];
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1));
}

/** The value without members that are null, at every depth. Items of lists stay: there null is a value of a wrong type. */
function withoutNulls(value: unknown): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withoutNulls(item));
  if (!isJsonObject(value)) return value as Json;
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)]));
}

/** The value without the fields that zod did not know, in one pass whatever their number. */
function withoutUnknown(value: JsonObject, issues: readonly SchemaIssue[]): JsonObject {
  const unknown = new Map<string, ReadonlySet<string>>();
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys") unknown.set(fieldPath(issue.path), new Set(issue.keys));
  }
  return unknown.size === 0 ? value : prune(value, [], unknown) as JsonObject;
}

function prune(value: Json, keys: readonly PropertyKey[], unknown: ReadonlyMap<string, ReadonlySet<string>>): Json {
  if (Array.isArray(value)) return value.map((item: Json, at) => prune(item, [...keys, at], unknown));
  if (!isJsonObject(value)) return value;
  const dropped = unknown.get(fieldPath(keys));
  const kept = Object.entries(value).filter(([key, member]) => member !== undefined && dropped?.has(key) !== true);
  return Object.fromEntries(kept.map(([key, member]) => [key, prune(member ?? null, [...keys, key], unknown)]));
}
