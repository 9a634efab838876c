/**
 * The server-side apply of a request: from what the client sent to the object it asks for and who owns what then. Stands between the command
 * (`object_commands.ts`) and the arithmetic (`apply.ts`).
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import { apiVersionOf, type KubeObject } from "#/resources/object.ts";
import { required } from "#/resources/problems.ts";
import { identityRefusal, staleRefusal } from "#/server/decide/admission.ts";
import { applyConfig } from "#/server/decide/apply.ts";
import type { ObjectCommand } from "#/server/decide/command.ts";
import { withLastApplied, yieldedFields } from "#/server/decide/last_applied.ts";
import { listRulesOf } from "#/server/decide/list_rules.ts";
import { decodeOwners, type FieldOwner } from "#/server/decide/managed_fields.ts";
import { objectFromJson, objectToJson } from "#/server/decide/object_json.ts";
import { invalidObject } from "#/server/decide/refusals.ts";
import { secondsOf, type Target, type WriteScope } from "#/server/decide/scope.ts";

/** Who owns what of an object once it is admitted. */
export type OwnersAfter = (admitted: KubeObject) => readonly FieldOwner[];

/** An apply carried out, before admission. */
export interface AppliedPatch {
  readonly kind: "applied";
  readonly incoming: KubeObject;
  /** Defaults that admission fills in belong to nobody, so that any manager may set them later. */
  readonly ownersAfter: OwnersAfter;
}

/** Members of metadata that say which object is meant, or that the server sets: never part of what a manager wants. */
const NOT_APPLIED: readonly string[] = [
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "selfLink",
];

/** Applies a document to the object of a target, or refuses it. */
export function applyPatch(
  scope: WriteScope,
  target: Target,
  command: Extract<ObjectCommand, { kind: "PatchObject" }>,
): AppliedPatch | Rejection {
  const { fieldManager: manager } = command.options;
  if (manager === "") {
    const problem = required("fieldManager", "is required for apply patch");
    return invalidObject({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [problem]);
  }
  const read = objectFromJson(command.patch);
  if (read.kind === "rejected") return read;
  const config = withIdentity(read.object, target);
  const refusal = identityRefusal(target, config) ?? staleRefusal(target, config);
  if (refusal !== undefined) return refusal;
  if (config.metadata.managedFields !== undefined) return reject("BadRequest", "metadata.managedFields must be nil");

  const rules = listRulesOf(target.kind.mergeKeys);
  const live = target.live === undefined ? {} : objectToJson(target.live);
  const applied = applyConfig({
    live,
    config: wanted(target, config, command.subresource),
    owners: decodeOwners(target.live?.metadata.managedFields) ?? [],
    applier: { manager, operation: "Apply", apiVersion: apiVersionOf(target.kind), subresource: command.subresource },
    force: command.force,
    yielded: yieldedFields(live, manager, rules),
    time: secondsOf(scope.inputs),
    rules,
  });
  if (applied.kind === "rejected") return applied;
  const result = objectFromJson(withLastApplied(applied.object, live, objectToJson(config), manager));
  return result.kind === "rejected"
    ? result
    : { kind: "applied", incoming: result.object, ownersAfter: () => applied.owners };
}

/** What the client sent, named by the path where it leaves the name out. */
function withIdentity(object: KubeObject, { ref }: Target): KubeObject {
  const { name = ref.name } = object.metadata;
  const namespace = object.metadata.namespace ?? ref.namespace;
  return { ...object, metadata: { ...object.metadata, name, ...(namespace === "" ? {} : { namespace }) } };
}

/** What the manager wants of this object: no bookkeeping, and only the half of it that the path is for. */
function wanted({ kind }: Target, config: KubeObject, subresource: string): JsonObject {
  const { metadata, status, ...rest } = objectToJson(config);
  const kept = Object.entries(isJsonObject(metadata) ? metadata : {}).filter(([key]) => !NOT_APPLIED.includes(key));
  const identity = { metadata: Object.fromEntries(kept) };
  const state = status === undefined ? {} : { status };
  if (subresource === "status") return { apiVersion: config.apiVersion, kind: config.kind, ...state };
  return { ...rest, ...identity, ...(kind.statusSubresource ? {} : state) };
}
