/**
 * Following the log when the world does not help: lost notifications, a lost connection.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { openPostgresLog } from "#/events/postgres_log.ts";
import { fullDraft, placeAll } from "#tests/support/events.ts";
import { runStatement, withStore } from "#tests/support/postgres.ts";

const KILL_LISTENERS = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and (query like 'listen %' or query like 'select position from log_head%')`;

Deno.test("subscribe() finds what no notification told, by asking", () =>
  withStore(async ({ log, connectionString }) => {
    await using elsewhere = openPostgresLog(connectionString);
    const head = await log.head();
    const ended = new AbortController();
    const seen: number[] = [];
    for await (
      const event of withFirst(
        elsewhere.subscribe(0, ended.signal),
        () => log.append(head, placeAll(head, [fullDraft(0)])),
      )
    ) {
      seen.push(event.position);
      // As if the notification had been lost: the rows change behind the log's back.
      if (event.position === 1) await runStatement(connectionString, COPY_FIRST_AS_SECOND);
      if (event.position === 2) ended.abort();
    }
    assertEquals(seen, [1, 2]);
  }));

const COPY_FIRST_AS_SECOND = `
  create temp table copy as select * from events; update copy set position = 2;
  insert into events select * from copy; update log_head set position = 2`;

Deno.test("subscribe() fails when its connection is lost, and goes on when asked again", () =>
  withStore(async ({ log, connectionString }) => {
    await using elsewhere = openPostgresLog(connectionString);
    let head = await log.head();
    ({ head } = await log.append(head, placeAll(head, [fullDraft(0)])));
    const events = elsewhere.subscribe(0, new AbortController().signal)[Symbol.asyncIterator]();
    assertEquals((await events.next()).value.position, 1);
    let error: OperationalError | undefined;
    const failing = assertRejects(() => events.next(), OperationalError, "Cannot follow the log")
      .then((rejected) => error = rejected);
    // Again and again, because it may not be listening yet.
    while (error === undefined) await runStatement(connectionString, KILL_LISTENERS);
    await failing;
    assertEquals(error.retry, "backoff");
    ({ head } = await log.append(head, placeAll(head, [fullDraft(1)])));
    const again = elsewhere.subscribe(1, new AbortController().signal)[Symbol.asyncIterator]();
    assertEquals((await again.next()).value.position, 2);
    await again.return?.();
  }));

/** The events of an iterable that waits when it is first asked; `act` happens while it does. */
async function* withFirst<T>(events: AsyncIterable<T>, act: () => Promise<unknown>): AsyncGenerator<T> {
  const iterator = events[Symbol.asyncIterator]();
  const first = iterator.next();
  await act();
  for (let next = await first; next.done !== true; next = await iterator.next()) yield next.value;
}
