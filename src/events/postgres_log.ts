/**
 * The log on Postgres. Positions are given by the one writer before the commit and fenced by a compare-and-swap on the head row, so that position order
 * is commit order; a serial column hands its numbers out before the commit and lets a reader pass an event that is not there yet.
 *
 * Called by the decider (append), projections and streams (read, subscribe) and history (read, positionAt). Plain prepared statements, because
 * building a query costs as much as running it here.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { OperationalError } from "#/base/errors.ts";
import type { LogHead, StoredEvent } from "#/events/envelope.ts";
import type { AppendResult, EventLog, PlacedDraft, ReadOptions } from "#/events/event_log.ts";
import { COLUMN_NAMES, decodeRow, encodeBatch, type EventRow, SELECT_LIST } from "#/events/event_row.ts";
import { HEAD_CHANNEL, HeadFeed } from "#/events/head_feed.ts";
import { chainBatch } from "#/events/integrity.ts";
import { newPool, type PgPool, storeError } from "#/events/pg.ts";

/** Rows of the first page of a read; later pages are sized by the bytes that came. */
const PAGE_EVENTS_FIRST = 64;
/** Most rows of a page. */
export const PAGE_EVENTS_MAX = 2_000;
/** What a page should weigh: a page of large objects is cut short, so that a reader holds a few megabytes and not a few gigabytes. */
const PAGE_BYTES_TARGET = 4 * 1024 * 1024;

/**
 * One statement for a whole batch: the head moves only if it is where the writer believes it, the events go in only if it moved, and one notification
 * tells the new head at the commit. No row back means that somebody else moved the head.
 */
const APPEND = `
  with moved as (
    update log_head set position = $1, hash = $2, occurred_at = $3
    where position = $4 and hash = $5 and log_id = $6 and epoch = $7
    returning position
  ), added as (
    insert into events (${COLUMN_NAMES.join(", ")})
    select ${COLUMN_NAMES.join(", ")} from json_populate_recordset(null::events, $8) where exists (select 1 from moved)
  )
  select pg_notify('${HEAD_CHANNEL}', position::text) from moved`;

const READ_PAGE = `select ${SELECT_LIST} from events
  where position >= $1 and position <= $2 order by position limit $3`;

const READ_STREAM_PAGE = `select ${SELECT_LIST} from events
  where stream = $4 and position >= $1 and position <= $2 order by position limit $3`;

const POSITION_AT = `select position from events
  where occurred_at <= $1 order by occurred_at desc, position desc limit 1`;

/** Opens the log of a migrated database. */
export function openPostgresLog(connectionString: string): EventLog {
  return new PostgresLog(connectionString);
}

/**
 * Reads the head, or throws when the database has none.
 *
 * @throws `OperationalError` with code `NO_LOG` when the database is migrated but no log was begun in it
 */
async function readHead(pool: PgPool): Promise<LogHead> {
  const { rows } = await pool.query<[string, number, number, string, number]>({
    name: "head",
    text: "select log_id, epoch, position, hash, (extract(epoch from occurred_at) * 1000)::int8 from log_head",
    rowMode: "array",
  });
  if (rows[0] === undefined) {
    throw new OperationalError("Database holds no log", {
      operation: "read the head of the log",
      subject: "log_head",
      retry: "never",
      code: "NO_LOG",
    });
  }
  const [logId, epoch, position, hash, occurredAt] = rows[0];
  return { logId, epoch, position, hash, occurredAt: new Date(occurredAt).toISOString() };
}

class PostgresLog implements EventLog {
  readonly #pool: PgPool;
  /** One connection that only appends use, so that slow readers never hold up the writer. */
  readonly #writer: PgPool;
  readonly #feed: HeadFeed;

  constructor(connectionString: string) {
    this.#pool = newPool(connectionString);
    this.#writer = newPool(connectionString, { connections: 1 });
    this.#feed = new HeadFeed(connectionString);
  }

