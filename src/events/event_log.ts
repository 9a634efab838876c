/**
 * The log as a port: what decide, projections and history need of a store. Two implementations pass one conformance suite: Postgres
 * (`postgres_log.ts`) and memory (`memory_log.ts`, for tests and offline replay).
 *
 * @module
 */
import type { EventDraft, LogHead, StoredEvent } from "#/events/envelope.ts";

/** What to read. Positions are inclusive at both ends. */
export interface ReadOptions {
  /** First position wanted; 1 when left out. */
  readonly from?: number;
  /** Last position wanted; the head at the time of the call when left out. */
  readonly to?: number;
  /** Only these streams. */
  readonly stream?: string;
  /** At most this many events. */
  readonly limit?: number;
}

/** A draft with the place and time it was decided at; positions of a batch are dense and follow the expected head. */
export interface PlacedDraft extends EventDraft {
  readonly position: number;
  readonly occurredAt: string;
}

/**
 * An append-only log with one writer.
 *
 * `append` is a compare-and-swap on the head row: either the whole batch is durable and the new head is returned, or nothing is written and it
 * throws. A batch refused because somebody else moved the head throws an `OperationalError` with code `FENCED` and retry `never`: the caller is
 * no longer the writer and must end.
 */
export interface EventLog extends AsyncDisposable {
  /** The head as last committed. */
  head(): Promise<LogHead>;
  /** Appends a batch durably after `expected`; returns the new head and the events with their hashes. */
  append(expected: LogHead, batch: readonly PlacedDraft[]): Promise<AppendResult>;
  /** Events in position order, read in pages; sees only committed events and never a gap. */
  read(options?: ReadOptions): AsyncIterable<StoredEvent>;
  /**
   * Every committed event after `from`, in position order, for ever: first what is there, then what comes (NOTIFY, and a slow poll as a net).
   * Ends when the signal aborts.
   */
  subscribe(from: number, signal: AbortSignal): AsyncIterable<StoredEvent>;
  /** Position of the last event at or before an instant (RFC 3339); 0 when there is none. */
  positionAt(instant: string): Promise<number>;
}

/** What a successful append returns. */
export interface AppendResult {
  readonly head: LogHead;
  readonly events: readonly StoredEvent[];
}
