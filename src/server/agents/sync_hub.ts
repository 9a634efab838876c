/**
 * The hub between the projection and the agents: fed with what each commit changed, it keeps all node states, and every open stream reads its node's part
 * at its own pace. The server's composition makes one; `slice_stream.ts` puts a session on HTTP.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { Clock } from "#/base/ports.ts";
import type { CompiledPolicies } from "#/policy/compiled.ts";
import type { ClusterState, EventChanges } from "#/projections/cluster_state.ts";
import { compiledPolicies } from "#/projections/compiled_policies.ts";
import {
  applyChanges,
  buildFromState,
  flush,
  follow,
  type NodeProjection,
  nodeState,
} from "#/projections/node_projection.ts";
import type { NodeItem } from "#/projections/node_state.ts";
import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";
import { NODES } from "#/projections/views.ts";
import { DeltaTail, TAIL_DELTAS_MAX } from "#/server/agents/delta_tail.ts";
import { createFrameCache, type FrameCache } from "#/server/agents/frame_cache.ts";
import { type ResumePoint, SliceSession } from "#/server/agents/slice_session.ts";

/** Which log the positions belong to. */
export interface LogIdentity {
  readonly logId: string;
  readonly epoch: number;
}

/** What the hub needs. */
export interface SyncHubDeps {
  readonly log: LogIdentity;
  /** The state at the start; read once, never kept. */
  readonly state: ClusterState;
  readonly clock: Clock;
}

/** Times and bounds; tests shorten them. */
export interface SyncHubOptions {
  /** A stream that has nothing else to say says so this often. */
  readonly pingIntervalMs?: number;
  /** Streams of nodes for which nothing changed learn new positions at most this often. */
  readonly positionIntervalMs?: number;
  /** A stream whose reader takes nothing for so long is dropped. */
  readonly slowReaderMs?: number;
  readonly tailDeltasMax?: number;
}

/** Default of `pingIntervalMs`. */
export const PING_INTERVAL_MS = 5_000;
/** Default of `positionIntervalMs`. */
export const POSITION_INTERVAL_MS = 100;
/** Default of `slowReaderMs`. */
export const SLOW_READER_MS = 30_000;

/** An open stream, for status pages. */
export interface SessionInfo {
  readonly node: string;
  /** Everything up to here was handed to the stream. */
  readonly position: number;
}

/** Keeps node states and tells agents. Disposing it ends every stream. */
export class SyncHub implements AsyncDisposable {
  readonly #projection: NodeProjection;
  readonly #frames: FrameCache = createFrameCache();
  readonly #tail: DeltaTail;
  readonly #sessions: Multimap<string, SliceSession> = new Map();
  readonly #pinging: ReturnType<typeof setInterval>;
  #position: number;
  #toldPositionAt = 0;
  #telling: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly deps: SyncHubDeps, private readonly options: SyncHubOptions = {}) {
    this.#projection = buildFromState(deps.state);
    this.#position = deps.state.position;
    this.#tail = new DeltaTail(this.#position, options.tailDeltasMax ?? TAIL_DELTAS_MAX);
    for (const node of this.#projection.told) this.#tail.know(node, this.#position);
    this.#pinging = setInterval(() => this.#keepAlive(), options.pingIntervalMs ?? PING_INTERVAL_MS);
  }

  /** Position up to which agents are or will be told. */
  get position(): number {
    return this.#position;
  }

  /**
   * Takes what one commit changed, in position order, and wakes the streams that it concerns. One flush for all of it.
   *
   * @param state after the last of the changes
   */
  apply(changes: readonly EventChanges[], state: ClusterState): void {
    const last = changes.at(-1);
    if (last === undefined) return;
    assert(
      changes[0]!.position === this.#position + 1,
      `Changes must go on after position ${this.#position}: ${changes[0]!.position}`,
    );
    for (const each of changes) applyChanges(this.#projection, each, state.origins);
    this.#position = last.position;
    const deltas = flush(this.#projection);
    this.#noteNodes(changes);
    this.#tail.add(this.#position, deltas);
    for (const node of deltas.keys()) for (const session of this.#sessions.get(node) ?? []) session.wake();
    this.#tellPositionSoon();
  }

  /**
   * Opens a stream of a node: resumed where the agent stands in this log, else from the start. The caller has made sure that the agent is not ahead.
   */
  open(node: string, resume: ResumePoint | undefined): SliceSession {
    follow(this.#projection, node);
    this.#tail.know(node, this.#position);
    const { log } = this.deps;
    const resumes = resume !== undefined && resume.logId === log.logId && resume.epoch === log.epoch &&
      resume.position <= this.#position && this.#tail.covers(node, resume.position);
    const session = new SliceSession({
      node,
      log,
      from: resumes ? resume.position : undefined,
      frames: this.#frames,
      source: {
        position: () => this.#position,
        items: (): readonly NodeItem[] => nodeState(this.#projection, node),
        deltasAfter: (position) => this.#tail.covers(node, position) ? this.#tail.after(node, position) : undefined,
      },
      clock: this.deps.clock,
      onClose: () => removeFrom(this.#sessions, node, session),
    });
    addTo(this.#sessions, node, session);
    return session;
  }

  /** The policies of the whole cluster, as of {@link position}: what nodes are sent is read off the same projection. */
  compiledPolicies(): CompiledPolicies {
    return compiledPolicies(this.#projection.policies);
  }

  /** Open streams, by node. */
  sessions(): readonly SessionInfo[] {
    return this.#allSessions().map(({ node, position }) => ({ node, position }))
      .sort((a, b) => a.node < b.node ? -1 : 1);
  }

  [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#pinging);
    clearTimeout(this.#telling);
    for (const session of this.#allSessions()) session.close();
    return Promise.resolve();
  }

  /** Positions are told at once after a pause, and then at most once an interval. */
  #tellPositionSoon(): void {
    if (this.#telling !== undefined) return;
    const elapsed = this.deps.clock.monotonic() - this.#toldPositionAt;
    const wait = Math.max(0, (this.options.positionIntervalMs ?? POSITION_INTERVAL_MS) - elapsed);
    const tell = (): void => {
      this.#telling = undefined;
      this.#toldPositionAt = this.deps.clock.monotonic();
      for (const session of this.#allSessions()) session.ping();
    };
    if (wait === 0) tell();
    else this.#telling = setTimeout(tell, wait);
  }

  #keepAlive(): void {
    const slowReaderMs = this.options.slowReaderMs ?? SLOW_READER_MS;
    for (const session of this.#allSessions()) {
      if (session.stalledMs() > slowReaderMs) session.drop(`its reader took nothing for ${slowReaderMs} ms`);
      else session.ping();
    }
  }

  /** A node is told changes from its registration on; of one that is gone nothing is remembered. */
  #noteNodes(changes: readonly EventChanges[]): void {
    for (const change of changes.flatMap((each) => each.changes)) {
      if (change.kind !== "object" || change.collection !== NODES) continue;
      const node = change.key.slice(1);
      if (this.#projection.told.has(node)) this.#tail.know(node, this.#position);
      else this.#tail.forget(node);
    }
  }

  #allSessions(): SliceSession[] {
    return [...this.#sessions.values()].flatMap((sessions) => [...sessions]);
  }
}
