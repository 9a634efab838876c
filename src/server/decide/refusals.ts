/**
 * Refusals in the words of Kubernetes, which people and tools know by heart. Used by every decision about an object.
 *
 * @module
 */
import { type Problem, reject, type Rejection } from "#/base/problem.ts";
import { type KindName, type ObjectRef, qualifiedPlural } from "#/resources/object.ts";

/** What a message names: `tiers.projectcalico.org "x"`. */
export type Subject = Pick<ObjectRef, "group" | "plural" | "name">;

/** Why a stale write is a conflict. */
export const OBJECT_MODIFIED =
  "the object has been modified; please apply your changes to the latest version and try again";

function said({ group, plural, name }: Subject): string {
  return `${qualifiedPlural({ group, plural })} "${name}"`;
}

/**
 * The object is not there.
 *
 * @example
 * ```ts
 * import { notFound } from "#/server/decide/refusals.ts";
 * const { message } = notFound({ group: "", plural: "namespaces", name: "x" });
 * if (message !== 'namespaces "x" not found') throw new Error(message);
 * ```
 */
export function notFound(subject: Subject): Rejection {
  return reject("NotFound", `${said(subject)} not found`);
}

/** No kind, or no subresource, is served at that path. */
export function notServed(): Rejection {
  return reject("NotFound", "the server could not find the requested resource");
}

/** The object is there already. */
export function alreadyExists(subject: Subject): Rejection {
  return reject("AlreadyExists", `${said(subject)} already exists`);
}

/** The write does not fit what is there now. */
export function conflict(subject: Subject, why: string): Rejection {
  return reject("Conflict", `Operation cannot be fulfilled on ${said(subject)}: ${why}`);
}

/** A rule of the cluster stands against it, whatever the object says. */
export function forbidden(subject: Subject, why: string): Rejection {
  return reject("Forbidden", `${said(subject)} is forbidden: ${why}`);
}

/**
 * The object breaks rules of its kind; all of them at once.
 *
 * @example
 * ```ts
 * import { invalidObject } from "#/server/decide/refusals.ts";
 * const problem = { path: "spec.tier", reason: "FieldValueNotFound", message: 'Not found: "x"' };
 * const { message } = invalidObject({ group: "projectcalico.org", kind: "NetworkPolicy" }, "p", [problem]);
 * if (message !== 'NetworkPolicy.projectcalico.org "p" is invalid: spec.tier: Not found: "x"') throw new Error(message);
 * ```
 */
export function invalidObject(
  { group, kind }: Pick<KindName, "group" | "kind">,
  name: string,
  problems: readonly Problem[],
): Rejection {
  const lines = problems.map(({ path, message }) => path === "" ? message : `${path}: ${message}`);
  const list = lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`;
  return reject("Invalid", `${group === "" ? kind : `${kind}.${group}`} "${name}" is invalid: ${list}`, problems);
}
