/**
 * Position order is commit order. A serial column breaks that: its numbers are handed out before the commit, so that a reader who goes on after the largest
 * number it has seen passes rows that were not committed yet. Both stores are read in the same way here; one loses events and ours does not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { systemClock, systemRandom } from "#/base/ports.ts";
import type { LogHead, StoredEvent } from "#/events/envelope.ts";
import type { EventLog } from "#/events/event_log.ts";
import { verifyChain } from "#/events/integrity.ts";
import { connectClient, type PgClient } from "#/events/pg.ts";
import { openPostgresLog } from "#/events/postgres_log.ts";
import { openStore } from "#/events/store.ts";
import { startDecider } from "#/server/decider.ts";
import { fullDraft, placeAll } from "#tests/support/events.ts";
import { runStatement, withDatabase } from "#tests/support/postgres.ts";

const WRITERS = 32;
const NAIVE_ROWS_PER_WRITER = 50;
/** One round loses about a fifth of the events; that ten in a row lose none does not happen. */
const NAIVE_ROUNDS_MAX = 10;
const OUR_COMMANDS_PER_WRITER = 100;

/** Reads as a subscriber without a watermark does: everything after the largest position seen, until told that writing has ended. */
async function followByPosition(client: PgClient, table: string, ended: () => boolean): Promise<number[]> {
  const seen: number[] = [];
  while (true) {
    const last = ended();
    const text = `select position from ${table} where position > $1 order by position`;
    const { rows } = await client.query<{ position: number }>(text, [seen.at(-1) ?? 0]);
    seen.push(...rows.map((row) => row.position));
    if (last) return seen;
  }
}

/** One round on a bigserial: how many rows were committed, and how many of them the subscriber saw. */
async function naiveRound(connectionString: string, clients: readonly PgClient[]): Promise<[number, number]> {
  await runStatement(
    connectionString,
    "drop table if exists naive; create table naive (position bigserial primary key, payload text)",
  );
  const [reader, ...writers] = clients as [PgClient, ...PgClient[]];
  let writing = true;
  const following = followByPosition(reader, "naive", () => !writing);
  await Promise.all(writers.map(async (writer) => {
    for (let n = 0; n < NAIVE_ROWS_PER_WRITER; n++) {
      await writer.query("begin");
      await writer.query("insert into naive (payload) values ('{}')");
      await writer.query("commit");
    }
  }));
  writing = false;
  const seen = await following;
  assertEquals(new Set(seen).size, seen.length);
  return [writers.length * NAIVE_ROWS_PER_WRITER, seen.length];
}

Deno.test("a naive bigserial store loses events to a subscriber", () =>
  withDatabase(async (connectionString) => {
    const clients = await Promise.all(Array.from({ length: WRITERS + 1 }, () => connectClient(connectionString)));
    try {
      for (let round = 1; round <= NAIVE_ROUNDS_MAX; round++) {
        const [committed, seen] = await naiveRound(connectionString, clients);
        if (seen < committed) return;
      }
      assert(
        false,
        `A naive store lost nothing in ${NAIVE_ROUNDS_MAX} rounds: the reader is not tested by this any more`,
      );
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  }));

Deno.test("our log loses nothing to the same subscriber, nor to subscribe() of another process", () =>
  withDatabase(async (connectionString) => {
    await using store = await openStore({ databaseUrl: connectionString });
    // A log of its own knows of the commits by NOTIFY only, as another process does.
    await using elsewhere = openPostgresLog(connectionString);
    const total = WRITERS * OUR_COMMANDS_PER_WRITER;
    await using decider = startDecider({
      ...{ log: store.log, head: await store.log.head(), state: 0, clock: systemClock, random: systemRandom },
      decide: (state: number, name: string) => ({
        kind: "accepted" as const,
        events: [{ ...fullDraft(state), stream: `core/namespaces/-/${name}` }],
      }),
      fold: (state: number) => state + 1,
      onCommitted: () => {},
    });
    let writing = true;
    const reader = await connectClient(connectionString);
    const polling = followByPosition(reader, "events", () => !writing);
    const subscribed = collect(elsewhere, total);
    await Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
      for (let n = 0; n < OUR_COMMANDS_PER_WRITER; n++) await decider.submit(`w${writer}-${n}`);
    }));
    writing = false;
    const dense = Array.from({ length: total }, (_, n) => n + 1);
    assertEquals(await polling, dense);
    const events = await subscribed;
    assertEquals(events.map((event) => event.position), dense);
    assertEquals(verifyChain(events), undefined);
    await reader.end();
  }));

async function collect(log: EventLog, count: number): Promise<StoredEvent[]> {
  const ended = new AbortController();
  const events: StoredEvent[] = [];
  for await (const event of log.subscribe(0, ended.signal)) {
    events.push(event);
    if (events.length === count) ended.abort();
  }
  return events;
}

const RACERS = 4;
const BATCHES_PER_RACER = 25;

/** Appends batches of one to three events as fast as it can; takes up the new head where it lost. Returns how often it lost. */
async function race(log: EventLog): Promise<number> {
  let lost = 0;
  let head: LogHead = await log.head();
  for (let batch = 0; batch < BATCHES_PER_RACER;) {
    try {
      const drafts = Array.from({ length: 1 + batch % 3 }, (_, n) => fullDraft(n));
      ({ head } = await log.append(head, placeAll(head, drafts)));
      batch += 1;
    } catch (error) {
      assert(error instanceof OperationalError && error.code === "FENCED", String(error));
      lost += 1;
      head = await log.head();
    }
  }
  return lost;
}

Deno.test("appenders that race on the head stay dense, without duplicates, and the loser is FENCED", () =>
  withDatabase(async (connectionString) => {
    await using store = await openStore({ databaseUrl: connectionString });
    const logs = Array.from({ length: RACERS }, () => openPostgresLog(connectionString));
    const lost = await Promise.all(logs.map(race));
    await Promise.all(logs.map((log) => log[Symbol.asyncDispose]()));
    const perRacer = Array.from({ length: BATCHES_PER_RACER }, (_, batch) => 1 + batch % 3).reduce((a, b) => a + b);
    const events: StoredEvent[] = [];
    for await (const event of store.log.read()) events.push(event);
    assertEquals(events.length, RACERS * perRacer);
    assertEquals(verifyChain(events), undefined);
    assert(lost.some((count) => count > 0), "Nobody lost: there was no race");
  }));

Deno.test("append() of a batch of one command larger than any page arrives whole", () =>
  withDatabase(async (connectionString) => {
    await using store = await openStore({ databaseUrl: connectionString });
    const head = await store.log.head();
    const drafts = Array.from({ length: 5_000 }, (_, n) => fullDraft(n));
    await store.log.append(head, placeAll(head, drafts));
    const large = { ...fullDraft(0), payload: JSON.stringify("x".repeat(1_500_000)) };
    const next = await store.log.head();
    await store.log.append(next, placeAll(next, [large, large, large, large]));
    let position = 0;
    for await (const event of store.log.read()) assertEquals(event.position, ++position);
    assertEquals(position, 5_004);
  }));
