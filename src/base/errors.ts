/**
 * How failures of the world are told: one error class that names the operation, its subject and whether trying again helps. Thrown by
 * shells (store, kernel, network), handled by the nearest loop. Refused requests are values instead (`problem.ts`).
 *
 * @module
 */

/** Whether and how the operation may be tried again: at once, after a growing pause, or not at all. */
export type RetryClass = "soon" | "backoff" | "never";

/** What an {@link OperationalError} carries besides its message. */
export interface OperationalErrorDetails {
  /** What was being done, as a short phrase: `append events`. */
  readonly operation: string;
  /** What it was done to: a path, an object's name, an address. */
  readonly subject: string;
  /** Whether trying again can help. */
  readonly retry: RetryClass;
  /** A machine-readable code where the source has one: errno name, SQLSTATE, HTTP status. */
  readonly code?: string;
  /** The lower failure. */
  readonly cause?: unknown;
}

/**
 * The world failed: a socket, the database, the kernel, another process.
 *
 * @example
 * ```ts
 * import { OperationalError } from "#/base/errors.ts";
 * const error = new OperationalError("Cannot reach the server", {
 *   operation: "connect", subject: "127.0.0.1:7676", retry: "backoff", code: "ECONNREFUSED",
 * });
 * if (!error.message.startsWith("Cannot reach")) throw new Error("message lost");
 * ```
 */
export class OperationalError extends Error {
  readonly operation: string;
  readonly subject: string;
  readonly retry: RetryClass;
  readonly code: string | undefined;

  /** @param message capital first, no period, values quoted; does not repeat the cause */
  constructor(message: string, details: OperationalErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "OperationalError";
    this.operation = details.operation;
    this.subject = details.subject;
    this.retry = details.retry;
    this.code = details.code;
  }
}

/** The host cannot do what is asked: found by a probe at start, shown in status, and the reason of a skipped test. */
export class Unsupported extends Error {
  /**
   * @param feature what is missing, by its usual name
   * @param need what would provide it: a kernel version, a package, a privilege
   */
  constructor(readonly feature: string, readonly need: string) {
    super(`Unsupported feature "${feature}": needs ${need}`);
    this.name = "Unsupported";
  }
}

/** The message of an error and of everything that caused it, joined by `: `. For logs and status, where one line must say all. */
export function errorText(error: unknown): string {
  const parts: string[] = [];
  for (let current = error; current !== undefined && parts.length < 8;) {
    parts.push(current instanceof Error ? current.message : String(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(": ");
}
