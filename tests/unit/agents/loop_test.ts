/**
 * The agent's loop with parts that only remember what they were asked: when passes happen, what they tell, and when they are tried again.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  AgentLoop,
  DRIFT_LINES_MAX,
  PASS_PAUSE_MS,
  type PassReport,
  RESYNC_INTERVAL_MS,
  RETRY_DELAY_MS_MAX,
  RETRY_DELAY_MS_MIN,
  TOUCH_POLL_MS,
} from "#/agents/loop.ts";
import type { NftablesOutcome } from "#/agents/nftables/driver.ts";
import type { RoutesOutcome } from "#/agents/routes/driver.ts";
import type { NodeState } from "#/projections/node_state.ts";
import type { Slice } from "#/sync/slice.ts";
import { FakeTimers, settle } from "#tests/support/fake_timers.ts";
import { ENDPOINT, stateOf } from "./nftables/items.ts";

const STATE = stateOf([ENDPOINT]);
const ENDPOINT_ITEM = `endpoint:${ENDPOINT.id}`;
const NO_ROUTES: RoutesOutcome = { written: [], drift: [], errors: [], missingInterfaces: new Set() };
const FOREVER = new AbortController().signal;

function sliceAt(position: number, state: NodeState = STATE): Slice {
  return { logId: "log", epoch: 1, position, state };
}

/** A loop with parts that can be told what to answer, and what they saw. */
class World implements AsyncDisposable {
  readonly timers = new FakeTimers();
  readonly calls: string[] = [];
  readonly reports: PassReport[] = [];
  touched: () => boolean = () => false;
  nftables: () => Promise<NftablesOutcome> = () => Promise.resolve({ written: [], drift: [], errors: [] });
  routes: () => Promise<RoutesOutcome> = () => Promise.resolve(NO_ROUTES);
  bird: () => Promise<{ written: string[]; drift: string[]; errors: string[] }> = () =>
    Promise.resolve({ written: [], drift: [], errors: [] });
  readonly loop: AgentLoop;

  constructor() {
    const called = <T>(name: string, answer: () => Promise<T>) => {
      this.calls.push(name);
      return answer();
    };
    this.loop = new AgentLoop({
      nftables: { touched: () => this.touched(), apply: () => called("nftables", this.nftables) },
      routes: { apply: () => called("routes", this.routes) },
      bird: { touched: () => false, apply: () => called("bird", this.bird) },
      clock: { now: () => this.timers.now, monotonic: () => this.timers.now },
      timers: this.timers,
      onPass: (report) => this.reports.push(report),
    });
  }

  /** Number of passes so far. */
  get passes(): number {
    return this.calls.filter((name) => name === "nftables").length;
  }

  /** Lets one pass and the pause after it end. */
  async pass(): Promise<void> {
    await this.timers.advance(PASS_PAUSE_MS);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.loop[Symbol.asyncDispose]();
  }
}

/** An answer that comes when the test says so. */
function gate<T>(answer: T): { readonly wait: () => Promise<T>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { wait: () => promise.then(() => answer), open: resolve };
}

const FAILING = () => Promise.reject(new Error("No"));

Deno.test("AgentLoop touches nothing before there is a slice", async () => {
  await using world = new World();
  world.touched = () => true;
  world.loop.kick();
  await world.timers.advance(RESYNC_INTERVAL_MS * 2);
  assertEquals([world.calls, world.loop.slice, world.loop.lastPass], [[], undefined, undefined]);
});

Deno.test("AgentLoop applies policy, then routes, then BIRD, and tells the position", async () => {
  await using world = new World();
  world.nftables = () => Promise.resolve({ written: ["a"], drift: [], errors: [] });
  world.routes = () => Promise.resolve({ ...NO_ROUTES, written: ["b"] });
  world.loop.setSlice(sliceAt(7));
  await world.pass();
  assertEquals(world.calls, ["nftables", "routes", "bird"]);
  assertEquals(world.reports.map(({ slice, written, errors }) => [slice.position, written, errors]), [
    [7, ["a", "b"], []],
  ]);
});

Deno.test("AgentLoop makes one pass of all that comes during another", async () => {
  await using world = new World();
  const first = gate<NftablesOutcome>({ written: [], drift: [], errors: [] });
  world.nftables = first.wait;
  world.loop.setSlice(sliceAt(1));
  await settle();
  for (let position = 2; position <= 50; position++) world.loop.setSlice(sliceAt(position, stateOf([ENDPOINT])));
  for (let times = 0; times < 10; times++) world.loop.kick();
  assertEquals(world.passes, 1);
  first.open();
  await world.pass();
  await world.pass();
  await world.pass();
  assertEquals(world.reports.map(({ slice }) => slice.position), [1, 50]);
});

