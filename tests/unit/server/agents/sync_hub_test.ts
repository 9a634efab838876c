/**
 * The hub and its streams, read as an agent reads them: decoded, applied and compared with the projection, whatever is missed, resumed or slow.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { canonicalJson, type Json } from "#/base/json.ts";
import { OperationalError } from "#/base/errors.ts";
import type { EventChanges } from "#/projections/cluster_state.ts";
import { buildFromState, nodeState } from "#/projections/node_projection.ts";
import type { SliceSession } from "#/server/agents/slice_session.ts";
import { SyncHub, type SyncHubOptions } from "#/server/agents/sync_hub.ts";
import { createFrameDecoder } from "#/sync/decode.ts";
import type { Frame } from "#/sync/frames.ts";
import { type Slice, sortedItems } from "#/sync/slice.ts";
import { createSliceReader } from "#/sync/slice_reader.ts";
import { createHistory, type History, put, remove } from "#tests/support/history.ts";
import { namespace, node, pod, v3 } from "#tests/support/network_objects.ts";

const LOG = { logId: "log", epoch: 1 };
/** Times that never come within a test. */
const QUIET: SyncHubOptions = { pingIntervalMs: 600_000, positionIntervalMs: 0 };

/** A clock that stands still until it is moved. */
class ManualClock {
  ms = 1_000_000;
  now(): number {
    return this.ms;
  }
  monotonic(): number {
    return this.ms;
  }
}

interface Bench extends AsyncDisposable {
  readonly history: History;
  readonly hub: SyncHub;
  readonly clock: ManualClock;
  commit(...changes: readonly EventChanges[]): void;
}

