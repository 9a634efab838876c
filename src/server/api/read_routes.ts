/**
 * GET of an object, of a collection, and watches: which state is read, and in which form it is answered. The state's objects are encoded as they are;
 * nothing is copied.
 *
 * @module
 */
import { reject, type Rejection } from "#/base/problem.ts";
import { type ClusterState, getObject } from "#/projections/cluster_state.ts";
import { apiVersionOf, collectionKey, qualifiedPlural } from "#/resources/object.ts";
import { type Representation, representationFor } from "#/server/api/accept.ts";
import { decodeContinue, encodeContinue, type Page, pageOf, parseLimit } from "#/server/api/list.ts";
import {
  AT_PARAMETER,
  badResourceVersion,
  filterOf,
  type ObjectFilter,
  parsePosition,
  stateAt,
  stateForRead,
  tooNew,
} from "#/server/api/reads.ts";
import { isRejection, type ResourceRequest, type RouteResult } from "#/server/api/request.ts";
import { answerBody, answerJson } from "#/server/api/respond.ts";
import { includeObjectOf, type ListMeta, metadataOf, tableOf } from "#/server/api/table.ts";
import { WATCH_DURATION_MS_MAX, watchError, type WatchRequest, watchStream } from "#/server/api/watch.ts";
import { frameWriter } from "#/server/api/watch_frames.ts";

/** GET of one object. */
export async function getOne(resource: ResourceRequest): RouteResult {
  const representation = representationOf(resource.request);
  if (isRejection(representation)) return representation;
  const { query, deps, kind, path } = resource;
  const state = await stateForRead(query, deps.backend);
  if (isRejection(state)) return state;
  const object = getObject(state, collectionKey(kind), path.namespace, path.name);
  if (object === undefined) return reject("NotFound", `${qualifiedPlural(kind)} "${path.name}" not found`);
  const options = { position: state.position };
  switch (representation) {
    case "object":
      return answerJson(object, options);
    case "metadata":
      return answerJson(metadataOf(object), options);
    case "table": {
      const meta = { resourceVersion: object.metadata.resourceVersion ?? "" };
      return answerJson(tableOf([object], tableOptions(resource, meta)), options);
    }
  }
}

/** GET of a collection: a list, a page of it, or a watch. */
export async function listOrWatch(resource: ResourceRequest): RouteResult {
  const { query, kind, path } = resource;
  const representation = representationOf(resource.request);
  if (isRejection(representation)) return representation;
  const matches = filterOf(query, collectionKey(kind), path.name);
  if (isRejection(matches)) return matches;
  if (isWatch(query)) return await watchCollection(resource, representation, matches);
  return await listCollection(resource, representation, matches);
}

/** Whether a GET is a watch. */
export function isWatch(query: URLSearchParams): boolean {
  return ["true", "1"].includes(query.get("watch") ?? "");
}

function representationOf(request: Request): Representation | Rejection {
  const accept = request.headers.get("accept");
  return representationFor(accept) ?? reject("NotAcceptable", `Accept must allow application/json: "${accept}"`);
}

function tableOptions({ kind, query, deps }: ResourceRequest, meta: ListMeta): Parameters<typeof tableOf>[1] {
  const include = includeObjectOf(query);
  return { columns: kind.columns, meta, include, now: deps.clock.now(), withColumns: true };
}

async function listCollection(
  resource: ResourceRequest,
  representation: Representation,
  matches: ObjectFilter,
): RouteResult {
  const { query, deps, kind, path } = resource;
  const limit = parseLimit(query);
  if (typeof limit !== "number") return limit;
  const token = query.get("continue") ?? "";
  const from = token === "" ? undefined : decodeContinue(token);
  if (from !== undefined && "kind" in from) return from;
  const state = from === undefined
    ? await stateForRead(query, deps.backend)
    : await stateAt(deps.backend, String(from.position));
  if (isRejection(state)) return state;
  const page = pageOf(state, kind, { namespace: path.namespace, matches, limit, lastKey: from?.lastKey ?? "" });
  return answerJson(listBody(resource, representation, { page, state }), { position: state.position });
}

