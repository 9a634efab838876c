/**
 * One agent's stream, as pieces of bytes in order: `hello`, everything or what it missed, then each change and the positions. The reader pulls; what it has
 * not pulled waits in the hub's tail and not here, so that a slow reader costs a pointer.
 *
 * @module
 */
import { OperationalError } from "#/base/errors.ts";
import type { Clock } from "#/base/ports.ts";
import type { NodeDelta, NodeItem } from "#/projections/node_state.ts";
import { type FrameCache, joinBytes } from "#/server/agents/frame_cache.ts";
import { SYNC_CONTRACT } from "#/sync/frames.ts";

/** Where an agent says it stands. */
export interface ResumePoint {
  readonly logId: string;
  readonly epoch: number;
  readonly position: number;
}

/** What a session reads from the hub. */
export interface SliceSource {
  position(): number;
  /** The node's whole state at that position. */
  items(): readonly NodeItem[];
  /** What the node must be told after a position; `undefined` when that is no longer remembered. */
  deltasAfter(position: number): readonly NodeDelta[] | undefined;
}

/** What a session is made of. */
export interface SliceSessionOptions {
  readonly node: string;
  readonly log: { readonly logId: string; readonly epoch: number };
  /** Position to resume from; `undefined` for everything. */
  readonly from: number | undefined;
  readonly frames: FrameCache;
  readonly source: SliceSource;
  readonly clock: Clock;
  readonly onClose: () => void;
}

/** A full slice goes out in pieces of about this size. */
export const PIECE_BYTES = 65_536;

/** A stream of one node. Made by the hub. */
export class SliceSession {
  readonly node: string;
  #position: number;
  #opening: Iterator<Uint8Array> | undefined;
  #deltasDue = false;
  #pingDue = false;
  #bell: PromiseWithResolvers<void> | undefined;
  #handedAt: number | undefined;
  #ended = false;
  #failure: OperationalError | undefined;
  readonly #closed = Promise.withResolvers<OperationalError | undefined>();

  constructor(private readonly options: SliceSessionOptions) {
    this.node = options.node;
    this.#position = options.from ?? options.source.position();
    this.#opening = this.#open();
    this.#deltasDue = options.from !== undefined;
    this.#pingDue = options.from !== undefined;
  }

  /** Everything up to here was handed out. While the whole state goes out: its position. */
  get position(): number {
    return this.#position;
  }

  /** Resolves when the session ends: with a failure when it was dropped. */
  get closed(): Promise<OperationalError | undefined> {
    return this.#closed.promise;
  }

  /** The next piece, when there is one; `undefined` after the end. Throws when the session was dropped. One call at a time. */
  async next(): Promise<Uint8Array | undefined> {
    this.#handedAt = undefined;
    while (!this.#ended) {
      const piece = this.#piece();
      if (piece !== undefined) {
        this.#handedAt = this.options.clock.monotonic();
        return piece;
      }
      if (this.#isEnded()) break;
      this.#bell = Promise.withResolvers<void>();
      await this.#bell.promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }

  /** Says that there are deltas for the node after its position. */
  wake(): void {
    this.#deltasDue = true;
    this.#bell?.resolve();
  }

  /** Says that the position is to be told, even when nothing changed. */
  ping(): void {
    this.#pingDue = true;
    this.#bell?.resolve();
  }

  /** Milliseconds since the reader was handed a piece and has not asked for the next; 0 while it waits for us. */
  stalledMs(): number {
    return this.#handedAt === undefined ? 0 : this.options.clock.monotonic() - this.#handedAt;
  }

  /** Ends the stream in order. */
  close(): void {
    this.#end(undefined);
  }

  /** Ends the stream with a failure; the agent comes back and resumes. */
  drop(why: string): void {
    this.#end(
      new OperationalError(`Slice stream of node "${this.node}" was dropped: ${why}`, {
        operation: "send slice",
        subject: this.node,
        retry: "soon",
        code: "SLOW_READER",
      }),
    );
  }

  /** Looked up anew: making a piece may end the session. */
  #isEnded(): boolean {
    return this.#ended;
  }

  #end(failure: OperationalError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.options.onClose();
    this.#closed.resolve(failure);
    this.#bell?.resolve();
  }

  #piece(): Uint8Array | undefined {
    if (this.#opening !== undefined) {
      const { value, done } = this.#opening.next();
      if (done !== true) return value;
      this.#opening = undefined;
    }
    return this.#deltas() ?? this.#ping();
  }

  #deltas(): Uint8Array | undefined {
    if (!this.#deltasDue) return undefined;
    this.#deltasDue = false;
    const { frames, source } = this.options;
    const deltas = source.deltasAfter(this.#position);
    if (deltas === undefined) this.drop("its reader is further behind than is remembered");
    if (deltas === undefined || deltas.length === 0) return undefined;
    this.#pingDue = false;
    this.#position = source.position();
    return joinBytes([
      frames.frame({ frame: "begin", type: "delta" }),
      ...deltas.map((delta) => frames.delta(delta)),
      frames.frame({ frame: "end", position: this.#position }),
    ]);
  }

  #ping(): Uint8Array | undefined {
    if (!this.#pingDue || this.#ended) return undefined;
    this.#pingDue = false;
    this.#position = this.options.source.position();
    return this.options.frames.frame({ frame: "ping", position: this.#position });
  }

  /** `hello`, and the whole state unless the stream resumes. The state is that of the first pull, however long the pulls take. */
  *#open(): Generator<Uint8Array> {
    const { log, from, frames, source } = this.options;
    const hello = frames.frame({ frame: "hello", contract: SYNC_CONTRACT, ...log, from: from ?? 0 });
    if (from !== undefined) {
      yield hello;
      return;
    }
    this.#position = source.position();
    let pieces = [hello, frames.frame({ frame: "begin", type: "full" })];
    let size = 0;
    for (const item of source.items()) {
      const bytes = frames.item(item);
      pieces.push(bytes);
      size += bytes.length;
      if (size < PIECE_BYTES) continue;
      yield joinBytes(pieces);
      pieces = [];
      size = 0;
    }
    pieces.push(frames.frame({ frame: "end", position: this.#position }));
    yield joinBytes(pieces);
  }
}
