/**
 * Objects of files, admitted as the API would admit them: documents in, policy objects and everything that stands against them out. Pure: who reads the
 * files parses them and says where fields stand. Called by the command line for questions without a server, and by the server for plans.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import {
  type FieldKeys,
  type IgnoredKind,
  keysOfPath,
  type ManifestDocument,
  type ManifestObject,
  type ManifestProblem,
  type Manifests,
  objectTitle,
  type Place,
  placeText,
} from "#/policy/manifests/manifest_document.ts";
import { fillManifest } from "#/policy/manifests/manifest_fill.ts";
import { podTemplateOf, type WorkloadKind, workloadKindOf } from "#/policy/manifests/manifest_workloads.ts";
import { admitEndpoint } from "#/policy/manifests/manifest_endpoint.ts";
import { POLICY_OBJECT_COLLECTIONS } from "#/policy/policy_objects.ts";
import { POLICY_COLLECTIONS } from "#/policy/policy_ref.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { collectionKey, type KubeObject, objectKey } from "#/resources/object.ts";
import { invalid, required, wrongType } from "#/resources/problems.ts";
import { findKindByName, KINDS } from "#/resources/registry.ts";
import { type Admission, admit } from "#/resources/validate.ts";

/** The namespace of objects that name none. */
export const DEFAULT_NAMESPACE = "default";

/** Collections that are read from files besides those of {@link POLICY_OBJECT_COLLECTIONS}: endpoints and EndpointSlices are made from them. */
const SOURCE_COLLECTIONS: readonly string[] = ["core/pods", "core/services"];

/** Groups in which kinds of policy were or are kept elsewhere, with the group that is read. */
const OTHER_GROUPS: Readonly<Record<string, string>> = {
  "crd.projectcalico.org": "projectcalico.org",
  extensions: "networking.k8s.io",
};

/** How deep Lists may lie in each other. */
const LISTS_DEPTH_MAX = 8;

const READ_COLLECTIONS: ReadonlySet<string> = new Set([
  ...POLICY_COLLECTIONS.keys(),
  ...Object.values(POLICY_OBJECT_COLLECTIONS).flat(),
  ...SOURCE_COLLECTIONS,
]);

/** An object as it stands in a document, perhaps as an item of a List. */
interface Item {
  readonly document: ManifestDocument;
  /** Where the object begins in the document. */
  readonly keys: FieldKeys;
  readonly value: Json;
}

/**
 * Reads the objects of documents: takes Lists apart, admits every object that policy rests on, and finds those that stand twice.
 *
 * @example
 * ```ts
 * import { readManifestObjects } from "#/policy/manifests/manifests.ts";
 * const value = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
 * const { objects, problems } = readManifestObjects([{ file: "a.yaml", number: 1, value, lineOf: () => 1 }]);
 * if (problems.length !== 0 || objects[0]?.collection !== "core/namespaces") throw new Error(JSON.stringify(problems));
 * ```
 */
export function readManifestObjects(documents: readonly ManifestDocument[]): Manifests {
  const objects = new Map<string, ManifestObject>();
  const problems: ManifestProblem[] = [];
  const ignored = new Map<string, IgnoredKind>();
  for (const item of documents.flatMap(itemsOf)) {
    const read = readItem(item);
    switch (read.kind) {
      case "ignored": {
        const key = `${read.objectKind}.${read.apiVersion}`;
        const count = (ignored.get(key)?.count ?? 0) + 1;
        ignored.set(key, { apiVersion: read.apiVersion, kind: read.objectKind, count });
        break;
      }
      case "refused":
        problems.push(...read.problems.map((problem) => placed(item, problem)));
        break;
      case "read": {
        const key = `${read.object.collection} ${objectKey(read.object.object.metadata)}`;
        const first = objects.get(key);
        if (first === undefined) objects.set(key, read.object);
        else {problems.push(
            placed(item, { path: "", message: `must stand only once: also at ${placeText(first.place)}` }),
          );}
      }
    }
  }
  const names = [...ignored].sort(([a], [b]) => a < b ? -1 : 1);
  return { objects: [...objects.values()], problems, ignored: names.map(([, kind]) => kind) };
}

/** The objects of a document. */
function itemsOf(document: ManifestDocument): Item[] {
  return document.value === null ? [] : itemsIn({ document, keys: [], value: document.value }, 0);
}

/** An object itself, or the items of a `List` or of a kind's own list, whose items need not say what they are. Lists may lie in each other. */
function itemsIn(item: Item, depth: number): Item[] {
  const { document, keys, value } = item;
  if (depth === LISTS_DEPTH_MAX || !isJsonObject(value)) return [item];
  const { apiVersion, kind, items = null } = value;
  if (typeof kind !== "string" || !kind.endsWith("List")) return [item];
  if (kind === "List" && items === null) return [];
  if (!Array.isArray(items)) return [item];
  const implied = kind === "List" ? {} : { apiVersion, kind: kind.slice(0, -"List".length) };
  return items.flatMap((member: Json, at: number) => {
    const full = isJsonObject(member) ? { ...implied, ...member } : member;
    return itemsIn({ document, keys: [...keys, "items", at], value: full }, depth + 1);
  });
}

type ItemProblem = Pick<Problem, "path" | "message">;

type ReadItem =
  | { readonly kind: "ignored"; readonly apiVersion: string; readonly objectKind: string }
  | { readonly kind: "refused"; readonly problems: readonly ItemProblem[] }
  | { readonly kind: "read"; readonly object: ManifestObject };

