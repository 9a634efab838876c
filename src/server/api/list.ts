/**
 * Lists, whole or in pages. A `continue` token is (position, last key): every page of a list shows the same instant, however much is written
 * meanwhile and however long the client takes.
 *
 * @module
 */
import { isJsonObject } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import { collectionKey, type KindName, type KubeObject } from "#/resources/object.ts";
import type { ObjectFilter } from "#/server/api/reads.ts";

/** Where the next page of a list begins. */
export interface ContinueToken {
  readonly position: number;
  /** `namespace/name` of the last object given out. */
  readonly lastKey: string;
}

/** Part of a list, and what is needed to go on. */
export interface Page {
  readonly items: readonly KubeObject[];
  readonly next?: ContinueToken;
  /** How many objects are left for later pages. */
  readonly remaining: number;
}

/** Which part of a collection is wanted. */
export interface PageRequest {
  /** Empty for all namespaces. */
  readonly namespace: string;
  readonly matches: ObjectFilter;
  /** 0 for no limit. */
  readonly limit: number;
  /** Key of the last object of the page before; empty for the first page. */
  readonly lastKey: string;
}

/** One page of a collection in key order. The items are the state's own objects. */
export function pageOf(state: ClusterState, kind: KindName, request: PageRequest): Page {
  const { namespace, matches, limit, lastKey } = request;
  const prefix = namespace === "" ? "" : `${namespace}/`;
  const found: [string, KubeObject][] = [];
  for (const entry of state.collections.get(collectionKey(kind)) ?? []) {
    if (entry[0] > lastKey && entry[0].startsWith(prefix) && matches(entry[1])) found.push(entry);
  }
  found.sort(([a], [b]) => a < b ? -1 : 1);
  const items = (limit === 0 ? found : found.slice(0, limit)).map(([, object]) => object);
  const remaining = found.length - items.length;
  if (remaining === 0) return { items, remaining };
  return { items, remaining, next: { position: state.position, lastKey: found[items.length - 1]![0] } };
}

/**
 * A token as an opaque text for `metadata.continue`.
 *
 * @example
 * ```ts
 * import { decodeContinue, encodeContinue } from "#/server/api/list.ts";
 * const token = decodeContinue(encodeContinue({ position: 7, lastKey: "shop/web" }));
 * if ("kind" in token || token.lastKey !== "shop/web") throw new Error();
 * ```
 */
export function encodeContinue(token: ContinueToken): string {
  // Names are ASCII by rule, so btoa takes them; base64url keeps the token safe in a query.
  return btoa(JSON.stringify({ p: token.position, k: token.lastKey })).replaceAll("+", "-").replaceAll("/", "_");
}

/** Reads a `continue` parameter back. */
export function decodeContinue(text: string): ContinueToken | Rejection {
  try {
    const value: unknown = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
    if (isJsonObject(value) && typeof value.k === "string" && Number.isSafeInteger(value.p) && Number(value.p) >= 0) {
      return { position: Number(value.p), lastKey: value.k };
    }
  } catch {
    // Falls through to the refusal: the text is not base64, or not JSON.
  }
  return reject("BadRequest", `Invalid value for continue: "${text}" must be the token of an earlier page`);
}

/** The `limit` parameter; 0 when left out. */
export function parseLimit(query: URLSearchParams): number | Rejection {
  const text = query.get("limit") ?? "0";
  const limit = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(limit)) return limit;
  return reject("BadRequest", `Invalid value for limit: "${text}" must be a whole number that is not negative`);
}
