/**
 * The node's journal: every address assigned or released and every sandbox bound or unbound, on disk before anything is done with it, and owed to
 * the server until it has been told. This is what lets a node give out addresses while the server is away and never give one out twice.
 *
 * One file of JSON lines, appended and fsynced; each line carries a checksum and holds everything that was written together, so a crash can only
 * tear the last line. Requests that come while a write is under way share the next one. When the file has grown long it is written anew as one
 * snapshot line and renamed over the old one.
 *
 * @module
 */
import { join } from "@std/path";
import { assert } from "#/base/assert.ts";
import { OperationalError } from "#/base/errors.ts";
import { decodeJournal, encodeLine, foldEntry, type JournalEntry, type JournalState } from "./journal_codec.ts";
import { type OwedRecord, snapshotEntry } from "./journal_codec.ts";
import type { JournalRecord, Ledger } from "./ledger.ts";

/** File names within the journal's directory. */
export const JOURNAL_FILES = { journal: "journal.ndjson", next: "journal.ndjson.next", lock: "journal.lock" } as const;
/** Lines after which the file is written anew. Folding that many at start takes well under 100 ms. */
export const JOURNAL_LINES_MAX = 1024;
/** Requests that may wait for one write. More than a node can have pods at once. */
export const JOURNAL_QUEUE_MAX = 4096;

/** Options of {@link openJournal}; tests shorten the file. */
export interface JournalOptions {
  /** {@link JOURNAL_LINES_MAX} when absent. */
  readonly linesMax?: number;
}