Deno.test("AgentLoop pauses after a pass, so that what comes meanwhile makes one", async () => {
  await using world = new World();
  world.loop.setSlice(sliceAt(1));
  await settle();
  assertEquals(world.passes, 1);
  world.loop.kick();
  await settle();
  assertEquals(world.passes, 1);
  await world.pass();
  assertEquals(world.passes, 2);
});

Deno.test("AgentLoop acknowledges a slice of which only the position is new, without a pass", async () => {
  await using world = new World();
  world.routes = () =>
    Promise.resolve({ ...NO_ROUTES, written: ["a"], drift: ["b"], missingInterfaces: new Set(["x"]) });
  world.loop.setSlice(sliceAt(1));
  await world.pass();
  world.loop.setSlice(sliceAt(2));
  assertEquals(world.passes, 1);
  const [first, second] = world.reports;
  assertEquals([second?.slice.position, second?.written, second?.drift, second?.at], [2, [], [], first?.at]);
  assertEquals(second?.errors, first?.errors, "Expected what is wrong to stay wrong at the new position");
  world.loop.setSlice(sliceAt(3, stateOf([ENDPOINT])));
  await world.pass();
  assertEquals(world.passes, 2);
});

Deno.test("AgentLoop does not acknowledge a position while the node is dirty", async () => {
  await using world = new World();
  world.loop.setSlice(sliceAt(1));
  await world.pass();
  world.loop.kick();
  world.loop.setSlice(sliceAt(2));
  assertEquals(world.reports.length, 1);
  await world.pass();
  assertEquals(world.reports.map(({ slice }) => slice.position), [1, 2]);
});

Deno.test("AgentLoop looks for foreign changes and wakes for them, also where looking fails", async () => {
  await using world = new World();
  world.loop.setSlice(sliceAt(1));
  await world.timers.advance(TOUCH_POLL_MS * 3);
  assertEquals(world.passes, 1);
  world.touched = () => true;
  await world.timers.advance(TOUCH_POLL_MS);
  assertEquals(world.passes, 2);
  world.touched = () => {
    throw new Error("The socket is gone");
  };
  await world.timers.advance(TOUCH_POLL_MS);
  assertEquals(world.passes, 3);
});

Deno.test("AgentLoop makes a pass now and then without any sign", async () => {
  await using world = new World();
  world.loop.setSlice(sliceAt(1));
  await world.timers.advance(RESYNC_INTERVAL_MS - 1);
  assertEquals(world.passes, 1);
  await world.timers.advance(1);
  assertEquals(world.passes, 2);
});

Deno.test("AgentLoop tries again after errors, ever more slowly, and at once after success", async () => {
  await using world = new World();
  world.nftables = FAILING;
  world.loop.setSlice(sliceAt(1));
  await settle();
  const times: number[] = [];
  while (times.length < 8) {
    const before = world.passes;
    await world.timers.advance(1);
    if (world.passes > before) times.push(world.timers.now);
  }
  const delays = times.map((time, at) => time - (times[at - 1] ?? 0));
  assertEquals(delays, [100, 200, 400, 800, 1600, 3200, RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MAX]);
  world.nftables = () => Promise.resolve({ written: [], drift: [], errors: [] });
  await world.timers.advance(RETRY_DELAY_MS_MAX);
  assertEquals(world.loop.lastPass?.errors, []);
  const level = world.passes;
  await world.timers.advance(RETRY_DELAY_MS_MAX * 2);
  assertEquals(world.passes, level, "Expected no retry of what is level");
  world.nftables = FAILING;
  world.loop.kick();
  await world.timers.advance(RETRY_DELAY_MS_MIN);
  assertEquals(world.passes, level + 2, "Expected the delay to start from its least again");
});

Deno.test("AgentLoop makes no pod reachable while policy cannot be applied, and goes on with BIRD", async () => {
  await using world = new World();
  world.nftables = FAILING;
  world.loop.setSlice(sliceAt(1));
  await world.pass();
  assertEquals(world.calls, ["nftables", "bird"]);
  assertEquals(world.reports[0]?.errors, [{ item: "nftables", message: "No" }]);
});

Deno.test("AgentLoop goes on with the others when one part fails", async () => {
  await using world = new World();
  world.routes = FAILING;
  world.bird = () => Promise.resolve({ written: [], drift: [], errors: ["peer: no address"] });
  world.loop.setSlice(sliceAt(1));
  await world.pass();
  assertEquals(world.calls, ["nftables", "routes", "bird"]);
  assertEquals(world.reports[0]?.errors, [
    { item: "routes", message: "No" },
    { item: "bird", message: "peer: no address" },
  ]);
});

