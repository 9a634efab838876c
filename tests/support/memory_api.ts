/**
 * The Kubernetes-convention API on a free loopback port, over a backend in memory: what the end-to-end tests of clients talk to.
 *
 * @module
 */
import { systemClock, systemRandom } from "#/base/ports.ts";
import { createApiHandler } from "#/server/api/handler.ts";
import { MemoryBackend } from "#tests/support/memory_backend.ts";

/** The API at work. Disposing of it ends its streams too. */
export class MemoryApi implements AsyncDisposable {
  /** `METHOD path?query` of every request so far. */
  readonly requests: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(readonly backend: MemoryBackend) {
    const handler = createApiHandler({ backend, clock: systemClock, random: systemRandom, version: "0.0.0" });
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, (request, info) => {
      const { pathname, search } = new URL(request.url);
      this.requests.push(`${request.method} ${pathname}${search}`);
      return handler(request, info);
    });
  }

  /** Starts on a log that holds the built-in objects. */
  static async start(): Promise<MemoryApi> {
    return new MemoryApi(await MemoryBackend.create());
  }

  /** `http://127.0.0.1:<port>`. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await this.backend[Symbol.asyncDispose]();
  }
}
