/**
 * The log in memory: for tests and for folding an exported log offline. Keeps the rules of the real one (fence, dense positions, hash chain) and passes
 * the same conformance suite; keeps nothing when the process ends.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { OperationalError } from "#/base/errors.ts";
import type { LogHead, StoredEvent } from "#/events/envelope.ts";
import type { AppendResult, EventLog, PlacedDraft, ReadOptions } from "#/events/event_log.ts";
import { chainBatch, GENESIS_HASH } from "#/events/integrity.ts";

/** The head of a log in which nothing has happened yet. */
export function emptyHead(logId: string): LogHead {
  return { logId, epoch: 1, position: 0, hash: GENESIS_HASH, occurredAt: "1970-01-01T00:00:00.000Z" };
}

/**
 * Makes an empty log.
 *
 * @param logId what its head says it is; anything in tests
 */
export function createMemoryLog(logId: string): EventLog {
  return new MemoryLog(emptyHead(logId));
}

class MemoryLog implements EventLog {
  #head: LogHead;
  readonly #events: StoredEvent[] = [];
  /** Resolved and replaced by each append. */
  #grown = Promise.withResolvers<void>();

  constructor(head: LogHead) {
    this.#head = head;
  }

  head(): Promise<LogHead> {
    return Promise.resolve(this.#head);
  }

  append(expected: LogHead, batch: readonly PlacedDraft[]): Promise<AppendResult> {
    const { logId, epoch, position, hash } = this.#head;
    const fits = expected.logId === logId && expected.epoch === epoch && expected.position === position &&
      expected.hash === hash;
    if (!fits) return Promise.reject(fenced(expected));
    const result = chainBatch(expected, batch);
    for (const event of result.events) this.#events.push(event);
    this.#head = result.head;
    this.#grown.resolve();
    this.#grown = Promise.withResolvers<void>();
    return Promise.resolve(result);
  }

  async *read(options: ReadOptions = {}): AsyncGenerator<StoredEvent> {
    const { from = 1, to = this.#head.position, stream } = options;
    let left = options.limit ?? Infinity;
    for (let position = from; position <= to && left > 0; position++) {
      const event = this.#events[position - 1];
      if (event === undefined) return;
      if (stream !== undefined && event.stream !== stream) continue;
      left -= 1;
      yield await Promise.resolve(event);
    }
  }

  async *subscribe(from: number, signal: AbortSignal): AsyncGenerator<StoredEvent> {
    const aborted = Promise.withResolvers<void>();
    const abort = () => aborted.resolve();
    signal.addEventListener("abort", abort);
    try {
      for (let position = from + 1; !signal.aborted;) {
        const event = this.#events[position - 1];
        if (event === undefined) {
          await Promise.race([this.#grown.promise, aborted.promise]);
          continue;
        }
        position += 1;
        yield event;
      }
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  positionAt(instant: string): Promise<number> {
    const ms = Date.parse(instant);
    assert(!Number.isNaN(ms), `Expected an RFC 3339 instant: "${instant}"`);
    const last = this.#events.findLast((event) => Date.parse(event.occurredAt) <= ms);
    return Promise.resolve(last?.position ?? 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function fenced(expected: LogHead): OperationalError {
  return new OperationalError(`Cannot append after position ${expected.position}: another writer has moved the log`, {
    operation: "append events",
    subject: `position ${expected.position}`,
    retry: "never",
    code: "FENCED",
  });
}
