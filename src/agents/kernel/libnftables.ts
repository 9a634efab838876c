/**
 * nft's own library by FFI: scripts in nft's language, each one transaction. For rules, chains, sets and maps as objects; elements of sets go through
 * `nftables_elements.ts`, and what is there is observed through `nftables_observe.ts`, both much faster with large rulesets.
 *
 * A context lives in the network namespace in which it was made, with one exception: `iif` and `oif` look interfaces up in the namespace of the
 * calling thread, so rules use `iifname` and `oifname`.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { KernelError } from "./kernel_error.ts";
import { cString, type Libc } from "./libc.ts";
import { withNetns } from "./netns.ts";
import { Serial } from "./serial.ts";

const LIBNFTABLES = "libnftables.so.1";
const OUTPUT_JSON = 1 << 4;
/** Longer scripts leave the main thread: 4 KiB of rules take well under a millisecond. */
const SYNC_SCRIPT_CHARS_MAX = 4096;

const SYMBOLS = {
  nft_ctx_new: { parameters: ["u32"], result: "pointer" },
  nft_ctx_free: { parameters: ["pointer"], result: "void" },
  nft_ctx_buffer_output: { parameters: ["pointer"], result: "i32" },
  nft_ctx_buffer_error: { parameters: ["pointer"], result: "i32" },
  nft_ctx_get_output_buffer: { parameters: ["pointer"], result: "pointer" },
  nft_ctx_get_error_buffer: { parameters: ["pointer"], result: "pointer" },
  nft_ctx_output_set_flags: { parameters: ["pointer", "u32"], result: "void" },
  nft_ctx_set_dry_run: { parameters: ["pointer", "bool"], result: "void" },
  nft_run_cmd_from_buffer: { parameters: ["pointer", "buffer"], result: "i32" },
  runAsync: { name: "nft_run_cmd_from_buffer", parameters: ["pointer", "buffer"], result: "i32", nonblocking: true },
} as const;

/** What the C library says for an errno, the only form in which libnftables tells what the kernel answered. Glibc's wording, "C" locale. */
const ERRNO_TEXTS: readonly (readonly [text: string, code: string])[] = [
  ["No such file or directory", "ENOENT"],
  ["File exists", "EEXIST"],
  ["Device or resource busy", "EBUSY"],
  ["Operation not permitted", "EPERM"],
  ["Operation not supported", "EOPNOTSUPP"],
  ["Interrupted system call", "EINTR"],
  ["Cannot allocate memory", "ENOMEM"],
  ["No buffer space available", "ENOBUFS"],
  ["Message too long", "EMSGSIZE"],
  ["Numerical result out of range", "ERANGE"],
  ["Too many open files in system", "ENFILE"],
  ["Directory not empty", "ENOTEMPTY"],
];

/** How a script is to be run. */
export interface RunOptions {
  /** Print in JSON. */
  readonly json?: boolean;
  /** Check only. */
  readonly dryRun?: boolean;
}

/**
 * The errno name in the words of libnftables; `EINVAL` where there is none, as for a syntax error.
 *
 * @example
 * ```ts
 * import { nftErrorCode } from "#/agents/kernel/libnftables.ts";
 * if (nftErrorCode("Error: Could not process rule: File exists") !== "EEXIST") throw new Error("wrong code");
 * ```
 */
export function nftErrorCode(text: string): string {
  return ERRNO_TEXTS.find(([words]) => text.includes(words))?.[1] ?? "EINVAL";
}

/** One libnftables context in one namespace. Calls are carried out one after the other, in call order. */
export class Nftables implements Disposable {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #context: Deno.PointerObject;
  readonly #serial = new Serial();
  #running: Uint8Array<ArrayBuffer> | undefined;

  /** Loads the library and makes a context in the namespace. Throws `ENOSYS` where libnftables is missing. */
  constructor(libc: Libc, netns: number) {
    try {
      this.#library = Deno.dlopen(LIBNFTABLES, SYMBOLS);
    } catch (cause) {
      throw new KernelError({ operation: "load", subject: LIBNFTABLES, code: "ENOSYS", detail: String(cause) });
    }
    const { symbols } = this.#library;
    const context = withNetns(libc, netns, () => symbols.nft_ctx_new(0));
    if (context === null) {
      this.#library.close();
      throw new KernelError({ operation: "make a context of", subject: LIBNFTABLES, code: "ENOMEM" });
    }
    this.#context = context;
    const buffered = symbols.nft_ctx_buffer_output(context) === 0 && symbols.nft_ctx_buffer_error(context) === 0;
    assert(buffered, "Expected libnftables to buffer what it prints");
  }

  /** Runs a script as one transaction and returns what it printed; see `NftablesDriver.run`. */
  run(script: string, options: RunOptions = {}): Promise<string> {
    if (this.#serial.idle && script.length <= SYNC_SCRIPT_CHARS_MAX && options.json !== true) {
      return Promise.try(() => this.runSync(script, options));
    }
    return this.#serial.run(() => this.#runAsync(script, options));
  }

  /** Like {@link run}, at once and on this thread. No other call may be under way. */
  runSync(script: string, options: RunOptions = {}): string {
    assert(this.#serial.idle, "Expected no nft script to be under way");
    this.#setOptions(options);
    const result = this.#library.symbols.nft_run_cmd_from_buffer(this.#context, cString(script));
    return this.#finish(result, script);
  }

  /** Resolves when the calls asked for so far have ended. */
  settled(): Promise<void> {
    return this.#serial.settled();
  }

  /** Frees the context. No call may be under way: await {@link settled} first. */
  [Symbol.dispose](): void {
    assert(this.#serial.idle, "Expected no nft script to be under way");
    this.#library.symbols.nft_ctx_free(this.#context);
    this.#library.close();
  }

  async #runAsync(script: string, options: RunOptions): Promise<string> {
    this.#setOptions(options);
    // The other thread reads the text, and nothing but this field keeps it from being collected meanwhile.
    this.#running = cString(script);
    const result = await this.#library.symbols.runAsync(this.#context, this.#running);
    this.#running = undefined;
    return this.#finish(result, script);
  }

  #setOptions({ json = false, dryRun = false }: RunOptions): void {
    this.#library.symbols.nft_ctx_output_set_flags(this.#context, json ? OUTPUT_JSON : 0);
    this.#library.symbols.nft_ctx_set_dry_run(this.#context, dryRun);
  }

  /** Reads the buffers, which the next call empties. */
  #finish(result: number, script: string): string {
    const { symbols } = this.#library;
    const output = readText(symbols.nft_ctx_get_output_buffer(this.#context));
    const errors = readText(symbols.nft_ctx_get_error_buffer(this.#context)).trim();
    if (result === 0) return output;
    throw new KernelError({
      operation: "run the nft script",
      subject: firstLine(script),
      code: nftErrorCode(errors),
      detail: errors,
    });
  }
}

function readText(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}

function firstLine(script: string): string {
  const [first = ""] = script.trimStart().split("\n", 1);
  return first.length < script.trim().length ? `${first} ...` : first;
}
