/**
 * What nodes were told lately, by position: streams read from it at their own pace, and an agent that was away for a while resumes from it. Bounded; who
 * needs more than it holds gets everything anew.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { coalesceDeltas } from "#/projections/coalesce.ts";
import type { NodeDelta } from "#/projections/node_state.ts";

/** Deltas kept, of all nodes together. A delta that many nodes share counts for each. */
export const TAIL_DELTAS_MAX = 500_000;

interface Flush {
  readonly position: number;
  readonly deltas: ReadonlyMap<string, readonly NodeDelta[]>;
  readonly size: number;
}

/** A bounded tail of flushes. */
export class DeltaTail {
  #flushes: Flush[] = [];
  #size = 0;
  /** First flush that is still of use; those before it are cut off in large pieces. */
  #first = 0;
  readonly #knownFrom = new Map<string, number>();

  /**
   * @param start position after which everything is here
   * @param deltasMax as {@link TAIL_DELTAS_MAX}
   */
  constructor(private start: number, private readonly deltasMax: number = TAIL_DELTAS_MAX) {}

  /** Says that the node's deltas are told from a position on. */
  know(node: string, position: number): void {
    if (!this.#knownFrom.has(node)) this.#knownFrom.set(node, position);
  }

  /** Says that the node's deltas are told no longer. */
  forget(node: string): void {
    this.#knownFrom.delete(node);
  }

  /** Adds a flush. One without deltas leaves no trace. */
  add(position: number, deltas: ReadonlyMap<string, readonly NodeDelta[]>): void {
    if (deltas.size === 0) return;
    const last = this.#flushes.at(-1);
    assert(last === undefined || last.position < position, `Flush must come after ${last?.position}: ${position}`);
    const size = [...deltas.values()].reduce((sum, each) => sum + each.length, 0);
    this.#flushes.push({ position, deltas, size });
    this.#size += size;
    while (this.#size > this.deltasMax && this.#first < this.#flushes.length) {
      const dropped = this.#flushes[this.#first]!;
      this.#first += 1;
      this.#size -= dropped.size;
      this.start = dropped.position;
    }
    if (this.#first * 2 > this.#flushes.length) {
      this.#flushes = this.#flushes.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Whether a node that has everything up to the position can go on from here. */
  covers(node: string, position: number): boolean {
    return position >= Math.max(this.start, this.#knownFrom.get(node) ?? Infinity);
  }

  /** What a node must be told after a position, coalesced; empty when nothing changed for it. */
  after(node: string, position: number): readonly NodeDelta[] {
    assert(this.covers(node, position), `Tail must cover "${node}" from position ${position}`);
    const batches: (readonly NodeDelta[])[] = [];
    for (let at = this.#flushes.length - 1; at >= this.#first; at--) {
      const flush = this.#flushes[at]!;
      if (flush.position <= position) break;
      const deltas = flush.deltas.get(node);
      if (deltas !== undefined) batches.push(deltas);
    }
    return batches.length <= 1 ? batches[0] ?? [] : coalesceDeltas(batches.reverse().flat());
  }
}
