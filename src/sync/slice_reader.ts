/**
 * The agent's end of one sync stream: frames in, slices out. It holds a batch back until it is whole, and refuses what would take the node back in time
 * or to another log. Pure; the agent feeds it what the decoder gives.
 *
 * @module
 */
import { applyBatch, type Slice } from "#/sync/slice.ts";
import { type Frame, SYNC_CONTRACT } from "#/sync/frames.ts";

/** Most frames in a batch: more is taken for a broken server. */
export const BATCH_FRAMES_MAX = 2_000_000;

/** What a frame led to. `none`: read on. `slice`: the node state is this now. `position`: unchanged up to there. `refused`: drop the stream. */
export type SliceEvent =
  | { readonly kind: "none" }
  | { readonly kind: "slice"; readonly slice: Slice }
  | { readonly kind: "position"; readonly slice: Slice }
  | { readonly kind: "refused"; readonly message: string };

/** Reads one stream. */
export interface SliceReader {
  /** The slice so far: the saved one until the first batch is whole. */
  current(): Slice | undefined;
  read(frame: Frame): SliceEvent;
}

/**
 * A reader for a new stream.
 *
 * @param start the slice that the agent has, whose position it asked to resume from; `undefined` when it has none
 *
 * @example
 * ```ts
 * import { createSliceReader } from "#/sync/slice_reader.ts";
 * const reader = createSliceReader(undefined);
 * reader.read({ frame: "hello", contract: 1, logId: "l", epoch: 1, from: 0 });
 * reader.read({ frame: "begin", type: "full" });
 * reader.read({ frame: "put", item: { kind: "config", id: "node", node: "n", ipv4Address: undefined, blocks: [] } });
 * const event = reader.read({ frame: "end", position: 4 });
 * if (event.kind !== "slice" || event.slice.position !== 4) throw new Error();
 * ```
 */
export function createSliceReader(start: Slice | undefined): SliceReader {
  let hello: Extract<Frame, { frame: "hello" }> | undefined;
  let current = start;
  let batch: Frame[] | undefined;
  let resumed = false;

  const finish = (frames: readonly Frame[]): SliceEvent => {
    const { logId, epoch } = hello!;
    const outcome = applyBatch(resumed && current !== undefined ? current.state : new Map(), frames);
    if (outcome.kind === "refused") return outcome;
    const older = olderThan(current, epoch, outcome.position);
    if (older !== undefined) return older;
    resumed = true;
    current = { logId, epoch, position: outcome.position, state: outcome.state };
    return { kind: "slice", slice: current };
  };

  const read = (frame: Frame): SliceEvent => {
    if (frame.frame === "hello") {
      if (hello !== undefined) return refused('A stream must have one "hello"');
      const problem = judgeHello(start, frame);
      if (problem !== undefined) return problem;
      hello = frame;
      resumed = start !== undefined && frame.from === start.position && frame.epoch === start.epoch;
      return { kind: "none" };
    }
    if (hello === undefined) return refused(`A stream must start with "hello": "${frame.frame}"`);
    if (batch !== undefined) {
      if (batch.length >= BATCH_FRAMES_MAX) return refused(`A batch must have at most ${BATCH_FRAMES_MAX} frames`);
      batch.push(frame);
      if (frame.frame !== "end") return { kind: "none" };
      const whole = batch;
      batch = undefined;
      return finish(whole);
    }
    if (frame.frame === "begin") {
      if (frame.type === "delta" && !resumed) return refused("The first batch must be full unless the stream resumes");
      batch = [frame];
      return { kind: "none" };
    }
    if (frame.frame !== "ping") return refused(`A frame must be within a batch: "${frame.frame}"`);
    if (!resumed || current === undefined) return { kind: "none" };
    const older = olderThan(current, hello.epoch, frame.position);
    if (older !== undefined) return older;
    current = { ...current, position: frame.position };
    return { kind: "position", slice: current };
  };
  return { current: () => current, read };
}

function judgeHello(start: Slice | undefined, hello: Extract<Frame, { frame: "hello" }>): SliceEvent | undefined {
  if (hello.contract !== SYNC_CONTRACT) {
    return refused(`The server must speak contract ${SYNC_CONTRACT}: ${hello.contract}`);
  }
  if (start === undefined) return undefined;
  if (hello.logId !== start.logId) {
    return refused(`The server must have the log of the saved slice, "${start.logId}": "${hello.logId}"`);
  }
  return olderThan(start, hello.epoch, start.position);
}

/** Refuses an epoch before the known one and, within it, a position before the known one. */
function olderThan(known: Slice | undefined, epoch: number, position: number): SliceEvent | undefined {
  if (known === undefined || epoch > known.epoch || (epoch === known.epoch && position >= known.position)) {
    return undefined;
  }
  return refused(
    `The server must not be behind this node, at epoch ${known.epoch} and position ${known.position}: ` +
      `epoch ${epoch}, position ${position}`,
  );
}

function refused(message: string): SliceEvent {
  return { kind: "refused", message };
}
