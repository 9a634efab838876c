/**
 * Refusals as values: why a request is not carried out, field by field. Made by validation and by `decide`, turned into a
 * Kubernetes `Status` or a problem document at the API's border only.
 *
 * @module
 */

/** One broken rule. `path` is a field path in Kubernetes' form, `spec.ingress[0].action`; empty for the object as a whole. */
export interface Problem {
  readonly path: string;
  /** Kubernetes cause reason: FieldValueRequired, FieldValueInvalid, FieldValueNotSupported, FieldValueForbidden, FieldValueDuplicate, FieldManagerConflict ... */
  readonly reason: string;
  /** The rule, said as "must ...", with the value met after a colon. */
  readonly message: string;
}

/** The closed set of reasons for a refusal; equal to Kubernetes `Status` reasons. */
export type RejectReason =
  | "BadRequest"
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "AlreadyExists"
  | "Conflict"
  | "Invalid"
  | "Expired"
  | "TooManyRequests"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "UnsupportedMediaType"
  | "ServiceUnavailable";

/** A refused request. */
export interface Rejection {
  readonly kind: "rejected";
  readonly reason: RejectReason;
  /** One sentence for people, in the wording of Kubernetes where it has one. */
  readonly message: string;
  readonly problems: readonly Problem[];
}

/**
 * Makes a {@link Rejection}.
 *
 * @example
 * ```ts
 * import { reject } from "#/base/problem.ts";
 * const refusal = reject("NotFound", 'tiers.projectcalico.org "x" not found');
 * if (refusal.kind !== "rejected") throw new Error("not a refusal");
 * ```
 */
export function reject(reason: RejectReason, message: string, problems: readonly Problem[] = []): Rejection {
  return { kind: "rejected", reason, message, problems };
}
