/**
 * How an agent reaches its server: the slice stream, reports and commands, over a unix socket or TCP, with the node's token.
 *
 * @module
 */
import { errorText, OperationalError } from "#/base/errors.ts";
import { isJsonObject } from "#/base/json.ts";
import type { AppliedReport, NodeCommandBatch, NodeCommandResult } from "#/sync/reports.ts";

/** Where the server is and who we are. */
export interface ServerClientOptions {
  readonly node: string;
  /** Path of the server's unix socket; or a base URL. */
  readonly server: string;
  /** The node's secret. */
  readonly token: string;
}

/** From where the stream resumes. */
export interface ResumePoint {
  readonly logId: string;
  readonly epoch: number;
  readonly position: number;
}

/** Longest wait for the answer to a report or a batch of commands. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** Whether a value is an answer that this agent understands; members that it does not know are a later server's. */
function isResult(value: unknown): value is NodeCommandResult {
  if (!isJsonObject(value)) return false;
  const { result, position, block, reason, message } = value;
  return result === "done"
    ? typeof position === "number" && (block === undefined || typeof block === "string")
    : result === "refused" && typeof reason === "string" && typeof message === "string";
}

/** Speaks to one server. Dispose it to close its connections. */
export class ServerClient implements Disposable {
  readonly #http: Deno.HttpClient;
  readonly #base: string;

  /** @param options server, node and token */
  constructor(private readonly options: ServerClientOptions) {
    const isPath = options.server.startsWith("/");
    this.#http = isPath
      ? Deno.createHttpClient({ proxy: { transport: "unix", path: options.server } })
      : Deno.createHttpClient({});
    this.#base = `${isPath ? "http://localhost" : options.server}/tortie/v1/nodes/${encodeURIComponent(options.node)}`;
  }

  /** Opens the slice stream. Throws `OperationalError`, with retry `never` when the server refuses this node's credentials. */
  async openSlice(resume: ResumePoint | undefined, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const query = resume === undefined ? "" : `?${new URLSearchParams({
      from: String(resume.position),
      logId: resume.logId,
      epoch: String(resume.epoch),
    })}`;
    const response = await this.#fetch(`/slice${query}`, { signal });
    if (response.body === null) throw this.#error("open slice", "The server sent no stream", "backoff");
    // Deno forgets a fetch's signal when its Response is collected, and the body alone would then wait for ever: the pipe keeps it.
    return response.body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal });
  }

  /** Tells which position the kernel shows. */
  async report(report: AppliedReport, signal: AbortSignal): Promise<void> {
    const response = await this.#post("/reports", report, signal);
    await response.body?.cancel();
  }

  /** Sends commands of this node; results in their order. */
  async send(batch: NodeCommandBatch, signal: AbortSignal): Promise<readonly NodeCommandResult[]> {
    const response = await this.#post("/commands", batch, signal);
    const results: unknown = await response.json().catch(() => undefined);
    const isWhole = Array.isArray(results) && results.length === batch.commands.length;
    if (isWhole && results.every(isResult)) return results;
    throw this.#error("read answer", "The server did not answer each command", "backoff");
  }

  /** Closes connections; streams that are open fail. */
  [Symbol.dispose](): void {
    this.#http.close();
  }

  #post(path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    return this.#fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${this.options.token}`);
    let response: Response;
    try {
      response = await fetch(`${this.#base}${path}`, { ...init, headers, client: this.#http });
    } catch (error) {
      if (init.signal?.aborted && !(init.signal.reason instanceof DOMException)) throw init.signal.reason;
      throw this.#error("call server", "Cannot reach the server", "backoff", error);
    }
    if (response.ok) return response;
    const text = (await response.text()).slice(0, 500);
    const refused = response.status === 401 || response.status === 403;
    throw this.#error("call server", `The server answered ${response.status}: ${text}`, refused ? "never" : "backoff");
  }

  #error(operation: string, message: string, retry: "backoff" | "never", cause?: unknown): OperationalError {
    const subject = this.options.server;
    return new OperationalError(`${message} at "${subject}"${cause === undefined ? "" : `: ${errorText(cause)}`}`, {
      operation,
      subject,
      retry,
    });
  }
}
