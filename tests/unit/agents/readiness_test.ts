/**
 * When a sandbox counts as open, and how long is waited for it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { PassError, PassReport } from "#/agents/loop.ts";
import { loopPort, ServerHealth } from "#/agents/readiness.ts";
import type { NodeState } from "#/projections/node_state.ts";
import type { Slice } from "#/sync/slice.ts";
import { settle } from "#tests/support/fake_timers.ts";
import { ENDPOINT, stateOf } from "./nftables/items.ts";

const WITH: NodeState = stateOf([ENDPOINT]);
const WITHOUT: NodeState = stateOf([]);
const FOREVER = new AbortController().signal;

function sliceOf(state: NodeState): Slice {
  return { logId: "log", epoch: 1, position: 5, state };
}

/** A loop whose passes the test makes. */
class Loop {
  slice: Slice | undefined;
  #waiting: ((report: PassReport) => void)[] = [];

  waitFor(ready: (report: PassReport) => boolean, signal: AbortSignal): Promise<PassReport> {
    return new Promise((resolve, reject) => {
      this.#waiting.push((report) => ready(report) && resolve(report));
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }

  pass(state: NodeState, errors: readonly PassError[] = []): void {
    for (const tell of this.#waiting) tell({ slice: sliceOf(state), at: 0, written: [], errors, drift: [] });
  }
}

function watch(loop: Loop, health: ServerHealth, signal = FOREVER, containerId = "c1"): { answer: string | undefined } {
  const seen: { answer: string | undefined } = { answer: undefined };
  void loopPort(loop, health).endpointReady("shop", "web", containerId, signal).then((answer) => seen.answer = answer);
  return seen;
}

Deno.test("loopPort() tells the node state in force", () => {
  const loop = new Loop();
  const port = loopPort(loop, new ServerHealth());
  assertEquals(port.nodeState(), undefined);
  loop.slice = sliceOf(WITH);
  assertEquals(port.nodeState(), { items: WITH, position: 5 });
});

const CASES: readonly {
  readonly name: string;
  readonly state: NodeState;
  readonly errors: readonly string[];
  readonly containerId?: string;
  readonly expected: string | undefined;
}[] = [
  { name: "its endpoint is applied", state: WITH, errors: [], expected: "ready" },
  { name: "BIRD and others failed", state: WITH, errors: ["bird", "endpoint:shop/other"], expected: "ready" },
  { name: "its endpoint is not there yet", state: WITHOUT, errors: [], expected: undefined },
  { name: "only an older sandbox is there", state: WITH, errors: [], containerId: "c2", expected: undefined },
  { name: "policy failed", state: WITH, errors: ["nftables"], expected: undefined },
  { name: "looking at routes failed", state: WITH, errors: ["routes"], expected: undefined },
  { name: "its own route failed", state: WITH, errors: [`endpoint:${ENDPOINT.id}`], expected: undefined },
];

for (const { name, state, errors, containerId, expected } of CASES) {
  Deno.test(`endpointReady() answers ${expected ?? "nothing yet"} when ${name}`, async () => {
    const loop = new Loop();
    const seen = watch(loop, new ServerHealth(), FOREVER, containerId);
    loop.pass(state, errors.map((item) => ({ item, message: "no" })));
    await settle();
    assertEquals(seen.answer, expected);
  });
}

Deno.test("endpointReady() is pending as soon as the server is away, and when the caller gives up", async () => {
  const health = new ServerHealth();
  const gone = watch(new Loop(), health);
  health.set("Connection refused");
  const patience = new AbortController();
  health.set(undefined);
  const back = watch(new Loop(), health, patience.signal);
  await settle();
  assertEquals([gone.answer, back.answer], ["pending", undefined]);
  patience.abort();
  await settle();
  assertEquals(back.answer, "pending");
});

Deno.test("endpointReady() needs no server for an endpoint that the node state has already", async () => {
  const health = new ServerHealth();
  health.set("Connection refused");
  const loop = new Loop();
  loop.slice = sliceOf(WITH);
  const seen = watch(loop, health);
  await settle();
  assertEquals(seen.answer, undefined);
  loop.pass(WITH);
  await settle();
  assertEquals(seen.answer, "ready");
});

Deno.test("ServerHealth.away is a signal of its own for each time that the server is away", () => {
  const health = new ServerHealth();
  const first = health.away;
  health.set(undefined);
  assertEquals(health.away, first);
  health.set("gone");
  health.set("still gone");
  assertEquals([first.aborted, health.away.aborted], [true, true]);
  health.set(undefined);
  assertEquals([first.aborted, health.away.aborted], [true, false]);
});
