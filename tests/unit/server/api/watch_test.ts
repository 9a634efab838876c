/**
 * Watches, as a reader of their lines sees them.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { systemClock, systemRandom } from "#/base/ports.ts";
import type { EventChanges, ObjectChange } from "#/projections/cluster_state.ts";
import { createState } from "#/projections/fold.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { ApiBackend } from "#/server/api/backend.ts";
import { createApiHandler } from "#/server/api/handler.ts";
import { visibleChange, type WatchRequest, watchStream } from "#/server/api/watch.ts";
import { frameWriter, OBJECT_TEXTS_MAX, ObjectTexts } from "#/server/api/watch_frames.ts";
import { MemoryBackend } from "#tests/support/memory_backend.ts";

const TIERS = "/apis/projectcalico.org/v3/tiers";
const KIND = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };

interface Line {
  readonly type: string;
  // deno-lint-ignore no-explicit-any -- objects are looked into freely
  readonly object: any;
}

/** Reads a stream line by line. */
class Lines implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #buffer = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next line; `undefined` at the end. */
  async next(): Promise<Line | undefined> {
    for (let end = this.#buffer.indexOf("\n"); end < 0; end = this.#buffer.indexOf("\n")) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#buffer += value;
    }
    const end = this.#buffer.indexOf("\n");
    const line = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end + 1);
    return JSON.parse(line);
  }

  /** The next lines, as `TYPE name`. */
  async take(count: number): Promise<string[]> {
    const lines: string[] = [];
    while (lines.length < count) {
      const line = await this.next();
      assert(line !== undefined, `Stream ended after ${lines.join()}`);
      lines.push(`${line.type} ${line.object.metadata.name ?? ""}`.trim());
    }
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}

/** A handler over a backend in memory. */
async function setUp() {
  const backend = await MemoryBackend.create();
  const handler = createApiHandler({ backend, clock: systemClock, random: systemRandom, version: "0" });
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const init = { method, body: text, headers: { "content-type": type, ...headers } };
    return handler(new Request(`http://localhost${path}`, init));
  };
  return {
    backend,
    ask,
    watch: async (query: string, headers: Record<string, string> = {}) => {
      const response = await ask("GET", `${TIERS}${query}`, undefined, headers);
      assertEquals(response.status, 200);
      return new Lines(response.body!);
    },
    write: async (method: string, path: string, body?: unknown) => {
      const response = await ask(method, path, body);
      assert(response.ok, await response.clone().text());
      return await response.json();
    },
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

function tier(name: string, labels: Record<string, string> = {}): unknown {
  return { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name, labels }, spec: { order: 5 } };
}

Deno.test("watch without a position begins with what is there", async () => {
  await using api = await setUp();
  await using lines = await api.watch("?watch=true");
  assertEquals(await lines.take(3), ["ADDED default", "ADDED kube-admin", "ADDED kube-baseline"]);
  await api.write("POST", TIERS, tier("t"));
  await api.write("PATCH", `${TIERS}/t`, { spec: { order: 6 } });
  await api.write("DELETE", `${TIERS}/t`);
  assertEquals(await lines.take(3), ["ADDED t", "MODIFIED t", "DELETED t"]);
});

Deno.test("watch after a position gives what happened since, with positions that go on", async () => {
  await using api = await setUp();
  const from = api.backend.head().position;
  await api.write("POST", TIERS, tier("t"));
  await api.write("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } });
  await api.write("DELETE", `${TIERS}/t`);
  await using lines = await api.watch(`?watch=true&resourceVersion=${from}`);
  const [added, deleted] = [await lines.next(), await lines.next()];
  assertEquals([added?.type, added?.object.metadata.resourceVersion], ["ADDED", String(from + 1)]);
  assertEquals([deleted?.type, deleted?.object.metadata.resourceVersion], ["DELETED", String(from + 3)]);
});

Deno.test("watch with a selector shows what enters and leaves it", async () => {
  await using api = await setUp();
  await using lines = await api.watch(`?watch=true&labelSelector=a%3Db&resourceVersion=${api.backend.head().position}`);
  await api.write("POST", TIERS, tier("t"));
  await api.write("PATCH", `${TIERS}/t`, { metadata: { labels: { a: "b" } } });
  await api.write("PATCH", `${TIERS}/t`, { spec: { order: 6 } });
  await api.write("PATCH", `${TIERS}/t`, { metadata: { labels: { a: null } } });
  await api.write("DELETE", `${TIERS}/t`);
  await api.write("POST", TIERS, tier("u", { a: "b" }));
  assertEquals(await lines.take(4), ["ADDED t", "MODIFIED t", "DELETED t", "ADDED u"]);
});

Deno.test("watch of one object keeps to it, by path or by field", async () => {
  await using api = await setUp();
  const from = api.backend.head().position;
  await api.write("POST", TIERS, tier("a"));
  await api.write("POST", TIERS, tier("b"));
  for (
    const query of [
      `/b?watch=1&resourceVersion=${from}`,
      `?watch=1&fieldSelector=metadata.name%3Db&resourceVersion=${from}`,
    ]
  ) {
    await using lines = await api.watch(query);
    assertEquals(await lines.take(1), ["ADDED b"]);
  }
});

Deno.test("watch keeps to its namespace", async () => {
  await using api = await setUp();
  const accounts = "/api/v1/namespaces/kube-system/serviceaccounts";
  const response = await api.ask("GET", `${accounts}?watch=true&resourceVersion=${api.backend.head().position}`);
  await using lines = new Lines(response.body!);
  const account = (namespace: string) => ({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "x", namespace },
  });
  await api.write("POST", "/api/v1/namespaces/default/serviceaccounts", account("default"));
  await api.write("POST", accounts, account("kube-system"));
  assertEquals((await lines.next())?.object.metadata.namespace, "kube-system");
});

