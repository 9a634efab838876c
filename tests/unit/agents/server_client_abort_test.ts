/**
 * The slice stream ends when its signal aborts, also long after the answer's head has come. Deno forgets a fetch's signal when the Response is collected, so
 * the test collects garbage before it aborts.
 *
 * @module
 */
import { assertRejects } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ServerClient } from "#/agents/server_client.ts";

/** Far longer than an abort takes. */
const END_MS_MAX = 5_000;

Deno.test("openSlice() gives a stream that the signal ends, however old its answer is", async () => {
  const stopServing = new AbortController();
  const listening = Promise.withResolvers<number>();
  const server = Deno.serve({
    ...{ hostname: "127.0.0.1", port: 0, signal: stopServing.signal },
    onListen: ({ port }) => listening.resolve(port),
  }, () => new Response(new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array([10])) })));
  const url = `http://127.0.0.1:${await listening.promise}`;
  using client = new ServerClient({ node: "node1", server: url, token: "secret" });
  const stop = new AbortController();
  const reader = (await client.openSlice(undefined, stop.signal)).getReader();
  await reader.read();
  collectGarbage();
  const next = reader.read();
  stop.abort(new Error("stopped"));
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => deadline.resolve(undefined as never), END_MS_MAX);
  await assertRejects(() => Promise.race([next, deadline.promise]));
  clearTimeout(timer);
  stopServing.abort();
  await server.finished;
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}
