/**
 * Makes what a user sent into the object to store: checks that it is the object meant and no stale copy, fills in what only the server sets, keeps
 * `spec` and `status` apart, asks the kind for defaults and rules, and those that rest on other objects. Between a command and its event.
 *
 * @module
 */
import { type Json, jsonEquals } from "#/base/json.ts";
import { type Problem, reject, type Rejection } from "#/base/problem.ts";
import { apiVersionOf, type KubeObject, type ObjectMeta } from "#/resources/object.ts";
import { forbidden as forbiddenField, invalid } from "#/resources/problems.ts";
import { strictDecodingMessage } from "#/resources/validate.ts";
import type { FieldValidation } from "#/server/decide/command.ts";
import { crossProblems } from "#/server/decide/cross_checks.ts";
import { objectToJson } from "#/server/decide/object_json.ts";
import { conflict, invalidObject, OBJECT_MODIFIED } from "#/server/decide/refusals.ts";
import { secondsOf, type Target, type WriteScope } from "#/server/decide/scope.ts";

/** What is to be admitted. */
export interface AdmissionRequest {
  readonly target: Target;
  /** As the user wants it; of a status write only `status` counts. */
  readonly incoming: KubeObject;
  /** `status` or empty. */
  readonly subresource: string;
  readonly fieldValidation: FieldValidation;
}

