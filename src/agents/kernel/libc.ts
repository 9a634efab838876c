/**
 * The C library by FFI: the few system calls that Deno has no function for. Everything else in this folder stands on it.
 *
 * Synchronous calls run on the calling (main) thread and cost 0.1 us; the `...Async` ones run on a pool of 32 threads and cost 8 us, so each
 * call that waits for long holds one of the 32. An asynchronous call does not keep its buffers alive: whoever makes one names them again after
 * it. After an asynchronous call errno is on another thread and is never looked at; after a synchronous
 * one it is right save for about 1 in 300,000 calls, where a garbage collection made system calls of its own in between. Nothing may depend
 * on it for correctness: it decides only what a message says, or whether to look again.
 *
 * @module
 */
import { errnoName, KernelError } from "./kernel_error.ts";

const LIBC = "libc.so.6";

/** Lengths and results are declared as 32 bit: bigints are ten times slower, and nothing here is larger. */
const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  sendAsync: { name: "send", parameters: ["i32", "buffer", "u32", "i32"], result: "i32", nonblocking: true },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  pollAsync: { name: "poll", parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  close: { parameters: ["i32"], result: "i32" },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  unshare: { parameters: ["i32"], result: "i32" },
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "pointer"], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** Flags of `open`. */
export const OPEN_FLAGS = { readOnly: 0, writeOnly: 1, closeOnExec: 0o2000000 } as const;

/** What `poll` waits for and tells. */
export const POLL_EVENTS = { readable: 1, error: 8, hangup: 16, invalid: 32 } as const;

/** Text as C wants it: UTF-8 with a zero at the end. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  const encoded = new TextEncoder().encode(text);
  const bytes = new Uint8Array(encoded.length + 1);
  bytes.set(encoded);
  return bytes;
}

/** An open C library. Dispose it last of all: no asynchronous call may be under way. */
export class Libc implements Disposable {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #errno: Deno.UnsafePointerView;
  /** The calls by their C names, unchecked: -1 means failure. */
  readonly calls: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

  /** Loads the C library into this thread; throws a `KernelError` with code `ENOSYS` where there is no GNU libc. */
  constructor() {
    try {
      this.#library = Deno.dlopen(LIBC, SYMBOLS);
    } catch (cause) {
      throw new KernelError({ operation: "load", subject: LIBC, code: "ENOSYS", detail: String(cause) });
    }
    this.calls = this.#library.symbols;
    const location = this.calls.__errno_location();
    if (location === null) throw new KernelError({ operation: "find errno in", subject: LIBC, code: "ENOSYS" });
    this.#errno = new Deno.UnsafePointerView(location);
  }

  /** errno of the last synchronous call on this thread; see the module's words on how far to trust it. */
  errno(): number {
    return this.#errno.getInt32();
  }

  /** The error for the synchronous call that just failed. */
  failure(operation: string, subject: string): KernelError {
    return new KernelError({ operation, subject, code: errnoName(this.errno()) });
  }

  /** Returns the result of a synchronous call, or throws when it is negative. */
  check(result: number, operation: string, subject: string): number {
    if (result < 0) throw this.failure(operation, subject);
    return result;
  }

  /** Opens a file and returns its descriptor, closed on exec. */
  open(path: string, flags: number, operation = "open"): number {
    return this.check(this.calls.open(cString(path), flags | OPEN_FLAGS.closeOnExec, 0), operation, path);
  }

  /** Closes a descriptor; errors are of no use to anybody. */
  close(fd: number): void {
    this.calls.close(fd);
  }

  /** Unloads the library from this program. */
  [Symbol.dispose](): void {
    this.#library.close();
  }
}
