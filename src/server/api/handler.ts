/**
 * The Kubernetes-convention API as one plain `(Request, info) => Promise<Response>`: reads the path, finds the kind, calls the route, and writes refusals and
 * failures as `Status`. Left end of the arrow for people and their tools; whoever listens calls it with what the paths of the product API leave.
 *
 * A bug (anything thrown that is not an `OperationalError`) goes through to the listener.
 *
 * @module
 */
import { OperationalError } from "#/base/errors.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import { findKind, KINDS } from "#/resources/registry.ts";
import { AGGREGATED_DISCOVERY, wantsAggregatedDiscovery } from "#/server/api/accept.ts";
import { deleteCollection, deleteObject } from "#/server/api/delete.ts";
import {
  aggregatedDiscovery,
  coreVersions,
  groupList,
  groupNames,
  groupOf,
  resourceList,
  versionInfo,
} from "#/server/api/discovery.ts";
import { type ConnectionInfo, refuseForeign } from "#/server/api/identity.ts";
import { createOpenApi, type OpenApi } from "#/server/api/openapi_v3.ts";
import { type ApiPath, parseApiPath, type ResourcePath } from "#/server/api/path.ts";
import { getOne, isWatch, listOrWatch } from "#/server/api/read_routes.ts";
import { type ApiDeps, isRejection, type ResourceRequest, type RouteResult, subjectOf } from "#/server/api/request.ts";
import { answerBody, answerJson } from "#/server/api/respond.ts";
import { findVirtual, servedKind, type ServedResource, VIRTUAL_RESOURCES } from "#/server/api/served_resources.ts";
import { failureResponse, refusalResponse, type StatusSubject } from "#/server/api/status_error.ts";
import { answerVirtual } from "#/server/api/virtual_routes.ts";
import { ObjectTexts } from "#/server/api/watch_frames.ts";
import { createObject, patchObject, replaceObject } from "#/server/api/write.ts";

/** Answers one request. */
export type ApiHandler = (request: Request, info?: ConnectionInfo) => Promise<Response>;

/** What lives as long as the handler. */
interface HandlerState {
  readonly deps: ApiDeps;
  readonly resources: readonly ServedResource[];
  readonly openApi: OpenApi;
  readonly texts: ObjectTexts;
}

const NO_RESOURCE = "the server could not find the requested resource";
const NO_METHOD = "the server does not allow this method on the requested resource";

/**
 * Makes the handler. Serves `/api/**`, `/apis/**`, `/openapi/v3/**` and `/version`; anything else is a 404 `Status`.
 */
export function createApiHandler(deps: ApiDeps): ApiHandler {
  const state: HandlerState = {
    deps,
    resources: [...KINDS.map(servedKind), ...VIRTUAL_RESOURCES],
    openApi: createOpenApi(KINDS, deps.version),
    texts: new ObjectTexts(),
  };
  return async (request, info) => {
    const foreign = refuseForeign(request, info);
    if (foreign !== undefined) return refusalResponse(foreign);
    try {
      const response = await route(state, request, info);
      return request.method === "HEAD" ? await withoutBody(response) : response;
    } catch (error) {
      if (error instanceof OperationalError) return failureResponse(error);
      throw error;
    }
  };
}

async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, { status: response.status, headers: response.headers });
}

async function route(state: HandlerState, request: Request, info: ConnectionInfo | undefined): Promise<Response> {
  const url = new URL(request.url);
  const path = parseApiPath(url.pathname);
  if (path.kind === "rejected") return refusalResponse(path);
  if (path.kind === "resource") return await resourceRoute(state, { request, info, query: url.searchParams, path });
  const answer = documentRoute(state, request, path, url.searchParams);
  if (answer === undefined) return refusalResponse(reject("NotFound", NO_RESOURCE));
  if (request.method === "OPTIONS") return optionsResponse(["GET", "HEAD"]);
  if (request.method === "GET" || request.method === "HEAD") return answer;
  return refusalResponse(reject("MethodNotAllowed", NO_METHOD), undefined, {
    headers: { Allow: "GET, HEAD, OPTIONS" },
  });
}

