/**
 * The command line's HTTP client: one server, who asks, and answers or clear failures. Calls the Kubernetes-convention API and the product API alike.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";
import { isJsonObject, type Json } from "#/base/json.ts";
import { CommandFailure, EXIT, type ExitCode } from "./exit_code.ts";

/** Options that every command has. */
export interface ClientOptions {
  /** Base URL, `http://127.0.0.1:7676`. */
  readonly server: string;
  /** User to act as. */
  readonly as?: string;
  /** Why a write is made. */
  readonly reason?: string;
}

/** A request that is not a plain GET. */
export interface WriteRequest {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  readonly contentType?: string;
  readonly body?: string;
}

const EXIT_BY_STATUS: Readonly<Record<number, ExitCode>> = {
  400: EXIT.usage,
  401: EXIT.denied,
  403: EXIT.denied,
  404: EXIT.notFound,
  409: EXIT.no,
  422: EXIT.usage,
};

/** Speaks to one server. Holds no connection. */
export class ApiClient {
  /**
   * @param options server and identity
   * @throws CommandFailure when the server is no URL
   */
  constructor(private readonly options: ClientOptions) {
    if (!/^https?:$/.test(URL.parse(options.server)?.protocol ?? "")) {
      throw new CommandFailure(`Server must be an http:// or https:// URL: "${options.server}"`, EXIT.usage);
    }
  }

  /** GETs a path and returns the JSON; throws {@link CommandFailure} for anything but 2xx. */
  get(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<Json> {
    return this.#request(path, query, undefined);
  }

  /** Sends a write and returns the JSON of the answer. */
  send(path: string, request: WriteRequest, query: Readonly<Record<string, string | undefined>> = {}): Promise<Json> {
    return this.#request(path, query, request);
  }

  async #request(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    request: WriteRequest | undefined,
  ): Promise<Json> {
    const url = new URL(path, this.options.server);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const headers = new Headers({ accept: "application/json", "user-agent": "tortie/0.1" });
    if (this.options.as !== undefined) headers.set("impersonate-user", headerText(this.options.as));
    if (request !== undefined && this.options.reason !== undefined) {
      headers.set("tortie-reason", headerText(this.options.reason));
    }
    if (request?.contentType !== undefined) headers.set("content-type", request.contentType);
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, { method: request?.method ?? "GET", headers, body: request?.body });
      text = await response.text();
    } catch (error) {
      throw new CommandFailure(`Cannot reach the server at ${this.options.server}: ${errorText(error)}`, EXIT.failed);
    }
    const body = parseJson(text);
    if (response.ok && body !== undefined) return body;
    throw new CommandFailure(failureText(response.status, body, text), EXIT_BY_STATUS[response.status] ?? EXIT.failed);
  }
}

/** Text as a header carries it: the bytes of its UTF-8, a character each. */
function headerText(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function failureText(status: number, body: Json | undefined, text: string): string {
  if (!isJsonObject(body)) return `Error from server (${status}): ${text.slice(0, 500)}`;
  // A Kubernetes Status has reason and message; a problem document has title and detail.
  const reason = body.reason ?? body.title ?? status;
  const message = body.message ?? body.detail ?? "";
  const problems = Array.isArray(body.errors) ? body.errors.filter(isJsonObject) : [];
  return [
    `Error from server (${reason}): ${message}`,
    ...problems.map((problem) => `  ${problem.path}: ${problem.message}`),
  ].join("\n");
}
