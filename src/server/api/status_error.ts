/**
 * Refusals and failures as Kubernetes `Status` objects: one table from reason to HTTP code, one body. Last step of every request that is not carried
 * out; the wording of the message belongs to whoever refused.
 *
 * @module
 */
import type { Rejection, RejectReason } from "#/base/problem.ts";
import type { OperationalError } from "#/base/errors.ts";
import { answerJson, type AnswerOptions } from "#/server/api/respond.ts";

/** What a refused request was about, as far as its path tells. */
export interface StatusSubject {
  readonly group: string;
  /** `GlobalNetworkPolicy`; kubectl names it when an object is invalid. */
  readonly kind: string;
  /** `globalnetworkpolicies`; everything else names it. */
  readonly plural: string;
  readonly name: string;
}

/** `Status` reasons outside {@link RejectReason}: they come from the transport or from a failure, never from a decision. */
export type TransportReason = "RequestEntityTooLarge" | "MisdirectedRequest" | "InternalError";

/** Reason to HTTP code, for everything that this API answers. */
export const STATUS_CODES: Readonly<Record<RejectReason | TransportReason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  MisdirectedRequest: 421,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
};

/** Seconds that a client is asked to wait before it tries again. */
const RETRY_AFTER_SECONDS = 1;

/** A `Status` with `status: Failure`. */
export interface FailureStatus {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: "Failure";
  readonly message: string;
  readonly reason: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

/** `details` of a {@link FailureStatus}. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly causes?: readonly { readonly reason: string; readonly message: string; readonly field?: string }[];
  readonly retryAfterSeconds?: number;
}

/**
 * The `Status` of a refusal. `details.kind` is the Kind of an invalid object and the plural otherwise: kubectl prints "The Tier "x" is invalid: ..."
 * from the first and "tiers.projectcalico.org "x" not found" from the message.
 */
export function statusOf(
  refusal: Pick<Rejection, "message" | "problems"> & { readonly reason: RejectReason | TransportReason },
  subject?: StatusSubject,
): FailureStatus {
  const code = STATUS_CODES[refusal.reason];
  const causes = refusal.problems.map((problem) => ({
    reason: problem.reason,
    message: problem.message,
    ...(problem.path === "" ? {} : { field: problem.path }),
  }));
  const details: StatusDetails = {
    ...(subject === undefined || subject.name === "" ? {} : { name: subject.name }),
    ...(subject === undefined || subject.group === "" ? {} : { group: subject.group }),
    ...(subject === undefined ? {} : { kind: refusal.reason === "Invalid" ? subject.kind : subject.plural }),
    ...(causes.length === 0 ? {} : { causes }),
    ...(isWorthRetrying(refusal.reason) ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}),
  };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: refusal.message,
    reason: refusal.reason,
    ...(Object.keys(details).length === 0 ? {} : { details }),
    code,
  };
}

function isWorthRetrying(reason: string): boolean {
  return reason === "TooManyRequests" || reason === "ServiceUnavailable";
}

/** A refusal as an HTTP answer. */
export function refusalResponse(
  refusal: Parameters<typeof statusOf>[0],
  subject?: StatusSubject,
  options: AnswerOptions = {},
): Response {
  const body = statusOf(refusal, subject);
  const headers: Record<string, string> = { ...options.headers };
  if (body.details?.retryAfterSeconds !== undefined) headers["Retry-After"] = String(body.details.retryAfterSeconds);
  return answerJson(body, { ...options, status: body.code, headers });
}

/**
 * A failure of the world as an HTTP answer: 503 where trying again can help, 500 otherwise. Says the operation and its subject, never a stack or
 * the lower failure, which may name paths and hosts that a user has no business with.
 */
export function failureResponse(error: OperationalError, options: AnswerOptions = {}): Response {
  const reason = error.retry === "never" ? "InternalError" : "ServiceUnavailable";
  const message = `${error.message} (${error.operation})`;
  return refusalResponse({ reason, message, problems: [] }, undefined, options);
}
