/**
 * What recent events changed, kept in memory for followers: watches and agents' streams read from here and go back to the log only for what is no
 * longer here.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { EventChanges } from "#/projections/cluster_state.ts";

/** Events whose changes are kept. */
export const FEED_EVENTS_MAX = 50_000;

/** A bounded tail of changes, and a bell for those who wait for more. */
export class ChangeFeed {
  #changes: EventChanges[] = [];
  #bell = Promise.withResolvers<void>();

  /** @param position of the last event before the first that will be added */
  constructor(private start: number) {}

  /** Position after which everything is here. */
  get tailStart(): number {
    return this.start;
  }

  /** Position of the last event here. */
  get head(): number {
    return this.start + this.#changes.length;
  }

  /** Adds changes of the next events, in order, and wakes who waits. */
  add(changes: readonly EventChanges[]): void {
    for (const change of changes) {
      assert(change.position === this.head + 1, `Changes must be of event ${this.head + 1}: ${change.position}`);
      this.#changes.push(change);
    }
    // Cut in large pieces, so that the cost of moving the rest is spread.
    if (this.#changes.length > 2 * FEED_EVENTS_MAX) {
      const cut = this.#changes.length - FEED_EVENTS_MAX;
      this.#changes = this.#changes.slice(cut);
      this.start += cut;
    }
    const bell = this.#bell;
    this.#bell = Promise.withResolvers<void>();
    bell.resolve();
  }

  /** Up to `limit` changes after a position; `undefined` when they are no longer here. */
  after(position: number, limit: number): readonly EventChanges[] | undefined {
    return position < this.start
      ? undefined
      : this.#changes.slice(position - this.start, position - this.start + limit);
  }

  /** Resolves when there is something after the position, or the signal aborts. */
  async waitAfter(position: number, signal: AbortSignal): Promise<void> {
    while (this.head <= position && !signal.aborted) {
      const abort = Promise.withResolvers<void>();
      const onAbort = () => abort.resolve();
      signal.addEventListener("abort", onAbort, { once: true });
      await Promise.race([this.#bell.promise, abort.promise]);
      signal.removeEventListener("abort", onAbort);
    }
  }
}
