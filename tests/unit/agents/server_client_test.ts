/**
 * Calls to a server on a unix socket that answers as the test says.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";
import { ServerClient } from "#/agents/server_client.ts";
import type { NodeCommandBatch } from "#/sync/reports.ts";

const NEVER = new AbortController().signal;
const BATCH: NodeCommandBatch = {
  observedAt: "2026-01-01T00:00:00.000Z",
  commands: [{ command: "RequestBlock", node: "n/1", requestId: "r" }],
};

interface World {
  readonly client: ServerClient;
  readonly socket: string;
  readonly seen: string[];
  answer: (request: Request) => Response | Promise<Response>;
}

async function withServer(body: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tortie-client-" });
  const socket = join(folder, "server.sock");
  const seen: string[] = [];
  using client = new ServerClient({ node: "n/1", server: socket, token: "secret" });
  const world: World = { client, socket, seen, answer: () => Response.json([]) };
  const server = Deno.serve({ path: socket, onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const text = await request.clone().text();
    seen.push([request.method, pathname + search, request.headers.get("authorization"), text].join(" "));
    return await world.answer(request);
  });
  try {
    await body(world);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

function failure(call: () => Promise<unknown>): Promise<OperationalError> {
  return assertRejects(call, OperationalError);
}

Deno.test("ServerClient names the node and shows its token", () =>
  withServer(async ({ client, seen }) => {
    const report = {
      node: "n/1",
      logId: "l",
      epoch: 1,
      position: 5,
      appliedAt: "",
      agentVersion: "",
      errors: [],
      unsupported: [],
    };
    await client.report(report, NEVER);
    assertEquals(seen, [`POST /tortie/v1/nodes/n%2F1/reports Bearer secret ${JSON.stringify(report)}`]);
  }));

Deno.test("ServerClient.openSlice() resumes where it is told and gives the stream", () =>
  withServer(async (world) => {
    world.answer = () => new Response("one\n");
    const stream = await world.client.openSlice({ logId: "a b", epoch: 2, position: 7 }, NEVER);
    assertEquals(await new Response(stream).text(), "one\n");
    await (await world.client.openSlice(undefined, NEVER)).cancel();
    assertEquals(world.seen, [
      "GET /tortie/v1/nodes/n%2F1/slice?from=7&logId=a+b&epoch=2 Bearer secret ",
      "GET /tortie/v1/nodes/n%2F1/slice Bearer secret ",
    ]);
  }));

Deno.test("ServerClient.send() takes one answer for each command, and nothing else", () =>
  withServer(async (world) => {
    const done = { result: "done", position: 4, block: "10.0.0.0/26", later: 1 };
    world.answer = () => Response.json([done]);
    assertEquals(await world.client.send(BATCH, NEVER), [done] as unknown);
    const refused = { result: "refused", reason: "Conflict", message: "no" };
    world.answer = () => Response.json([refused]);
    assertEquals(await world.client.send(BATCH, NEVER), [refused] as unknown);
    for (
      const answer of [[], [done, done], [{ result: "done" }], [{ result: "other", position: 1 }], { items: [] }, "x"]
    ) {
      world.answer = () => Response.json(answer);
      const error = await failure(() => world.client.send(BATCH, NEVER));
      assertStringIncludes(error.message, "The server did not answer each command");
    }
    world.answer = () => new Response("no JSON");
    assertEquals((await failure(() => world.client.send(BATCH, NEVER))).retry, "backoff");
  }));

Deno.test("ServerClient tells refusals, and which of them time will not change", () =>
  withServer(async (world) => {
    for (const [status, retry] of [[401, "never"], [403, "never"], [429, "backoff"], [500, "backoff"]] as const) {
      world.answer = () => new Response("because", { status });
      const error = await failure(() => world.client.openSlice(undefined, NEVER));
      assertEquals(error.retry, retry);
      assertEquals(error.message, `The server answered ${status}: because at "${world.socket}"`);
    }
  }));

Deno.test("ServerClient tells that the server cannot be reached", async () => {
  using client = new ServerClient({ node: "n", server: "/nowhere/server.sock", token: "t" });
  const error = await failure(() => client.send(BATCH, NEVER));
  assertStringIncludes(error.message, 'Cannot reach the server at "/nowhere/server.sock"');
  assertEquals(error.retry, "backoff");
});

Deno.test("ServerClient.openSlice() ends with the signal, before and after the stream is open", () =>
  withServer(async (world) => {
    const held = Promise.withResolvers<Response>();
    const early = new AbortController();
    world.answer = () => {
      early.abort(new Error("Silent"));
      return held.promise;
    };
    const refusal = await assertRejects(() => world.client.openSlice(undefined, early.signal), Error, "Silent");
    assert(!(refusal instanceof OperationalError));
    held.resolve(new Response("late"));
    world.answer = () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
    const late = new AbortController();
    const stream = await world.client.openSlice(undefined, late.signal);
    const reading = stream.getReader().read();
    late.abort(new Error("Silent"));
    await assertRejects(() => reading, Error, "Silent");
  }));