Deno.test("watch with sendInitialEvents marks the end of what was there", async () => {
  await using api = await setUp();
  const query = "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  await using lines = await api.watch(query);
  assertEquals(await lines.take(3), ["ADDED default", "ADDED kube-admin", "ADDED kube-baseline"]);
  const bookmark = await lines.next();
  assertEquals([bookmark?.type, bookmark?.object.kind], ["BOOKMARK", "Tier"]);
  assertEquals(bookmark?.object.metadata, {
    resourceVersion: String(api.backend.head().position),
    annotations: { "k8s.io/initial-events-end": "true" },
  });
});

Deno.test("watch from a past instant plays again from there", async () => {
  await using api = await setUp();
  const created = await api.write("POST", TIERS, tier("t"));
  await api.write("DELETE", `${TIERS}/t`);
  await using lines = await api.watch(`?watch=true&at=${created.metadata.resourceVersion}`);
  const names = await lines.take(5);
  assertEquals(names.slice(3), ["ADDED t", "DELETED t"]);
});

Deno.test("watch as a table sends the columns once", async () => {
  await using api = await setUp();
  await using lines = await api.watch("?watch=true", { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
  const [first, second] = [await lines.next(), await lines.next()];
  assertEquals([first?.object.kind, first?.object.rows[0].cells[0]], ["Table", "default"]);
  assert(first?.object.columnDefinitions.length > 1);
  assertEquals([second?.object.columnDefinitions, second?.object.rows.length], [null, 1]);
});

Deno.test("watch after a position of another log says that it has expired", async () => {
  await using api = await setUp();
  await using lines = await api.watch("?watch=true&resourceVersion=99999");
  const line = await lines.next();
  assertEquals([line?.type, line?.object.code, line?.object.reason], ["ERROR", 410, "Expired"]);
  assertEquals(await lines.next(), undefined);
});

/** A backend that can only be followed. */
function followable(follow: ApiBackend["follow"]): ApiBackend {
  const unused = () => Promise.reject(new Error("Not to be called"));
  const head = { logId: "x", epoch: 1, position: 0, hash: "", occurredAt: "" };
  return { current: createState, head: () => head, stateAt: unused, submit: unused, follow };
}

const REQUEST: WatchRequest = {
  kind: KIND,
  namespace: "",
  matches: () => true,
  from: 0,
  initial: undefined,
  marksInitialEnd: false,
  bookmarks: true,
  durationMs: 60_000,
};

function streamOver(follow: ApiBackend["follow"], request = REQUEST, bookmarkIntervalMs = 60_000) {
  const style = { representation: "object", columns: [], include: "None", apiVersion: "v1", kind: "Pod" } as const;
  const writer = frameWriter(style, new ObjectTexts());
  return watchStream({ backend: followable(follow), clock: systemClock, writer, bookmarkIntervalMs }, request);
}

function pod(name: string): KubeObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "n", resourceVersion: "1" } };
}

function change(position: number): EventChanges {
  const object = pod(`p${position}`);
  const key = `n/p${position}`;
  const changes = [{ kind: "object", collection: "core/pods", key, before: undefined, after: object } as const];
  return { position, occurredAt: "", changes };
}

/** Waits for the signal, then ends, as a follower without news does. */
// deno-lint-ignore require-yield -- it has no news
async function* quiet(_from: number, signal: AbortSignal): AsyncGenerator<EventChanges> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

Deno.test("watchStream() sends bookmarks while nothing happens, with the position seen", async () => {
  async function* oneThenQuiet(from: number, signal: AbortSignal): AsyncGenerator<EventChanges> {
    yield { position: 4, occurredAt: "", changes: [] };
    yield* quiet(from, signal);
  }
  await using lines = new Lines(streamOver(oneThenQuiet, REQUEST, 5));
  const bookmark = await lines.next();
  assertEquals(bookmark, {
    type: "BOOKMARK",
    object: { kind: "Pod", apiVersion: "v1", metadata: { resourceVersion: "4" } },
  });
  assertEquals((await lines.next())?.type, "BOOKMARK");
});

