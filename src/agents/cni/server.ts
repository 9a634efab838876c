/**
 * The agent's local socket: where the CNI plugin program posts what the container runtime asks. HTTP on a unix socket that only the agent's own user may
 * open.
 *
 *     POST /cni     {command, containerId, netns, ifName, args, config}  ->  {code, stdout}
 *     GET  /status  -> how the node's sandboxes stand
 *
 * @module
 */
import { dirname } from "@std/path";
import { errorText, OperationalError } from "#/base/errors.ts";
import { isJsonObject, type Json } from "#/base/json.ts";
import type { Drain } from "./drain.ts";
import type { Journal } from "./journal.ts";
import type { CniOperations } from "./operations.ts";
import { CNI_COMMANDS, CNI_REQUEST_BYTES_MAX, type CniRequest } from "./protocol.ts";
import type { LoopPort } from "./allocator.ts";

/** Longest path of a unix socket on Linux, in bytes. */
export const SOCKET_PATH_BYTES_MAX = 107;

/** What the server needs. */
export interface CniServerDeps {
  readonly operations: CniOperations;
  readonly journal: Journal;
  readonly drain: Drain;
  readonly loop: Pick<LoopPort, "nodeState">;
}

/** Answer of `GET /status`. */
export interface CniStatus {
  readonly node: string;
  /** Position of the node state; `null` while there is none. */
  readonly position: number | null;
  readonly addresses: number;
  readonly sandboxes: number;
  /** Records that the server has not been told of. */
  readonly owed: number;
  /** Why the journal cannot be written, the server not be told; `null` when they can. */
  readonly journalFault: string | null;
  readonly serverFault: string | null;
  /** The last records the server would not take. */
  readonly refused: readonly { readonly record: string; readonly reason: string; readonly message: string }[];
}

/** The listening socket. Disposing it lets requests under way end (waiting ADDs at once) and removes the socket's file. */
export interface CniServer extends AsyncDisposable {
  readonly socket: string;
}

/**
 * Listens on a unix socket. A file left there by an agent that was killed is replaced; a socket that answers is another agent's and is an error
 * (`OperationalError` with code `EADDRINUSE`).
 *
 * @param options.node name for the status
 * @param options.socket path; its directory is made when missing
 */
export async function startCniServer(
  deps: CniServerDeps,
  options: { readonly node: string; readonly socket: string },
): Promise<CniServer> {
  const { node, socket } = options;
  if (new TextEncoder().encode(socket).length > SOCKET_PATH_BYTES_MAX) {
    throw socketError(`Socket path must have at most ${SOCKET_PATH_BYTES_MAX} bytes`, socket, "ENAMETOOLONG");
  }
  await Deno.mkdir(dirname(socket), { recursive: true, mode: 0o700 });
  await removeDeadSocket(socket);
  const server = Deno.serve(
    { path: socket, onListen: () => undefined, onError: (error) => problem(500, errorText(error)) },
    (request) => answer(request, deps, node),
  );
  await Deno.chmod(socket, 0o600);
  return {
    socket,
    async [Symbol.asyncDispose]() {
      deps.operations.stopWaiting();
      await server.shutdown();
      await Deno.remove(socket).catch(() => undefined);
    },
  };
}

/** Reads the body of `POST /cni`; the message says what is wrong with it. */
export function decodeCniRequest(body: Json): CniRequest | string {
  if (!isJsonObject(body)) return "Body must be a JSON object";
  const { containerId = "", netns = "", ifName = "", args = "", config = null } = body;
  const command = CNI_COMMANDS.find((candidate) => candidate === body.command);
  if (command === undefined) {
    return `command must be one of ${CNI_COMMANDS.join(", ")}: ${JSON.stringify(body.command)}`;
  }
  for (const [name, value] of Object.entries({ containerId, netns, ifName, args })) {
    if (typeof value !== "string") return `${name} must be a text: ${JSON.stringify(value)}`;
  }
  return { command, containerId: `${containerId}`, netns: `${netns}`, ifName: `${ifName}`, args: `${args}`, config };
}

async function answer(request: Request, deps: CniServerDeps, node: string): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (`${request.method} ${pathname}`) {
    case "GET /status":
      return Response.json(statusOf(deps, node));
    case "POST /cni": {
      const text = await readBounded(request);
      if (text === undefined) return problem(413, `Body must have at most ${CNI_REQUEST_BYTES_MAX} bytes`);
      const body = parseJson(text);
      const decoded = body === undefined ? "Body must be JSON" : decodeCniRequest(body);
      if (typeof decoded === "string") return problem(400, decoded);
      return Response.json(await deps.operations.handle(decoded));
    }
    default:
      return problem(404, `No such resource: "${request.method} ${pathname}"`);
  }
}

function statusOf({ journal, drain, loop }: CniServerDeps, node: string): CniStatus {
  return {
    node,
    position: loop.nodeState()?.position ?? null,
    addresses: journal.ledger.assigned.size,
    sandboxes: journal.ledger.bindings.size,
    owed: journal.owed.length,
    journalFault: journal.fault ?? null,
    serverFault: drain.fault ?? null,
    refused: drain.refused.map(({ record, reason, message }) => ({ record: record.kind, reason, message })),
  };
}

async function readBounded(request: Request): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > CNI_REQUEST_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return await new Blob(chunks.map((chunk) => new Uint8Array(chunk))).text();
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

async function removeDeadSocket(socket: string): Promise<void> {
  const info = await Deno.lstat(socket).catch(() => undefined);
  if (info === undefined) return;
  if (!info.isSocket) throw socketError("Path must be free or a socket", socket, "EEXIST");
  const connection = await Deno.connect({ transport: "unix", path: socket }).catch(() => undefined);
  if (connection !== undefined) {
    connection.close();
    throw socketError("Socket must not be in use by another agent", socket, "EADDRINUSE");
  }
  await Deno.remove(socket);
}

function problem(status: number, detail: string): Response {
  return Response.json({ status, detail }, { status, headers: { "content-type": "application/problem+json" } });
}

function socketError(message: string, socket: string, code: string): OperationalError {
  return new OperationalError(`${message}: "${socket}"`, {
    operation: "listen",
    subject: socket,
    retry: "never",
    code,
  });
}
