/**
 * Kinds as OpenAPI 3.0 schemas, made from the same zod schemas that admission uses. The API serves them at `/openapi/v3`, where `kubectl explain` and
 * `kubectl apply` read them; the docs are made of them too.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { KindDefinition, MergeKeys } from "#/resources/kind.ts";
import { metadataSchema } from "#/resources/metadata.ts";

const API_VERSION: JsonObject = {
  type: "string",
  description: "Group and version of the API that the object is of.",
};

const KIND: JsonObject = { type: "string", description: "The kind of the object." };

/** List of plain values in `metadata` that strategic merge patch merges as a set. */
const FINALIZERS_PATH = "metadata.finalizers";

/**
 * The schema of a kind's objects, whole and inlined: `apiVersion`, `kind`, `metadata` and what the kind says. Lists that strategic merge patch merges
 * carry their merge keys, because kubectl computes its patches of core objects from here.
 *
 * @example
 * ```ts
 * import { jsonSchemaOf } from "#/resources/json_schema.ts";
 * import { tier } from "#/resources/kinds/tier.ts";
 * const schema = jsonSchemaOf(tier);
 * if (schema.type !== "object" || !Array.isArray(schema["x-kubernetes-group-version-kind"])) throw new Error();
 * ```
 */
export function jsonSchemaOf(kind: KindDefinition): JsonObject {
  const own = openApiOf(kind.schema);
  const properties = isJsonObject(own.properties) ? own.properties : {};
  const { group, version } = kind;
  const whole: JsonObject = {
    ...own,
    description: kind.description,
    properties: { apiVersion: API_VERSION, kind: KIND, metadata: openApiOf(metadataSchema), ...properties },
    "x-kubernetes-group-version-kind": [{ group, version, kind: kind.kind }],
  };
  return kind.mergeKeys === undefined ? whole : withMergeKeys(whole, kind.mergeKeys);
}

/** A zod schema as OpenAPI 3.0, in the form that Kubernetes' clients expect. */
function openApiOf(schema: z.ZodType): JsonObject {
  // Checks that JSON schema cannot say (selectors, networks) leave the bare type; their rules are told on refusal.
  const raw: unknown = z.toJSONSchema(schema, {
    target: "openapi-3.0",
    io: "input",
    unrepresentable: "any",
    reused: "inline",
  });
  const clean = cleaned(JSON.parse(JSON.stringify(raw)));
  return isJsonObject(clean) ? clean : {};
}

function cleaned(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => cleaned(item));
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).flatMap(([key, member]) => {
    if (key === "additionalProperties") return additionalProperties(member);
    const isSafeIntegerBound = (key === "minimum" || key === "maximum") && !isBelow53Bits(member);
    return isSafeIntegerBound || member === undefined ? [] : [[key, cleaned(member)] as const];
  });
  const object: JsonObject = Object.fromEntries(members);
  return isIntegerEnum(object) ? { ...object, type: "integer" } : object;
}

/** Strict objects say nothing, as Kubernetes' schemas do; loose ones say that unknown fields are kept; maps keep their values' schema. */
function additionalProperties(member: Json | undefined): readonly (readonly [string, Json])[] {
  if (!isJsonObject(member)) return [];
  return Object.keys(member).length === 0
    ? [["x-kubernetes-preserve-unknown-fields", true]]
    : [["additionalProperties", cleaned(member)]];
}

/** zod gives every integer the bounds of what a number can hold exactly: noise for readers. */
function isBelow53Bits(bound: Json | undefined): boolean {
  return typeof bound !== "number" || Math.abs(bound) < Number.MAX_SAFE_INTEGER;
}

function isIntegerEnum(schema: JsonObject): boolean {
  const values = schema.enum;
  return schema.type === "number" && Array.isArray(values) && values.every((value: Json) => Number.isInteger(value));
}

function withMergeKeys(schema: JsonObject, keys: MergeKeys): JsonObject {
  const lists: [string, JsonObject][] = Object.entries({ ...keys, "metadata.ownerReferences": "uid" }).map(
    ([path, key]) => [path, { "x-kubernetes-patch-merge-key": key, "x-kubernetes-patch-strategy": "merge" }],
  );
  lists.push([FINALIZERS_PATH, { "x-kubernetes-patch-strategy": "merge" }]);
  return lists.reduce((whole, [path, extension]) => extended(whole, path.split("."), extension), schema);
}

/** The schema with members added to the property at a path; unchanged where the schema does not model it. Lists on the way are gone through. */
function extended(schema: JsonObject, path: readonly string[], extension: JsonObject): JsonObject {
  const [head, ...rest] = path;
  if (head === undefined) return { ...schema, ...extension };
  if (isJsonObject(schema.items)) return { ...schema, items: extended(schema.items, path, extension) };
  const property = isJsonObject(schema.properties) ? schema.properties[head] : undefined;
  if (!isJsonObject(property)) return schema;
  const properties = { ...(schema.properties as JsonObject), [head]: extended(property, rest, extension) };
  return { ...schema, properties };
}
