/**
 * Writes: POST, PUT and PATCH of objects become commands, and what comes of them becomes an answer. Only the shape is looked at here (is it an object,
 * does it fit its path); what it may say is decided by `decide`.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { KubeObject, ObjectRef } from "#/resources/object.ts";
import type { Committed } from "#/server/api/backend.ts";
import { parseMediaRanges } from "#/server/api/accept.ts";
import { decodeBody, readBody } from "#/server/api/body.ts";
import { contextOf } from "#/server/api/identity.ts";
import { isRejection, type ResourceRequest, type RouteResult, subjectOf } from "#/server/api/request.ts";
import { answerJson } from "#/server/api/respond.ts";
import { refusalResponse } from "#/server/api/status_error.ts";
import { forceOf, writeOptionsOf } from "#/server/api/write_options.ts";
import type { ObjectCommand, PatchType, WriteOptions } from "#/server/decide/command.ts";

const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** POST to a collection. The name may still be missing: `decide` completes `generateName`. */
export async function createObject(resource: ResourceRequest): RouteResult {
  const prepared = await prepareObject(resource);
  if (prepared instanceof Response || isRejection(prepared)) return prepared;
  const { object, options, warnings } = prepared;
  const ref = refOf(resource, object.metadata.name ?? "");
  return await carryOut(resource, { kind: "CreateObject", ref, object, options }, warnings);
}

/** PUT of an object or of its status. */
export async function replaceObject(resource: ResourceRequest): RouteResult {
  const prepared = await prepareObject(resource);
  if (prepared instanceof Response || isRejection(prepared)) return prepared;
  const { object, options, warnings } = prepared;
  const { name, subresource } = resource.path;
  const ref = refOf(resource, name);
  return await carryOut(resource, { kind: "ReplaceObject", ref, subresource, object, options }, warnings);
}

