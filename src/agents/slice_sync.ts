/**
 * Follows the server: opens the slice stream, resumes by position after every cut, and hands whole slices to the loop. A silent or broken stream changes
 * nothing: the node keeps what it has.
 *
 * @module
 */
import { errorText, OperationalError } from "#/base/errors.ts";
import { createFrameDecoder } from "#/sync/decode.ts";
import type { Slice } from "#/sync/slice.ts";
import { createSliceReader, type SliceReader } from "#/sync/slice_reader.ts";
import type { ServerClient } from "./server_client.ts";
import { pause, type Timers } from "./timers.ts";

/** First pause before the stream is opened again; doubles up to {@link RECONNECT_DELAY_MS_MAX}. */
export const RECONNECT_DELAY_MS_MIN = 50;
/** Longest pause. */
export const RECONNECT_DELAY_MS_MAX = 2_000;
/** A stream that says nothing for so long is dead: the server pings every five seconds. */
export const SILENCE_MS_MAX = 15_000;

const REFUSED = "REFUSED";
const SILENT = `The stream has said nothing for ${SILENCE_MS_MAX / 1000} s`;
/** No problem reads like this, so that the first one is told, and so is that there is none. */
const NOTHING_TOLD = "";

/** What the sync needs. */
export interface SliceSyncDeps {
  readonly client: Pick<ServerClient, "openSlice">;
  readonly timers: Timers;
  /** The saved slice. */
  readonly start: Slice | undefined;
  /** Called with each new slice. `changed` is false when only the position has moved. */
  readonly onSlice: (slice: Slice, changed: boolean) => void;
  /** Told once per change: undefined when the stream is up, else why it is not. */
  readonly onStatus: (problem: string | undefined) => void;
}

/** Follows until the signal aborts. Never throws. */
export async function followSlices(deps: SliceSyncDeps, signal: AbortSignal): Promise<void> {
  let current = deps.start;
  let pauseMs = RECONNECT_DELAY_MS_MIN;
  let wantsFull = false;
  let told: string | undefined = NOTHING_TOLD;
  const tell = (problem: string | undefined) => {
    if (problem !== told) deps.onStatus(problem);
    told = problem;
  };
  while (!signal.aborted) {
    const reader = createSliceReader(current);
    try {
      await readStream(deps, { reader, resume: wantsFull ? undefined : current, signal }, (slice, changed) => {
        current = slice;
        wantsFull = false;
        pauseMs = RECONNECT_DELAY_MS_MIN;
        tell(undefined);
        deps.onSlice(slice, changed);
      });
      if (!signal.aborted) tell("The server has ended the stream");
    } catch (error) {
      // A refused batch may rest on a gap: streams start from nothing until one brings a whole slice.
      wantsFull ||= error instanceof OperationalError && error.code === REFUSED;
      if (!signal.aborted) tell(errorText(error));
    }
    await pause(deps.timers, pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, RECONNECT_DELAY_MS_MAX);
  }
}

interface StreamRun {
  readonly reader: SliceReader;
  readonly resume: Slice | undefined;
  readonly signal: AbortSignal;
}

async function readStream(
  deps: SliceSyncDeps,
  { reader, resume, signal }: StreamRun,
  onSlice: (slice: Slice, changed: boolean) => void,
): Promise<void> {
  const silence = new AbortController();
  const listen = () => deps.timers.after(SILENCE_MS_MAX, () => silence.abort(new DOMException(SILENT, "TimeoutError")));
  let cancel = listen();
  try {
    const stream = await deps.client.openSlice(resume, AbortSignal.any([signal, silence.signal]));
    const decoder = createFrameDecoder();
    for await (const bytes of stream) {
      cancel();
      cancel = listen();
      const { frames, problem } = decoder.push(bytes);
      for (const frame of frames) {
        const event = reader.read(frame);
        if (event.kind === "refused") throw refused(event.message);
        if (event.kind === "slice" || event.kind === "position") onSlice(event.slice, event.kind === "slice");
      }
      if (problem !== undefined) throw refused(problem);
    }
  } finally {
    cancel();
  }
}

function refused(message: string): OperationalError {
  const details = { operation: "read slice", subject: "slice stream", retry: "backoff", code: REFUSED } as const;
  return new OperationalError(`The slice stream is refused: ${message}`, details);
}
