/**
 * The lab's client of its own server: lists, watches and writes of the resource API, as the user `system:lab`.
 *
 * @module
 */
import type { KubeObject } from "#/resources/object.ts";
import type { Json } from "#/base/json.ts";

/** One event of a watch. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: KubeObject;
}

/** A refused request. */
export class LabApiError extends Error {
  /** @param status HTTP status */
  constructor(message: string, readonly status: number) {
    super(message);
    this.name = "LabApiError";
  }
}

/** Speaks to one server. */
export class LabApi {
  /**
   * @param base `http://127.0.0.1:1234`
   * @param user who writes
   */
  constructor(private readonly base: string, private readonly user: string = "system:lab") {}

  /** Sends a request and returns the JSON of the answer; throws {@link LabApiError} with the server's message. */
  async call(method: string, path: string, body?: Json, contentType = "application/json"): Promise<Json> {
    const response = await fetch(`${this.base}${path}`, {
      method,
      headers: {
        "impersonate-user": this.user,
        "user-agent": "tortie-lab",
        "content-type": contentType,
        accept: "application/json",
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as Json;
    let message = text;
    try {
      message = (JSON.parse(text) as { message?: string; detail?: string }).message ?? text;
    } catch {
      // Not JSON: the text itself is the message.
    }
    throw new LabApiError(message, response.status);
  }

  /** Objects of a collection, and the position the list shows. */
  async list(path: string): Promise<{ readonly items: readonly KubeObject[]; readonly resourceVersion: string }> {
    const list = await this.call("GET", path) as unknown as {
      items: KubeObject[];
      metadata: { resourceVersion: string };
    };
    return { items: list.items, resourceVersion: list.metadata.resourceVersion };
  }

  /** Events of a collection after a position, until the server ends the stream or the signal aborts. */
  async *watch(path: string, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const response = await fetch(`${this.base}${path}?watch=true&resourceVersion=${resourceVersion}`, {
      headers: { "impersonate-user": this.user, accept: "application/json" },
      signal,
    });
    if (!response.ok || response.body === null) throw new LabApiError(await response.text(), response.status);
    let rest = "";
    // The pipe has the signal too: Deno forgets the fetch's when the Response is collected.
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream(), { signal })) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield JSON.parse(line) as WatchEvent;
    }
  }
}