function listBody(
  resource: ResourceRequest,
  representation: Representation,
  { page, state }: { readonly page: Page; readonly state: ClusterState },
): unknown {
  const { kind } = resource;
  const meta: ListMeta = {
    resourceVersion: String(state.position),
    ...(page.next === undefined ? {} : { continue: encodeContinue(page.next), remainingItemCount: page.remaining }),
  };
  switch (representation) {
    case "object":
      return { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata: meta, items: page.items };
    case "metadata": {
      const items = page.items.map(metadataOf);
      return { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata: meta, items };
    }
    case "table":
      return tableOf(page.items, tableOptions(resource, meta));
  }
}

async function watchCollection(
  resource: ResourceRequest,
  representation: Representation,
  matches: ObjectFilter,
): RouteResult {
  const { query, deps, kind, path, texts } = resource;
  const start = await watchStart(resource, matches);
  if (isRejection(start)) return start;
  const durationMs = durationOf(query);
  if (typeof durationMs !== "number") return durationMs;
  if ("refusal" in start) return answerBody(watchError(start.refusal));
  const style = {
    representation,
    columns: kind.columns,
    include: includeObjectOf(query),
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
  };
  const request: WatchRequest = { ...start, kind, namespace: path.namespace, matches, durationMs };
  const stream = watchStream({ ...deps, writer: frameWriter(style, texts) }, request);
  return answerBody(stream, { position: start.from });
}

/**
 * Where a watch begins. Without a position (or with `0`, or `sendInitialEvents`) the objects of the newest state come first; with `at`, those of that
 * instant, so that history plays again from there. A position beyond the head comes from another log: the client must list again.
 */
async function watchStart(
  { query, deps, kind, path }: ResourceRequest,
  matches: ObjectFilter,
): Promise<
  | Pick<WatchRequest, "from" | "initial" | "marksInitialEnd" | "bookmarks">
  | { readonly refusal: Rejection }
  | Rejection
> {
  const bookmarks = isTrue(query.get("allowWatchBookmarks"));
  const initialEvents = query.get("sendInitialEvents");
  const marksInitialEnd = isTrue(initialEvents) && bookmarks;
  // Taken in one go with the position: the newest state moves on with every event.
  const beginWith = (state: ClusterState) => {
    const request = { namespace: path.namespace, matches, limit: 0, lastKey: "" };
    return { from: state.position, initial: pageOf(state, kind, request).items, marksInitialEnd, bookmarks };
  };
  const at = query.get(AT_PARAMETER);
  if (at !== null) {
    const state = await stateAt(deps.backend, at);
    return isRejection(state) ? state : beginWith(state);
  }
  const current = deps.backend.current();
  const version = query.get("resourceVersion") ?? "";
  const position = version === "" ? 0 : parsePosition(version);
  if (position === undefined) return badResourceVersion(version);
  if (position > current.position) return { refusal: tooNew(position, current.position) };
  const wantsInitial = initialEvents === null ? position === 0 : isTrue(initialEvents);
  if (wantsInitial) return beginWith(current);
  const from = position === 0 ? current.position : position;
  return { from, initial: undefined, marksInitialEnd: false, bookmarks };
}

function isTrue(text: string | null): boolean {
  return text === "true" || text === "1";
}

/** How long a watch lasts: `timeoutSeconds`, up to the bound, which holds where none is given. */
export function durationOf(query: URLSearchParams): number | Rejection {
  const text = query.get("timeoutSeconds") ?? "";
  if (text === "") return WATCH_DURATION_MS_MAX;
  if (!/^[0-9]+$/.test(text)) {
    return reject("BadRequest", `timeoutSeconds must be a whole number that is not negative: "${text}"`);
  }
  const milliseconds = Number(text) * 1000;
  return milliseconds === 0 ? WATCH_DURATION_MS_MAX : Math.min(milliseconds, WATCH_DURATION_MS_MAX);
}