/** PATCH of an object or of its status, in any of the four patch types. */
export async function patchObject(resource: ResourceRequest): RouteResult {
  const { request, query, kind, path } = resource;
  const mediaType = mediaTypeOf(request);
  const patchType = Object.hasOwn(PATCH_TYPES, mediaType) ? PATCH_TYPES[mediaType] : undefined;
  if (patchType === undefined || (patchType === "strategic" && kind.mergeKeys === undefined)) {
    const known = Object.keys(PATCH_TYPES).filter((type) =>
      kind.mergeKeys !== undefined || !type.includes("strategic")
    );
    return reject(
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: ${known.join(", ")}`,
    );
  }
  const force = forceOf(query, patchType === "apply");
  if (typeof force !== "boolean") return force;
  const prepared = patchType === "apply" ? await prepareObject(resource) : await prepare(resource);
  if (prepared instanceof Response || isRejection(prepared)) return prepared;
  const patch = prepared.value;
  if (patchType === "json" ? !Array.isArray(patch) : !isJsonObject(patch)) {
    return reject("BadRequest", `A ${patchType} patch must be ${patchType === "json" ? "a list" : "an object"}`);
  }
  // An apply is in somebody's name: no default stands in for it, and decide refuses it without.
  const manager = patchType === "apply" ? query.get("fieldManager") ?? "" : prepared.options.fieldManager;
  const command: ObjectCommand = {
    kind: "PatchObject",
    ref: refOf(resource, path.name),
    subresource: path.subresource,
    patchType,
    patch,
    force,
    options: { ...prepared.options, fieldManager: manager },
  };
  return await carryOut(resource, command, prepared.warnings);
}

/** A decoded body with the options of the write. */
interface Prepared {
  readonly value: Json;
  readonly options: WriteOptions;
  readonly warnings: readonly string[];
}

async function prepare(resource: ResourceRequest): Promise<Prepared | Rejection | Response> {
  const options = writeOptionsOf(resource.request, resource.query);
  if (isRejection(options)) return options;
  const bytes = await readBody(resource.request);
  if ("kind" in bytes) return tooLarge(resource);
  const body = decodeBody(bytes, mediaTypeOf(resource.request));
  if (isRejection(body)) return body;
  const duplicates = body.duplicates.map((path) => `duplicate field "${path}"`);
  if (duplicates.length > 0 && options.fieldValidation === "Strict") {
    return reject("BadRequest", `strict decoding error: ${duplicates.join(", ")}`);
  }
  return { value: body.value, options, warnings: options.fieldValidation === "Warn" ? duplicates : [] };
}

/** The answer to a body beyond the bound. */
export function tooLarge(resource: ResourceRequest): Response {
  const message = "Request entity too large: limit is 3145728";
  return refusalResponse({ reason: "RequestEntityTooLarge", message, problems: [] }, subjectOf(resource));
}

/** The body's media type; JSON where the client says nothing. */
export function mediaTypeOf(request: Request): string {
  return parseMediaRanges(request.headers.get("content-type") ?? "")[0]?.type ?? "application/json";
}

/** Where an object of this request's kind and namespace lives. */
export function refOf({ kind, path }: Pick<ResourceRequest, "kind" | "path">, name: string): ObjectRef {
  return { group: kind.group, plural: kind.plural, namespace: path.namespace, name };
}

/** A body that must be an object, as far as the border can tell; the rest of its type is what `decide` checks. */
async function prepareObject(
  resource: ResourceRequest,
): Promise<(Prepared & { readonly value: JsonObject; readonly object: KubeObject }) | Rejection | Response> {
  const prepared = await prepare(resource);
  if (prepared instanceof Response || isRejection(prepared)) return prepared;
  const { value } = prepared;
  if (!isJsonObject(value)) return reject("BadRequest", "Body must be an object");
  const metadata = value.metadata ?? {};
  if (!isJsonObject(metadata)) return reject("BadRequest", "metadata must be an object");
  if (typeof (metadata.name ?? "") !== "string") return reject("BadRequest", "metadata.name must be a text");
  const { namespace, ...others } = metadata;
  const { kind } = resource;
  const isIgnored = !kind.namespaced && typeof namespace === "string" && namespace !== "";
  const placed = { ...value, metadata: kind.namespaced ? metadata : others };
  const warning = `metadata.namespace "${namespace}" is ignored: ${kind.kind} has no namespace`;
  return {
    ...prepared,
    value: placed,
    // The members that the path speaks of are checked above.
    object: placed as unknown as KubeObject,
    warnings: isIgnored ? [...prepared.warnings, warning] : prepared.warnings,
  };
}

/**
 * Submits a command in the request's name.
 *
 * @param part tells the commands of one request apart, so that none of them passes for a retry of another
 */
export async function submit(
  resource: ResourceRequest,
  body: ObjectCommand,
  { fieldManager, part }: { readonly fieldManager: string; readonly part?: string },
): Promise<Committed | Rejection> {
  const { request, info, deps } = resource;
  const context = contextOf(request, { info, random: deps.random, fieldManager });
  if (isRejection(context)) return context;
  const requestId = part === undefined ? context.requestId : `${context.requestId}/${part}`;
  return await deps.backend.submit({ context: { ...context, requestId }, body });
}

async function carryOut(
  resource: ResourceRequest,
  command: Exclude<ObjectCommand, { kind: "DeleteObject" }>,
  warnings: readonly string[],
): RouteResult {
  const outcome = await submit(resource, command, { fieldManager: command.options.fieldManager });
  // The path of a creation has no name, and kubectl prints the one in the Status.
  if (outcome.kind === "rejected") {
    return refusalResponse(outcome, { ...subjectOf(resource), name: command.ref.name });
  }
  return answerJson(outcome.object, {
    status: outcome.created ? 201 : 200,
    position: outcome.position,
    warnings: [...warnings, ...outcome.warnings],
  });
}
