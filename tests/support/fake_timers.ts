/**
 * Timers whose clock the test moves, and waiting for a condition without sleeping.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import { fail } from "@std/assert";
import type { Cancel, Timers } from "#/agents/timers.ts";

/** Turns of the event loop that {@link until} waits at most. */
const TURNS_MAX = 10_000;
/** Turns in which whatever needs no timer and no input has happened. */
const TURNS_TO_SETTLE = 10;

/** Returns when the condition holds; fails the test when it does not within 10,000 turns of the event loop. */
export async function until(condition: () => boolean, what = "the condition"): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    if (condition()) return;
    await setImmediate();
  }
  fail(`Expected ${what} to hold within ${TURNS_MAX} turns of the event loop`);
}

/** Lets everything happen that waits for no timer. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await setImmediate();
}

interface Entry {
  at: number;
  readonly everyMs: number | undefined;
  readonly call: () => void;
}

/** Timers that stand still until {@link advance}. */
export class FakeTimers implements Timers {
  #now = 0;
  readonly #entries = new Set<Entry>();

  /** Milliseconds advanced so far. */
  get now(): number {
    return this.#now;
  }

  /** How many calls are due, ever. */
  get pending(): number {
    return this.#entries.size;
  }

  after(ms: number, call: () => void): Cancel {
    return this.#add({ at: this.#now + ms, everyMs: undefined, call });
  }

  every(ms: number, call: () => void): Cancel {
    return this.#add({ at: this.#now + ms, everyMs: ms, call });
  }

  /** Moves the clock on, makes the calls that are due, in order, and lets what they start happen. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = next.at;
      if (next.everyMs === undefined) this.#entries.delete(next);
      else next.at += next.everyMs;
      next.call();
      await settle();
    }
    this.#now = end;
  }

  #add(entry: Entry): Cancel {
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }

  #next(end: number): Entry | undefined {
    const due = [...this.#entries].filter(({ at }) => at <= end);
    return due.sort((a, b) => a.at - b.at)[0];
  }
}
