/**
 * Durable appends: our group commit beside the plainest thing Postgres can do, one row per transaction on a connection per writer. Both on the same server
 * with the same settings; the plain table is neither chained nor ordered nor checked for versions, and is the ceiling.
 *
 *     deno run -A benches/append.ts [--quick]
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { systemClock, systemRandom } from "#/base/ports.ts";
import type { EventDraft } from "#/events/envelope.ts";
import { GENESIS_HASH, hashEvent } from "#/events/integrity.ts";
import { connectClient } from "#/events/pg.ts";
import { openPostgresLog } from "#/events/postgres_log.ts";
import type { Store } from "#/events/store.ts";
import { startDecider } from "#/server/decider.ts";
import { withBenchStore } from "./support/bench_store.ts";
import { compare, quantile, ROUNDS } from "./support/compare.ts";
import { type BenchRow, duration, perSecond, runBench, type Target } from "./support/rows.ts";

const RUN_MS = 800;
const QUICK_RUN_MS = 50;

/** The targets of E1 that need no third party: against the plain INSERT of the same run. */
const CASES = [
  { writers: 1, least: 1 / 1.5, text: "E1: >= 0.67x" },
  { writers: 16, least: 0.6, text: "E1: >= 0.6x" },
] as const;

/** 184 bytes: what the measurements behind the design used. */
const PAYLOAD = JSON.stringify({
  object: { kind: "GlobalNetworkPolicy", spec: { order: 1 } },
  padding: "x".repeat(112),
});

function draft(n: number): EventDraft {
  return {
    stream: `projectcalico.org/globalnetworkpolicies/-/p${n % 1_000}`,
    revision: 1 + Math.floor(n / 1_000),
    type: "GlobalNetworkPolicyUpdated",
    schemaVersion: 1,
    object: { group: "projectcalico.org", kind: "GlobalNetworkPolicy", namespace: "", name: `p${n % 1_000}`, uid: "u" },
    payload: PAYLOAD,
    context: { actor: { user: "ann", groups: [], authMethod: "none" }, source: { via: "api" }, requestId: `r${n}` },
  };
}

/** What one side was asked to write and how long each write took. */
interface Tally {
  acknowledged: number;
  latenciesMs: number[];
}

/** Lets every writer write one after the other until the time is over; returns milliseconds per write of all together. */
async function measure(
  tally: Tally,
  { writers, runMs }: { readonly writers: number; readonly runMs: number },
  write: (writer: number) => Promise<unknown>,
): Promise<number> {
  const before = tally.acknowledged;
  const start = performance.now();
  await Promise.all(Array.from({ length: writers }, async (_, writer) => {
    for (let now = performance.now(); now - start < runMs;) {
      await write(writer);
      tally.acknowledged += 1;
      const after = performance.now();
      tally.latenciesMs.push(after - now);
      now = after;
    }
  }));
  return (performance.now() - start) / (tally.acknowledged - before);
}

async function ours(connectionString: string, tally: Tally, size: { writers: number; runMs: number }): Promise<number> {
  await using log = openPostgresLog(connectionString);
  const head = await log.head();
  await using decider = startDecider({
    ...{ log, head, state: head.position, clock: systemClock, random: systemRandom },
    decide: (state: number, _command: null) => ({ kind: "accepted" as const, events: [draft(state)] }),
    fold: (state: number) => state + 1,
    onCommitted: () => {},
  });
  return await measure(tally, size, () => decider.submit(null));
}

/** The same columns' worth of bytes in a table with one index, one statement per row. */
async function plain(
  connectionString: string,
  tally: Tally,
  size: { writers: number; runMs: number },
): Promise<number> {
  const clients = await Promise.all(Array.from({ length: size.writers }, () => connectClient(connectionString)));
  const header = JSON.stringify(draft(0).context);
  const cost = await measure(tally, size, (writer) =>
    clients[writer]!.query({
      name: "insert",
      text: "insert into plain (stream, type, header, payload) values ($1, $2, $3, $4)",
      values: [`projectcalico.org/globalnetworkpolicies/-/p${writer}`, "GlobalNetworkPolicyUpdated", header, PAYLOAD],
    }));
  await Promise.all(clients.map((client) => client.end()));
  return cost;
}

/** Everything acknowledged is there, on both sides; ours dense and chained. */
async function checkWritten({ log, connectionString }: Store, oursCount: number, plainCount: number): Promise<void> {
  let [count, hash] = [0, GENESIS_HASH];
  for await (const event of log.read()) {
    count += 1;
    assertEquals(event.position, count);
    assertEquals(hashEvent(hash, event), event.hash, `chain at ${count}`);
    hash = event.hash;
  }
  assertEquals(count, oursCount);
  const client = await connectClient(connectionString);
  const { rows } = await client.query<{ readonly count: number }>("select count(*)::int as count from plain");
  await client.end();
  assertEquals(rows[0]?.count, plainCount);
  console.error(`append: all ${oursCount} events and ${plainCount} plain rows that were acknowledged are there`);
}

async function appendBench({ quick }: { readonly quick: boolean }): Promise<BenchRow[]> {
  return await withBenchStore(async (store) => {
    const { connectionString } = store;
    const client = await connectClient(connectionString);
    await client.query(
      "create table plain (position bigserial primary key, stream text, type text, header text, payload text)",
    );
    await client.end();
    const rows: BenchRow[] = [];
    let [oursCount, plainCount] = [0, 0];
    for (const { writers, least, text } of CASES) {
      const size = { writers, runMs: quick ? QUICK_RUN_MS : RUN_MS };
      const tallies = { ours: { acknowledged: 0, latenciesMs: [] }, plain: { acknowledged: 0, latenciesMs: [] } };
      const { oursMs, theirsMs, ratio } = await compare({
        rounds: quick ? 1 : ROUNDS,
        ours: () => ours(connectionString, tallies.ours, size),
        theirs: () => plain(connectionString, tallies.plain, size),
      });
      oursCount += tallies.ours.acknowledged;
      plainCount += tallies.plain.acknowledged;
      const [p50, p99] = [0.5, 0.99].map((q) => quantile(tallies.ours.latenciesMs, q)) as [number, number];
      const target: Target | undefined = quick ? undefined : { text, met: ratio.median >= least };
      rows.push({
        bench: `append, ${writers} ${writers === 1 ? "writer" : "writers"}`,
        ours: `${perSecond(1_000 / oursMs)}, p50 ${duration(p50)}, p99 ${duration(p99)}`,
        counterpart: `${perSecond(1_000 / theirsMs)} plain INSERT`,
        ...{ ratio, target },
        values: { perSecond: 1_000 / oursMs, p50Ms: p50, p99Ms: p99, plainPerSecond: 1_000 / theirsMs },
      });
    }
    await checkWritten(store, oursCount, plainCount);
    return rows;
  });
}

if (import.meta.main) await runBench(appendBench);
