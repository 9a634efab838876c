/**
 * Text as frames: from bytes as the network cuts them, or from a whole text. First thing that the agent does with what the server says.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";
import type { Frame } from "#/sync/frames.ts";
import { checkFrame, isFrame } from "#/sync/frame_shape.ts";

/** Longest line, in bytes. Sets are split into several frames long before, and an object's text is at most 1.5 MiB. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;

/** Whole frames found so far; with a problem, those before it. */
export interface DecodedFrames {
  readonly frames: readonly Frame[];
  /** Names the line, counted from 1, and the rule it breaks. A decoder that has told one must be thrown away. */
  readonly problem: string | undefined;
}

/** Turns bytes in any split into frames. */
export interface FrameDecoder {
  /** Takes the next bytes; returns the frames that they complete. */
  push(bytes: Uint8Array): DecodedFrames;
  /** Says that no more bytes come; a line without its newline is a problem. */
  end(): DecodedFrames;
}

/**
 * A decoder at line 1.
 *
 * @example
 * ```ts
 * import { createFrameDecoder } from "#/sync/decode.ts";
 * const decoder = createFrameDecoder();
 * const bytes = new TextEncoder().encode('{"frame":"ping","position":7}\n');
 * if (decoder.push(bytes.slice(0, 5)).frames.length !== 0) throw new Error();
 * if (decoder.push(bytes.slice(5)).frames.length !== 1) throw new Error();
 * ```
 */
export function createFrameDecoder(): FrameDecoder {
  const pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let line = 1;
  const takeLine = (tail: Uint8Array): Frame | string => {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    try {
      const text = pending.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode(tail);
      return decodeLine(text, line);
    } catch {
      return `Line ${line} must be UTF-8`;
    } finally {
      pending.length = 0;
      pendingBytes = 0;
      line += 1;
    }
  };
  const push = (bytes: Uint8Array): DecodedFrames => {
    const frames: Frame[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      if (pendingBytes + end - start > LINE_BYTES_MAX) return { frames, problem: tooLong(line) };
      const frame = takeLine(bytes.subarray(start, end));
      if (typeof frame === "string") return { frames, problem: frame };
      frames.push(frame);
      start = end + 1;
    }
    pendingBytes += bytes.length - start;
    if (pendingBytes > LINE_BYTES_MAX) return { frames, problem: tooLong(line) };
    if (start < bytes.length) pending.push(bytes.slice(start));
    return { frames, problem: undefined };
  };
  const end = (): DecodedFrames => ({
    frames: [],
    problem: pendingBytes === 0 ? undefined : `Line ${line} must end in a newline: the stream was cut`,
  });
  return { push, end };
}

/** The frames of a whole text, every line of which must end in a newline. */
export function decodeFrames(text: string): DecodedFrames {
  const frames: Frame[] = [];
  const lines = text.split("\n");
  const rest = lines.pop();
  for (const [at, line] of lines.entries()) {
    const frame = decodeLine(line, at + 1);
    if (typeof frame === "string") return { frames, problem: frame };
    frames.push(frame);
  }
  const cut = rest !== undefined && rest !== "";
  return { frames, problem: cut ? `Line ${lines.length + 1} must end in a newline: the text was cut` : undefined };
}

const NEWLINE = 0x0a;

/** The frame of a line, or what is wrong with it. */
function decodeLine(text: string, line: number): Frame | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `Line ${line} must be JSON: ${errorText(error)}`;
  }
  if (isFrame(value)) return value;
  const misfit = checkFrame(value);
  return `Line ${line} must be a frame: "${misfit?.path}" ${misfit?.rule}`;
}

function tooLong(line: number): string {
  return `Line ${line} must be at most ${LINE_BYTES_MAX} bytes`;
}