/** An object that may be stored, but for its managed fields. */
export interface AdmittedObject {
  readonly kind: "admitted";
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

/** Metadata that the server sets, whatever users send. */
const SERVER_SET: readonly (keyof ObjectMeta | "selfLink")[] = [
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "managedFields",
  "selfLink",
];

/** Why the object sent is not the one that the request is about, or `undefined` when it is. A creation may leave its name to the server. */
export function identityRefusal({ kind, ref, live }: Target, incoming: KubeObject): Rejection | undefined {
  const { name = "", namespace = ref.namespace } = incoming.metadata;
  const expected = apiVersionOf(kind);
  if (incoming.apiVersion !== expected) {
    const said = `the API version in the data (${incoming.apiVersion ?? ""})`;
    return reject("BadRequest", `${said} does not match the expected API version (${expected})`);
  }
  if (incoming.kind !== kind.kind) {
    const said = `the kind in the data (${incoming.kind ?? ""})`;
    return reject("BadRequest", `${said} does not match the expected kind (${kind.kind})`);
  }
  if (namespace !== ref.namespace) {
    return reject(
      "BadRequest",
      `the namespace of the provided object (${namespace}) does not match the namespace sent on the request (${ref.namespace})`,
    );
  }
  if (name === ref.name || live === undefined && name === "") return undefined;
  return reject("BadRequest", `the name of the object (${name}) does not match the name on the URL (${ref.name})`);
}

/** Why the write rests on an object that is no longer so, or `undefined`. A write that states neither uid nor version takes the object as it is. */
export function staleRefusal({ ref, live, versions }: Target, incoming: KubeObject): Rejection | undefined {
  const { uid = "", resourceVersion = "" } = incoming.metadata;
  const current = live?.metadata.uid ?? "";
  if (uid !== "" && uid !== current) {
    return conflict(ref, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current}`);
  }
  const isCurrent = resourceVersion === "" || versions.includes(resourceVersion);
  return isCurrent ? undefined : conflict(ref, OBJECT_MODIFIED);
}

/** Admits an object, or says everything that stands against it. */
export function admitObject(scope: WriteScope, request: AdmissionRequest): AdmittedObject | Rejection {
  const { kind, ref, live } = request.target;
  const immutable = live === undefined ? [] : immutableProblems(live, request.incoming);
  if (immutable.length > 0) return invalidObject(kind, ref.name, immutable);
  const { object, problems, warnings, unknownFields } = scope.kinds.admit(
    kind,
    live === undefined ? newObject(scope, request) : changedObject(live, request),
    live,
    request.fieldValidation,
  );
  if (request.fieldValidation === "Strict" && unknownFields.length > 0) return strictRefusal(request, unknownFields);
  if (problems.length > 0) return invalidObject(kind, ref.name, problems);
  const broken = [
    ...finalizerProblems(live, object),
    ...crossProblems(scope.state, { ref, before: live, after: object }),
  ];
  if (broken.length > 0) return invalidObject(kind, ref.name, broken);
  return { kind: "admitted", object: withGeneration(live, object), warnings };
}

function strictRefusal({ target: { kind } }: AdmissionRequest, unknownFields: readonly string[]): Rejection {
  const said = `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}`;
  return reject("BadRequest", `${said}: ${strictDecodingMessage(unknownFields)}`);
}

function newObject(scope: WriteScope, { target: { kind, ref }, incoming }: AdmissionRequest): KubeObject {
  const metadata: ObjectMeta = {
    ...userSet(incoming.metadata),
    name: ref.name,
    ...(ref.namespace === "" ? {} : { namespace: ref.namespace }),
    uid: scope.inputs.uuid(),
    generation: 1,
    creationTimestamp: secondsOf(scope.inputs),
  };
  const { status, ...rest } = incoming;
  return { ...rest, metadata, ...(kind.statusSubresource || status === undefined ? {} : { status }) };
}

function changedObject(
  live: KubeObject,
  { target: { kind, ref }, incoming, subresource }: AdmissionRequest,
): KubeObject {
  if (subresource === "status") return withStatus(withoutVersion(live), incoming.status);
  const metadata: ObjectMeta = {
    ...userSet(incoming.metadata),
    ...serverSet(live.metadata),
    name: ref.name,
    ...(ref.namespace === "" ? {} : { namespace: ref.namespace }),
  };
  return withStatus({ ...incoming, metadata }, kind.statusSubresource ? live.status : incoming.status);
}

function withStatus(object: KubeObject, status: KubeObject["status"]): KubeObject {
  const { status: _, ...rest } = object;
  return { ...rest, ...(status === undefined ? {} : { status }) };
}

function withoutVersion(object: KubeObject): KubeObject {
  const { resourceVersion: _, managedFields: __, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function userSet(metadata: ObjectMeta): ObjectMeta {
  const isServerSet = new Set<string>(SERVER_SET);
  const kept = Object.entries(metadata).filter(([key]) => !isServerSet.has(key));
  return { ...Object.fromEntries(kept), name: metadata.name };
}

/** What stays as the server once set it. The version belongs to the stored event, and managed fields are worked out after admission. */
function serverSet(metadata: ObjectMeta): Partial<ObjectMeta> {
  const { uid, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(generation === undefined ? {} : { generation }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  };
}

function immutableProblems(live: KubeObject, incoming: KubeObject): readonly Problem[] {
  return (["creationTimestamp", "deletionTimestamp"] as const).flatMap((member) => {
    const [old, now] = [live.metadata[member], incoming.metadata[member]];
    return now === undefined || now === old
      ? []
      : [invalid(`metadata.${member}`, now, "must not change: field is immutable")];
  });
}

function finalizerProblems(live: KubeObject | undefined, object: KubeObject): readonly Problem[] {
  if (live?.metadata.deletionTimestamp === undefined) return [];
  const before = live.metadata.finalizers ?? [];
  const added = (object.metadata.finalizers ?? []).filter((finalizer) => !before.includes(finalizer));
  if (added.length === 0) return [];
  const names = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  return [
    forbiddenField("metadata.finalizers", `no new finalizers can be added if the object is being deleted: ${names}`),
  ];
}

/** One more when anything but metadata and status differs. */
function withGeneration(live: KubeObject | undefined, object: KubeObject): KubeObject {
  if (live === undefined || jsonEquals(desired(live), desired(object))) return object;
  return { ...object, metadata: { ...object.metadata, generation: (live.metadata.generation ?? 0) + 1 } };
}

function desired(object: KubeObject): Json {
  const { apiVersion: _, kind: __, metadata: ___, status: ____, ...rest } = objectToJson(object);
  return rest;
}
