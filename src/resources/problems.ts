/**
 * Makers of {@link Problem}s in Kubernetes' wording: the reason's own phrase, the value met, then the rule as "must ...". Every rule of a kind that is
 * broken becomes one of these; the API shows them as causes of a `Status`.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";

/** Longest value shown in a message, in characters; the rest is cut, so that a refusal is never larger than what it refuses. */
export const PROBLEM_VALUE_CHARS_MAX = 160;

/** A value as messages show it: JSON, cut to {@link PROBLEM_VALUE_CHARS_MAX}. */
export function shownValue(value: Json | undefined): string {
  const text = JSON.stringify(value ?? null);
  return text.length > PROBLEM_VALUE_CHARS_MAX ? `${text.slice(0, PROBLEM_VALUE_CHARS_MAX)}...` : text;
}

/**
 * The value is of the right type and breaks a rule.
 *
 * @param rule `must ...`
 *
 * @example
 * ```ts
 * import { invalid } from "#/resources/problems.ts";
 * const problem = invalid("spec.blockSize", 99, "must be from 20 to 32 for an IPv4 pool");
 * if (problem.message !== "Invalid value: 99: must be from 20 to 32 for an IPv4 pool") throw new Error(problem.message);
 * ```
 */
export function invalid(path: string, value: Json | undefined, rule: string): Problem {
  return { path, reason: "FieldValueInvalid", message: `Invalid value: ${shownValue(value)}: ${rule}` };
}

/** The value is of a wrong JSON type. */
export function wrongType(path: string, value: Json | undefined, rule: string): Problem {
  return { path, reason: "FieldValueTypeInvalid", message: `Invalid value: ${shownValue(value)}: ${rule}` };
}

/** A field that must be there is not, or is empty. */
export function required(path: string, rule: string): Problem {
  return { path, reason: "FieldValueRequired", message: `Required value: ${rule}` };
}

/** The field may not stand here, or may not change. */
export function forbidden(path: string, rule: string): Problem {
  return { path, reason: "FieldValueForbidden", message: `Forbidden: ${rule}` };
}

/** The value is none of a closed set. */
export function notSupported(path: string, value: Json | undefined, supported: readonly Json[]): Problem {
  const list = supported.map((item) => shownValue(item)).join(", ");
  return {
    path,
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${shownValue(value)}: supported values: ${list}`,
  };
}

/** The value stands earlier in the same list. */
export function duplicate(path: string, value: Json | undefined): Problem {
  return {
    path,
    reason: "FieldValueDuplicate",
    message: `Duplicate value: ${shownValue(value)}: must stand only once in the list`,
  };
}

/** A text has too many characters. */
export function tooLong(path: string, length: number, lengthMax: number): Problem {
  return {
    path,
    reason: "FieldValueTooLong",
    message: `Too long: must be at most ${lengthMax} characters: ${length} characters`,
  };
}

/** A list has too many items. */
export function tooMany(path: string, count: number, countMax: number): Problem {
  return { path, reason: "FieldValueTooMany", message: `Too many: ${count}: must have at most ${countMax} items` };
}

/** Fields whose members are keys chosen by users, so that the path shows them in brackets. */
const MAP_FIELDS: ReadonlySet<string> = new Set(["labels", "annotations", "labelsToApply"]);

/**
 * A field path in Kubernetes' form.
 *
 * @param keys member names and list indices from the object's root
 *
 * @example
 * ```ts
 * import { fieldPath } from "#/resources/problems.ts";
 * if (fieldPath(["spec", "ingress", 0, "source"]) !== "spec.ingress[0].source") throw new Error();
 * if (fieldPath(["metadata", "labels", "a/b"]) !== "metadata.labels[a/b]") throw new Error();
 * ```
 */
export function fieldPath(keys: readonly PropertyKey[]): string {
  let path = "";
  keys.forEach((key, at) => {
    const bracketed = typeof key === "number" || MAP_FIELDS.has(String(keys[at - 1] ?? ""));
    path += bracketed ? `[${String(key)}]` : path === "" ? String(key) : `.${String(key)}`;
  });
  return path;
}
