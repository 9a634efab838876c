/**
 * Kubernetes field selectors of the `fieldSelector` query parameter: name and namespace for every kind, the few fields of core kinds that
 * kubectl and kubelets select on, and the tier of policies.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { SelectorError } from "#/server/api/label_selector.ts";
import { TIERED_COLLECTIONS } from "#/server/decide/cross_checks.ts";

/** One condition on a field. */
export interface FieldRequirement {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

/** Conditions that must all hold. */
export type FieldSelector = readonly FieldRequirement[];

const COMMON_FIELDS: readonly string[] = ["metadata.name", "metadata.namespace"];

/** Fields beyond the common ones, by `group/plural` collection. */
const KIND_FIELDS: Readonly<Record<string, readonly string[]>> = {
  "core/pods": [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
  ],
  "core/namespaces": ["status.phase"],
  "core/nodes": ["spec.unschedulable"],
  ...Object.fromEntries(TIERED_COLLECTIONS.map((collection) => [collection, ["spec.tier"]])),
};

/** Fields that read `false` when left out. */
const BOOLEAN_FIELDS: readonly string[] = ["spec.hostNetwork", "spec.unschedulable"];

/**
 * Reads a field selector for a collection. The empty text selects everything; a field that the kind is not selectable by is an error, never
 * ignored.
 *
 * @param collection `group/plural`, `core` for the empty group
 * @example
 * ```ts
 * import { parseFieldSelector } from "#/server/api/field_selector.ts";
 * const selector = parseFieldSelector("metadata.name=web,status.phase!=Failed", "core/pods");
 * if ("kind" in selector || selector.length !== 2 || selector[1]!.equal) throw new Error();
 * ```
 */
export function parseFieldSelector(text: string, collection: string): FieldSelector | SelectorError {
  const requirements: FieldRequirement[] = [];
  for (const term of splitUnescaped(text)) {
    if (term === "") continue;
    const match = /^([^=!]+)(!=|==|=)(.*)$/s.exec(term);
    if (match === null) return fieldError(term, 'must be "field=value" or "field!=value"');
    const [, field = "", operator, value = ""] = match;
    const known = COMMON_FIELDS.includes(field) || (KIND_FIELDS[collection] ?? []).includes(field);
    if (!known) return { kind: "selectorError", message: `field label not supported: ${field}` };
    if (!/^(?:[^\\]|\\[\\,=])*$/.test(value)) return fieldError(term, 'a "\\" must stand before "\\", "," or "="');
    requirements.push({ field, equal: operator !== "!=", value: value.replaceAll(/\\([\\,=])/g, "$1") });
  }
  return requirements;
}

/** Whether an object meets every condition. */
export function matchesFields(selector: FieldSelector, object: KubeObject): boolean {
  return selector.every(({ field, equal, value }) => (fieldText(object, field) === value) === equal);
}

function fieldText(object: KubeObject, path: string): string {
  let value: unknown = object;
  for (const part of path.split(".")) value = isJsonObject(value) ? value[part] : undefined;
  if (value === undefined || value === null) return BOOLEAN_FIELDS.includes(path) ? "false" : "";
  return String(value as Exclude<Json, null>);
}

/** Splits at commas that no backslash stands before. */
function splitUnescaped(text: string): string[] {
  const terms = [""];
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === ",") {
      terms.push("");
    } else {
      const escaped = character === "\\" && at + 1 < text.length ? text[++at]! : "";
      terms[terms.length - 1] += character + escaped;
    }
  }
  return terms.map((term) => term.trim());
}

function fieldError(term: string, rule: string): SelectorError {
  return { kind: "selectorError", message: `Cannot read the field selector at "${term}": ${rule}` };
}