Deno.test("AgentLoop names the endpoint whose route failed or whose interface is missing; only the first is tried again", async () => {
  await using world = new World();
  const interfaceName = ENDPOINT.kind === "endpoint" ? ENDPOINT.interfaceName : "";
  world.routes = () => Promise.resolve({ ...NO_ROUTES, missingInterfaces: new Set([interfaceName]) });
  world.loop.setSlice(sliceAt(1));
  await world.timers.advance(RETRY_DELAY_MS_MAX);
  assertEquals(world.passes, 1);
  assertEquals(world.reports[0]?.errors, [
    { item: ENDPOINT_ITEM, message: `Interface "${interfaceName}" does not exist` },
  ]);
  world.routes = () => Promise.resolve({ ...NO_ROUTES, errors: [{ interfaceName, message: "down" }] });
  world.loop.kick();
  await world.timers.advance(RETRY_DELAY_MS_MIN + PASS_PAUSE_MS);
  assertEquals(world.passes, 3);
  assertEquals(world.loop.lastPass?.errors, [{ item: ENDPOINT_ITEM, message: "down" }]);
});

Deno.test("AgentLoop tells drift, bounded, and whether it is repaired", async () => {
  await using world = new World();
  const lines = Array.from({ length: DRIFT_LINES_MAX + 5 }, (_, at) => `missing chain ${at}`);
  world.nftables = () => Promise.resolve({ written: [], drift: lines, errors: [] });
  world.routes = () =>
    Promise.resolve({ ...NO_ROUTES, drift: ["x"], errors: [{ interfaceName: undefined, message: "x: no" }] });
  world.loop.setSlice(sliceAt(9));
  await world.pass();
  const [nftables, route] = world.reports[0]!.drift;
  assertEquals([nftables?.subject, nftables?.position, nftables?.repaired], ["nftables", 9, true]);
  assertEquals([nftables?.differences.length, nftables?.differences.at(-1)], [DRIFT_LINES_MAX + 1, "and 5 more"]);
  assertEquals(route, { subject: "route", differences: ["x"], position: 9, repaired: false });
});

Deno.test("AgentLoop.waitFor() asks for a pass and is not content with one begun before", async () => {
  await using world = new World();
  world.loop.setSlice(sliceAt(1));
  await world.pass();
  const second = gate<NftablesOutcome>({ written: ["late"], drift: [], errors: [] });
  world.loop.kick();
  world.nftables = second.wait;
  await settle();
  let found: PassReport | undefined;
  const waiting = world.loop.waitFor(() => true, FOREVER).then((report) => found = report);
  world.nftables = () => Promise.resolve({ written: ["new"], drift: [], errors: [] });
  second.open();
  await settle();
  assertEquals(found, undefined, "Expected the pass under way not to count");
  await world.pass();
  await waiting;
  assertEquals(found?.written, ["new"]);
});

Deno.test("AgentLoop.waitFor() resolves with the first pass that fits", async () => {
  await using world = new World();
  const waiting = world.loop.waitFor(({ slice }) => slice.position >= 3, FOREVER);
  for (let position = 1; position <= 4; position++) {
    world.loop.setSlice(sliceAt(position, stateOf([ENDPOINT])));
    await world.pass();
  }
  assertEquals((await waiting).slice.position, 3);
});

Deno.test("AgentLoop.waitFor() rejects with the signal's reason, before and while it waits, and when the loop ends", async () => {
  const world = new World();
  const abort = new AbortController();
  const reason = new Error("Enough");
  const waiting = world.loop.waitFor(() => true, abort.signal);
  abort.abort(reason);
  assertStrictEquals(await waiting.catch((error) => error), reason);
  assertStrictEquals(await world.loop.waitFor(() => true, abort.signal).catch((error) => error), reason);
  const last = assertRejects(() => world.loop.waitFor(() => true, FOREVER));
  await world[Symbol.asyncDispose]();
  await last;
});

Deno.test("AgentLoop ends after the pass under way and leaves no timer", async () => {
  const world = new World();
  const slow = gate<NftablesOutcome>({ written: [], drift: [], errors: [] });
  world.nftables = slow.wait;
  world.loop.setSlice(sliceAt(1));
  await settle();
  let isDone = false;
  const ending = world[Symbol.asyncDispose]().then(() => isDone = true);
  world.loop.kick();
  await settle();
  assertEquals(isDone, false);
  slow.open();
  await ending;
  assertEquals([world.reports.length, world.calls], [1, ["nftables", "routes", "bird"]]);
  assertEquals(world.timers.pending, 0);
});

Deno.test("AgentLoop ends also when it waits to try again, or for its first slice", async () => {
  for (const slice of [sliceAt(1), undefined]) {
    const world = new World();
    world.nftables = FAILING;
    if (slice !== undefined) world.loop.setSlice(slice);
    await world.pass();
    assert(world.timers.pending > 0);
    await world[Symbol.asyncDispose]();
    assertEquals(world.timers.pending, 0);
  }
});
