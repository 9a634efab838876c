/**
 * States at past positions: folded from the log and kept for a while, because questions about one instant come in bunches.
 *
 * @module
 */
import type { EventLog } from "#/events/event_log.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import { applyEvent, cloneState, createState, type MutableClusterState } from "#/projections/fold.ts";

/** Past states kept in memory. */
export const PAST_STATES_MAX = 8;

/** Folds and keeps past states. A state given out is never changed again. */
export class PastStates {
  /** By position, least recently used first. */
  readonly #states = new Map<number, Promise<MutableClusterState>>();

  /** @param log where events are read */
  constructor(private readonly log: EventLog) {}

  /** The state at a position that the log has. */
  at(position: number): Promise<ClusterState> {
    const present = this.#states.get(position);
    const state = present ?? this.#fold(position);
    this.#states.delete(position);
    this.#states.set(position, state);
    state.catch(() => this.#states.delete(position));
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= PAST_STATES_MAX) break;
      this.#states.delete(oldest);
    }
    return state;
  }

  /** From the nearest earlier state that is kept, else from the log's beginning. */
  async #fold(position: number): Promise<MutableClusterState> {
    const nearest = Math.max(0, ...[...this.#states.keys()].filter((kept) => kept < position));
    const base = await this.#states.get(nearest);
    const state = base === undefined ? createState() : cloneState(base);
    if (state.position < position) {
      for await (const event of this.log.read({ from: state.position + 1, to: position })) applyEvent(state, event);
    }
    return state;
  }
}
