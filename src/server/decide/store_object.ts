/**
 * Turns an object that may be stored into a decision: no event when nothing changed, an update, or a removal when the last finalizer of a deleted object
 * is gone. The last step of every write of an object.
 *
 * @module
 */
import { jsonEquals } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import { type EventDraft, PAYLOAD_BYTES_MAX, streamOf } from "#/events/envelope.ts";
import { isQuarantined } from "#/projections/fold.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { Decision } from "#/server/decide/command.ts";
import { intentDraft, withoutResourceVersion, withReason } from "#/server/decide/drafts.ts";
import { objectToJson } from "#/server/decide/object_json.ts";
import { forbidden } from "#/server/decide/refusals.ts";
import { isReadyToGo, removalDrafts } from "#/server/decide/removal.ts";
import type { ObjectWrite, WriteScope } from "#/server/decide/scope.ts";

/** Stores an object. A dry run is decided in full, and its events are dropped. */
export function storeObject(scope: WriteScope, write: ObjectWrite): Decision {
  const { ref, before, after, dryRun, warnings } = write;
  if (isQuarantined(scope.state, streamOf(ref))) return unreadableRefusal(write);
  const answer = { kind: "accepted", created: before === undefined, warnings } as const;
  if (before !== undefined && isSameObject(before, after)) return { ...answer, events: [], object: before };
  const events = writeDrafts({ ...scope, context: withReason(scope.context, after) }, write);
  const refusal = sizeRefusal(events);
  if (refusal !== undefined) return refusal;
  return dryRun
    ? { ...answer, events: [], object: withVersionOf(before, after) }
    : { ...answer, events, object: after };
}

function writeDrafts(scope: WriteScope, { ref, before, after }: ObjectWrite): readonly EventDraft[] {
  if (before === undefined) return [intentDraft(scope, { verb: "Created", ref, object: after })];
  if (isReadyToGo(scope, ref, after)) return removalDrafts(scope, ref, after);
  return [intentDraft(scope, { verb: "Updated", ref, object: after, before })];
}

/** The refusal of an object whose last event this binary cannot read: it does not know what it would overwrite. */
export function unreadableRefusal({ ref }: Pick<ObjectWrite, "ref">): Rejection {
  return forbidden(
    ref,
    "its last event was written by a newer version and cannot be read: use that version to change it",
  );
}

function sizeRefusal(events: readonly EventDraft[]): Rejection | undefined {
  const encoder = new TextEncoder();
  const tooLarge = ({ payload }: EventDraft) =>
    payload.length > PAYLOAD_BYTES_MAX ||
    payload.length * 3 > PAYLOAD_BYTES_MAX && encoder.encode(payload).length > PAYLOAD_BYTES_MAX;
  if (!events.some(tooLarge)) return undefined;
  return reject("BadRequest", `Request entity too large: limit is ${PAYLOAD_BYTES_MAX}`);
}

function withVersionOf(before: KubeObject | undefined, after: KubeObject): KubeObject {
  const resourceVersion = before?.metadata.resourceVersion;
  return resourceVersion === undefined ? after : { ...after, metadata: { ...after.metadata, resourceVersion } };
}

/** Whether a write changes nothing: times in the record of managed fields do not count. */
function isSameObject(before: KubeObject, after: KubeObject): boolean {
  return jsonEquals(objectToJson(comparable(before)), objectToJson(comparable(after)));
}

function comparable(object: KubeObject): KubeObject {
  const { metadata, ...rest } = withoutResourceVersion(object);
  const managedFields = metadata.managedFields?.map(({ time: _, ...entry }) => entry);
  return { ...rest, metadata: { ...metadata, ...(managedFields === undefined ? {} : { managedFields }) } };
}
