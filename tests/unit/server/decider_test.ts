/**
 * The decider against the log in memory, whose commits a test can hold back or make fail.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { EventDraft, StoredEvent } from "#/events/envelope.ts";
import type { EventLog, PlacedDraft } from "#/events/event_log.ts";
import { verifyChain } from "#/events/integrity.ts";
import { createMemoryLog } from "#/events/memory_log.ts";
import type { DecideInputs } from "#/server/decide/command.ts";
import {
  type AcceptedCommand,
  BATCH_EVENTS_MAX,
  BATCH_LENGTH_MAX,
  COMMAND_EVENTS_MAX,
  type Decided,
  type Decider,
  startDecider,
  WAITING_COMMANDS_MAX,
} from "#/server/decider.ts";
import { PLAIN_CONTEXT } from "#tests/support/events.ts";

/** Counters by name: the smallest state in which a decision depends on the ones before. */
type Counters = ReadonlyMap<string, number>;

/** Adds to a counter; refused when that would pass `limit`; `times` events. */
interface Add {
  readonly name: string;
  readonly times?: number;
  readonly limit?: number;
  readonly reason?: string;
  readonly padding?: number;
}

interface Added extends AcceptedCommand {
  readonly count: number;
  readonly now: string;
}

function decide(state: Counters, command: Add, { now }: DecideInputs): Added | Rejection {
  const { name, times = 1, limit = Infinity, padding = 0 } = command;
  if (name === "bug") throw new Error("decide is broken");
  const before = state.get(name) ?? 0;
  if (before + times > limit) return reject("Conflict", `"${name}" is at ${before}`);
  const draft = (n: number): EventDraft => ({
    stream: `core/counters/-/${name}`,
    revision: before + n,
    type: "CounterUpdated",
    schemaVersion: 1,
    object: { group: "", kind: "Counter", namespace: "", name, uid: name },
    payload: JSON.stringify({ count: before + n, padding: "x".repeat(padding) }),
    context: { ...PLAIN_CONTEXT, ...(command.reason !== undefined && { reason: command.reason }) },
  });
  return {
    kind: "accepted",
    events: Array.from({ length: times }, (_, n) => draft(n + 1)),
    count: before + times,
    now,
  };
}

function fold(state: Counters, event: StoredEvent): Counters {
  if (event.object.name === "unfoldable") throw new Error("fold is broken");
  return new Map(state).set(event.object.name, event.revision);
}

/** A log whose appends are counted and wait while the gate is closed. */
interface GatedLog extends EventLog {
  readonly batches: number[];
  gate: Promise<void>;
  failure: Error | undefined;
}

