/**
 * `metadata` of every kind: its schema, and Kubernetes' rules for names, labels, annotations, finalizers and scope. Admission (`validate.ts`) applies
 * it to each object; the rule of the name itself belongs to the kind.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import {
  DNS_LABEL_RULE,
  DNS_SUBDOMAIN_RULE,
  isDnsLabel,
  isDnsSubdomain,
  isLabelValue,
  isQualifiedName,
  LABEL_VALUE_RULE,
  QUALIFIED_NAME_RULE,
} from "#/resources/name_rules.ts";
import type { KindName, KubeObject } from "#/resources/object.ts";
import { fieldPath, forbidden, invalid, required } from "#/resources/problems.ts";

/** Largest sum of all annotations' keys and values, in bytes. */
export const ANNOTATIONS_BYTES_MAX = 256 * 1024;

/** Label keys that only the system sets, because policies trust them: prefixes of inherited labels. */
const RESERVED_LABEL_PREFIXES: readonly string[] = ["pcns.", "pcsa."];

/** Label keys that only the system sets. */
const RESERVED_LABELS: readonly string[] = [
  "projectcalico.org/namespace",
  "projectcalico.org/orchestrator",
  "projectcalico.org/serviceaccount",
];

const nonEmpty = z.string().min(1, { error: "must not be empty" });

const ownerReference = z.strictObject({
  apiVersion: nonEmpty.describe("API version of the owner."),
  kind: nonEmpty.describe("Kind of the owner."),
  name: nonEmpty.describe("Name of the owner."),
  uid: nonEmpty.describe("UID of the owner."),
  controller: z.boolean().optional().describe("Whether the owner is the managing controller."),
  blockOwnerDeletion: z.boolean().optional().describe("Whether the owner waits for this object when it is deleted."),
});

const managedFieldsEntry = z.looseObject({
  manager: z.string().optional().describe("Who manages the fields."),
  operation: z.string().optional().describe("Apply or Update."),
  apiVersion: z.string().optional().describe("Version of the object that the fields are of."),
  time: z.string().optional().describe("When the entry last changed."),
  fieldsType: z.string().optional().describe("Always FieldsV1."),
  fieldsV1: z.looseObject({}).optional().describe("The fields, as a trie."),
  subresource: z.string().optional().describe("The subresource that was written; empty for the object itself."),
});

/** Schema of `metadata`. Server-set fields are allowed, so that what was read can be written back. */
export const metadataSchema = z.strictObject({
  name: z.string().optional().describe(
    "Name, unique among objects of the kind in the namespace. It cannot be changed.",
  ),
  generateName: z.string().optional().describe(
    "Beginning of a name that the server completes, where name is not given.",
  ),
  namespace: z.string().optional().describe("Namespace of the object; only of namespaced kinds."),
  labels: z.record(z.string(), z.string()).optional().describe("Labels, which selectors match."),
  annotations: z.record(z.string(), z.string()).optional().describe(
    "Notes by tools and people; nothing selects by them.",
  ),
  finalizers: z.array(z.string().describe("Name of a finalizer.")).optional().describe(
    "What must be done before a deleted object goes away.",
  ),
  ownerReferences: z.array(ownerReference.describe("An owner.")).optional().describe(
    "Objects that this one depends on.",
  ),
  uid: z.string().optional().describe("Set by the server: identity in time and space."),
  resourceVersion: z.string().optional().describe(
    "Set by the server: position in the log of the event that made the object so. A write that gives it is refused when the object has changed since.",
  ),
  generation: z.int().optional().describe("Set by the server: grows by one with each change of spec."),
  creationTimestamp: z.string().optional().describe("Set by the server: when the object was created."),
  deletionTimestamp: z.string().optional().describe("Set by the server: when deletion was asked for."),
  deletionGracePeriodSeconds: z.int().optional().describe("Set by the server: seconds allowed for the deletion."),
  selfLink: z.string().optional().describe("No longer used."),
  managedFields: z.array(managedFieldsEntry.describe("Fields of one manager.")).optional().describe(
    "Set by the server: who manages which field.",
  ),
}).describe("What every object carries: name, namespace, labels, annotations and what the server notes.");

