/**
 * The failure of a system call or of a kernel request, named by its errno. Thrown by everything in this folder.
 *
 * @module
 */
import { OperationalError, type RetryClass } from "#/base/errors.ts";

/** The errno values of Linux (asm-generic) that this code can meet; others print as `E<number>`. */
const ERRNO_NAMES: ReadonlyMap<number, string> = new Map([
  [1, "EPERM"],
  [2, "ENOENT"],
  [3, "ESRCH"],
  [4, "EINTR"],
  [5, "EIO"],
  [6, "ENXIO"],
  [7, "E2BIG"],
  [9, "EBADF"],
  [11, "EAGAIN"],
  [12, "ENOMEM"],
  [13, "EACCES"],
  [14, "EFAULT"],
  [16, "EBUSY"],
  [17, "EEXIST"],
  [18, "EXDEV"],
  [19, "ENODEV"],
  [20, "ENOTDIR"],
  [21, "EISDIR"],
  [22, "EINVAL"],
  [23, "ENFILE"],
  [24, "EMFILE"],
  [27, "EFBIG"],
  [28, "ENOSPC"],
  [30, "EROFS"],
  [32, "EPIPE"],
  [33, "EDOM"],
  [34, "ERANGE"],
  [36, "ENAMETOOLONG"],
  [38, "ENOSYS"],
  [39, "ENOTEMPTY"],
  [40, "ELOOP"],
  [61, "ENODATA"],
  [62, "ETIME"],
  [71, "EPROTO"],
  [74, "EBADMSG"],
  [75, "EOVERFLOW"],
  [90, "EMSGSIZE"],
  [93, "EPROTONOSUPPORT"],
  [95, "EOPNOTSUPP"],
  [97, "EAFNOSUPPORT"],
  [98, "EADDRINUSE"],
  [99, "EADDRNOTAVAIL"],
  [100, "ENETDOWN"],
  [101, "ENETUNREACH"],
  [105, "ENOBUFS"],
  [107, "ENOTCONN"],
  [110, "ETIMEDOUT"],
  [111, "ECONNREFUSED"],
  [113, "EHOSTUNREACH"],
  [117, "EUCLEAN"],
]);

/** Trying again at once helps: the kernel was busy with something short. */
const RETRY_SOON: ReadonlySet<string> = new Set(["EINTR", "EAGAIN", "EBUSY"]);

/** Trying again never helps: the request itself or our privileges must change first. */
const RETRY_NEVER: ReadonlySet<string> = new Set([
  "EPERM",
  "EACCES",
  "EINVAL",
  "ENOSYS",
  "EOPNOTSUPP",
  "EPROTONOSUPPORT",
  "EAFNOSUPPORT",
  "EBADMSG",
  "ENAMETOOLONG",
  "ERANGE",
]);

/**
 * The name of an errno value.
 *
 * @example
 * ```ts
 * import { errnoName } from "#/agents/kernel/kernel_error.ts";
 * if (errnoName(17) !== "EEXIST" || errnoName(4000) !== "E4000") throw new Error("wrong name");
 * ```
 */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? `E${errno}`;
}

/** What a {@link KernelError} needs to know. */
export interface KernelErrorDetails {
  /** What was being done, as a short phrase: `add the route`. */
  readonly operation: string;
  /** What it was done to: a destination, a link's name, a path. */
  readonly subject: string;
  /** errno name. */
  readonly code: string;
  /** The kernel's or nft's own words, where it said any. */
  readonly detail?: string;
}

/**
 * The kernel refused or failed: `code` is always an errno name, and `retry` follows from it.
 *
 * @example
 * ```ts
 * import { KernelError } from "#/agents/kernel/kernel_error.ts";
 * const error = new KernelError({ operation: "add the route", subject: "10.0.0.0/26", code: "EEXIST" });
 * if (error.message !== 'Cannot add the route "10.0.0.0/26": EEXIST') throw new Error(error.message);
 * ```
 */
export class KernelError extends OperationalError {
  declare readonly code: string;
  /** The kernel's or nft's own words, where it said any. */
  readonly detail: string | undefined;

  /** @param details operation, subject and errno name; the message is made of them */
  constructor(details: KernelErrorDetails) {
    const said = details.detail === undefined ? "" : ` (${details.detail})`;
    super(`Cannot ${details.operation} "${details.subject}": ${details.code}${said}`, {
      operation: details.operation,
      subject: details.subject,
      code: details.code,
      retry: retryClass(details.code),
    });
    this.name = "KernelError";
    this.detail = details.detail;
  }
}

/** Whether an error is a {@link KernelError} with one of these errno names. */
export function isKernelError(error: unknown, ...codes: readonly string[]): error is KernelError {
  return error instanceof KernelError && (codes.length === 0 || codes.includes(error.code));
}

function retryClass(code: string): RetryClass {
  if (RETRY_SOON.has(code)) return "soon";
  return RETRY_NEVER.has(code) ? "never" : "backoff";
}