  async head(): Promise<LogHead> {
    try {
      return await readHead(this.#pool);
    } catch (error) {
      throw storeError("read the head of the log", "log_head", error);
    }
  }

  async append(expected: LogHead, batch: readonly PlacedDraft[]): Promise<AppendResult> {
    const result = chainBatch(expected, batch);
    const { head, events } = result;
    const moved = await this.#appendRows(expected, head, events);
    if (!moved) {
      throw new OperationalError(
        `Cannot append after position ${expected.position}: another writer has moved the log`,
        {
          operation: "append events",
          subject: `position ${expected.position}`,
          retry: "never",
          code: "FENCED",
        },
      );
    }
    this.#feed.announce(head.position);
    return result;
  }

  async #appendRows(expected: LogHead, head: LogHead, events: readonly StoredEvent[]): Promise<boolean> {
    try {
      const { rows } = await this.#writer.query({
        name: "append",
        text: APPEND,
        values: [
          ...[head.position, head.hash, head.occurredAt],
          ...[expected.position, expected.hash, expected.logId, expected.epoch],
          encodeBatch(events),
        ],
        rowMode: "array",
      });
      return rows.length === 1;
    } catch (error) {
      throw storeError("append events", `positions ${expected.position + 1} to ${head.position}`, error);
    }
  }

  async *read(options: ReadOptions = {}): AsyncGenerator<StoredEvent> {
    const to = options.to ?? (await this.head()).position;
    let from = options.from ?? 1;
    let left = options.limit ?? Infinity;
    let rows = Math.min(PAGE_EVENTS_FIRST, left);
    let next = this.#readPage(options.stream, from, to, rows);
    while (true) {
      const page = await next;
      left -= page.length;
      const last = page.at(-1);
      const more = last !== undefined && page.length === rows && left > 0 && last.position < to;
      if (more) {
        from = last.position + 1;
        rows = Math.min(nextPageEvents(page), left);
        // Asked for now, so that it travels while the caller folds this page.
        next = this.#readPage(options.stream, from, to, rows);
        next.catch(() => {});
      }
      for (const event of page) yield event;
      if (!more) return;
    }
  }

  async #readPage(stream: string | undefined, from: number, to: number, limit: number): Promise<StoredEvent[]> {
    if (from > to || limit <= 0) return [];
    const statement = stream === undefined
      ? { name: "read", text: READ_PAGE, values: [from, to, limit] }
      : { name: "read_stream", text: READ_STREAM_PAGE, values: [from, to, limit, stream] };
    try {
      const { rows } = await this.#pool.query<EventRow>({ ...statement, rowMode: "array" });
      return rows.map(decodeRow);
    } catch (error) {
      throw storeError("read events", `positions from ${from}`, error);
    }
  }

  async *subscribe(from: number, signal: AbortSignal): AsyncGenerator<StoredEvent> {
    let last = from;
    while (!signal.aborted) {
      for await (const event of this.read({ from: last + 1 })) {
        if (signal.aborted) return;
        last = event.position;
        yield event;
      }
      await this.#feed.waitBeyond(last, signal);
    }
  }

  async positionAt(instant: string): Promise<number> {
    const ms = Date.parse(instant);
    assert(!Number.isNaN(ms), `Expected an RFC 3339 instant: "${instant}"`);
    try {
      const { rows } = await this.#pool.query<[number]>({
        name: "position_at",
        text: POSITION_AT,
        // To the millisecond, as events have it: Postgres would round a finer instant up.
        values: [new Date(ms).toISOString()],
        rowMode: "array",
      });
      return rows[0]?.[0] ?? 0;
    } catch (error) {
      throw storeError("find a position by time", instant, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#feed[Symbol.asyncDispose]();
    await Promise.all([this.#pool.end(), this.#writer.end()]);
  }
}

/** As many events as weigh {@link PAGE_BYTES_TARGET}, judged by the page before. */
function nextPageEvents(page: readonly StoredEvent[]): number {
  const bytes = page.reduce((sum, event) => sum + event.payload.length, 0);
  return Math.max(1, Math.min(PAGE_EVENTS_MAX, Math.floor(PAGE_BYTES_TARGET * page.length / (bytes + 1))));
}
