/**
 * JSON as a type, and the canonical text that hashes, comparisons and goldens rest on.
 *
 * @module
 */

/** Any JSON value, read-only. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object, read-only. `undefined` members are allowed in memory and vanish in text. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Whether a value is a JSON object: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * JSON text with object keys sorted bytewise at every depth and no white space: equal values give equal text.
 *
 * @example
 * ```ts
 * import { canonicalJson } from "#/base/json.ts";
 * if (canonicalJson({ b: 1, a: [2, { d: 3, c: 4 }] }) !== '{"a":[2,{"c":4,"d":3}],"b":1}') throw new Error("not canonical");
 * ```
 */
export function canonicalJson(value: Json | undefined): string {
  if (value === null || value === undefined || typeof value !== "object") return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(",")}]`;
  const object = value as JsonObject;
  const members = Object.keys(object).filter((key) => object[key] !== undefined).sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key])}`);
  return `{${members.join(",")}}`;
}

/** Whether two JSON values are equal; key order and `undefined` members do not count. */
export function jsonEquals(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return (a ?? null) === (b ?? null);
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item: Json, at) => jsonEquals(item, b[at] as Json));
  }
  const [one, other] = [a as JsonObject, b as JsonObject];
  const keys = Object.keys(one).filter((key) => one[key] !== undefined);
  if (keys.length !== Object.keys(other).filter((key) => other[key] !== undefined).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && other[key] !== undefined && jsonEquals(one[key], other[key]));
}