function readItem(item: Item): ReadItem {
  const { value } = item;
  if (!isJsonObject(value) || typeof value.kind !== "string" || typeof value.apiVersion !== "string") {
    return { kind: "refused", problems: [{ path: "", message: "must be an object with apiVersion and kind" }] };
  }
  const { apiVersion, kind } = value;
  if (kind === "List" && !Array.isArray(value.items)) {
    return { kind: "refused", problems: [wrongType("items", value.items, "must be a list")] };
  }
  if (kind === "List") {
    return { kind: "refused", problems: [{ path: "", message: `must lie at most ${LISTS_DEPTH_MAX} deep in Lists` }] };
  }
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/", 2) as [string, string] : ["", apiVersion];
  const workload = workloadKindOf(group, kind);
  if (workload !== undefined) return readWorkload(item, value, workload);
  const known = findKindByName(group, version, kind);
  if (known !== undefined && READ_COLLECTIONS.has(collectionKey(known))) return readObject(item, value, known);
  const meant = Object.hasOwn(OTHER_GROUPS, group) ? OTHER_GROUPS[group] : group;
  const others = KINDS.filter((other) =>
    other.group === meant && other.kind.toLowerCase() === kind.toLowerCase() &&
    READ_COLLECTIONS.has(collectionKey(other))
  );
  if (others.length > 0) return wrongName(apiVersion, kind, others);
  return { kind: "ignored", apiVersion, objectKind: kind };
}

/** A policy that is not read would open what it closes: neither a version that is not known nor a misspelt kind is a reason to ignore it. */
function wrongName(apiVersion: string, kind: string, kinds: readonly KindDefinition[]): ReadItem {
  const spelt = kinds[0]!.kind;
  if (spelt !== kind) return { kind: "refused", problems: [invalid("kind", kind, `must be ${spelt}`)] };
  const versions = kinds.map(({ group, version }) => group === "" ? version : `${group}/${version}`).join(" or ");
  return { kind: "refused", problems: [invalid("apiVersion", apiVersion, `must be ${versions}`)] };
}

function readObject(item: Item, value: JsonObject, kind: KindDefinition): ReadItem {
  const written = kind.namespaced ? withNamespace(value) : value;
  const admission = admitObject(kind, written);
  const problems = problemsOf(admission);
  if (problems.length > 0) return { kind: "refused", problems };
  const { object } = admission;
  return { kind: "read", object: { collection: collectionKey(kind), object, written, ...placesOf(item) } };
}

/** Admits an object as a new one, strictly: a field that the kind does not know is a mistake. What policy does not rest on may be left out. */
function admitObject(kind: KindDefinition, value: JsonObject): Admission {
  const object = fillManifest(kind, value) as unknown as KubeObject;
  return kind.kind === "WorkloadEndpoint" ? admitEndpoint(kind, object) : admit(kind, object, undefined, "Strict");
}

function problemsOf({ problems, unknownFields }: Admission): ItemProblem[] {
  return [...problems, ...unknownFields.map((path) => ({ path, message: "must be a field that the kind knows" }))];
}

function readWorkload(item: Item, value: JsonObject, kind: WorkloadKind): ReadItem {
  const object = withNamespace(value);
  const { metadata } = object;
  if (!isJsonObject(metadata)) {
    return { kind: "refused", problems: [wrongType("metadata", metadata, "must be an object")] };
  }
  if (typeof metadata.name !== "string" || metadata.name === "") {
    return { kind: "refused", problems: [required("metadata.name", "must be given")] };
  }
  const template = podTemplateOf(object, kind);
  if (template === undefined) {
    const problem = required(kind.template.join("."), "must be given: it says what the workload's pods are");
    return { kind: "refused", problems: [problem] };
  }
  const admission = admitObject(findKindByName("", "v1", "Pod")!, template as unknown as JsonObject);
  const problems = problemsOf(admission).map((problem) => belowTemplate(problem, kind));
  if (problems.length > 0) return { kind: "refused", problems };
  return {
    kind: "read",
    object: {
      collection: kind.collection,
      object: object as unknown as KubeObject,
      written: object,
      ...placesOf(item),
      template: admission.object,
    },
  };
}

/** A problem of the Pod as one of the workload: its name and namespace are the workload's own, all else is the template's. */
function belowTemplate(problem: ItemProblem, { template }: WorkloadKind): ItemProblem {
  const isOwn = problem.path === "metadata.name" || problem.path === "metadata.namespace";
  return isOwn ? problem : { ...problem, path: [...template, problem.path].filter((part) => part !== "").join(".") };
}

function withNamespace(value: JsonObject): JsonObject {
  const { metadata } = value;
  if (!isJsonObject(metadata) || (metadata.namespace ?? "") !== "") return value;
  return { ...value, metadata: { ...metadata, namespace: DEFAULT_NAMESPACE } };
}

function placed(item: Item, { path, message }: ItemProblem): ManifestProblem {
  return { place: placeOf(item, keysOfPath(path)), object: objectTitle(item.value), path, message };
}

function placesOf(item: Item): Pick<ManifestObject, "place" | "placeOf"> {
  return { place: placeOf(item, []), placeOf: (path) => placeOf(item, keysOfPath(path)) };
}

function placeOf({ document, keys }: Item, below: FieldKeys): Place {
  return { file: document.file, line: document.lineOf([...keys, ...below]), document: document.number };
}
