/**
 * Turns what zod finds into {@link Problem}s, one to one, in Kubernetes' wording. Admission (`validate.ts`) calls it; nothing else knows zod's issues.
 *
 * @module
 */
import type { z } from "zod";
import { isJsonObject, type Json } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import {
  duplicate,
  fieldPath,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  wrongType,
} from "#/resources/problems.ts";

/** One issue of zod. */
export type SchemaIssue = z.core.$ZodIssue;

/**
 * Whether the value has the types that the schema asks for, so that rules across fields may look at it. A list that is too long counts as not, because
 * zod does not look into it.
 */
export function isShapeFault(issue: SchemaIssue): boolean {
  switch (issue.code) {
    case "custom":
    case "invalid_format":
    case "unrecognized_keys":
      return false;
    case "too_big":
    case "too_small":
      return issue.origin !== "string" && issue.origin !== "number" && issue.origin !== "int";
    default:
      return true;
  }
}

/**
 * One issue as a problem. `unrecognized_keys` is not one: see {@link unknownFieldPaths}.
 *
 * @param value what was checked, so that the message shows what was met
 * @param prefix path of `value` within the object
 */
export function problemOfIssue(issue: SchemaIssue, value: Json | undefined, prefix: readonly string[] = []): Problem {
  const path = fieldPath([...prefix, ...issue.path]);
  const met = valueAtKeys(value, issue.path);
  if (met === undefined || met === null) return required(path, ruleOf(issue));
  switch (issue.code) {
    case "invalid_type":
      return wrongType(path, met, ruleOf(issue));
    case "invalid_value":
      return notSupported(path, met, issue.values.filter(isScalar));
    case "too_big":
      if (typeof met === "string") return tooLong(path, met.length, Number(issue.maximum));
      if (Array.isArray(met)) return tooMany(path, met.length, Number(issue.maximum));
      return invalid(path, met, ruleOf(issue));
    case "too_small":
      return met === "" ? required(path, ruleOf(issue)) : invalid(path, met, ruleOf(issue));
    case "custom":
      return issue.params?.duplicate === true ? duplicate(path, met) : invalid(path, met, ruleOf(issue));
    default:
      return invalid(path, met, ruleOf(issue));
  }
}

/**
 * Paths of the fields that a strict schema does not know.
 *
 * @param prefix path of what was checked within the object
 */
export function unknownFieldPaths(issues: readonly SchemaIssue[], prefix: readonly string[]): readonly string[] {
  return issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys.map((key) => fieldPath([...prefix, ...issue.path, key])) : []
  );
}

/** What must be, as "must ...": the schema's own words where it has them. */
function ruleOf(issue: SchemaIssue): string {
  if (issue.message.startsWith("must ")) return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPE_NAMES[issue.expected] ?? `a value of type ${issue.expected}`}`;
    case "invalid_value":
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    case "too_small":
      return issue.origin === "array"
        ? `must have at least ${issue.minimum} item`
        : `must be at least ${issue.minimum}`;
    default:
      return `must be valid: ${issue.message}`;
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object of texts",
};

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function valueAtKeys(value: Json | undefined, keys: readonly PropertyKey[]): Json | undefined {
  let current: Json | undefined = value;
  for (const key of keys) {
    if (Array.isArray(current)) current = current[Number(key)];
    else if (isJsonObject(current) && Object.hasOwn(current, key)) current = current[String(key)];
    else return undefined;
  }
  return current;
}
