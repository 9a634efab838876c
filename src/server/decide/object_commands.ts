/**
 * Decides what users ask of objects: create, replace, patch, delete, as the Kubernetes API means them. Called by `decide`; every way ends in a refusal or
 * in `store_object.ts`, which makes the event; deletions are in `delete_command.ts`.
 *
 * @module
 */
import { assert, assertNever } from "#/base/assert.ts";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import { NODES, WORKLOAD_ENDPOINTS } from "#/projections/views.ts";
import { apiVersionOf, collectionKey, type KubeObject, type ObjectRef } from "#/resources/object.ts";
import { admitObject, identityRefusal, staleRefusal } from "#/server/decide/admission.ts";
import { applyPatch, type OwnersAfter } from "#/server/decide/apply_patch.ts";
import type { Decision, ObjectCommand, WriteOptions } from "#/server/decide/command.ts";
import { namespaceRefusal } from "#/server/decide/cross_checks.ts";
import { deleteObject } from "#/server/decide/delete_command.ts";
import { GENERATED_NAMES_MAX, generateName } from "#/server/decide/generate_name.ts";
import { listRulesOf } from "#/server/decide/list_rules.ts";
import { encodeOwners, ownersAfterUpdate, ownersBeforeWrite } from "#/server/decide/managed_fields.ts";
import { nestingRefusal, objectFromJson, objectToJson } from "#/server/decide/object_json.ts";
import { jsonPatched, type Patched } from "#/server/decide/patch_json.ts";
import { mergePatch } from "#/server/decide/patch_merge.ts";
import { strategicPatch } from "#/server/decide/patch_strategic.ts";
import { alreadyExists, notFound, notServed } from "#/server/decide/refusals.ts";
import { secondsOf, type Target, type WriteScope } from "#/server/decide/scope.ts";
import { storeObject } from "#/server/decide/store_object.ts";
import { endpointRefusal, isNodeView, liveObject, storeNodeView } from "#/server/decide/view_writes.ts";

type CreateCommand = Extract<ObjectCommand, { kind: "CreateObject" }>;
type ReplaceCommand = Extract<ObjectCommand, { kind: "ReplaceObject" }>;
type PatchCommand = Extract<ObjectCommand, { kind: "PatchObject" }>;

/** Manager of writes by clients that name neither themselves nor a field manager. */
const UNKNOWN_MANAGER = "unknown";

/** Decides a command about an object. */
export function decideObjectCommand(scope: WriteScope, command: ObjectCommand): Decision {
  const target = findTarget(scope, command.ref);
  if (target.kind === "rejected") return target;
  switch (command.kind) {
    case "CreateObject":
      return createObject(scope, target.target, command);
    case "ReplaceObject":
      return replaceObject(scope, target.target, command);
    case "PatchObject":
      return patchObject(scope, target.target, command);
    case "DeleteObject":
      return deleteObject(scope, target.target, command);
    default:
      return assertNever(command);
  }
}

function findTarget(
  { state, kinds }: WriteScope,
  ref: ObjectRef,
): { readonly kind: "found"; readonly target: Target } | Rejection {
  const kind = kinds.find(ref.group, ref.plural);
  if (kind === undefined || kind.namespaced !== (ref.namespace !== "")) return notServed();
  const collection = collectionKey(ref);
  if (kind.storage === "derived" && collection !== NODES && collection !== WORKLOAD_ENDPOINTS) {
    return reject(
      "MethodNotAllowed",
      `the server does not allow this method on the requested resource: ${kind.kind} is a view`,
    );
  }
  return { kind: "found", target: { kind, ref, ...liveObject(state, ref) } };
}

function createObject(scope: WriteScope, found: Target, command: CreateCommand): Decision {
  const read = objectFromJson(objectToJson(command.object));
  if (read.kind === "rejected") return read;
  const target = namedTarget(scope, found, read.object);
  if (target.live !== undefined) return alreadyExists(target.ref);
  if ((read.object.metadata.resourceVersion ?? "") !== "") {
    return reject("BadRequest", "resourceVersion should not be set on objects to be created");
  }
  const { uid: _, ...metadata } = read.object.metadata;
  return writeObject(scope, target, {
    incoming: { ...read.object, metadata },
    subresource: "",
    options: command.options,
  });
}

/** The object that a creation makes: under the name in the object, else in the path, else one that is generated. */
function namedTarget(scope: WriteScope, { kind, ref }: Target, { metadata }: KubeObject): Target {
  const name = (metadata.name ?? "") === "" ? ref.name : metadata.name;
  const prefix = metadata.generateName ?? "";
  const at = (name: string): Target => {
    const named = { ...ref, name };
    return { kind, ref: named, ...liveObject(scope.state, named) };
  };
  if (name !== "" || prefix === "") return at(name);
  let target = at(generateName(prefix, scope.inputs.uuid()));
  for (let tried = 1; tried < GENERATED_NAMES_MAX && target.live !== undefined; tried++) {
    target = at(generateName(prefix, scope.inputs.uuid()));
  }
  return target;
}