function bench(options: SyncHubOptions = QUIET): Bench {
  const history = createHistory();
  put(history, v3("Tier", "default", { order: 1_000_000, defaultAction: "Deny" }));
  put(history, node("node1", "172.30.0.1/24"));
  put(history, namespace("shop"));
  const clock = new ManualClock();
  const hub = new SyncHub({ log: LOG, state: history.state, clock }, options);
  return {
    history,
    hub,
    clock,
    commit: (...changes) => hub.apply(changes, history.state),
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}

function endpoint(name: string, address: string, on = "node1") {
  return pod("shop", name, { node: on, labels: { app: name }, podIPs: [address] });
}

/** An agent at the end of a session. */
function agent(session: SliceSession, start?: Slice) {
  const decoder = createFrameDecoder();
  const reader = createSliceReader(start);
  const frames: Frame[] = [];
  const pull = async (): Promise<void> => {
    const piece = await session.next();
    assert(piece !== undefined, "stream ended");
    const decoded = decoder.push(piece);
    assertEquals(decoded.problem, undefined);
    for (const frame of decoded.frames) {
      frames.push(frame);
      const event = reader.read(frame);
      assert(event.kind !== "refused", JSON.stringify(event));
    }
  };
  /** Pulls until the slice is at a position; a test that never gets there fails by the bound. */
  const reach = async (position: number): Promise<Slice> => {
    for (let pulls = 0; pulls < 1_000; pulls++) {
      const current = reader.current();
      if (frames.length > 0 && current !== undefined && current.position >= position) return current;
      await pull();
    }
    throw new Error(`Position ${position} was not reached`);
  };
  return { frames, slice: () => reader.current(), pull, reach };
}

function assertSlice(slice: Slice | undefined, history: History, name: string): void {
  const items = nodeState(buildFromState(history.state), name);
  const textOf = (item: unknown) => canonicalJson(item as Json);
  assertEquals(sortedItems(slice!.state).map(textOf), items.map(textOf));
}

Deno.test("SyncHub gives a new agent everything, then each change, then positions", async () => {
  await using setup = bench();
  const { hub, history } = setup;
  const session = hub.open("node1", undefined);
  const reader = agent(session);
  assertSlice(await reader.reach(3), history, "node1");
  assertEquals(reader.frames[0], { frame: "hello", contract: 1, ...LOG, from: 0 });
  setup.commit(put(history, endpoint("web", "192.168.0.1")));
  assertSlice(await reader.reach(4), history, "node1");
  setup.commit(put(history, namespace("unrelated")), put(history, namespace("unrelated-too")));
  await reader.reach(6);
  assertEquals(reader.frames.slice(-1), [{ frame: "ping", position: 6 }]);
  assertEquals(hub.sessions(), [{ node: "node1", position: 6 }]);
});

Deno.test("SyncHub sends one batch for all changes of a commit and one for all that a reader missed", async () => {
  await using setup = bench();
  const { hub, history } = setup;
  const reader = agent(hub.open("node1", undefined));
  await reader.reach(3);
  setup.commit(put(history, endpoint("a", "192.168.0.1")), put(history, endpoint("b", "192.168.0.2")));
  setup.commit(put(history, endpoint("a", "192.168.0.3")));
  setup.commit(remove(history, endpoint("b", "192.168.0.2")));
  const seen = reader.frames.length;
  assertSlice(await reader.reach(7), history, "node1");
  const batch = reader.frames.slice(seen);
  assertEquals(batch.map((frame) => frame.frame), ["begin", "put", "put", "del", "end"]);
  assertEquals(batch.at(-1), { frame: "end", position: 7 });
});

Deno.test("SyncHub resumes an agent where it stands in this log, and only there", async () => {
  await using setup = bench();
  const { hub, history } = setup;
  const first = agent(hub.open("node1", undefined));
  const slice = await first.reach(3);
  setup.commit(put(history, endpoint("a", "192.168.0.1")));
  setup.commit(put(history, namespace("unrelated")));
  const resume = { logId: "log", epoch: 1, position: 3 };
  const second = agent(hub.open("node1", resume), slice);
  assertSlice(await second.reach(5), history, "node1");
  assertEquals(second.frames.map((frame) => frame.frame), ["hello", "begin", "put", "put", "end"]);
  assertEquals(second.frames[0], { frame: "hello", contract: 1, ...LOG, from: 3 });
  const third = agent(hub.open("node1", { ...resume, position: 5 }), second.slice());
  await third.pull();
  await third.pull();
  assertEquals(third.frames.map((frame) => frame.frame), ["hello", "ping"], "nothing was missed");
  const elsewhere = [{ ...resume, logId: "other" }, { ...resume, epoch: 0 }, { ...resume, position: 2 }, {
    ...resume,
    position: 9,
  }];
  for (const point of elsewhere) {
    const other = agent(hub.open("node1", point));
    await other.reach(5);
    assertEquals(other.frames.slice(0, 2).map((frame) => frame.frame === "begin" ? frame.type : frame.frame), [
      "hello",
      "full",
    ]);
  }
});

Deno.test("SyncHub does not resume what it has not followed", async () => {
  await using setup = bench();
  const { hub, history } = setup;
  setup.commit(put(history, endpoint("a", "192.168.0.1", "guest")));
  const resume = { logId: "log", epoch: 1, position: 3 };
  const reader = agent(hub.open("guest", resume));
  assertSlice(await reader.reach(4), history, "guest");
  assertEquals(reader.frames[0], { frame: "hello", contract: 1, ...LOG, from: 0 });
  setup.commit(put(history, endpoint("a", "192.168.0.2", "guest")));
  assertSlice(await reader.reach(5), history, "guest");
  const fresh = put(history, node("node2", "172.30.0.2/24"));
  setup.commit(fresh);
  const again = agent(hub.open("node2", { ...resume, position: 5 }));
  await again.reach(6);
  assertEquals(again.frames[0], { frame: "hello", contract: 1, ...LOG, from: 0 });
  setup.commit(remove(history, node("node1", "172.30.0.1/24")));
  setup.commit(put(history, node("node1", "172.30.0.9/24")));
  const returned = agent(hub.open("node1", { ...resume, position: 6 }));
  assertSlice(await returned.reach(8), history, "node1");
  assertEquals(returned.frames[0], { frame: "hello", contract: 1, ...LOG, from: 0 });
});

Deno.test("SyncHub gives a full slice in pieces that all belong to one position", async () => {
  await using setup = bench();
  const { hub, history } = setup;
  for (let at = 0; at < 400; at++) setup.commit(put(history, endpoint(`p${at}`, `192.168.${at >> 8}.${at & 255}`)));
  const session = hub.open("node1", undefined);
  const reader = agent(session);
  const decoder = createFrameDecoder();
  const piece = await session.next();
  const begun = decoder.push(piece!).frames;
  assert(begun.length > 10 && begun.length < 400, String(begun.length));
  setup.commit(put(history, endpoint("late", "192.168.9.9")));
  const fresh = agent(hub.open("node1", undefined));
  assertSlice(await fresh.reach(404), history, "node1");
  let position = 0;
  const rest: Frame[] = [];
  while (position < 404) {
    const { frames } = decoder.push((await session.next())!);
    rest.push(...frames);
    const end = frames.findLast((frame) => frame.frame === "end");
    if (end?.frame === "end") position = end.position;
  }
  const ends = rest.filter((frame) => frame.frame === "end").map((frame) => frame.position);
  assertEquals(ends, [403, 404], "the late one comes after, as a delta");
  assertEquals(reader.frames.length, 0);
});

Deno.test("SyncHub drops a reader that is further behind than is remembered", async () => {
  await using setup = bench({ ...QUIET, tailDeltasMax: 4 });
  const { hub, history } = setup;
  const session = hub.open("node1", undefined);
  await agent(session).reach(3);
  for (let at = 0; at < 5; at++) setup.commit(put(history, endpoint("a", `192.168.0.${at + 1}`)));
  const error = await assertRejects(() => session.next(), OperationalError, '"node1" was dropped');
  assertEquals(error.code, "SLOW_READER");
  assertEquals(hub.sessions(), []);
  const again = agent(hub.open("node1", { logId: "log", epoch: 1, position: 3 }));
  assertSlice(await again.reach(8), history, "node1");
});

Deno.test("SyncHub drops a reader that takes nothing for too long, and not one that waits", async () => {
  await using setup = bench({ pingIntervalMs: 5, positionIntervalMs: 0, slowReaderMs: 1_000 });
  const { hub, clock } = setup;
  const stuck = hub.open("node1", undefined);
  await agent(stuck).reach(3);
  const waiting = hub.open("node2", undefined);
  const reader = agent(waiting);
  await reader.reach(3);
  const pulled = waiting.next();
  clock.ms += 2_000;
  const failure = await stuck.closed;
  assertStringIncludes(failure?.message ?? "", "took nothing for 1000 ms");
  assert((await pulled) !== undefined);
  assertEquals(hub.sessions().map((session) => session.node), ["node2"]);
});

Deno.test("SyncHub says where it is when nothing happens, and positions at most once an interval", async () => {
  await using setup = bench({ pingIntervalMs: 5, positionIntervalMs: 10 });
  const { hub, history, clock } = setup;
  const reader = agent(hub.open("node1", undefined));
  await reader.reach(3);
  setup.commit(put(history, namespace("n4")));
  clock.ms += 1;
  setup.commit(put(history, namespace("n5")));
  setup.commit(put(history, namespace("n6")));
  await reader.reach(6);
  const pings = reader.frames.filter((frame) => frame.frame === "ping");
  assertEquals(pings.at(-1), { frame: "ping", position: 6 });
});

Deno.test("SyncHub ends all streams when it is disposed", async () => {
  const setup = bench();
  const session = setup.hub.open("node1", undefined);
  await agent(session).reach(3);
  const pulled = session.next();
  await setup[Symbol.asyncDispose]();
  assertEquals(await pulled, undefined);
  assertEquals(await session.closed, undefined);
  assertEquals(await session.next(), undefined);
});