interface QueuedWrite {
  readonly entries: readonly JournalEntry[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The open journal of a node. */
export interface Journal extends AsyncDisposable {
  /** Everything decided so far, also what is still on its way to the disk. */
  readonly ledger: Ledger;
  /** What is on disk and the server has not been told, in order. */
  readonly owed: readonly OwedRecord[];
  /** Why the last write failed; `undefined` when it did not. */
  readonly fault: string | undefined;
  /**
   * Decides on the ledger as it is now and writes the records; returns them once they are on disk. Nothing comes between the decision and the
   * next one. With no records it waits until everything decided before is on disk.
   *
   * Throws an `OperationalError` when the disk fails; the records are then as if never decided, and so is everything decided after them.
   */
  append(decide: (ledger: Ledger) => readonly JournalRecord[]): Promise<readonly JournalRecord[]>;
  /** Notes that the server knows every record up to this number. */
  told(through: number): Promise<void>;
  /** Calls a listener after every write until the returned function is called. */
  onWrite(listener: () => void): () => void;
}

/**
 * Opens a node's journal, makes it when there is none, and drops what a crash tore off.
 *
 * Throws `OperationalError` with code `LOCKED` when another process has it open, and `CORRUPT` (retry `never`) when it cannot be read: starting
 * empty instead could give an address out twice.
 *
 * @param directory the journal's own; made when missing
 */
export async function openJournal(directory: string, options: JournalOptions = {}): Promise<Journal> {
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(directory);
  try {
    const path = join(directory, JOURNAL_FILES.journal);
    const decoded = decodeJournal(await readIfThere(path));
    if (decoded.kind === "corrupt") throw journalError(`Cannot read line ${decoded.line}`, path, "CORRUPT");
    const file = await Deno.open(path, { append: true, create: true });
    await file.truncate(decoded.bytes);
    await file.sync();
    await syncDirectory(directory);
    return new FileJournal({ directory, lock, file, linesMax: options.linesMax ?? JOURNAL_LINES_MAX }, decoded);
  } catch (error) {
    lock.close();
    throw error;
  }
}

interface OpenFiles {
  readonly directory: string;
  /** Held open for its lock. */
  readonly lock: Deno.FsFile;
  file: Deno.FsFile;
  readonly linesMax: number;
}

class FileJournal implements Journal {
  readonly #files: OpenFiles;
  /** What is on disk. */
  #durable: JournalState;
  /** With what is still to be written. */
  #ahead: JournalState;
  /** Length of the file up to its last whole line. */
  #bytes: number;
  #lines: number;
  /** Something may follow the last whole line. */
  #torn = false;
  #queue: QueuedWrite[] = [];
  #writer: Promise<void> = Promise.resolve();
  #writing = false;
  #closed = false;
  readonly #listeners = new Set<() => void>();
  fault: string | undefined;

  constructor(files: OpenFiles, start: { state: JournalState; bytes: number; lines: number }) {
    this.#files = files;
    this.#durable = start.state;
    this.#ahead = start.state;
    this.#bytes = start.bytes;
    this.#lines = start.lines;
  }

  get ledger(): Ledger {
    return this.#ahead.ledger;
  }

  get owed(): readonly OwedRecord[] {
    return this.#durable.owed;
  }

  async append(decide: (ledger: Ledger) => readonly JournalRecord[]): Promise<readonly JournalRecord[]> {
    const records = decide(this.#ahead.ledger);
    const first = this.#ahead.seq + 1;
    await this.#write(records.map((record, index) => ({ kind: "record", seq: first + index, record })));
    return records;
  }

  async told(through: number): Promise<void> {
    await this.#write([{ kind: "told", through }]);
  }

  onWrite(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writer;
    this.#files.file.close();
    this.#files.lock.close();
  }

  #write(entries: readonly JournalEntry[]): Promise<void> {
    assert(!this.#closed, "Journal must be open to be written");
    if (this.#queue.length >= JOURNAL_QUEUE_MAX) {
      throw journalError(`Cannot queue more than ${JOURNAL_QUEUE_MAX} writes`, this.#files.directory, "EBUSY");
    }
    this.#ahead = entries.reduce(foldEntry, this.#ahead);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ entries, resolve, reject });
    if (!this.#writing) this.#writer = this.#writeQueue();
    return promise;
  }

  async #writeQueue(): Promise<void> {
    this.#writing = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0);
      try {
        await this.#writeBatch(batch.flatMap((write) => write.entries));
        for (const write of batch) write.resolve();
      } catch (cause) {
        // What was decided since rests on what is not on disk.
        this.#ahead = this.#durable;
        const error = journalError("Cannot write the journal", this.#files.directory, codeOf(cause), cause);
        this.fault = error.message;
        for (const write of [...batch, ...this.#queue.splice(0)]) write.reject(error);
      }
      for (const listener of this.#listeners) listener();
    }
    this.#writing = false;
  }

  async #writeBatch(entries: readonly JournalEntry[]): Promise<void> {
    if (entries.length === 0) return;
    if (this.#torn) await this.#files.file.truncate(this.#bytes);
    const line = new TextEncoder().encode(encodeLine(entries));
    this.#torn = true;
    await writeAll(this.#files.file, line);
    await this.#files.file.syncData();
    this.#torn = false;
    this.#bytes += line.length;
    this.#lines += 1;
    this.#durable = entries.reduce(foldEntry, this.#durable);
    this.fault = undefined;
    if (this.#lines >= this.#files.linesMax) await this.#rewrite();
  }

  /** Writes the file anew. The old one stays in use when that fails: it is whole, only long. */
  async #rewrite(): Promise<void> {
    const { directory } = this.#files;
    const path = join(directory, JOURNAL_FILES.next);
    let next: Deno.FsFile | undefined;
    try {
      const line = new TextEncoder().encode(encodeLine([snapshotEntry(this.#durable)]));
      await Deno.remove(path).catch(() => undefined);
      next = await Deno.open(path, { append: true, createNew: true });
      await writeAll(next, line);
      await next.sync();
      await Deno.rename(path, join(directory, JOURNAL_FILES.journal));
      this.#files.file.close();
      this.#files.file = next;
      next = undefined;
      this.#bytes = line.length;
      this.#lines = 1;
      await syncDirectory(directory);
    } catch (error) {
      next?.close();
      this.fault = `Cannot write the journal anew: ${error instanceof Error ? error.message : error}`;
    }
  }
}

async function lockDirectory(directory: string): Promise<Deno.FsFile> {
  const path = join(directory, JOURNAL_FILES.lock);
  const lock = await Deno.open(path, { write: true, create: true });
  if (await lock.tryLock(true)) return lock;
  lock.close();
  throw journalError("Cannot lock the journal: another process has it", path, "LOCKED");
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** Makes the directory's entries durable: without it a new or renamed file may be gone after a power cut. */
async function syncDirectory(directory: string): Promise<void> {
  using handle = await Deno.open(directory, { read: true });
  await handle.sync();
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function journalError(message: string, subject: string, code?: string, cause?: unknown): OperationalError {
  const retry = code === "CORRUPT" ? "never" : "backoff";
  return new OperationalError(`${message}: "${subject}"`, { operation: "write journal", subject, retry, code, cause });
}
