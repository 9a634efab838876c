/**
 * Numbers that look random and are the same in every run, so that two runs measure the same work.
 *
 * @module
 */

/** A source of numbers. */
export interface Seeded {
  /** A whole number from 0 to `end - 1`. */
  below(end: number): number;
  /** One of a list. */
  pick<T>(list: readonly T[]): T;
  /** True in so many of 100 cases. */
  chance(percent: number): boolean;
}

/** A source that depends on the seed alone (mulberry32). */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number) => Math.floor(next() * end);
  return { below, pick: (list) => list[below(list.length)]!, chance: (percent) => below(100) < percent };
}
