/**
 * Decides what users ask to delete. The other commands about objects are in `object_commands.ts`, which calls this.
 *
 * @module
 */
import type { Rejection } from "#/base/problem.ts";
import { streamOf } from "#/events/envelope.ts";
import { getObject } from "#/projections/cluster_state.ts";
import { isQuarantined } from "#/projections/fold.ts";
import { collectionKey, type KubeObject, type ObjectRef } from "#/resources/object.ts";
import type { Decision, ObjectCommand } from "#/server/decide/command.ts";
import { deletionRefusal } from "#/server/decide/deletion_checks.ts";
import { withReason } from "#/server/decide/drafts.ts";
import { conflict, notFound } from "#/server/decide/refusals.ts";
import { namespaceContents, removeNamespace, removeObject } from "#/server/decide/removal.ts";
import type { Target, WriteScope } from "#/server/decide/scope.ts";
import { unreadableRefusal } from "#/server/decide/store_object.ts";
import { coreNodeRef, endpointRefusal, isNodeView } from "#/server/decide/view_writes.ts";

type DeleteCommand = Extract<ObjectCommand, { kind: "DeleteObject" }>;

/** Decides a deletion: preconditions, what others rest on, then the removal with everything that goes along. */
export function deleteObject(
  scope: WriteScope,
  { ref: named, live: found, versions }: Target,
  command: DeleteCommand,
): Decision {
  if (found === undefined) return notFound(named);
  const refusal = preconditionRefusal(named, { metadata: found.metadata, versions }, command.preconditions) ??
    endpointRefusal(named, found);
  if (refusal !== undefined) return refusal;
  const ref = isNodeView(named) ? coreNodeRef(named) : named;
  const live = isNodeView(named) ? getObject(scope.state, collectionKey(ref), "", ref.name) ?? found : found;
  const held = deletionRefusal(scope.state, ref, live) ?? unreadableContent(scope, ref);
  if (held !== undefined) return held;
  const asked = { ...scope, context: withReason(scope.context, live) };
  const isNamespace = collectionKey(ref) === "core/namespaces";
  const removal = isNamespace ? removeNamespace(asked, live) : removeObject(asked, ref, live);
  return {
    kind: "accepted",
    created: false,
    warnings: [],
    events: command.dryRun ? [] : removal.events,
    object: isNodeView(named) ? found : removal.object,
  };
}

function preconditionRefusal(
  ref: ObjectRef,
  { metadata, versions }: Pick<KubeObject, "metadata"> & Pick<Target, "versions">,
  { uid, resourceVersion }: DeleteCommand["preconditions"],
): Rejection | undefined {
  if (uid !== undefined && uid !== metadata.uid) {
    const said = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid ?? ""})`;
    return conflict(ref, `${said}. The object might have been deleted and then recreated`);
  }
  if (resourceVersion === undefined || versions.includes(resourceVersion)) return undefined;
  const current = metadata.resourceVersion ?? "";
  const said =
    `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record`;
  return conflict(ref, `${said} (${current}). The object might have been modified`);
}

/** An object that this binary cannot read stays, and so does the namespace around it. */
function unreadableContent(scope: WriteScope, ref: ObjectRef): Rejection | undefined {
  if (isQuarantined(scope.state, streamOf(ref))) return unreadableRefusal({ ref });
  if (collectionKey(ref) !== "core/namespaces") return undefined;
  const unreadable = namespaceContents(scope, ref.name).map(({ ref: { group, plural }, object: { metadata } }) => ({
    group,
    plural,
    namespace: ref.name,
    name: metadata.name,
  })).find((content) => isQuarantined(scope.state, streamOf(content)));
  return unreadable === undefined ? undefined : unreadableRefusal({ ref: unreadable });
}
