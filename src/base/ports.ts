/**
 * The two sources of non-determinism as ports: the clock and randomness. Shells receive them; the core never sees them, because a
 * choice made with one is recorded in an event and never made again on replay.
 *
 * @module
 */

/** Wall-clock time and a monotonic clock, both in milliseconds. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may step. */
  now(): number;
  /** Milliseconds since an arbitrary instant; never goes back. */
  monotonic(): number;
}

/** Randomness for identifiers. */
export interface Random {
  /** A random (version 4) UUID. */
  uuid(): string;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** The machine's own randomness. */
export const systemRandom: Random = { uuid: () => crypto.randomUUID() };
