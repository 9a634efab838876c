/**
 * Following a server whose streams the test writes: what is applied, from where the next stream resumes, and what is told of it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import type { ResumePoint } from "#/agents/server_client.ts";
import {
  followSlices,
  RECONNECT_DELAY_MS_MAX,
  RECONNECT_DELAY_MS_MIN,
  SILENCE_MS_MAX,
  type SliceSyncDeps,
} from "#/agents/slice_sync.ts";
import type { NodeItem } from "#/projections/node_state.ts";
import { encodeFrames } from "#/sync/encode.ts";
import { type Frame, SYNC_CONTRACT } from "#/sync/frames.ts";
import type { Slice } from "#/sync/slice.ts";
import { FakeTimers, settle, until } from "#tests/support/fake_timers.ts";
import { stateOf } from "./nftables/items.ts";

const CONFIG: NodeItem = { kind: "config", id: "node", node: "n", ipv4Address: undefined, blocks: [] };
const SET: NodeItem = { kind: "set", id: "s:a", type: "net", members: ["10.0.0.1"] };

function hello(from = 0, change: { logId?: string; epoch?: number } = {}): Frame {
  return { frame: "hello", contract: SYNC_CONTRACT, logId: "log", epoch: 1, from, ...change };
}

function full(position: number): Frame[] {
  return [{ frame: "begin", type: "full" }, { frame: "put", item: CONFIG }, { frame: "put", item: SET }, {
    frame: "end",
    position,
  }];
}

function delta(position: number, add: readonly string[]): Frame[] {
  return [{ frame: "begin", type: "delta" }, { frame: "set", id: "s:a", add, del: [] }, { frame: "end", position }];
}

/** One stream that the agent has opened. */
class Stream {
  readonly body: ReadableStream<Uint8Array>;
  isCancelled = false;
  #controller!: ReadableStreamDefaultController<Uint8Array>;

  constructor(readonly resume: ResumePoint | undefined, signal: AbortSignal) {
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        signal.addEventListener("abort", () => this.fail(signal.reason));
      },
      cancel: () => {
        this.isCancelled = true;
      },
    });
  }

  send(...frames: readonly Frame[]): void {
    this.write(encodeFrames(frames));
  }

  write(text: string): void {
    this.#controller.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.#controller.close();
  }

  fail(reason: unknown): void {
    if (!this.isCancelled) this.#controller.error(reason);
  }
}

/** A server that gives the agent streams, unless it refuses. */
class World implements AsyncDisposable {
  readonly timers = new FakeTimers();
  readonly streams: Stream[] = [];
  readonly slices: [Slice, boolean][] = [];
  readonly told: (string | undefined)[] = [];
  refusal: OperationalError | undefined;
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;

  constructor(start?: Slice) {
    const deps: SliceSyncDeps = {
      client: {
        openSlice: (resume, signal) => {
          if (this.refusal !== undefined) return Promise.reject(this.refusal);
          const stream = new Stream(resume, signal);
          this.streams.push(stream);
          return Promise.resolve(stream.body);
        },
      },
      timers: this.timers,
      start,
      onSlice: (slice, changed) => this.slices.push([slice, changed]),
      onStatus: (problem) => this.told.push(problem),
    };
    this.#following = followSlices(deps, this.#stop.signal);
  }

  /** Stream number `count`, once the agent has opened it; pauses pass. */
  async stream(count: number): Promise<Stream> {
    await settle();
    if (this.streams.length < count) await this.timers.advance(RECONNECT_DELAY_MS_MAX);
    await until(() => this.streams.length === count, `stream ${count} to be open`);
    return this.streams[count - 1]!;
  }

