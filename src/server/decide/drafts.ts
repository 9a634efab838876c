/**
 * Makes the events of objects: the last step of a decision that is not a refusal.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import { INTENT_SCHEMA_VERSION, type IntentPayload, type IntentVerb } from "#/events/catalog.ts";
import { type EventContext, type EventDraft, streamOf } from "#/events/envelope.ts";
import { diffValues } from "#/projections/object_diff.ts";
import type { KubeObject, ObjectRef } from "#/resources/object.ts";
import { objectToJson } from "#/server/decide/object_json.ts";
import type { WriteScope } from "#/server/decide/scope.ts";

/** Most field paths that one event names as changed; `diff` finds them all from the objects. */
export const CHANGED_PATHS_MAX = 256;
/** Annotation in which kubectl's users say why; stays on the object. */
export const REASON_ANNOTATION = "tortie.dev/reason";

/** What happened to an object. `before` is given for an update alone. */
export interface Intent {
  readonly verb: IntentVerb;
  readonly ref: Pick<ObjectRef, "group" | "plural">;
  readonly object: KubeObject;
  readonly before?: KubeObject;
}

/** The event of one object, with the next revision of its stream; revisions go on after a deletion. */
export function intentDraft({ state, context }: WriteScope, { verb, ref, object, before }: Intent): EventDraft {
  const { name, namespace = "", uid = "" } = object.metadata;
  const stream = streamOf({ ...ref, namespace, name });
  const stored = withoutResourceVersion(object);
  const payload: IntentPayload = before === undefined
    ? { object: stored }
    : { object: stored, changed: changedPaths(withoutResourceVersion(before), stored) };
  return {
    stream,
    revision: (state.origins.get(stream)?.revision ?? 0) + 1,
    type: `${object.kind}${verb}`,
    schemaVersion: INTENT_SCHEMA_VERSION,
    object: { group: ref.group, kind: object.kind, namespace, name, uid },
    payload: JSON.stringify(payload),
    context,
  };
}

/** The context with the reason that the object itself gives, where the request gives none. */
export function withReason(context: EventContext, object: KubeObject): EventContext {
  const reason = context.reason ?? object.metadata.annotations?.[REASON_ANNOTATION];
  return reason === undefined || reason === "" ? context : { ...context, reason };
}

/** The object as events carry it. */
export function withoutResourceVersion(object: KubeObject): KubeObject {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function changedPaths(before: KubeObject, after: KubeObject): readonly string[] {
  const [old, now]: readonly Json[] = [objectToJson(before), objectToJson(after)];
  return diffValues(old, now).slice(0, CHANGED_PATHS_MAX).map((difference) => difference.path);
}
