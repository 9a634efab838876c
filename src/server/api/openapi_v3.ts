/**
 * OpenAPI 3.0 documents, one per group and version, with an index: what `kubectl explain`, `apply` and `diff` read. Schemas come from the kinds
 * themselves, so what is documented is what is checked.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { JsonObject } from "#/base/json.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { jsonSchemaOf } from "#/resources/json_schema.ts";
import { apiVersionOf } from "#/resources/object.ts";

/** One group and version's document. */
export interface OpenApiDocument {
  readonly text: string;
  /** Changes with the text; the index names the document by it. */
  readonly hash: string;
}

/** The documents of a server. */
export interface OpenApi {
  /** Text of the index: path of each group and version to the URL of its document. */
  index(): string;
  document(group: string, version: string): OpenApiDocument | undefined;
}

/** An HTTP method of a path, and what Kubernetes calls it. */
interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly action: string;
  readonly verb: string;
  readonly parameters: readonly string[];
}

const READ_PARAMETERS: readonly string[] = ["at", "resourceVersion"];
const LIST_PARAMETERS: readonly string[] = [
  ...READ_PARAMETERS,
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersionMatch",
  "sendInitialEvents",
  "timeoutSeconds",
  "watch",
];
const WRITE_PARAMETERS: readonly string[] = ["dryRun", "fieldManager", "fieldValidation"];

const COLLECTION_OPERATIONS: readonly Operation[] = [
  { method: "get", action: "list", verb: "list", parameters: LIST_PARAMETERS },
  { method: "post", action: "post", verb: "create", parameters: WRITE_PARAMETERS },
  {
    method: "delete",
    action: "deletecollection",
    verb: "deletecollection",
    parameters: ["dryRun", "fieldSelector", "labelSelector"],
  },
];
const OBJECT_OPERATIONS: readonly Operation[] = [
  { method: "get", action: "get", verb: "get", parameters: READ_PARAMETERS },
  { method: "put", action: "put", verb: "update", parameters: WRITE_PARAMETERS },
  { method: "patch", action: "patch", verb: "patch", parameters: [...WRITE_PARAMETERS, "force"] },
  { method: "delete", action: "delete", verb: "delete", parameters: ["dryRun"] },
];

/** Makes the documents when they are first asked for, and keeps them. */
export function createOpenApi(kinds: readonly KindDefinition[], version: string): OpenApi {
  const documents = new Map<string, OpenApiDocument>();
  const paths = [...new Set(kinds.map(groupVersionPath))];
  const documentAt = (path: string): OpenApiDocument | undefined => {
    if (!paths.includes(path)) return undefined;
    let document = documents.get(path);
    if (document === undefined) {
      const text = JSON.stringify(documentOf(kinds.filter((kind) => groupVersionPath(kind) === path), version));
      document = { text, hash: createHash("sha256").update(text).digest("hex").slice(0, 32).toUpperCase() };
      documents.set(path, document);
    }
    return document;
  };
  return {
    index: () =>
      JSON.stringify({
        paths: Object.fromEntries(
          paths.map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${documentAt(path)!.hash}` }]),
        ),
      }),
    document: (group, version) => documentAt(groupVersionPath({ group, version })),
  };
}

/** `api/v1`, or `apis/<group>/<version>`. */
function groupVersionPath({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

function documentOf(kinds: readonly KindDefinition[], version: string): JsonObject {
  const [first] = kinds;
  return {
    openapi: "3.0.0",
    info: { title: `Tortie ${first === undefined ? "" : apiVersionOf(first)}`, version },
    paths: Object.fromEntries(kinds.flatMap(pathsOf)),
    components: { schemas: Object.fromEntries(kinds.map((kind) => [schemaName(kind), jsonSchemaOf(kind)])) },
  };
}

/** Groups that Kubernetes itself defines, by the names that its schemas have. */
const KUBERNETES_GROUPS: Readonly<Record<string, string>> = {
  "": "io.k8s.api.core",
  "discovery.k8s.io": "io.k8s.api.discovery",
  "networking.k8s.io": "io.k8s.api.networking",
};

/** Group, version and kind as Kubernetes names its schemas: reversed, `org.projectcalico.v3.Tier`, but for groups of its own. */
function schemaName({ group, version, kind }: KindDefinition): string {
  const prefix = KUBERNETES_GROUPS[group] ?? group.split(".").reverse().join(".");
  return `${prefix}.${version}.${kind}`;
}

function groupVersionKind({ group, version, kind }: KindDefinition): JsonObject {
  return { group, version, kind };
}

function pathsOf(kind: KindDefinition): [string, JsonObject][] {
  const root = `/${groupVersionPath(kind)}`;
  const collection = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`;
  const place = kind.namespaced ? ["namespace"] : [];
  const paths: [string, JsonObject][] = [
    [collection, operationsOf(kind, COLLECTION_OPERATIONS, place)],
    [`${collection}/{name}`, operationsOf(kind, OBJECT_OPERATIONS, [...place, "name"])],
  ];
  if (kind.namespaced) {
    const list = COLLECTION_OPERATIONS.filter(({ verb }) => verb === "list");
    paths.push([`${root}/${kind.plural}`, operationsOf(kind, list, [])]);
  }
  if (kind.statusSubresource) {
    const operations = OBJECT_OPERATIONS.filter(({ verb }) => verb !== "delete");
    paths.push([`${collection}/{name}/status`, operationsOf(kind, operations, [...place, "name"])]);
  }
  return paths;
}

function operationsOf(kind: KindDefinition, operations: readonly Operation[], place: readonly string[]): JsonObject {
  const schema = { $ref: `#/components/schemas/${schemaName(kind)}` };
  return {
    ...Object.fromEntries(operations.map((operation) => [operation.method, {
      description: `${operation.verb} ${kind.plural}`,
      operationId: `${operation.verb}${schemaName(kind)}${place.map((word) => `By${word}`).join("")}`,
      parameters: operation.parameters.map((name) => ({ name, in: "query", schema: { type: parameterType(name) } })),
      responses: { "200": { description: "OK", content: { "application/json": { schema } } } },
      "x-kubernetes-action": operation.action,
      "x-kubernetes-group-version-kind": groupVersionKind(kind),
    }])),
    parameters: place.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
  };
}

function parameterType(name: string): string {
  if (["limit", "timeoutSeconds"].includes(name)) return "integer";
  return ["watch", "allowWatchBookmarks", "sendInitialEvents", "force"].includes(name) ? "boolean" : "string";
}
