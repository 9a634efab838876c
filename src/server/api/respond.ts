/**
 * How answers are written: JSON text, the headers every answer shares, and the two encodings of text in headers. Leaf of the API room.
 *
 * @module
 */

/** Header with the position an answer rests on. */
export const POSITION_HEADER = "Tortie-Position";

/** Warnings sent with one answer; more are dropped with a last line that counts them. */
export const WARNINGS_MAX = 50;

/** What an answer carries besides its body. */
export interface AnswerOptions {
  /** 200 when left out. */
  readonly status?: number;
  /** Position the answer rests on. */
  readonly position?: number;
  readonly warnings?: readonly string[];
  /** `application/json` when left out. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A value as a JSON answer. The whole value is encoded once, here. */
export function answerJson(value: unknown, options: AnswerOptions = {}): Response {
  return answerBody(JSON.stringify(value) + "\n", options);
}

/**
 * A body with its headers. `no-transform` keeps the listener from compressing: on loopback that costs more than it saves, and it would hold back
 * the frames of a watch.
 */
export function answerBody(body: string | ReadableStream<Uint8Array>, options: AnswerOptions = {}): Response {
  const headers = new Headers({
    "Content-Type": options.contentType ?? "application/json",
    "Cache-Control": "no-cache, private, no-transform",
    ...options.headers,
  });
  if (options.position !== undefined) headers.set(POSITION_HEADER, String(options.position));
  for (const warning of warningValues(options.warnings ?? [])) headers.append("Warning", warning);
  return new Response(body, { status: options.status ?? 200, headers });
}

/**
 * `Warning` header values: code 299, no agent, the text quoted. kubectl prints them as `Warning: text`.
 *
 * @example
 * ```ts
 * import { warningValues } from "#/server/api/respond.ts";
 * if (warningValues(['unknown field "x"'])[0] !== '299 - "unknown field \\"x\\""') throw new Error();
 * ```
 */
export function warningValues(warnings: readonly string[]): string[] {
  const kept = warnings.slice(0, WARNINGS_MAX);
  if (warnings.length > kept.length) kept.push(`${warnings.length - kept.length} more warnings are not shown`);
  return kept.map((text) => {
    // deno-lint-ignore no-control-regex -- control characters would break the header
    const line = text.replaceAll(/[\u0000-\u001f\u007f]+/g, " ").replaceAll(/["\\]/g, "\\$&");
    return `299 - "${headerText(line)}"`;
  });
}

/** Text as a header value: its UTF-8 bytes, one character each, as the Headers class wants them. */
export function headerText(text: string): string {
  let value = "";
  for (const byte of new TextEncoder().encode(text)) value += String.fromCharCode(byte);
  return value;
}

/** A header value back to text: bytes that are UTF-8 are read so, others as Latin-1. */
export function textOfHeader(value: string): string {
  const bytes = Uint8Array.from(value, (character) => character.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return value;
  }
}