/** Every rule for `metadata` that an object of any kind may break, but for the rule of the name, which is the kind's. */
export function metadataProblems(kind: KindName, object: KubeObject): Problem[] {
  const { metadata } = object;
  const problems: Problem[] = [];
  if ((metadata.name ?? "") === "") problems.push(required("metadata.name", "must give name or generateName"));
  const prefix = metadata.generateName;
  if (prefix !== undefined && prefix !== "" && !isDnsSubdomain(`${prefix}x`)) {
    problems.push(invalid("metadata.generateName", prefix, `${DNS_SUBDOMAIN_RULE}, once it is completed`));
  }
  problems.push(...namespaceProblems(kind, metadata.namespace));
  problems.push(...labelProblems(metadata.labels, ["metadata", "labels"]));
  problems.push(...annotationProblems(metadata.annotations, "metadata.annotations"));
  metadata.finalizers?.forEach((name, at) => {
    if (!isQualifiedName(name)) problems.push(invalid(`metadata.finalizers[${at}]`, name, QUALIFIED_NAME_RULE));
  });
  return problems;
}

function namespaceProblems(kind: KindName, namespace: string | undefined): Problem[] {
  const path = "metadata.namespace";
  if (!kind.namespaced) {
    return (namespace ?? "") === "" ? [] : [forbidden(path, `must not be given: ${kind.kind} has no namespace`)];
  }
  if ((namespace ?? "") === "") return [required(path, `must be given: ${kind.kind} lives in a namespace`)];
  return isDnsLabel(namespace!) ? [] : [invalid(path, namespace, DNS_LABEL_RULE)];
}

/**
 * Rules for a map of labels, wherever it stands: keys are qualified names, values label values.
 *
 * @param field member names from the object's root to the map
 */
export function labelProblems(labels: KubeObject["metadata"]["labels"], field: readonly string[]): Problem[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => {
    const path = fieldPath([...field, key]);
    const problems = isQualifiedName(key) ? [] : [invalid(path, key, QUALIFIED_NAME_RULE)];
    return isLabelValue(value) ? problems : [...problems, invalid(path, value, LABEL_VALUE_RULE)];
  });
}

/**
 * Rules for a map of annotations, wherever it stands: keys are qualified names in any case, and all together stay small.
 *
 * @param path the map's field path
 */
export function annotationProblems(annotations: Readonly<Record<string, string>> | undefined, path: string): Problem[] {
  const encoder = new TextEncoder();
  const problems: Problem[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    bytes += encoder.encode(key).length + encoder.encode(value).length;
    if (!isQualifiedName(key.toLowerCase())) problems.push(invalid(`${path}[${key}]`, key, QUALIFIED_NAME_RULE));
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) {
    const message =
      `Too long: must be at most ${ANNOTATIONS_BYTES_MAX} bytes of keys and values together: ${bytes} bytes`;
    problems.push({ path, reason: "FieldValueTooLong", message });
  }
  return problems;
}

/**
 * Labels that a user may not give to what policies match by label, because namespace and service-account selectors trust them: with them, a workload or
 * a network set could pass for one of another namespace. The kinds whose labels policies match call it.
 *
 * @param field member names from the object's root to the map
 *
 * @example
 * ```ts
 * import { reservedLabelProblems } from "#/resources/metadata.ts";
 * const [problem] = reservedLabelProblems({ "pcns.team": "red", app: "web" });
 * if (problem?.path !== "metadata.labels[pcns.team]") throw new Error();
 * ```
 */
export function reservedLabelProblems(
  labels: KubeObject["metadata"]["labels"],
  field: readonly string[] = ["metadata", "labels"],
): Problem[] {
  return Object.keys(labels ?? {}).filter(isReservedLabel)
    .map((key) => forbidden(fieldPath([...field, key]), "must not be set by users: the system sets it"));
}

/** Whether a label key is one that only the system sets on what policies match by label. */
export function isReservedLabel(key: string): boolean {
  return RESERVED_LABELS.includes(key) || RESERVED_LABEL_PREFIXES.some((prefix) => key.startsWith(prefix));
}

/** The rule of a name that is a DNS-1123 subdomain. A missing name is told by {@link metadataProblems}. */
export function subdomainNameProblems(object: KubeObject): Problem[] {
  const { name } = object.metadata;
  return isDnsSubdomain(name) || name === "" ? [] : [invalid("metadata.name", name, DNS_SUBDOMAIN_RULE)];
}

/** The rule of a name that is a single DNS-1123 label. A missing name is told by {@link metadataProblems}. */
export function labelNameProblems(object: KubeObject): Problem[] {
  const { name } = object.metadata;
  return isDnsLabel(name) || name === "" ? [] : [invalid("metadata.name", name, DNS_LABEL_RULE)];
}
