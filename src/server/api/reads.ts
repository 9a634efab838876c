/**
 * Which state a read rests on, and which of its objects it wants: `?at=`, `resourceVersion`, `labelSelector`, `fieldSelector`. Shared by get, list,
 * watch and deletecollection.
 *
 * @module
 */
import { reject, type Rejection } from "#/base/problem.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { ApiBackend } from "#/server/api/backend.ts";
import { matchesFields, parseFieldSelector } from "#/server/api/field_selector.ts";
import { matchesLabels, parseLabelSelector } from "#/server/api/label_selector.ts";

/** Query parameter that names an instant: a position, or an RFC 3339 time. Every GET takes it, no write does. */
export const AT_PARAMETER = "at";

/** Whether an object belongs to an answer. */
export type ObjectFilter = (object: KubeObject) => boolean;

/** A position as it stands in `resourceVersion`, or `undefined` when the text is none. */
export function parsePosition(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]*)$/.test(text)) return undefined;
  const position = Number(text);
  return Number.isSafeInteger(position) ? position : undefined;
}

/** The refusal of a `resourceVersion` that is no position. */
export function badResourceVersion(text: string): Rejection {
  return reject("BadRequest", `Invalid value for resourceVersion: "${text}" must be a position in decimal`);
}

/**
 * The state that a get or list rests on.
 *
 * Without `at` it is the newest state, which holds everything this server has acknowledged; `resourceVersion` then is the least position wanted.
 * With `resourceVersionMatch=Exact` it is the state at that position, which makes any past list readable by an unmodified client.
 *
 * The newest state moves on with every event: callers read all they need of it before they wait for anything.
 */
export function stateForRead(query: URLSearchParams, backend: ApiBackend): Promise<ClusterState | Rejection> {
  const at = query.get(AT_PARAMETER);
  const version = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  if (!["", "Exact", "NotOlderThan"].includes(match)) {
    const message = `Invalid value for resourceVersionMatch: "${match}" must be "Exact" or "NotOlderThan"`;
    return Promise.resolve(reject("BadRequest", message));
  }
  if (at !== null) {
    if (version !== "") {
      return Promise.resolve(reject("BadRequest", 'A read must have at most one of "at" and "resourceVersion"'));
    }
    return stateAt(backend, at);
  }
  if (version === "") return Promise.resolve(backend.current());
  const position = parsePosition(version);
  if (position === undefined) return Promise.resolve(badResourceVersion(version));
  if (match === "Exact") return stateAt(backend, version);
  const state = backend.current();
  return Promise.resolve(position <= state.position ? state : tooNew(position, state.position));
}

/**
 * The state at an instant. Where that is the head, the backend may give the newest state, which moves on with every event; if it has moved before we
 * come to read it, the instant is in the past and asking again gives a state that stays.
 */
export async function stateAt(backend: ApiBackend, at: string): Promise<ClusterState | Rejection> {
  const state = await backend.stateAt(at);
  return "collections" in state && isBeyond(state, at) ? await backend.stateAt(at) : state;
}

function isBeyond(state: ClusterState, at: string): boolean {
  const position = parsePosition(at);
  return position === undefined ? Date.parse(state.occurredAt) > Date.parse(at) : state.position > position;
}

/** The refusal of a position beyond the head: the client's position comes from another log, so it must list again. */
export function tooNew(position: number, head: number): Rejection {
  return reject("Expired", `Too large resource version: ${position}, current: ${head}`);
}

/**
 * The filter that a query asks for.
 *
 * @param name of the only object wanted; empty for all
 */
export function filterOf(query: URLSearchParams, collection: string, name = ""): ObjectFilter | Rejection {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  if ("kind" in labels) return reject("BadRequest", labels.message);
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "", collection);
  if ("kind" in fields) return reject("BadRequest", fields.message);
  return (object) =>
    (name === "" || object.metadata.name === name) && matchesLabels(labels, object.metadata.labels) &&
    matchesFields(fields, object);
}
