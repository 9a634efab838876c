/**
 * Answers of the resources that are not stored: an empty list of Events, so that `kubectl describe` and `get events` work, and the reviews behind
 * `kubectl auth whoami` and `auth can-i`. Who may do what is not restricted yet, and the reviews say so.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import { NAME_COLUMN } from "#/resources/columns.ts";
import { apiVersionOf } from "#/resources/object.ts";
import { representationFor } from "#/server/api/accept.ts";
import { decodeBody, readBody } from "#/server/api/body.ts";
import { actorOf } from "#/server/api/identity.ts";
import type { ResourcePath } from "#/server/api/path.ts";
import { durationOf, isWatch } from "#/server/api/read_routes.ts";
import { stateForRead } from "#/server/api/reads.ts";
import { type ApiDeps, isRejection, type RouteResult } from "#/server/api/request.ts";
import { answerBody, answerJson } from "#/server/api/respond.ts";
import type { VirtualResource } from "#/server/api/served_resources.ts";
import { refusalResponse } from "#/server/api/status_error.ts";
import { tableOf } from "#/server/api/table.ts";
import { mediaTypeOf } from "#/server/api/write.ts";

/** A request to a resource that is not stored. */
export interface VirtualRequest {
  readonly request: Request;
  readonly query: URLSearchParams;
  readonly path: ResourcePath;
  readonly resource: VirtualResource;
  readonly deps: ApiDeps;
}

/** Carries the request out. */
export async function answerVirtual(virtual: VirtualRequest): RouteResult {
  const { request, path, resource } = virtual;
  const reads = request.method === "GET" || request.method === "HEAD";
  if (resource.behaviour === "emptyList" ? !reads : request.method !== "POST" || path.name !== "") {
    return reject("MethodNotAllowed", "the server does not allow this method on the requested resource");
  }
  if (path.subresource !== "") return reject("NotFound", "the server could not find the requested resource");
  return resource.behaviour === "emptyList" ? await emptyList(virtual) : await review(virtual);
}

async function emptyList({ request, query, path, resource, deps }: VirtualRequest): RouteResult {
  const state = await stateForRead(query, deps.backend);
  if (isRejection(state)) return state;
  const { position } = state;
  if (path.name !== "") return reject("NotFound", `${resource.plural} "${path.name}" not found`);
  if (isWatch(query)) {
    const duration = durationOf(query);
    return typeof duration === "number" ? answerBody(silentStream(duration, deps.stopping), { position }) : duration;
  }
  const metadata = { resourceVersion: String(position) };
  if (representationFor(request.headers.get("accept")) === "table") {
    const options = { columns: [NAME_COLUMN], meta: metadata, include: "None", now: 0, withColumns: true } as const;
    return answerJson(tableOf([], options), { position });
  }
  const type = { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource) };
  return answerJson({ ...type, metadata, items: [] }, { position });
}

/** A watch in which nothing happens, until its reader leaves, its time is over, or the server stops. */
function silentStream(milliseconds: number, stopping: AbortSignal | undefined): ReadableStream<Uint8Array> {
  const ended = Promise.withResolvers<void>();
  const end = () => ended.resolve();
  const timer = setTimeout(end, milliseconds);
  stopping?.addEventListener("abort", end, { once: true });
  const finish = () => {
    clearTimeout(timer);
    stopping?.removeEventListener("abort", end);
    end();
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (stopping?.aborted !== true) await ended.promise;
      finish();
      controller.close();
    },
    cancel: finish,
  });
}

async function review({ request, resource }: VirtualRequest): RouteResult {
  const bytes = await readBody(request);
  if ("kind" in bytes) {
    const message = "Request entity too large: limit is 3145728";
    return refusalResponse({ reason: "RequestEntityTooLarge", message, problems: [] });
  }
  const body = decodeBody(bytes, mediaTypeOf(request));
  if (isRejection(body)) return body;
  const status = reviewStatus(resource, request, body.value);
  if (isRejection(status)) return status;
  const given = isJsonObject(body.value) ? body.value : {};
  const spec = given.spec === undefined ? {} : { spec: given.spec };
  const answer = { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata: {}, ...spec, status };
  return answerJson(answer, { status: 201 });
}

function reviewStatus(resource: VirtualResource, request: Request, body: Json): JsonObject | Rejection {
  if (!isJsonObject(body)) return reject("BadRequest", "Body must be an object");
  switch (resource.behaviour) {
    case "selfSubjectReview": {
      const { user, groups } = actorOf(request);
      return { userInfo: { username: user, groups } };
    }
    case "selfSubjectRulesReview":
      return {
        resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
        nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
        incomplete: false,
      };
    case "selfSubjectAccessReview":
    case "emptyList":
      return { allowed: true, reason: "Authorization is not restricted" };
  }
}
