/**
 * Small checks of the shape of JSON values, to put together into the shape of a message. What does not fit is told as a path and a rule. Lighter than a
 * schema library, because an agent carries it and runs it on every frame.
 *
 * @module
 */
import { isJsonObject } from "#/base/json.ts";

/** Says what is wrong with a value, as `path must ...`; `undefined` when it fits. */
export type Check = (value: unknown) => Misfit | undefined;

/** Where and how a value does not fit. */
export interface Misfit {
  /** `.policy.ingress[0].action`; empty for the value itself. */
  readonly path: string;
  readonly rule: string;
}

/** A text. */
export function text(value: unknown): Misfit | undefined {
  return typeof value === "string" ? undefined : misfit("must be a text");
}

/** A whole number from 0. */
export function count(value: unknown): Misfit | undefined {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? undefined : misfit("must be a whole number from 0");
}

/** A truth value. */
export function flag(value: unknown): Misfit | undefined {
  return typeof value === "boolean" ? undefined : misfit("must be true or false");
}

/** One of some values. */
export function oneOf(...values: readonly (string | number)[]): Check {
  return (value) =>
    values.some((each) => each === value) ? undefined : misfit(`must be one of "${values.join('", "')}"`);
}

/** The first check that fits wins; the misfit told is the last one's. */
export function either(...checks: readonly Check[]): Check {
  return (value) => {
    let found: Misfit | undefined;
    for (const check of checks) {
      found = check(value);
      if (found === undefined) return undefined;
    }
    return found;
  };
}

/** May be missing. */
export function optional(check: Check): Check {
  return (value) => value === undefined ? undefined : check(value);
}

/** A list of values that all fit. */
export function listOf(check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return misfit("must be a list");
    for (let at = 0; at < value.length; at++) {
      const found = check(value[at]);
      if (found !== undefined) return { path: `[${at}]${found.path}`, rule: found.rule };
    }
    return undefined;
  };
}

/**
 * An object with these members and no other: a member that the reader does not know might be one that narrows a rule.
 *
 * @example
 * ```ts
 * import { count, record, text } from "#/sync/shape.ts";
 * const check = record({ name: text, size: count });
 * if (check({ name: "a", size: 1 }) !== undefined) throw new Error();
 * if (check({ name: "a", size: -1 })?.path !== ".size") throw new Error();
 * ```
 */
export function record(members: Readonly<Record<string, Check>>): Check {
  const names = Object.keys(members);
  return (value) => {
    if (!isJsonObject(value)) return misfit("must be an object");
    for (const name of names) {
      const found = members[name]!(value[name]);
      if (found !== undefined) return { path: `.${name}${found.path}`, rule: found.rule };
    }
    const stranger = Object.keys(value).find((name) => !Object.hasOwn(members, name));
    return stranger === undefined
      ? undefined
      : { path: `.${stranger}`, rule: "must not be there: the member is not known" };
  };
}

/** An object whose member `tag` says which of some checks it must fit. */
export function tagged(tag: string, checks: Readonly<Record<string, Check>>): Check {
  return (value) => {
    if (!isJsonObject(value)) return misfit("must be an object");
    const kind = value[tag];
    if (typeof kind === "string" && Object.hasOwn(checks, kind)) return checks[kind]!(value);
    return { path: `.${tag}`, rule: `must be one of "${Object.keys(checks).join('", "')}"` };
  };
}

function misfit(rule: string): Misfit {
  return { path: "", rule };
}
