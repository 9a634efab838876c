/**
 * Durable appends a second: our group commit beside the plainest thing Postgres can do, one row per transaction on a connection per writer. Both on the same
 * server with the same settings, in the order A-B-B-A, so that a machine that slows down in the middle does not favour one.
 *
 *     deno run -A benches/append.ts
 *
 * @module
 */
import { systemClock, systemRandom } from "#/base/ports.ts";
import { beginLog, openKysely } from "#/events/store.ts";
import { startEmbeddedPostgres } from "#/events/embedded_postgres.ts";
import type { EventDraft } from "#/events/envelope.ts";
import { migrateToLatest } from "#/events/migrate.ts";
import { connectClient } from "#/events/pg.ts";
import { openPostgresLog } from "#/events/postgres_log.ts";
import { startDecider } from "#/server/decider.ts";

const RUN_MS = 3_000;
const WRITERS = [1, 16];

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

interface Run {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Lets every writer write one after the other until the time is over. */
async function measure(writers: number, write: (writer: number) => Promise<unknown>): Promise<Run> {
  const latencies: number[] = [];
  const start = performance.now();
  await Promise.all(Array.from({ length: writers }, async (_, writer) => {
    for (let now = performance.now(); now - start < RUN_MS;) {
      await write(writer);
      const after = performance.now();
      latencies.push(after - now);
      now = after;
    }
  }));
  const seconds = (performance.now() - start) / 1_000;
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.floor(q * (latencies.length - 1))] ?? 0;
  return { perSecond: latencies.length / seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

async function ours(connectionString: string, writers: number): Promise<Run> {
  await using log = openPostgresLog(connectionString);
  await using decider = startDecider({
    ...{ log, head: await log.head(), state: 0, clock: systemClock, random: systemRandom },
    decide: (state: number, _command: null) => ({ kind: "accepted" as const, events: [draft(state)] }),
    fold: (state: number) => state + 1,
    onCommitted: () => {},
  });
  return await measure(writers, () => decider.submit(null));
}

/** The same columns' worth of bytes in a table with one index, one statement per row. */
async function plain(connectionString: string, writers: number): Promise<Run> {
  const clients = await Promise.all(Array.from({ length: writers }, () => connectClient(connectionString)));
  const header = JSON.stringify(draft(0).context);
  const run = await measure(writers, (writer) =>
    clients[writer]!.query({
      name: "insert",
      text: "insert into plain (stream, type, header, payload) values ($1, $2, $3, $4)",
      values: [`projectcalico.org/globalnetworkpolicies/-/p${writer}`, "GlobalNetworkPolicyUpdated", header, PAYLOAD],
    }));
  await Promise.all(clients.map((client) => client.end()));
  return run;
}

function line(name: string, writers: number, { perSecond, p50Ms, p99Ms }: Run): string {
  const rate = Math.round(perSecond).toLocaleString("en").padStart(8);
  return `${name.padEnd(8)}${String(writers).padStart(3)} writers ${rate}/s   p50 ${p50Ms.toFixed(2)} ms   p99 ${
    p99Ms.toFixed(2)
  } ms`;
}

if (import.meta.main) {
  const dataDir = await Deno.makeTempDir({ prefix: "tortie-bench-" });
  try {
    await using server = await startEmbeddedPostgres({ dataDir });
    const { connectionString } = server;
    const db = openKysely(connectionString);
    await migrateToLatest(db);
    await beginLog(db, systemRandom);
    await db.destroy();
    const client = await connectClient(connectionString);
    await client.query(
      "create table plain (position bigserial primary key, stream text, type text, header text, payload text)",
    );
    await client.end();
    for (const writers of WRITERS) {
      const runs = { ours: [] as number[], plain: [] as number[] };
      for (const name of ["ours", "plain", "plain", "ours"] as const) {
        const run = await (name === "ours" ? ours : plain)(connectionString, writers);
        runs[name].push(run.perSecond);
        console.log(line(name, writers, run));
      }
      const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
      const ratio = mean(runs.ours) / mean(runs.plain);
      console.log(`append ${writers} writers: ours / plain insert = ${ratio.toFixed(2)}\n`);
    }
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}
