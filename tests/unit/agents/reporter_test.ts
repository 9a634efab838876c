/**
 * Reports to a server that the test answers for: only the last position counts, no drift is lost, and what fails is tried again.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { BATCH_COMMANDS_MAX } from "#/agents/cni/drain.ts";
import { DRIFT_REPORTS_MAX, Reporter, RETRY_DELAY_MS } from "#/agents/reporter.ts";
import type { AppliedReport, NodeCommand, NodeCommandResult } from "#/sync/reports.ts";
import { FakeTimers, settle } from "#tests/support/fake_timers.ts";

function report(position: number): AppliedReport {
  const rest = { node: "n", logId: "log", epoch: 1, appliedAt: "", agentVersion: "", errors: [], unsupported: [] };
  return { ...rest, position };
}

function drift(name: string): NodeCommand {
  return {
    command: "ReportDrift",
    drift: { node: "n", position: 1, subject: "route", differences: [name], repaired: true },
  };
}

const FAILURE = new OperationalError("Cannot reach the server", { operation: "o", subject: "s", retry: "backoff" });

/** A reporter and a server that can hold its answers back, or fail. */
class World implements AsyncDisposable {
  readonly timers = new FakeTimers();
  readonly positions: number[] = [];
  readonly drifts: string[][] = [];
  readonly lines: string[] = [];
  fails = false;
  answer: NodeCommandResult = { result: "done", position: 1 };
  /** Resolves when the server may answer. */
  held: Promise<void> = Promise.resolve();
  readonly reporter: Reporter;

  constructor() {
    this.reporter = new Reporter({
      client: { report: ({ position }) => this.#asked(() => this.positions.push(position)).then(() => {}) },
      commands: {
        submit: (commands) =>
          this.#asked(() => {
            this.drifts.push(commands.flatMap((one) => one.command === "ReportDrift" ? one.drift.differences : []));
            return commands.map(() => this.answer);
          }),
      },
      timers: this.timers,
      log: (line) => this.lines.push(line),
    });
  }

  async #asked<T>(take: () => T): Promise<T> {
    await this.held;
    if (this.fails) throw FAILURE;
    return take();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.reporter[Symbol.asyncDispose]();
  }
}

Deno.test("Reporter.applied() tells the position at once, and only the last of those that come meanwhile", async () => {
  await using world = new World();
  const held = Promise.withResolvers<void>();
  world.held = held.promise;
  for (const position of [1, 2, 3]) world.reporter.applied(report(position));
  await settle();
  assertEquals(world.positions, []);
  held.resolve();
  await settle();
  assertEquals(world.positions, [1, 3]);
});

Deno.test("Reporter.drift() tells all drift, in order, in batches", async () => {
  await using world = new World();
  const held = Promise.withResolvers<void>();
  world.held = held.promise;
  const names = Array.from({ length: BATCH_COMMANDS_MAX + 20 }, (_, at) => String(at));
  for (const name of names) world.reporter.drift(drift(name));
  held.resolve();
  await settle();
  assertEquals(world.drifts.flat(), names);
  assertEquals(world.drifts.map((batch) => batch.length), [1, BATCH_COMMANDS_MAX, 19]);
});

Deno.test("Reporter tries again after a pause, loses nothing, and logs a failure once", async () => {
  await using world = new World();
  world.fails = true;
  world.reporter.applied(report(1));
  world.reporter.drift(drift("a"));
  await settle();
  world.reporter.applied(report(2));
  await world.timers.advance(RETRY_DELAY_MS * 3);
  assertEquals([world.positions, world.drifts, world.lines], [[], [], ["Cannot report: Cannot reach the server"]]);
  world.fails = false;
  await world.timers.advance(RETRY_DELAY_MS);
  assertEquals([world.positions, world.drifts], [[2], [["a"]]]);
  world.fails = true;
  world.reporter.applied(report(3));
  await settle();
  assertEquals(world.lines.length, 2, "Expected a failure after success to be told again");
});

Deno.test("Reporter loses no drift of a batch whose answer does not come", async () => {
  await using world = new World();
  const held = Promise.withResolvers<void>();
  world.held = held.promise;
  world.reporter.drift(drift("a"));
  world.reporter.drift(drift("b"));
  world.fails = true;
  held.resolve();
  await settle();
  world.fails = false;
  await world.timers.advance(RETRY_DELAY_MS);
  assertEquals(world.drifts.flat(), ["a", "b"]);
});

Deno.test("Reporter.wake() tries at once", async () => {
  await using world = new World();
  world.fails = true;
  world.reporter.applied(report(1));
  await settle();
  world.fails = false;
  world.reporter.wake();
  await settle();
  assertEquals([world.positions, world.timers.now], [[1], 0]);
  assertEquals(world.timers.pending, 0);
});

Deno.test("Reporter logs drift that the server refuses, and does not tell it again", async () => {
  await using world = new World();
  world.answer = { result: "refused", reason: "Invalid", message: "no such node" };
  world.reporter.drift(drift("a"));
  await settle();
  await world.timers.advance(RETRY_DELAY_MS * 2);
  assertEquals([world.drifts, world.lines], [[["a"]], ["Drift report was refused: no such node"]]);
});

Deno.test("Reporter keeps the newest drift when the server stays away", async () => {
  await using world = new World();
  world.fails = true;
  for (let at = 0; at < DRIFT_REPORTS_MAX + 3; at++) world.reporter.drift(drift(String(at)));
  await settle();
  world.fails = false;
  world.reporter.wake();
  await settle();
  await settle();
  assertEquals([world.drifts.flat().length, world.drifts[0]?.[0]], [DRIFT_REPORTS_MAX, "3"]);
});

Deno.test("Reporter ends after the request under way and starts no other", async () => {
  const world = new World();
  const held = Promise.withResolvers<void>();
  world.held = held.promise;
  world.reporter.applied(report(1));
  world.reporter.drift(drift("a"));
  await settle();
  let isDone = false;
  const ending = world[Symbol.asyncDispose]().then(() => isDone = true);
  await settle();
  assertEquals(isDone, false);
  held.resolve();
  await ending;
  world.reporter.applied(report(2));
  await settle();
  assertEquals([world.positions, world.timers.pending], [[1], 0]);
});