/** Documents about the API itself. */
function documentRoute(
  { deps, resources, openApi }: HandlerState,
  request: Request,
  path: Exclude<ApiPath, ResourcePath>,
  query: URLSearchParams,
): Response | undefined {
  const aggregated = wantsAggregatedDiscovery(request.headers.get("accept"));
  const inOneDocument = (groups: readonly string[]) =>
    answerJson(aggregatedDiscovery(resources, groups), { contentType: AGGREGATED_DISCOVERY });
  const answerIfAny = (value: object | undefined) => value === undefined ? undefined : answerJson(value);
  switch (path.kind) {
    case "version":
      return answerJson(versionInfo(deps.version));
    case "coreVersions":
      return aggregated ? inOneDocument([""]) : answerJson(coreVersions());
    case "groups":
      return aggregated ? inOneDocument(groupNames(resources)) : answerJson(groupList(resources));
    case "group":
      return answerIfAny(groupOf(resources, path.group));
    case "resourceList":
      return answerIfAny(resourceList(resources, path.group, path.version));
    case "openApiIndex":
      return answerBody(openApi.index());
    case "openApiGroup":
      return openApiDocument(openApi, path, query);
    case "unknown":
      return undefined;
  }
}

function openApiDocument(
  openApi: OpenApi,
  path: Extract<ApiPath, { kind: "openApiGroup" }>,
  query: URLSearchParams,
): Response | undefined {
  const document = openApi.document(path.group, path.version);
  if (document === undefined) return undefined;
  // The index names each document with its hash: what such a URL gives never changes.
  const isImmutable = query.get("hash") === document.hash;
  const headers: Record<string, string> = { ETag: `"${document.hash}"` };
  if (isImmutable) headers["Cache-Control"] = "public, immutable, max-age=31536000";
  return answerBody(document.text, { headers });
}

/** A request under `/api/v1` or `/apis/<group>/<version>`. */
async function resourceRoute(
  state: HandlerState,
  { request, info, query, path }: {
    readonly request: Request;
    readonly info: ConnectionInfo | undefined;
    readonly query: URLSearchParams;
    readonly path: ResourcePath;
  },
): Promise<Response> {
  const virtual = findVirtual(path.group, path.version, path.plural);
  if (virtual !== undefined) {
    const { kind, group, plural } = virtual;
    const answer = await answerVirtual({ request, query, path, resource: virtual, deps: state.deps });
    return answered(answer, { kind, group, plural, name: path.name });
  }
  const kind = findKind(path.group, path.plural);
  const isHere = kind !== undefined && kind.version === path.version && hasPlace(kind.namespaced, path) &&
    (path.subresource === "" || (path.subresource === "status" && kind.statusSubresource));
  if (!isHere) return refusalResponse(reject("NotFound", NO_RESOURCE));
  const resource: ResourceRequest = { deps: state.deps, request, query, info, kind, path, texts: state.texts };
  const routes = routesOf(resource);
  const allowed = { Allow: [...Object.keys(routes), "OPTIONS"].join(", ") };
  if (request.method === "OPTIONS") return optionsResponse(Object.keys(routes));
  const chosen = Object.hasOwn(routes, request.method) ? routes[request.method] : undefined;
  if (chosen === undefined) {
    return refusalResponse(reject("MethodNotAllowed", NO_METHOD), subjectOf(resource), { headers: allowed });
  }
  return answered(await chosen(resource), subjectOf(resource));
}

/** Whether a kind's objects can stand at a path: in a namespace or outside of all; lists of all namespaces have none. */
function hasPlace(namespaced: boolean, path: ResourcePath): boolean {
  return namespaced ? path.namespace !== "" || path.name === "" : path.namespace === "";
}

/** Methods and what they do at a request's path. */
function routesOf(
  { kind, path, query }: ResourceRequest,
): Readonly<Record<string, (resource: ResourceRequest) => RouteResult>> {
  const read = path.name === "" || isWatch(query) ? listOrWatch : getOne;
  const reads = { GET: read, HEAD: read };
  if (kind.namespaced && path.namespace === "") return reads;
  if (path.name === "") return { ...reads, POST: createObject, DELETE: deleteCollection };
  if (path.subresource !== "") return { ...reads, PUT: replaceObject, PATCH: patchObject };
  return { ...reads, PUT: replaceObject, PATCH: patchObject, DELETE: deleteObject };
}

function answered(answer: Response | Rejection, subject: StatusSubject): Response {
  return isRejection(answer) ? refusalResponse(answer, subject) : answer;
}

function optionsResponse(methods: readonly string[]): Response {
  return new Response(null, { status: 204, headers: { Allow: [...methods, "OPTIONS"].join(", ") } });
}
