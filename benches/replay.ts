/**
 * Events a second when the log is read from the beginning, in three steps: read only, with the hash chain verified, and with every payload parsed and the
 * latest kept per stream, as a fold does.
 *
 *     deno run -A benches/replay.ts [events]
 *
 * @module
 */
import type { EventLog } from "#/events/event_log.ts";
import type { EventDraft, StoredEvent } from "#/events/envelope.ts";
import { GENESIS_HASH, hashEvent } from "#/events/integrity.ts";
import { openStore } from "#/events/store.ts";

const EVENTS_DEFAULT = 200_000;
const BATCH_EVENTS = 500;
const STREAMS = 12_000;

function draft(n: number): EventDraft {
  const name = `w${n % STREAMS}`;
  return {
    stream: `core/pods/shop/${name}`,
    revision: 1 + Math.floor(n / STREAMS),
    type: "PodUpdated",
    schemaVersion: 1,
    object: { group: "", kind: "Pod", namespace: "shop", name, uid: `uid-${name}` },
    payload: JSON.stringify({
      object: { kind: "Pod", metadata: { name, labels: { n: `${n}` } } },
      padding: "x".repeat(90),
    }),
    context: { actor: { user: "ann", groups: [], authMethod: "none" }, source: { via: "api" }, requestId: `r${n}` },
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

async function replay(name: string, log: EventLog, each: (event: StoredEvent) => void): Promise<void> {
  const start = performance.now();
  let count = 0;
  for await (const event of log.read()) {
    each(event);
    count += 1;
  }
  const seconds = (performance.now() - start) / 1_000;
  console.log(`${name.padEnd(16)} ${Math.round(count / seconds).toLocaleString("en").padStart(9)} events/s`);
}

if (import.meta.main) {
  const events = Number(Deno.args[0] ?? EVENTS_DEFAULT);
  const dataDir = await Deno.makeTempDir({ prefix: "tortie-bench-" });
  try {
    await using store = await openStore({ dataDir });
    const start = performance.now();
    await fill(store.log, events);
    const seconds = (performance.now() - start) / 1_000;
    console.log(`filled in batches ${Math.round(events / seconds).toLocaleString("en").padStart(8)} events/s`);
    for (let round = 0; round < 2; round++) {
      await replay("read", store.log, () => {});
      let hash = GENESIS_HASH;
      await replay("read and verify", store.log, (event) => {
        if (hashEvent(hash, event) !== event.hash) throw new Error(`Chain broken at ${event.position}`);
        hash = event.hash;
      });
      const latest = new Map<string, unknown>();
      await replay("read and fold", store.log, (event) => latest.set(event.stream, JSON.parse(event.payload)));
    }
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}
