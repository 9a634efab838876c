/**
 * Answers of the product API: JSON, or a problem document (RFC 9457) for a refusal. The table from reason to HTTP status is the resource API's.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import type { Rejection } from "#/base/problem.ts";
import { STATUS_CODES } from "#/server/api/status_error.ts";

/** A 200 with a JSON body; `position` is told in the header `Tortie-Position` too. */
export function jsonResponse(body: Json, position?: number): Response {
  const headers = new Headers({ "content-type": "application/json" });
  if (position !== undefined) headers.set("tortie-position", String(position));
  return new Response(JSON.stringify(body), { headers });
}

/** A refusal as `application/problem+json`. `type` is stable: one page of docs/problems.md per reason. */
export function problemResponse(rejection: Rejection): Response {
  const status = STATUS_CODES[rejection.reason];
  const body = {
    type: `https://tortie.dev/problems#${rejection.reason.toLowerCase()}`,
    title: rejection.reason,
    status,
    detail: rejection.message,
    ...(rejection.problems.length === 0 ? {} : { errors: rejection.problems }),
  };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}
