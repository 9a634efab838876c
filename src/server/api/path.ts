/**
 * The path grammar of the Kubernetes-convention API: turns a URL's path into what is asked for, without looking at kinds or methods. First step of
 * every request (`handler.ts`).
 *
 * @module
 */
import { reject, type Rejection } from "#/base/problem.ts";

/** An address in `/api/v1/**` or `/apis/<group>/<version>/**`. */
export interface ResourcePath {
  readonly kind: "resource";
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** From `namespaces/<namespace>/`; empty for cluster scope and for "all namespaces". */
  readonly namespace: string;
  readonly plural: string;
  /** Empty for the collection. */
  readonly name: string;
  /** Empty for the object itself. */
  readonly subresource: string;
}

/** What a path asks for. */
export type ApiPath =
  | { readonly kind: "version" }
  | { readonly kind: "coreVersions" }
  | { readonly kind: "groups" }
  | { readonly kind: "group"; readonly group: string }
  | { readonly kind: "resourceList"; readonly group: string; readonly version: string }
  | { readonly kind: "openApiIndex" }
  | { readonly kind: "openApiGroup"; readonly group: string; readonly version: string }
  | ResourcePath
  | { readonly kind: "unknown" };

const UNKNOWN: ApiPath = { kind: "unknown" };

/** Subresources of a Namespace: `namespaces/<name>/<word>` with these is not a collection inside the namespace. */
const NAMESPACE_SUBRESOURCES: readonly string[] = ["status", "finalize"];

/**
 * Reads a URL's path. A path with bad percent encoding is a BadRequest; one outside the grammar is `unknown`.
 *
 * @example
 * ```ts
 * import { parseApiPath } from "#/server/api/path.ts";
 * const path = parseApiPath("/apis/projectcalico.org/v3/namespaces/shop/networkpolicies/web");
 * if (path.kind !== "resource" || path.namespace !== "shop" || path.name !== "web") throw new Error();
 * ```
 */
export function parseApiPath(pathname: string): ApiPath | Rejection {
  const segments: string[] = [];
  for (const segment of pathname.split("/")) {
    const decoded = decodeSegment(segment);
    if (decoded === undefined) return reject("BadRequest", `Path has bad percent encoding: "${segment}"`);
    if (decoded !== "") segments.push(decoded);
  }
  const [root, ...rest] = segments;
  switch (root) {
    case "version":
      return rest.length === 0 ? { kind: "version" } : UNKNOWN;
    case "api":
      if (rest.length === 0) return { kind: "coreVersions" };
      return groupPath("", rest[0]!, rest.slice(1));
    case "apis":
      if (rest.length === 0) return { kind: "groups" };
      if (rest.length === 1) return { kind: "group", group: rest[0]! };
      return groupPath(rest[0]!, rest[1]!, rest.slice(2));
    case "openapi":
      return openApiPath(rest);
    default:
      return UNKNOWN;
  }
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function groupPath(group: string, version: string, rest: readonly string[]): ApiPath {
  if (rest.length === 0) return { kind: "resourceList", group, version };
  const scoped = rest[0] === "namespaces" && rest.length >= 3 && !isNamespaceSubresource(group, rest);
  const [plural, name = "", subresource = "", ...beyond] = scoped ? rest.slice(2) : rest;
  if (beyond.length > 0) return UNKNOWN;
  return { kind: "resource", group, version, namespace: scoped ? rest[1]! : "", plural: plural!, name, subresource };
}

function isNamespaceSubresource(group: string, rest: readonly string[]): boolean {
  return group === "" && rest.length === 3 && NAMESPACE_SUBRESOURCES.includes(rest[2]!);
}

function openApiPath(rest: readonly string[]): ApiPath {
  if (rest[0] !== "v3") return UNKNOWN;
  if (rest.length === 1) return { kind: "openApiIndex" };
  if (rest[1] === "api" && rest.length === 3) return { kind: "openApiGroup", group: "", version: rest[2]! };
  if (rest[1] === "apis" && rest.length === 4) return { kind: "openApiGroup", group: rest[2]!, version: rest[3]! };
  return UNKNOWN;
}
