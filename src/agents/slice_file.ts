/**
 * The agent's saved slice: what the node must be, on the node's own disk, so that a restarted agent enforces it with server and database away.
 *
 * @module
 */
import { join } from "@std/path";
import { errorText, OperationalError } from "#/base/errors.ts";
import { formatSavedSlice, parseSavedSlice, type Slice } from "#/sync/slice.ts";

const FILE = "slice.ndjson";

/** Keeps one file. Writes are whole or not at all: a new file is synced and renamed over the old. */
export class SliceFile {
  readonly #path: string;
  #writing: Promise<void> = Promise.resolve();
  #next: Slice | undefined;

  /** @param directory of the agent's data; made when missing */
  constructor(directory: string) {
    Deno.mkdirSync(directory, { recursive: true });
    this.#path = join(directory, FILE);
  }

  /** The saved slice; `undefined` when there is none, a message when there is one that must not be used. */
  read(): Slice | undefined | { readonly message: string } {
    let text: string;
    try {
      text = Deno.readTextFileSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      return { message: `Cannot read "${this.#path}": ${errorText(error)}` };
    }
    const slice = parseSavedSlice(text);
    return "kind" in slice ? { message: `Saved slice "${this.#path}" is not used: ${slice.message}` } : slice;
  }

  /** Saves a slice soon; of several, only the last. `onError` is told when it cannot be written: the node goes on without. */
  save(slice: Slice, onError: (error: unknown) => void): void {
    const isIdle = this.#next === undefined;
    this.#next = slice;
    if (!isIdle) return;
    this.#writing = this.#writing.then(async () => {
      const latest = this.#next!;
      this.#next = undefined;
      await this.#write(formatSavedSlice(latest));
    }).catch(onError);
  }

  /** Resolves when everything given to {@link save} is on disk, or has failed. */
  flushed(): Promise<void> {
    return this.#writing;
  }

  async #write(text: string): Promise<void> {
    const temporary = `${this.#path}.new`;
    try {
      using file = await Deno.open(temporary, { write: true, create: true, truncate: true, mode: 0o600 });
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
      await Deno.rename(temporary, this.#path);
    } catch (error) {
      const details = { operation: "save slice", subject: this.#path, retry: "backoff", cause: error } as const;
      throw new OperationalError(`Cannot save the slice to "${this.#path}"`, details);
    }
  }
}
