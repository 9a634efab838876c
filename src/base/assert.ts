/**
 * Assertions for bugs in our own code: on in production, never for input from outside. Lowest room of the house; everyone calls it.
 *
 * @module
 */

/** A broken invariant of our own code. The process that meets one ends; the kernel is left as it is. */
export class AssertionFailure extends Error {
  /** @param message what was expected, then a colon and the value met */
  constructor(message: string) {
    super(message);
    this.name = "AssertionFailure";
  }
}

/**
 * Throws an {@link AssertionFailure} unless the condition holds, and narrows its type.
 *
 * Only for what a bug alone can break. Refused requests are values and failures of the world are `OperationalError`s.
 *
 * @example
 * ```ts
 * import { assert } from "#/base/assert.ts";
 * const found: number | undefined = [1, 2, 3].find((n) => n > 2);
 * assert(found !== undefined, "Expected a number above 2");
 * ```
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/**
 * The end of every exhaustive `switch`: fails to compile when a case is missing, and throws when an unchecked value gets here.
 *
 * @example
 * ```ts
 * import { assertNever } from "#/base/assert.ts";
 * function name(verdict: "allow" | "deny"): string {
 *   switch (verdict) {
 *     case "allow": return "Allow";
 *     case "deny": return "Deny";
 *     default: return assertNever(verdict);
 *   }
 * }
 * if (name("deny") !== "Deny") throw new Error("wrong name");
 * ```
 */
export function assertNever(value: never): never {
  throw new AssertionFailure(`Unexpected case: ${JSON.stringify(value)}`);
}
