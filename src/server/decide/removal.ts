/**
 * Removing objects: one that goes at once, one that waits for its finalizers, and a namespace with everything in it. Called when a deletion or the end of
 * the last finalizer is decided.
 *
 * @module
 */
import type { EventDraft } from "#/events/envelope.ts";
import { getObject } from "#/projections/cluster_state.ts";
import { isView } from "#/projections/views.ts";
import { collectionKey, type KubeObject, type ObjectRef } from "#/resources/object.ts";
import { intentDraft } from "#/server/decide/drafts.ts";
import { departureDrafts } from "#/server/decide/fact_drafts.ts";
import { secondsOf, type WriteScope } from "#/server/decide/scope.ts";

/** The objects of one collection, as events name it. */
export type CollectionRef = Pick<ObjectRef, "group" | "plural">;

const NAMESPACES: CollectionRef = { group: "", plural: "namespaces" };

/** An object of a namespace. */
export interface Content {
  readonly ref: CollectionRef;
  readonly object: KubeObject;
}

/** Whether nothing holds a deleted object any longer: no finalizer, and no content in a namespace. */
export function isReadyToGo(scope: WriteScope, ref: ObjectRef, object: KubeObject): boolean {
  if (object.metadata.deletionTimestamp === undefined || hasFinalizers(object)) return false;
  return collectionKey(ref) !== "core/namespaces" || namespaceContents(scope, ref.name).length === 0;
}

/** Whether somebody must do something before the object goes. */
export function hasFinalizers(object: KubeObject): boolean {
  return (object.metadata.finalizers ?? []).length > 0;
}

/**
 * The events of an object that goes now. A node takes its sandboxes, addresses and blocks along; the last object of a namespace that is being deleted
 * takes the namespace along.
 */
export function removalDrafts(scope: WriteScope, ref: CollectionRef, object: KubeObject): EventDraft[] {
  const removed = intentDraft(scope, { verb: "Deleted", ref, object });
  const { namespace: name = "", name: own } = object.metadata;
  if (collectionKey(ref) === "core/nodes") return [...departureDrafts(scope, own), removed];
  const namespace = name === "" ? undefined : getObject(scope.state, "core/namespaces", "", name);
  if (namespace?.metadata.deletionTimestamp === undefined || hasFinalizers(namespace)) return [removed];
  const isLast = namespaceContents(scope, name).every((content) =>
    content.object.metadata.name === own && content.object.kind === object.kind
  );
  return isLast ? [removed, intentDraft(scope, { verb: "Deleted", ref: NAMESPACES, object: namespace })] : [removed];
}

/** An object and the events of its deletion. */
export interface Removal {
  /** As it is afterwards, or as it last was. */
  readonly object: KubeObject;
  readonly events: readonly EventDraft[];
}

/** Deletes an object, or marks it as being deleted while finalizers hold it. Marking what is marked already makes no event. */
export function removeObject(scope: WriteScope, ref: CollectionRef, object: KubeObject): Removal {
  if (!hasFinalizers(object)) return { object, events: removalDrafts(scope, ref, object) };
  if (object.metadata.deletionTimestamp !== undefined) return { object, events: [] };
  const marked = markDeleted(scope, object);
  return { object: marked, events: [intentDraft(scope, { verb: "Updated", ref, object: marked, before: object })] };
}

/**
 * Deletes a namespace and all objects in it: the objects first, in order of collection and name, the namespace last. Where finalizers hold an object or
 * the namespace itself, those are only marked, and the namespace is Terminating until the last of them is gone.
 */
export function removeNamespace(scope: WriteScope, namespace: KubeObject): Removal {
  const contents = namespaceContents(scope, namespace.metadata.name);
  const isHeld = hasFinalizers(namespace) || contents.some(({ object }) => hasFinalizers(object));
  const events = contents.flatMap(({ ref, object }) => contentDrafts(scope, ref, object));
  if (!isHeld) {
    return {
      object: namespace,
      events: [...events, intentDraft(scope, { verb: "Deleted", ref: NAMESPACES, object: namespace })],
    };
  }
  if (namespace.metadata.deletionTimestamp !== undefined) return { object: namespace, events };
  const marked = { ...markDeleted(scope, namespace), status: { ...namespace.status, phase: "Terminating" } };
  const update = intentDraft(scope, { verb: "Updated", ref: NAMESPACES, object: marked, before: namespace });
  return { object: marked, events: [...events, update] };
}

function contentDrafts(scope: WriteScope, ref: CollectionRef, object: KubeObject): readonly EventDraft[] {
  if (!hasFinalizers(object)) return [intentDraft(scope, { verb: "Deleted", ref, object })];
  return removeObject(scope, ref, object).events;
}

function markDeleted({ inputs }: WriteScope, object: KubeObject): KubeObject {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, deletionTimestamp: secondsOf(inputs) } };
}

/** Stored objects of a namespace, by collection and name. Views go with what they are views of. */
export function namespaceContents({ state }: WriteScope, namespace: string): readonly Content[] {
  return [...state.collections].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([collection, objects]) => {
    const [group = "", plural = ""] = collection.split("/");
    const ref = { group: group === "core" ? "" : group, plural };
    return [...objects].filter(([key, object]) => key.startsWith(`${namespace}/`) && !isView(collection, object))
      .sort(([a], [b]) => a < b ? -1 : 1).map(([, object]) => ({ ref, object }));
  });
}
