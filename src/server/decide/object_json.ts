/**
 * The border between API objects and plain JSON inside `decide`: patches and field sets work on JSON, everything else on objects. What users send is
 * checked here for the shape that the rest relies on; the rules of each kind come later, at admission.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { KubeObject } from "#/resources/object.ts";
import { OBJECT_DEPTH_MAX } from "#/resources/validate.ts";
import { isJsonArray } from "#/server/decide/list_rules.ts";

/** A JSON value that has the shape of an object. */
export interface ReadObject {
  readonly kind: "read";
  readonly object: KubeObject;
}

/** An object as JSON. Its metadata is an interface without an index signature, which the type system does not take for JSON. */
export function objectToJson(object: KubeObject): JsonObject {
  return object as unknown as JsonObject;
}

/**
 * A JSON value as an object, without null members at any depth (they mean the same as absent ones, as in Kubernetes), or why it cannot be one.
 *
 * Promises `metadata` to be an object and texts to be where the identity of an object stands; the rest of its type is what admission checks.
 */
export function objectFromJson(value: Json): ReadObject | Rejection {
  if (!isJsonObject(value)) return reject("BadRequest", "The object must be a JSON object");
  const deep = nestingRefusal(value);
  if (deep !== undefined) return deep;
  const { metadata } = value;
  if (!isJsonObject(metadata)) return reject("BadRequest", "The object must have metadata");
  for (const member of ["name", "generateName", "namespace", "uid", "resourceVersion"]) {
    const text = metadata[member];
    if (text !== undefined && text !== null && typeof text !== "string") {
      return reject("BadRequest", `Field metadata.${member} must be a string: ${typeof text}`);
    }
  }
  return { kind: "read", object: withoutNulls(value) as unknown as KubeObject };
}

/**
 * Refuses a value that is nested deeper than an object may be. Asked before anything recurses over what users sent, because one request must not end the
 * process by its depth; does not recurse itself.
 */
export function nestingRefusal(value: Json): Rejection | undefined {
  let level: readonly Json[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > OBJECT_DEPTH_MAX) {
      return reject("BadRequest", `The object must be nested at most ${OBJECT_DEPTH_MAX} levels deep`);
    }
    level = level.flatMap((item) =>
      isJsonArray(item) ? item : isJsonObject(item) ? Object.values(item).filter((member) => member !== undefined) : []
    );
  }
  return undefined;
}

/** The value without null members of objects. Null items of lists stay. */
export function withoutNulls(value: Json): Json {
  if (isJsonArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== null && member !== undefined)
      .map(([key, member]) => [key, withoutNulls(member ?? null)]),
  );
}
