/**
 * Knows how far the log has come and wakes those who wait for more: at once after an append of this process, on NOTIFY after one of another, and by
 * asking once a second in case a notification was lost. `postgres_log.ts` has one for all its subscribers.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { connectClient, parseInt8, type PgClient, storeError } from "#/events/pg.ts";

/** The channel on which each commit tells its new head position. */
export const HEAD_CHANNEL = "tortie_log";
/** How often the head is asked for though nothing was notified. */
export const HEAD_POLL_MS = 1_000;

/**
 * The newest committed position, as a thing to wait for.
 *
 * The listening connection is opened by the first waiter and kept. When it fails, every waiter is told, and the next one opens a new one: whether to go
 * on after a lost database is for the subscriber to say.
 */
export class HeadFeed implements AsyncDisposable {
  readonly #connectionString: string;
  #latest = 0;
  /** Resolved and replaced each time the head moves; rejected when the connection is lost. */
  #moved = newMove();
  #listener: Promise<Listener> | undefined;

  /** @param connectionString of the log's database */
  constructor(connectionString: string) {
    this.#connectionString = connectionString;
  }

  /** Tells that everything up to `position` is committed. Older news is ignored. */
  announce(position: number): void {
    if (position <= this.#latest) return;
    this.#latest = position;
    this.#nextMove().resolve();
  }

  /**
   * Waits until the head is beyond `position`, or the signal aborts.
   *
   * @throws `OperationalError` when the database connection is lost meanwhile
   */
  async waitBeyond(position: number, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const abort = () => aborted.resolve();
    signal.addEventListener("abort", abort);
    try {
      while (!signal.aborted && this.#latest <= position) {
        // Taken before listening, so that a connection lost in between is noticed.
        const moved = this.#moved.promise;
        this.#listener ??= this.#listen();
        await Promise.race([aborted.promise, this.#listener]);
        if (this.#latest <= position) await Promise.race([aborted.promise, moved]);
      }
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #nextMove(): PromiseWithResolvers<void> {
    const current = this.#moved;
    this.#moved = newMove();
    return current;
  }

  async #listen(): Promise<Listener> {
    try {
      const client = await connectClient(this.#connectionString);
      const listener: Listener = new Listener(client, {
        moved: (position) => this.announce(position),
        failed: (error) => this.#fail(listener, error),
      });
      await listener.start();
      return listener;
    } catch (error) {
      this.#listener = undefined;
      throw storeError("follow the log", HEAD_CHANNEL, error);
    }
  }

  /** Forgets the connection and tells all waiters. */
  #fail(listener: Listener, error: unknown): void {
    if (!listener.close()) return;
    this.#listener = undefined;
    this.#nextMove().reject(storeError("follow the log", HEAD_CHANNEL, error));
  }

  /** Ends the connection; waiters are told. */
  async [Symbol.asyncDispose](): Promise<void> {
    const listener = await this.#listener?.catch(() => undefined);
    if (listener === undefined) return;
    this.#fail(listener, new Error("Log closed"));
    await listener.closed;
  }
}

function newMove(): PromiseWithResolvers<void> {
  const move = Promise.withResolvers<void>();
  // A failure that nobody waits for is nobody's business.
  move.promise.catch(() => {});
  return move;
}

/** What a {@link Listener} tells. `failed` may be told more than once. */
interface Report {
  readonly moved: (position: number) => void;
  readonly failed: (error: unknown) => void;
}

/** The listening connection with its poll. */
class Listener {
  readonly #client: PgClient;
  readonly #report: Report;
  #timer: ReturnType<typeof setInterval> | undefined;
  #polling = false;
  #open = true;
  /** Settles when the connection is closed, after `close`. */
  closed: Promise<void> = Promise.resolve();

  constructor(client: PgClient, report: Report) {
    this.#client = client;
    this.#report = report;
  }

  async start(): Promise<void> {
    this.#client.on("notification", ({ payload }) => this.#report.moved(parseInt8(payload ?? "")));
    this.#client.on("error", this.#report.failed);
    this.#client.on("end", () => this.#report.failed(new Error("Connection ended")));
    try {
      await this.#client.query(`listen ${HEAD_CHANNEL}`);
      await this.#readHead();
    } catch (error) {
      this.close();
      throw error;
    }
    if (this.#open) this.#timer = setInterval(() => void this.#poll(), HEAD_POLL_MS);
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      await this.#readHead();
    } catch (error) {
      this.#report.failed(error);
    } finally {
      this.#polling = false;
    }
  }

  async #readHead(): Promise<void> {
    const { rows } = await this.#client.query<{ position: number }>("select position from log_head");
    assert(rows[0] !== undefined, "Expected a head row");
    this.#report.moved(rows[0].position);
  }

  /** Ends the connection; false when that was done before. */
  close(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    clearInterval(this.#timer);
    this.closed = this.#client.end().catch(() => {});
    return true;
  }
}