  /** Position and members of the set for each slice handed on, and whether it was changed. */
  get applied(): unknown[] {
    return this.slices.map(([slice, changed]) => {
      const set = slice.state.get("set:s:a");
      return [slice.position, set?.kind === "set" ? set.members.length : undefined, changed];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
    assertEquals(this.timers.pending, 0, "Expected no timer to be left");
  }
}

Deno.test("followSlices() hands on whole slices, and positions that move alone", async () => {
  await using world = new World();
  const stream = await world.stream(1);
  assertEquals(stream.resume, undefined);
  stream.send(hello(), ...full(5));
  stream.send(...delta(6, ["10.0.0.2"]), { frame: "ping", position: 9 });
  await settle();
  assertEquals(world.applied, [[5, 1, true], [6, 2, true], [9, 2, false]]);
  assertEquals(world.told, [undefined]);
});

Deno.test("followSlices() takes bytes in any split", async () => {
  await using world = new World();
  const stream = await world.stream(1);
  for (const character of encodeFrames([hello(), ...full(5)])) stream.write(character);
  await settle();
  assertEquals(world.applied, [[5, 1, true]]);
});

for (const cut of ["ended", "failed", "ended in the middle of a line"]) {
  Deno.test(`followSlices() applies nothing of a batch that is cut (${cut}), and resumes after the last whole one`, async () => {
    await using world = new World();
    const first = await world.stream(1);
    first.send(hello(), ...full(5), ...delta(6, ["10.0.0.2"]));
    first.send(...delta(7, ["10.0.0.3"]).slice(0, 2));
    if (cut === "ended in the middle of a line") first.write('{"frame":"end","posi');
    await settle();
    if (cut === "failed") first.fail(new Error("reset"));
    else first.end();
    const second = await world.stream(2);
    assertEquals(world.applied, [[5, 1, true], [6, 2, true]]);
    assertEquals(second.resume?.position, 6);
    assertEquals([second.resume?.logId, second.resume?.epoch], ["log", 1]);
    second.send(hello(6), ...delta(8, ["10.0.0.3"]));
    await settle();
    assertEquals(world.applied.at(-1), [8, 3, true]);
    assertEquals(world.told, [undefined, cut === "failed" ? "reset" : "The server has ended the stream", undefined]);
  });
}

Deno.test("followSlices() starts from a saved slice and resumes at its position", async () => {
  const start: Slice = {
    logId: "log",
    epoch: 2,
    position: 40,
    state: stateOf([CONFIG, SET]),
  };
  await using world = new World(start);
  const stream = await world.stream(1);
  assertEquals([stream.resume?.position, stream.resume?.epoch, stream.resume?.logId], [40, 2, "log"]);
  stream.send(hello(40, { epoch: 2 }), { frame: "ping", position: 41 });
  await settle();
  assertEquals(world.applied, [[41, 1, false]]);
});

const REFUSED: readonly { readonly name: string; readonly frames: readonly Frame[] }[] = [
  {
    name: "a set that is not there",
    frames: [hello(5), { frame: "begin", type: "delta" }, { frame: "set", id: "s:none", add: [], del: [] }, {
      frame: "end",
      position: 6,
    }],
  },
  { name: "an older position", frames: [hello(5), ...delta(4, ["10.0.0.9"])] },
  { name: "an older position in a ping", frames: [hello(5), { frame: "ping", position: 4 }] },
  { name: "an older position in a full batch", frames: [hello(), ...full(4)] },
  { name: "an older epoch", frames: [hello(0, { epoch: 0 }), ...full(6)] },
  { name: "another log", frames: [hello(0, { logId: "other" }), ...full(6)] },
  { name: "a delta that nobody asked for", frames: [hello(3), ...delta(6, ["10.0.0.9"])] },
];

for (const { name, frames } of REFUSED) {
  Deno.test(`followSlices() refuses ${name}, drops the stream, and asks for everything next`, async () => {
    await using world = new World();
    const first = await world.stream(1);
    first.send(hello(), ...full(5));
    await settle();
    first.end();
    const second = await world.stream(2);
    second.send(...frames);
    await until(() => second.isCancelled, "the stream to be dropped");
    const third = await world.stream(3);
    assertEquals(third.resume, undefined);
    assertEquals(world.applied, [[5, 1, true]]);
    assert(world.told.at(-1)?.startsWith("The slice stream is refused: "), world.told.at(-1));
    third.send(hello(), ...full(7));
    await settle();
    assertEquals(world.applied.at(-1), [7, 1, true]);
    third.end();
    assertEquals((await world.stream(4)).resume?.position, 7);
  });
}

Deno.test("followSlices() does not go back in time, also where it has asked for everything", async () => {
  await using world = new World();
  (await world.stream(1)).send(hello(), ...full(5), { frame: "end", position: 6 });
  const second = await world.stream(2);
  assertEquals(second.resume, undefined);
  second.send(hello(), ...full(4));
  await until(() => second.isCancelled, "the stream to be dropped");
  assertEquals(world.applied, [[5, 1, true]]);
});

Deno.test("followSlices() goes on asking for everything after a refusal, whatever comes between", async () => {
  await using world = new World();
  (await world.stream(1)).send(hello(), ...full(5));
  world.streams[0]!.write("no frame\n");
  world.refusal = new OperationalError("Cannot reach", { operation: "o", subject: "s", retry: "backoff" });
  await world.timers.advance(RECONNECT_DELAY_MS_MAX);
  world.refusal = undefined;
  assertEquals((await world.stream(2)).resume, undefined);
});

Deno.test("followSlices() drops a stream that says nothing, and one that never opens", async () => {
  await using world = new World();
  const first = await world.stream(1);
  await world.timers.advance(SILENCE_MS_MAX - 1);
  first.send(hello(), ...full(5));
  await settle();
  await world.timers.advance(SILENCE_MS_MAX - 1);
  assertEquals(world.streams.length, 1);
  await world.timers.advance(1);
  assertEquals(world.told, [undefined, "The stream has said nothing for 15 s"]);
  assertEquals((await world.stream(2)).resume?.position, 5);
});

Deno.test("followSlices() tries again ever more slowly, tells each problem once, and starts over after success", async () => {
  await using world = new World();
  world.refusal = new OperationalError("Cannot reach", { operation: "o", subject: "s", retry: "backoff" });
  const first = await world.stream(1);
  first.end();
  await settle();
  const start = world.timers.now;
  await world.timers.advance(RECONNECT_DELAY_MS_MIN);
  await world.timers.advance(60_000);
  assertEquals(world.told, ["The server has ended the stream", "Cannot reach"]);
  world.refusal = undefined;
  await world.timers.advance(RECONNECT_DELAY_MS_MAX);
  assertEquals(world.streams.length, 2);
  assert(world.timers.now > start);
  world.streams[1]!.send(hello(), ...full(5));
  await settle();
  world.streams[1]!.end();
  await world.timers.advance(RECONNECT_DELAY_MS_MIN);
  assertEquals(world.streams.length, 3, "Expected the pause to be the least again");
});

Deno.test("followSlices() ends with the signal, while it reads and while it waits", async () => {
  const reading = new World();
  await reading.stream(1);
  await reading[Symbol.asyncDispose]();
  assertEquals(reading.told, []);
  const waiting = new World();
  (await waiting.stream(1)).end();
  await settle();
  await waiting[Symbol.asyncDispose]();
});
