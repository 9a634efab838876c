/**
 * DELETE of one object, and of what a collection's selectors choose. Each object is one command, so that a collection is deleted as one by one deletion
 * would do it: nothing holds the others up.
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import { collectionKey, type KubeObject } from "#/resources/object.ts";
import { decodeBody, readBody } from "#/server/api/body.ts";
import { defaultFieldManager } from "#/server/api/identity.ts";
import { pageOf } from "#/server/api/list.ts";
import { AT_PARAMETER, filterOf } from "#/server/api/reads.ts";
import { isRejection, type ResourceRequest, type RouteResult } from "#/server/api/request.ts";
import { answerJson } from "#/server/api/respond.ts";
import { mediaTypeOf, refOf, submit, tooLarge } from "#/server/api/write.ts";
import { dryRunOf } from "#/server/api/write_options.ts";
import type { ObjectCommand } from "#/server/decide/command.ts";

/** Deletions of one collection request that are under way at once. */
const CONCURRENT_DELETIONS_MAX = 32;

/** What a deletion asks besides its object. */
interface DeleteOptions {
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun: boolean;
}

/** DELETE of an object. Answers its last form while finalizers hold it, and a `Status` when it is gone. */
export async function deleteObject(resource: ResourceRequest): RouteResult {
  const options = await deleteOptionsOf(resource);
  if (options instanceof Response || isRejection(options)) return options;
  const { kind, path } = resource;
  const command: ObjectCommand = { kind: "DeleteObject", ref: refOf(resource, path.name), ...options };
  const outcome = await submit(resource, command, { fieldManager: defaultFieldManager(resource.request) });
  if (outcome.kind === "rejected") return outcome;
  const { position, warnings, object } = outcome;
  if (object?.metadata.deletionTimestamp !== undefined) return answerJson(object, { position, warnings });
  const uid = object?.metadata.uid;
  const group = kind.group === "" ? {} : { group: kind.group };
  const details = { name: path.name, ...group, kind: kind.plural, ...(uid === undefined ? {} : { uid }) };
  return answerJson(successStatus(details), { position, warnings });
}

/** DELETE of a collection. Objects that somebody else deletes meanwhile count as deleted; the first other refusal is the answer. */
export async function deleteCollection(resource: ResourceRequest): RouteResult {
  const options = await deleteOptionsOf(resource);
  if (options instanceof Response || isRejection(options)) return options;
  const { kind, path, query, deps } = resource;
  const matches = filterOf(query, collectionKey(kind));
  if (isRejection(matches)) return matches;
  const request = { namespace: path.namespace, matches, limit: 0, lastKey: "" };
  const queue = [...pageOf(deps.backend.current(), kind, request).items];
  const fieldManager = defaultFieldManager(resource.request);
  const refusals: Rejection[] = [];
  let position = deps.backend.head().position;
  const deleteNext = async (): Promise<void> => {
    for (let object = queue.pop(); object !== undefined && refusals.length === 0; object = queue.pop()) {
      const part = object.metadata.uid ?? object.metadata.name;
      const outcome = await submit(resource, commandFor(resource, object, options), { fieldManager, part });
      if (outcome.kind === "committed") position = Math.max(position, outcome.position);
      else if (outcome.reason !== "NotFound") refusals.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_DELETIONS_MAX }, deleteNext));
  const group = kind.group === "" ? {} : { group: kind.group };
  return refusals[0] ?? answerJson(successStatus({ ...group, kind: kind.plural }), { position });
}

function commandFor(resource: ResourceRequest, object: KubeObject, options: DeleteOptions): ObjectCommand {
  const ref = { ...refOf(resource, object.metadata.name), namespace: object.metadata.namespace ?? "" };
  // The uid keeps a namesake that is made meanwhile alive.
  const { uid } = object.metadata;
  const preconditions = { ...options.preconditions, ...(uid === undefined ? {} : { uid }) };
  return { kind: "DeleteObject", ref, preconditions, dryRun: options.dryRun };
}

function successStatus(details: JsonObject): JsonObject {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

async function deleteOptionsOf(resource: ResourceRequest): Promise<DeleteOptions | Rejection | Response> {
  const { request, query } = resource;
  if (query.has(AT_PARAMETER)) {
    return reject("BadRequest", 'A write must not have the parameter "at": the past cannot be changed');
  }
  const bytes = await readBody(request);
  if ("kind" in bytes) return tooLarge(resource);
  const body = bytes.length === 0 ? undefined : decodeBody(bytes, mediaTypeOf(request));
  if (body !== undefined && isRejection(body)) return body;
  const given = body?.value ?? {};
  if (!isJsonObject(given)) return reject("BadRequest", "DeleteOptions must be an object");
  const preconditions = given.preconditions ?? {};
  if (!isJsonObject(preconditions)) return reject("BadRequest", "preconditions must be an object");
  const listed = Array.isArray(given.dryRun) ? given.dryRun.map(String) : [];
  const dryRun = dryRunOf([...query.getAll("dryRun"), ...listed]);
  if (typeof dryRun !== "boolean") return dryRun;
  const { uid, resourceVersion } = preconditions;
  return {
    preconditions: {
      ...(typeof uid === "string" ? { uid } : {}),
      ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
    },
    dryRun,
  };
}
