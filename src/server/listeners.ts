/**
 * The sockets the server listens on: loopback TCP and, for agents, a unix socket. Both serve the same handler.
 *
 * @module
 */
import { dirname } from "@std/path";
import { errorText, OperationalError } from "#/base/errors.ts";
import type { ConnectionInfo } from "#/server/api/identity.ts";
import type { ServeOptions } from "#/server/serve_options.ts";

/** Answers a request of any listener. */
export type Handler = (request: Request, info: ConnectionInfo) => Promise<Response>;

/** How long requests under way may take to end once the listeners close. */
const DRAIN_TIMEOUT_MS = 2_000;

/** Open listeners. Disposing closes them, waits a little for requests under way, and removes the unix socket. */
export interface Listeners extends AsyncDisposable {
  /** `http://127.0.0.1:7676`, with the port that was given when 0 was asked for. */
  readonly url: string;
}

/** Opens the listeners; throws `OperationalError` naming the address that cannot be had. */
export async function openListeners(options: ServeOptions, handler: Handler): Promise<Listeners> {
  await using opening = new AsyncDisposableStack();
  const tcp = listen(
    `${options.hostname}:${options.port}`,
    () => Deno.serve({ hostname: options.hostname, port: options.port, onListen: () => {}, onError }, handler),
  );
  opening.defer(() => close(tcp));
  if (options.socket !== undefined) {
    const path = options.socket;
    await removeStaleSocket(path);
    const unix = listen(path, () => Deno.serve({ path, onListen: () => {}, onError }, handler));
    Deno.chmodSync(path, 0o600);
    opening.defer(async () => {
      await close(unix);
      await Deno.remove(path).catch(() => {});
    });
  }
  const host = options.hostname.includes(":") ? `[${options.hostname}]` : options.hostname;
  const stack = opening.move();
  return {
    url: `http://${host}:${(tcp.addr as Deno.NetAddr).port}`,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function onError(error: unknown): Response {
  console.error(`Request failed: ${errorText(error)}`);
  return new Response("Internal error\n", { status: 500 });
}

function listen<T>(address: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new OperationalError(`Cannot listen on "${address}"`, {
      operation: "listen",
      subject: address,
      retry: "never",
      cause: error,
    });
  }
}

async function close(server: Deno.HttpServer<Deno.Addr>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, DRAIN_TIMEOUT_MS));
  await Promise.race([server.shutdown(), late]);
  clearTimeout(timer);
}

/** A socket file that nobody answers on is left from a killed server; one that answers is in use. */
async function removeStaleSocket(path: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (error instanceof Deno.errors.ConnectionRefused) return await Deno.remove(path);
    throw error;
  }
  throw new OperationalError(`Socket "${path}" is in use by another server`, {
    operation: "listen",
    subject: path,
    retry: "never",
  });
}
