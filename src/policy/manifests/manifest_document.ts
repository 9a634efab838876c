/**
 * Documents of files and the objects in them, as values: where something stands, what is wrong with it, and how people are told. Read by
 * `manifests.ts`; made by who parses files.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Member names and list indices from a document's root. */
export type FieldKeys = readonly (string | number)[];

/** One document of a file. */
export interface ManifestDocument {
  /** As people named it. */
  readonly file: string;
  /** Its place in the file, from 1. */
  readonly number: number;
  readonly value: Json;
  /** The line of a field, from 1; of the nearest field around it where it does not stand in the file. */
  readonly lineOf: (keys: FieldKeys) => number;
}

/** Where something stands. */
export interface Place {
  readonly file: string;
  readonly line: number;
  /** Number of the document in its file, from 1. */
  readonly document: number;
}

/** An object of a file, as admission leaves it. */
export interface ManifestObject {
  /** `group/plural`. */
  readonly collection: string;
  readonly object: KubeObject;
  /** As it stands in the file, but for the namespace where none is named. */
  readonly written: JsonObject;
  readonly place: Place;
  /** Where a field of it stands, by its path. */
  readonly placeOf: (path: string) => Place;
  /** Of a workload kind: the Pod that its template describes, named like the workload. */
  readonly template?: KubeObject;
}

/** A broken rule and where. `object` is its kind and name, as far as they can be read; `path` is empty for the object as a whole. */
export interface ManifestProblem {
  readonly place: Place;
  readonly object: string;
  readonly path: string;
  readonly message: string;
}

/** Objects of a kind that policy does not rest on. */
export interface IgnoredKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly count: number;
}

/** What documents say. The objects mean something only when there is no problem. */
export interface Manifests {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly ManifestProblem[];
  /** In order of their names. */
  readonly ignored: readonly IgnoredKind[];
}

/** `shop.yaml:12`. */
export function placeText({ file, line }: Place): string {
  return `${file}:${line}`;
}

/**
 * A problem as one line: `shop.yaml:12: NetworkPolicy shop/web (document 2): spec.tier: must ...`.
 *
 * @example
 * ```ts
 * import { problemText } from "#/policy/manifests/manifest_document.ts";
 * const place = { file: "a.yaml", line: 3, document: 1 };
 * const text = problemText({ place, object: "Tier t", path: "spec", message: "must be an object" });
 * if (text !== "a.yaml:3: Tier t (document 1): spec: must be an object") throw new Error(text);
 * ```
 */
export function problemText({ place, object, path, message }: ManifestProblem): string {
  return `${placeText(place)}: ${object} (document ${place.document}): ${path === "" ? "" : `${path}: `}${message}`;
}

/** What a problem is about: `NetworkPolicy shop/web`, as far as it can be read. */
export function objectTitle(value: Json): string {
  if (!isJsonObject(value)) return "Document";
  const metadata = isJsonObject(value.metadata) ? value.metadata : {};
  const namespace = typeof metadata.namespace === "string" ? `${metadata.namespace}/` : "";
  const name = typeof metadata.name === "string" ? ` ${namespace}${metadata.name}` : "";
  return `${typeof value.kind === "string" ? value.kind : "Object"}${name}`;
}

/**
 * The keys of a field path.
 *
 * @example
 * ```ts
 * import { keysOfPath } from "#/policy/manifests/manifest_document.ts";
 * const keys = keysOfPath("spec.ingress[0].source");
 * if (JSON.stringify(keys) !== '["spec","ingress",0,"source"]') throw new Error();
 * ```
 */
export function keysOfPath(path: string): FieldKeys {
  return [...path.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map(([, bracketed, name]) =>
    bracketed !== undefined && /^[0-9]+$/.test(bracketed) ? Number(bracketed) : bracketed ?? name ?? ""
  );
}
