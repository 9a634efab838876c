/**
 * Watches: reading the log after a position, through a selector, as a stream of JSON lines. The reader's pace sets the pace: a line is made when it is
 * asked for, and a slow reader leaves no queue here, because the backend folds past events again where they are no longer in memory.
 *
 * @module
 */
import { OperationalError } from "#/base/errors.ts";
import type { Clock } from "#/base/ports.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { EventChanges, ObjectChange } from "#/projections/cluster_state.ts";
import { collectionKey, type KindName, type KubeObject } from "#/resources/object.ts";
import type { ApiBackend } from "#/server/api/backend.ts";
import type { ObjectFilter } from "#/server/api/reads.ts";
import { statusOf } from "#/server/api/status_error.ts";
import type { FrameWriter, WatchEventType } from "#/server/api/watch_frames.ts";

/** A bookmark follows at the latest after so long without a line; clients give a silent watch up after 30 s. */
export const BOOKMARK_INTERVAL_MS = 10_000;
/** A watch ends after so long when its reader sets no time; the client then goes on from the last position. */
export const WATCH_DURATION_MS_MAX = 3_600_000;
/** Characters of initial lines that are sent as one chunk. */
const CHUNK_LENGTH = 65_536;

/** What one watch wants. */
export interface WatchRequest {
  readonly kind: KindName;
  /** Empty for all namespaces. */
  readonly namespace: string;
  readonly matches: ObjectFilter;
  /** Lines begin after this position. */
  readonly from: number;
  /** Objects of the state at `from`, sent first, as ADDED; taken when the watch began, because a live state moves on. */
  readonly initial: readonly KubeObject[] | undefined;
  /** Whether a bookmark with its annotation ends the initial lines (`sendInitialEvents`). */
  readonly marksInitialEnd: boolean;
  readonly bookmarks: boolean;
  readonly durationMs: number;
}

/** What a watch works with. */
export interface WatchDeps {
  readonly backend: ApiBackend;
  readonly clock: Clock;
  readonly writer: FrameWriter;
  /** {@link BOOKMARK_INTERVAL_MS} when left out. */
  readonly bookmarkIntervalMs?: number;
  /** Ends the watch from the server's side. */
  readonly stopping?: AbortSignal;
}

/** A change of one object as a watcher's selector shows it: what enters is ADDED and what leaves is DELETED, whatever was written. */
export function visibleChange(
  change: ObjectChange,
  position: number,
  matches: (object: KubeObject) => boolean,
): { readonly type: WatchEventType; readonly object: KubeObject } | undefined {
  const before = change.before !== undefined && matches(change.before) ? change.before : undefined;
  const after = change.after !== undefined && matches(change.after) ? change.after : undefined;
  if (after !== undefined) return { type: before === undefined ? "ADDED" : "MODIFIED", object: after };
  if (before === undefined) return undefined;
  // The last version that the watcher knew, at the position of the event that took it away.
  return {
    type: "DELETED",
    object: { ...before, metadata: { ...before.metadata, resourceVersion: String(position) } },
  };
}

/** The stream of a watch. Cancelling it ends the reading behind it. */
export function watchStream(deps: WatchDeps, request: WatchRequest): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const end = new AbortController();
  const signal = deps.stopping === undefined ? end.signal : AbortSignal.any([end.signal, deps.stopping]);
  const lines = watchLines(deps, request, signal);
  const timer = setTimeout(() => end.abort(), request.durationMs);
  const finish = () => {
    clearTimeout(timer);
    end.abort();
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await lines.next();
      if (!done) return controller.enqueue(encoder.encode(value));
      finish();
      controller.close();
    },
    cancel: finish,
  });
}

/** A stream of one ERROR line: how a watch says that its position is of no use any more. */
export function watchError(refusal: Rejection): ReadableStream<Uint8Array> {
  return ReadableStream.from([new TextEncoder().encode(errorLine(refusal))]);
}

function errorLine(refusal: Parameters<typeof statusOf>[0]): string {
  return JSON.stringify({ type: "ERROR", object: statusOf(refusal) }) + "\n";
}

async function* watchLines(deps: WatchDeps, request: WatchRequest, signal: AbortSignal): AsyncGenerator<string> {
  yield* initialChunks(deps, request);
  try {
    yield* changeLines(deps, request, signal);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof OperationalError)) throw error;
    yield errorLine(
      error.code === "EXPIRED" ? reject("Expired", error.message) : {
        reason: error.retry === "never" ? "InternalError" : "ServiceUnavailable",
        message: error.message,
        problems: [],
      },
    );
  }
}

function* initialChunks({ clock, writer }: WatchDeps, request: WatchRequest): Generator<string> {
  if (request.initial === undefined) return;
  let chunk = "";
  for (const object of request.initial) {
    chunk += writer.event("ADDED", object, clock.now());
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = "";
  }
  if (request.marksInitialEnd) chunk += writer.bookmark(request.from, true);
  if (chunk !== "") yield chunk;
}

async function* changeLines(deps: WatchDeps, request: WatchRequest, signal: AbortSignal): AsyncGenerator<string> {
  const { clock, writer } = deps;
  const interval = deps.bookmarkIntervalMs ?? BOOKMARK_INTERVAL_MS;
  const events = deps.backend.follow(request.from, signal)[Symbol.asyncIterator]();
  let position = request.from;
  let lastLineAt = clock.monotonic();
  let next = events.next();
  try {
    while (!signal.aborted) {
      const wait = request.bookmarks ? Math.max(0, lastLineAt + interval - clock.monotonic()) : undefined;
      const result = await withinTime(next, wait);
      if (result === "late") {
        yield writer.bookmark(position, false);
        lastLineAt = clock.monotonic();
        continue;
      }
      if (result.done === true) return;
      const lines = linesOf(result.value, request, deps);
      position = result.value.position;
      next = events.next();
      if (lines === "") continue;
      yield lines;
      lastLineAt = clock.monotonic();
    }
  } finally {
    // A read that the end of this watch leaves behind must not become an unhandled rejection.
    next.catch(() => {});
    await events.return?.();
  }
}

function linesOf(event: EventChanges, request: WatchRequest, { clock, writer }: WatchDeps): string {
  const collection = collectionKey(request.kind);
  const prefix = request.namespace === "" ? "" : `${request.namespace}/`;
  let lines = "";
  for (const change of event.changes) {
    if (change.kind !== "object" || change.collection !== collection || !change.key.startsWith(prefix)) continue;
    const visible = visibleChange(change, event.position, request.matches);
    if (visible !== undefined) lines += writer.event(visible.type, visible.object, clock.now());
  }
  return lines;
}

/** What a promise gives, or `late` when it takes longer; without a time it is waited for. */
async function withinTime<T>(promise: Promise<T>, milliseconds: number | undefined): Promise<T | "late"> {
  if (milliseconds === undefined) return await promise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => timer = setTimeout(() => resolve("late"), milliseconds));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
