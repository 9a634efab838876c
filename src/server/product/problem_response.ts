/**
 * Answers of the product API: JSON, or a problem document (RFC 9457) for a refusal. One table from reason to HTTP status.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import type { Rejection, RejectReason } from "#/base/problem.ts";

const STATUS: Readonly<Record<RejectReason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  ServiceUnavailable: 503,
};

/** A 200 with a JSON body; `position` is told in the header `Tortie-Position` too. */
export function jsonResponse(body: Json, position?: number): Response {
  const headers = new Headers({ "content-type": "application/json" });
  if (position !== undefined) headers.set("tortie-position", String(position));
  return new Response(JSON.stringify(body), { headers });
}

/** A refusal as `application/problem+json`. `type` is stable: one page of docs/problems.md per reason. */
export function problemResponse(rejection: Rejection): Response {
  const status = STATUS[rejection.reason];
  const body = {
    type: `https://tortie.dev/problems#${rejection.reason.toLowerCase()}`,
    title: rejection.reason,
    status,
    detail: rejection.message,
    ...(rejection.problems.length === 0 ? {} : { errors: rejection.problems }),
  };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}
