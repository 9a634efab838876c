/**
 * Replay: the cluster's state folded from the first event, beside a cursor that reads the same rows and does nothing with them, which is the most that
 * Postgres and its client can give. Once as the server starts, and once with the hash chain verified on the way.
 *
 *     deno run -A benches/replay.ts [--quick]
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import Cursor from "pg-cursor";
import type { EventLog } from "#/events/event_log.ts";
import type { EventDraft, StoredEvent } from "#/events/envelope.ts";
import { SELECT_LIST } from "#/events/event_row.ts";
import { GENESIS_HASH, hashEvent } from "#/events/integrity.ts";
import { connectClient, type Statement } from "#/events/pg.ts";
import { applyEvent, createState, type MutableClusterState } from "#/projections/fold.ts";
import { withBenchStore } from "./support/bench_store.ts";
import { compare, quantile, ROUNDS } from "./support/compare.ts";
import { type BenchRow, perSecond, runBench } from "./support/rows.ts";

const EVENTS = 100_000;
const QUICK_EVENTS = 1_000;
const BATCH_EVENTS = 500;
const PODS = 10_000;
const POLICIES = 1_000;
const CURSOR_ROWS = 10_000;

/** E3: events a second, also kept when the chain is verified. */
const TARGET_PER_SECOND = 100_000;

/** Nine Pod updates, then one of a policy: what a cluster at work writes. */
function draft(n: number): EventDraft {
  const isPolicy = n % 10 === 9;
  const number = Math.floor(n / 10) * 9 + n % 10;
  const [name, count] = isPolicy
    ? [`p${Math.floor(n / 10) % POLICIES}`, Math.floor(n / 10 / POLICIES)]
    : [`w${number % PODS}`, Math.floor(number / PODS)];
  const object = isPolicy ? policyObject(name, count) : podObject(name, count);
  const { apiVersion, kind, metadata } = object;
  const plural = isPolicy ? "projectcalico.org/networkpolicies" : "core/pods";
  return {
    stream: `${plural}/${metadata.namespace}/${name}`,
    revision: count + 1,
    type: `${kind}${count === 0 ? "Created" : "Updated"}`,
    schemaVersion: 1,
    object: { group: isPolicy ? apiVersion.split("/")[0]! : "", kind, namespace: metadata.namespace, name, uid: name },
    payload: JSON.stringify({ object }),
    context: { actor: { user: "ann", groups: [], authMethod: "none" }, source: { via: "api" }, requestId: `r${n}` },
  };
}

function podObject(name: string, count: number) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", uid: name, labels: { app: name, "pod-template-hash": `h${count}` } },
    spec: { nodeName: "node1", containers: [{ name: "main", image: "shop:1" }] },
    status: { phase: count === 0 ? "Pending" : "Running" },
  };
}

function policyObject(name: string, count: number) {
  const rule = { action: "Allow", protocol: "TCP", source: { selector: `app == 'w${count}'` } };
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    metadata: { name, namespace: "shop", uid: name, generation: count + 1 },
    spec: { tier: "default", selector: `app == '${name}'`, types: ["Ingress"], ingress: [rule] },
  };
}

async function fill(log: EventLog, events: number): Promise<void> {
  let head = await log.head();
  const occurredAt = new Date().toISOString();
  while (head.position < events) {
    const from = head.position;
    const batch = Array.from({ length: Math.min(BATCH_EVENTS, events - from) }, (_, n) => ({
      ...draft(from + n),
      position: from + n + 1,
      occurredAt,
    }));
    ({ head } = await log.append(head, batch));
  }
}

async function fold(log: EventLog, each: (event: StoredEvent) => void = () => {}): Promise<MutableClusterState> {
  const state = createState();
  for await (const event of log.read()) {
    each(event);
    applyEvent(state, event);
  }
  return state;
}

async function foldAndVerify(log: EventLog): Promise<MutableClusterState> {
  let hash = GENESIS_HASH;
  return await fold(log, (event) => {
    if (hashEvent(hash, event) !== event.hash) throw new Error(`Chain broken at ${event.position}`);
    hash = event.hash;
  });
}

/** Every column of every row, through a cursor in array mode. Returns how many rows came. */
async function readOnly(connectionString: string): Promise<number> {
  const client = await connectClient(connectionString);
  const cursor = new Cursor<unknown[]>(`select ${SELECT_LIST} from events order by position`, [], { rowMode: "array" });
  // The driver sends anything that knows how to submit itself.
  void client.query(cursor as unknown as Statement);
  let count = 0;
  for (let rows = await cursor.read(CURSOR_ROWS); rows.length > 0; rows = await cursor.read(CURSOR_ROWS)) {
    count += rows.length;
  }
  await client.end();
  return count;
}

/** What the fold holds is what SQL says is the last of each stream. */
async function checkFold(state: MutableClusterState, connectionString: string, events: number): Promise<void> {
  assertEquals([state.position, state.quarantined.size], [events, 0]);
  const client = await connectClient(connectionString);
  const { rows } = await client.query<
    { readonly stream: string; readonly position: number; readonly revision: number }
  >(
    "select stream, max(position)::int as position, count(*)::int as revision from events group by stream",
  );
  await client.end();
  assertEquals(rows.length, [...state.collections.values()].reduce((sum, objects) => sum + objects.size, 0));
  for (const { stream, position, revision } of rows) {
    const [group, plural, namespace, name] = stream.split("/");
    const object = state.collections.get(`${group}/${plural}`)?.get(`${namespace}/${name}`);
    assert(object?.metadata.resourceVersion === String(position), `Object of "${stream}" must be of ${position}`);
    assertEquals(state.origins.get(stream)?.revision, revision);
  }
  console.error(`replay: the fold of ${events} events holds the last of each of ${rows.length} streams`);
}

async function replayBench({ quick }: { readonly quick: boolean }): Promise<BenchRow[]> {
  const events = quick ? QUICK_EVENTS : EVENTS;
  const rounds = quick ? 1 : ROUNDS;
  return await withBenchStore(async ({ log, connectionString }) => {
    await fill(log, events);
    await checkFold(await foldAndVerify(log), connectionString, events);
    assertEquals(await readOnly(connectionString), events);
    const timed = (work: () => Promise<unknown>) => async () => {
      const start = performance.now();
      await work();
      return (performance.now() - start) / events;
    };
    const ours = timed(() => fold(log));
    const { oursMs, theirsMs, ratio } = await compare({
      rounds,
      ours,
      theirs: timed(() => readOnly(connectionString)),
    });
    const verified: number[] = [];
    for (let pass = 0; pass < rounds; pass++) verified.push(await timed(() => foldAndVerify(log))());
    const met = (costMs: number) =>
      quick ? undefined : { text: "E3: >= 100k/s", met: 1_000 / costMs >= TARGET_PER_SECOND };
    const verifiedMs = quantile(verified, 0.5);
    const rows: BenchRow[] = [{
      bench: `replay: fold, ${events} events`,
      ours: perSecond(1_000 / oursMs),
      counterpart: `${perSecond(1_000 / theirsMs)} cursor, rows dropped`,
      ...{ ratio, target: met(oursMs) },
      values: { perSecond: 1_000 / oursMs, cursorPerSecond: 1_000 / theirsMs, ratio: ratio.median },
    }, {
      bench: `replay: fold and verify, ${events} events`,
      ours: perSecond(1_000 / verifiedMs),
      target: met(verifiedMs),
      values: { perSecond: 1_000 / verifiedMs },
    }];
    return rows;
  });
}

if (import.meta.main) await runBench(replayBench);
