/**
 * One suite for every implementation of the log's port: what holds for Postgres holds for memory.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import type { LogHead, StoredEvent } from "#/events/envelope.ts";
import type { EventLog, PlacedDraft } from "#/events/event_log.ts";
import { GENESIS_HASH, verifyChain } from "#/events/integrity.ts";
import { createMemoryLog } from "#/events/memory_log.ts";
import { fullDraft, placeAll } from "#tests/support/events.ts";
import { withStore } from "#tests/support/postgres.ts";

interface Implementation {
  readonly name: string;
  readonly withLog: (fn: (log: EventLog) => Promise<void>) => Promise<void>;
}

const IMPLEMENTATIONS: readonly Implementation[] = [
  { name: "memory", withLog: (fn) => fn(createMemoryLog("test")) },
  { name: "postgres", withLog: (fn) => withStore(({ log }) => fn(log)) },
];

async function collect(events: AsyncIterable<StoredEvent>): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** Appends `count` events of the streams `core/namespaces/-/s<n % 3>`, a second apart. */
async function appendSome(log: EventLog, count: number): Promise<LogHead> {
  const head = await log.head();
  const { head: next } = await log.append(head, placeAll(head, Array.from({ length: count }, (_, n) => fullDraft(n))));
  return next;
}

const CASES: Readonly<Record<string, (log: EventLog) => Promise<void>>> = {
  "head() of an empty log is position 0 with the genesis hash": async (log) => {
    const head = await log.head();
    assertEquals([head.position, head.hash, head.epoch, head.occurredAt], [
      0,
      GENESIS_HASH,
      1,
      "1970-01-01T00:00:00.000Z",
    ]);
    assertEquals(await collect(log.read()), []);
    assertEquals(await log.positionAt("2100-01-01T00:00:00Z"), 0);
  },

  "append() returns and keeps what read() gives back, to the byte": async (log) => {
    const head = await log.head();
    const drafts = Array.from({ length: 5 }, (_, n) => fullDraft(n));
    const result = await log.append(head, placeAll(head, drafts));
    assertEquals(await log.head(), result.head);
    assertEquals(result.head.position, 5);
    const read = await collect(log.read());
    assertEquals(read, [...result.events]);
    assertEquals(read.map(({ position: _p, occurredAt: _o, hash: _h, ...draft }) => draft), drafts);
    assertEquals(verifyChain(read), undefined);
  },

  "append() after a head that has moved is FENCED and writes nothing": async (log) => {
    const stale = await log.head();
    const head = await appendSome(log, 2);
    for (const wrong of [stale, { ...head, epoch: 2 }, { ...head, logId: "other" }, { ...head, hash: GENESIS_HASH }]) {
      const error = await assertRejects(() => log.append(wrong, placeAll(wrong, [fullDraft(9)])), OperationalError);
      assertEquals([error.code, error.retry], ["FENCED", "never"]);
    }
    assertEquals(await log.head(), head);
    assertEquals((await collect(log.read())).length, 2);
  },

  "append() of a batch that is not dense, or goes back in time, or is empty, fails as a bug": async (log) => {
    const head = await log.head();
    const [first, second] = placeAll(head, [fullDraft(0), fullDraft(1)]) as [PlacedDraft, PlacedDraft];
    const bad = [
      [second],
      [first, { ...second, position: 3 }],
      [first, { ...second, occurredAt: head.occurredAt }],
      [],
    ];
    for (const batch of bad) await assertRejects(async () => await log.append(head, batch), Error, "Expected");
    assertEquals(await log.head(), head);
  },

  "read() takes ranges, streams and limits": async (log) => {
    await appendSome(log, 10);
    const positions = async (options: Parameters<EventLog["read"]>[0]) =>
      (await collect(log.read(options))).map((event) => event.position);
    assertEquals(await positions({ from: 8 }), [8, 9, 10]);
    assertEquals(await positions({ to: 2 }), [1, 2]);
    assertEquals(await positions({ from: 3, to: 5 }), [3, 4, 5]);
    assertEquals(await positions({ from: 5, to: 4 }), []);
    assertEquals(await positions({ from: 11 }), []);
    assertEquals(await positions({ limit: 3 }), [1, 2, 3]);
    assertEquals(await positions({ limit: 0 }), []);
    assertEquals(await positions({ stream: "core/namespaces/-/s1" }), [2, 5, 8]);
    assertEquals(await positions({ stream: "core/namespaces/-/s1", from: 3, limit: 1 }), [5]);
    assertEquals(await positions({ stream: "core/namespaces/-/none" }), []);
  },

  "read() goes over many pages without a gap and sees no event after its start": async (log) => {
    await appendSome(log, 3_000);
    let expected = 0;
    for await (const event of log.read()) {
      if (event.position === 1) await appendSome(log, 1);
      assertEquals(event.position, ++expected);
    }
    assertEquals(expected, 3_000);
    assertEquals((await log.head()).position, 3_001);
  },

  "subscribe() gives what is there, then what comes, and ends with its signal": async (log) => {
    await appendSome(log, 3);
    const ended = new AbortController();
    const seen: number[] = [];
    for await (const event of log.subscribe(1, ended.signal)) {
      seen.push(event.position);
      if (event.position === 3 || event.position === 5) await appendSome(log, 2);
      if (event.position === 7) ended.abort();
    }
    assertEquals(seen, [2, 3, 4, 5, 6, 7]);
  },

  "subscribe() that waits is woken by an append and ended by its signal": async (log) => {
    const ended = new AbortController();
    const first = Promise.withResolvers<void>();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const event of log.subscribe(0, ended.signal)) {
        seen.push(event.position);
        first.resolve();
      }
    })();
    await appendSome(log, 1);
    await first.promise;
    ended.abort();
    await reading;
    assertEquals(seen, [1]);
    for await (const _ of log.subscribe(0, AbortSignal.abort())) assert(false, "nothing after the end");
  },

  "positionAt() finds the last event at or before an instant": async (log) => {
    let head = await log.head();
    const times = [
      "2026-01-01T00:00:00.000Z",
      "2026-01-01T00:00:00.500Z",
      "2026-01-01T00:00:00.500Z",
      "2026-01-01T00:00:01.000Z",
    ];
    for (const [n, occurredAt] of times.entries()) {
      ({ head } = await log.append(head, [{ ...fullDraft(n), position: n + 1, occurredAt }]));
    }
    const table: readonly (readonly [string, number])[] = [
      ["2025-12-31T23:59:59.999Z", 0],
      ["2026-01-01T00:00:00Z", 1],
      ["2026-01-01T00:00:00.499Z", 1],
      ["2026-01-01T00:00:00.4999999Z", 1],
      ["2026-01-01T00:00:00.500Z", 3],
      ["2026-01-01T00:00:00.999999Z", 3],
      ["2026-01-01T01:00:01+01:00", 4],
      ["2030-01-01T00:00:00Z", 4],
    ];
    for (const [instant, position] of table) {
      assertEquals([instant, await log.positionAt(instant)], [instant, position]);
    }
  },
};

for (const { name, withLog } of IMPLEMENTATIONS) {
  for (const [title, run] of Object.entries(CASES)) Deno.test(`${name} log: ${title}`, () => withLog(run));
}