function gatedLog(): GatedLog {
  const log = createMemoryLog("test");
  const gated: GatedLog = {
    batches: [],
    gate: Promise.resolve(),
    failure: undefined,
    head: () => log.head(),
    read: (options) => log.read(options),
    subscribe: (from, signal) => log.subscribe(from, signal),
    positionAt: (instant) => log.positionAt(instant),
    async append(expected, batch: readonly PlacedDraft[]) {
      gated.batches.push(batch.length);
      await gated.gate;
      if (gated.failure !== undefined) throw gated.failure;
      return await log.append(expected, batch);
    },
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
  return gated;
}

interface Harness {
  readonly log: GatedLog;
  readonly decider: Decider<Add, Added>;
  /** Positions that readers may see, in the order in which they came. */
  readonly committed: number[];
  nowMs: number;
}

async function harness(): Promise<Harness> {
  const log = gatedLog();
  const committed: number[] = [];
  const self: { nowMs: number } = { nowMs: Date.parse("2026-01-01T00:00:00.000Z") };
  const decider = startDecider<Counters, Add, Added>({
    ...{ log, decide, fold, head: await log.head(), state: new Map() },
    clock: { now: () => self.nowMs, monotonic: () => 0 },
    random: { uuid: () => "uuid" },
    onCommitted: (events) => committed.push(...events.map((event) => event.position)),
  });
  return Object.assign(self, { log, decider, committed });
}

function decided(outcome: Decided<Added> | Rejection): Decided<Added> {
  assert(outcome.kind === "decided", JSON.stringify(outcome));
  return outcome;
}

/** Lets everything run that can run without the gate. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("submit() answers after the commit, with positions and the events", async () => {
  const { decider, committed, log } = await harness();
  const first = decided(await decider.submit({ name: "a" }));
  assertEquals([first.position, first.decision.count, committed], [1, 1, [1]]);
  const second = decided(await decider.submit({ name: "a", times: 2 }));
  assertEquals([second.position, second.decision.count, committed], [3, 3, [1, 2, 3]]);
  assertEquals(second.events.map((event) => [event.position, event.revision]), [[2, 2], [3, 3]]);
  assertEquals(decider.head(), await log.head());
  const stored: StoredEvent[] = [];
  for await (const event of log.read()) stored.push(event);
  assertEquals(stored, [...first.events, ...second.events]);
  assertEquals(verifyChain(stored), undefined);
});

Deno.test("submit() decides against what is not committed yet, and one batch carries what piled up", async () => {
  const { decider, log, committed } = await harness();
  const gate = Promise.withResolvers<void>();
  log.gate = gate.promise;
  const answers = [decider.submit({ name: "a" })];
  await settle();
  for (let n = 0; n < 20; n++) answers.push(decider.submit({ name: "a" }));
  let answered = 0;
  for (const answer of answers) answer.then(() => answered++);
  await settle();
  assertEquals([answered, committed.length, log.batches], [0, 0, [1]]);
  gate.resolve();
  const outcomes = (await Promise.all(answers)).map(decided);
  assertEquals(outcomes.map(({ decision }) => decision.count), Array.from({ length: 21 }, (_, n) => n + 1));
  assertEquals(log.batches, [1, 20]);
});

Deno.test("submit() of commands made in one turn commits them together", async () => {
  const { decider, log } = await harness();
  await Promise.all(Array.from({ length: 5 }, (_, n) => decider.submit({ name: `n${n}` })));
  assertEquals(log.batches, [5]);
});

Deno.test("submit() folds readers' state before it answers", async () => {
  const { decider, committed } = await harness();
  const seen: (readonly [number, boolean])[] = [];
  await Promise.all([1, 2, 3].map(async (n) => {
    const { position } = decided(await decider.submit({ name: `n${n}` }));
    seen.push([position, committed.includes(position)]);
  }));
  assertEquals(seen, [[1, true], [2, true], [3, true]]);
});

Deno.test("submit() of a refused or empty command waits for what it rests on, and appends nothing", async () => {
  const { decider, log } = await harness();
  const gate = Promise.withResolvers<void>();
  log.gate = gate.promise;
  const order: string[] = [];
  const all = [
    decider.submit({ name: "a" }).then(() => order.push("added")),
    decider.submit({ name: "a", limit: 1 }).then((outcome) => order.push(outcome.kind)),
    decider.submit({ name: "a", times: 0 }).then((outcome) => order.push(`unchanged at ${decided(outcome).position}`)),
  ];
  await settle();
  assertEquals(order, []);
  gate.resolve();
  await Promise.all(all);
  assertEquals(order, ["added", "rejected", "unchanged at 1"]);
  const alone = decided(await decider.submit({ name: "b", times: 0 }));
  assertEquals([alone.position, alone.events, log.batches], [1, [], [1]]);
});

Deno.test("submit() keeps the events of a command together and closes batches at their bound", async () => {
  const { decider, log } = await harness();
  const sizes = [300, 300, 100, BATCH_EVENTS_MAX + 1, 1];
  await Promise.all(sizes.map((times) => decider.submit({ name: "a", times })));
  assertEquals(log.batches, [300, 400, BATCH_EVENTS_MAX + 1, 1]);
  await Promise.all([1, 1, 1].map(() => decider.submit({ name: "big", times: 2, padding: BATCH_LENGTH_MAX / 6 })));
  assertEquals(log.batches.slice(4), [4, 2]);
});

Deno.test("submit() never lets time go back", async () => {
  const test = await harness();
  const first = decided(await test.decider.submit({ name: "a" }));
  test.nowMs -= 60_000;
  const second = decided(await test.decider.submit({ name: "a" }));
  assertEquals(second.events[0]!.occurredAt, first.events[0]!.occurredAt);
  assertEquals(second.decision.now, first.decision.now);
  test.nowMs += 61_000;
  const third = decided(await test.decider.submit({ name: "a" }));
  assertEquals(third.events[0]!.occurredAt, "2026-01-01T00:00:01.000Z");
});

Deno.test("submit() refuses alone what the log cannot hold", async () => {
  const { decider } = await harness();
  const [good, odd, many] = await Promise.all([
    decider.submit({ name: "a" }),
    decider.submit({ name: "a", reason: "a\0b" }),
    decider.submit({ name: "a", times: COMMAND_EVENTS_MAX + 1 }),
  ]);
  assertEquals(decided(good).decision.count, 1);
  assert(
    odd.kind === "rejected" && odd.reason === "Invalid" && odd.message.startsWith('Counter "a" must not hold a NUL'),
  );
  assert(many.kind === "rejected" && many.message === "A command must make at most 20000 events: 20001");
  assertEquals(decided(await decider.submit({ name: "a" })).decision.count, 2);
});

Deno.test("submit() refuses with TooManyRequests when too many wait", async () => {
  const { decider, log } = await harness();
  const gate = Promise.withResolvers<void>();
  log.gate = gate.promise;
  const first = decider.submit({ name: "a" });
  await settle();
  const waiting = Array.from({ length: WAITING_COMMANDS_MAX }, () => decider.submit({ name: "a", times: 0 }));
  const refused = await decider.submit({ name: "a" });
  assert(refused.kind === "rejected" && refused.reason === "TooManyRequests");
  gate.resolve();
  await Promise.all([first, ...waiting]);
  assertEquals(decided(await decider.submit({ name: "a" })).decision.count, 2);
});

Deno.test("a failed commit rejects everything that waits, fires failed, and ends the decider", async () => {
  const { decider, log, committed } = await harness();
  const gate = Promise.withResolvers<void>();
  log.gate = gate.promise;
  log.failure = new Error("connection lost");
  const answers = [decider.submit({ name: "a" })];
  await settle();
  answers.push(decider.submit({ name: "a" }), decider.submit({ name: "a", times: 0 }));
  gate.resolve();
  for (const answer of answers) {
    const error = await assertRejects(() => answer, OperationalError);
    assertEquals([error.code, error.retry, error.cause], ["COMMIT_FAILED", "never", log.failure]);
  }
  assert(decider.failed.aborted && decider.failed.reason instanceof OperationalError);
  log.failure = undefined;
  await assertRejects(() => decider.submit({ name: "a" }), OperationalError, "Cannot commit");
  assertEquals([committed, decider.head().position, log.batches], [[], 0, [1]]);
  await decider[Symbol.asyncDispose]();
});

Deno.test("a moved head ends the decider as FENCED", async () => {
  const { decider, log } = await harness();
  const other = startDecider<Counters, Add, Added>({
    ...{ log, decide, fold, head: await log.head(), state: new Map() },
    clock: { now: () => 0, monotonic: () => 0 },
    random: { uuid: () => "uuid" },
    onCommitted: () => {},
  });
  decided(await other.submit({ name: "a" }));
  const error = await assertRejects(() => decider.submit({ name: "b" }), OperationalError, "Lost the lead");
  assertEquals(error.code, "FENCED");
  assertEquals(decider.failed.reason, error);
  assertEquals(other.failed.aborted, false);
});

Deno.test("a bug in decide comes back to its caller and harms nobody else", async () => {
  const { decider } = await harness();
  await assertRejects(() => decider.submit({ name: "bug" }), Error, "decide is broken");
  assertEquals(decided(await decider.submit({ name: "a" })).decision.count, 1);
  assertEquals(decider.failed.aborted, false);
});

Deno.test("a bug in fold ends the decider, because its state is half folded", async () => {
  const { decider } = await harness();
  const error = await assertRejects(() => decider.submit({ name: "unfoldable" }), OperationalError);
  assertEquals(error.code, "COMMIT_FAILED");
  assert(decider.failed.aborted);
});

Deno.test("disposing waits for what was submitted and refuses the rest", async () => {
  const { decider, log } = await harness();
  const gate = Promise.withResolvers<void>();
  log.gate = gate.promise;
  const answer = decider.submit({ name: "a" });
  const disposed = decider[Symbol.asyncDispose]();
  await assertRejects(() => decider.submit({ name: "a" }), OperationalError, "Server is stopping");
  gate.resolve();
  await disposed;
  assertEquals(decided(await answer).position, 1);
});
