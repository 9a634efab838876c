/**
 * The annotation in which `kubectl apply` keeps what it last sent, as far as server-side apply must know it: somebody who moves from client-side to
 * server-side apply meets the fields of their former self, and must not be told of a conflict with it. Called by `decide` around `apply.ts`.
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "#/base/json.ts";
import { compareFields, type FieldSet, namedFields } from "#/server/decide/field_set.ts";
import type { ListRules } from "#/server/decide/list_rules.ts";

/** Annotation of client-side apply. */
export const LAST_APPLIED_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";

/** The only manager that is taken for the same person: kubectl's default for server-side apply. */
const KUBECTL_MANAGER = "kubectl";

/**
 * Fields that a client-side apply set and that still have its value: these the same tool may take over without force. Empty for any other manager.
 */
export function yieldedFields(live: JsonObject, manager: string, rules: ListRules): FieldSet {
  const applied = manager === KUBECTL_MANAGER ? lastApplied(live) : undefined;
  if (applied === undefined) return new Set();
  const { added, modified, removed } = compareFields(applied, live, rules);
  return namedFields(applied, rules).difference(added).difference(modified).difference(removed);
}

/** The object with its annotation brought up to date, where it has one and the manager is the one that keeps it. */
export function withLastApplied(object: JsonObject, live: JsonObject, config: JsonObject, manager: string): JsonObject {
  if (manager !== KUBECTL_MANAGER || lastApplied(live) === undefined || !isJsonObject(object.metadata)) return object;
  const annotations = isJsonObject(object.metadata.annotations) ? object.metadata.annotations : {};
  const text = `${JSON.stringify(config)}\n`;
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED_ANNOTATION]: text } },
  };
}

function lastApplied(live: JsonObject): JsonObject | undefined {
  const metadata = isJsonObject(live.metadata) ? live.metadata : {};
  const text = isJsonObject(metadata.annotations) ? metadata.annotations[LAST_APPLIED_ANNOTATION] : undefined;
  if (typeof text !== "string" || text === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