function replaceObject(scope: WriteScope, target: Target, command: ReplaceCommand): Decision {
  const refusal = updateRefusal(target, command.subresource);
  if (refusal !== undefined) return refusal;
  const read = objectFromJson(objectToJson(command.object));
  if (read.kind === "rejected") return read;
  return writeObject(scope, target, { ...command, incoming: read.object });
}

/** Why the object cannot be written at this path at all. */
function updateRefusal({ kind, ref, live }: Target, subresource: string): Rejection | undefined {
  if (subresource !== "" && !(subresource === "status" && kind.statusSubresource)) return notServed();
  return live === undefined ? notFound(ref) : undefined;
}

function patchObject(scope: WriteScope, target: Target, command: PatchCommand): Decision {
  const { live } = target;
  const isApply = command.patchType === "apply";
  const refusal = nestingRefusal(command.patch) ??
    (isApply && command.subresource === "" ? undefined : updateRefusal(target, command.subresource));
  if (refusal !== undefined) return refusal;
  if (isApply) {
    const applied = applyPatch(scope, target, command);
    if (applied.kind === "rejected") return applied;
    return writeObject(scope, target, { ...command, incoming: applied.incoming, ownersAfter: applied.ownersAfter });
  }
  assert(live !== undefined, "Expected an object to patch");
  const patched = patchedValue(target, objectToJson(live), command);
  if (patched.kind === "rejected") return patched;
  const read = objectFromJson(patched.value);
  if (read.kind === "rejected") return read;
  return writeObject(scope, target, { ...command, incoming: read.object });
}

function patchedValue({ kind }: Target, live: JsonObject, { patchType, patch }: PatchCommand): Patched | Rejection {
  if (patchType === "json") return jsonPatched(live, patch);
  if (patchType === "strategic" && kind.mergeKeys === undefined) {
    const accepted = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
    return reject(
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
    );
  }
  if (!isJsonObject(patch)) return reject("BadRequest", "The patch must be a JSON object");
  const value: Json = patchType === "strategic"
    ? strategicPatch(live, patch, listRulesOf(kind.mergeKeys))
    : mergePatch(live, patch);
  return { kind: "patched", value };
}

/** A write as all ways of asking for one come together. */
interface WriteRequest {
  readonly incoming: KubeObject;
  readonly subresource: string;
  readonly options: WriteOptions;
  /** Who owns what afterwards; by default, what an update makes of it. */
  readonly ownersAfter?: OwnersAfter;
}

function writeObject(scope: WriteScope, target: Target, request: WriteRequest): Decision {
  const { kind, ref, live } = target;
  const { incoming, subresource, options } = request;
  const refusal = identityRefusal(target, incoming) ?? staleRefusal(target, incoming) ??
    endpointRefusal(ref, live ?? incoming) ?? endpointRefusal(ref, incoming) ??
    (live === undefined ? namespaceRefusal(scope.state, ref) : undefined);
  if (refusal !== undefined) return refusal;
  const admitted = admitObject(scope, { target, incoming, subresource, fieldValidation: options.fieldValidation });
  if (admitted.kind === "rejected") return admitted;
  const manager = managerOf(scope, options);
  const ownersAfter = request.ownersAfter ?? updateOwners(scope, target, { ...request, manager });
  const after = withOwners(admitted.object, ownersAfter);
  const write = { kind, ref, before: live, after, manager, dryRun: options.dryRun, warnings: admitted.warnings };
  return isNodeView(ref) ? storeNodeView(scope, write) : storeObject(scope, write);
}

function withOwners(object: KubeObject, ownersAfter: OwnersAfter): KubeObject {
  const managedFields = encodeOwners(ownersAfter(object));
  return managedFields.length === 0 ? object : { ...object, metadata: { ...object.metadata, managedFields } };
}

function updateOwners(
  scope: WriteScope,
  { kind, live }: Target,
  { incoming, subresource, manager }: WriteRequest & { readonly manager: string },
): OwnersAfter {
  const stored = live?.metadata.managedFields;
  return (object) =>
    ownersAfterUpdate({
      before: live === undefined ? {} : objectToJson(live),
      after: objectToJson(object),
      owners: ownersBeforeWrite(stored, subresource === "" ? incoming.metadata.managedFields : undefined),
      writer: { manager, operation: "Update", apiVersion: apiVersionOf(kind), subresource },
      time: secondsOf(scope.inputs),
      rules: listRulesOf(kind.mergeKeys),
    });
}

/** The field manager, else the program by its user agent, as Kubernetes takes it. */
function managerOf({ context }: WriteScope, { fieldManager }: WriteOptions): string {
  return fieldManager || context.source.userAgent?.split("/")[0] || UNKNOWN_MANAGER;
}
