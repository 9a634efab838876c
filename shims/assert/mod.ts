/**
 * The part of `@std/assert` that Tortie uses, on `node:assert/strict`.
 *
 * Stands in where JSR cannot be reached: the import map names `jsr:@std/assert`, and `links` in `deno.json` resolves it to
 * this folder. Where JSR is reachable, remove `links` and the real module comes in; the signatures are the same.
 *
 * @module
 */
import nodeAssert from "node:assert/strict";

/** Error thrown by every assertion of this module, as in `@std/assert`. */
export class AssertionError extends Error {
  /** Makes an error that carries only a message. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Throws unless `expr` is truthy, and narrows its type. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Throws unless the two values are deeply and strictly equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, msg);
}

/** Throws when the two values are deeply and strictly equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, msg);
}

/** Throws unless the two values are identical by `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  nodeAssert.strictEqual(actual, expected, msg);
}

/** Throws when the value is `null` or `undefined`, and narrows its type. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) throw new AssertionError(msg ?? `Expected a value: got ${actual}`);
}

/** Throws unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) {
    throw new AssertionError(msg ?? `Expected "${actual}" to contain "${expected}"`);
  }
}

/** Throws unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  nodeAssert.match(actual, expected, msg);
}

// deno-lint-ignore no-explicit-any -- the constructor type of @std/assert's own signature
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

function checkError<E extends Error>(error: unknown, errorClass?: ErrorClass<E>, msgIncludes?: string): E {
  if (errorClass && !(error instanceof errorClass)) {
    throw new AssertionError(`Expected an error of class "${errorClass.name}": got ${String(error)}`, { cause: error });
  }
  if (msgIncludes && !(error instanceof Error && error.message.includes(msgIncludes))) {
    throw new AssertionError(`Expected the error to say "${msgIncludes}": got ${String(error)}`, { cause: error });
  }
  return error as E;
}

/** Runs `fn`, which must throw, and returns what it threw. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  msgIncludes?: string,
): E {
  try {
    fn();
  } catch (error) {
    return checkError(error, errorClass, msgIncludes);
  }
  throw new AssertionError("Expected the function to throw");
}

/** Runs `fn`, whose promise must reject, and returns what it rejected with. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  msgIncludes?: string,
): Promise<E> {
  try {
    await fn();
  } catch (error) {
    return checkError(error, errorClass, msgIncludes);
  }
  throw new AssertionError("Expected the promise to reject");
}

/** Throws always: a path that must not be reached. */
export function fail(msg = "Failed"): never {
  throw new AssertionError(msg);
}