Deno.test("watchStream() ends when its time is over", async () => {
  await using lines = new Lines(streamOver(quiet, { ...REQUEST, durationMs: 5 }));
  assertEquals(await lines.next(), undefined);
});

Deno.test("watches end when the server stops, those of nothing too", async () => {
  await using backend = await MemoryBackend.create();
  const stop = new AbortController();
  const deps = { backend, clock: systemClock, random: systemRandom, version: "0", stopping: stop.signal };
  const handler = createApiHandler(deps);
  const position = backend.head().position;
  const watches = [`${TIERS}?watch=true&resourceVersion=${position}`, "/api/v1/events?watch=true"].map(async (path) => {
    const response = await handler(new Request(`http://localhost${path}`));
    return await response.text();
  });
  stop.abort();
  assertEquals(await Promise.all(watches), ["", ""]);
});

Deno.test("a watch of nothing ends when its reader leaves", async () => {
  await using api = await setUp();
  const response = await api.ask("GET", "/api/v1/events?watch=true");
  await response.body?.cancel();
});

Deno.test("watchStream() stops reading the log when its reader leaves", async () => {
  const ended = Promise.withResolvers<void>();
  async function* watched(from: number, signal: AbortSignal): AsyncGenerator<EventChanges> {
    try {
      yield change(1);
      yield* quiet(from, signal);
    } finally {
      ended.resolve();
    }
  }
  const lines = new Lines(streamOver(watched));
  assertEquals(await lines.take(1), ["ADDED p1"]);
  await lines[Symbol.asyncDispose]();
  await ended.promise;
});

Deno.test("watchStream() reads no further than its reader", async () => {
  let made = 0;
  async function* endless(): AsyncGenerator<EventChanges> {
    for (;;) yield await Promise.resolve(change(++made));
  }
  const reader = streamOver(endless).getReader();
  for (let read = 0; read < 10; read++) await reader.read();
  assert(made <= 14, `Made ${made} changes for 10 that were read`);
  await reader.cancel();
});

for (const [code, status] of [["EXPIRED", 410], ["08006", 503]] as const) {
  Deno.test(`watchStream() tells a failure with code ${code} by an ERROR line ${status} and ends`, async () => {
    // deno-lint-ignore require-yield -- it fails before its first change
    async function* failing(): AsyncGenerator<EventChanges> {
      await Promise.resolve();
      throw new OperationalError("Cannot read", { operation: "read", subject: "log", retry: "backoff", code });
    }
    await using lines = new Lines(streamOver(failing));
    const line = await lines.next();
    assertEquals([line?.type, line?.object.code], ["ERROR", status]);
    assertStringIncludes(line?.object.message, "Cannot read");
    assertEquals(await lines.next(), undefined);
  });
}

const VISIBLE: readonly { readonly before?: string; readonly after?: string; readonly want: string | undefined }[] = [
  { after: "in", want: "ADDED in" },
  { after: "out", want: undefined },
  { before: "in", after: "in", want: "MODIFIED in" },
  { before: "out", after: "in", want: "ADDED in" },
  { before: "in", after: "out", want: "DELETED in" },
  { before: "out", after: "out", want: undefined },
  { before: "in", want: "DELETED in" },
  { before: "out", want: undefined },
];

for (const { before, after, want } of VISIBLE) {
  Deno.test(`visibleChange() from ${before} to ${after} is ${want}`, () => {
    const objectOf = (name: string | undefined) => name === undefined ? undefined : pod(name);
    const change: ObjectChange = {
      kind: "object",
      collection: "core/pods",
      key: "n/p",
      before: objectOf(before),
      after: objectOf(after),
    };
    const visible = visibleChange(change, 9, (object) => object.metadata.name === "in");
    assertEquals(visible === undefined ? undefined : `${visible.type} ${visible.object.metadata.name}`, want);
    if (visible?.type === "DELETED") assertEquals(visible.object.metadata.resourceVersion, "9");
  });
}

Deno.test("ObjectTexts keeps the latest texts and makes each once", () => {
  const texts = new ObjectTexts();
  let encoded = 0;
  const counted = { ...pod("counted"), toJSON: () => (encoded += 1, {}) } as unknown as KubeObject;
  texts.of(counted);
  texts.of(counted);
  assertEquals(encoded, 1);
  for (let index = 0; index < OBJECT_TEXTS_MAX; index++) texts.of(pod(`p${index}`));
  texts.of(counted);
  assertEquals(encoded, 2);
});
