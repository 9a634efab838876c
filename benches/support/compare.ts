/**
 * Two ways to do one piece of work, measured in one run on one machine: A-B-B-A in several rounds, so that a machine that slows down on the way favours
 * neither; the ratio of each round, their median and range. And quantiles, for what has no counterpart.
 *
 * @module
 */
import type { Spread } from "./rows.ts";

/** Rounds of A-B-B-A, where speed is what is asked for. */
export const ROUNDS = 5;

/** Both sides of a comparison. A pass does the work and returns what one unit of it cost, in milliseconds. */
export interface Sides {
  readonly ours: () => number | Promise<number>;
  readonly theirs: () => number | Promise<number>;
  readonly rounds: number;
}

/** What came of it: median costs in milliseconds per unit, and how many times as fast we are. */
export interface Comparison {
  readonly oursMs: number;
  readonly theirsMs: number;
  readonly ratio: Spread;
}

/** Measures both sides. One pass of each goes before, uncounted, so that neither pays for the compiler. */
export async function compare({ ours, theirs, rounds }: Sides): Promise<Comparison> {
  const costs = { ours: [] as number[], theirs: [] as number[] };
  const ratios: number[] = [];
  await ours();
  await theirs();
  for (let round = 0; round < rounds; round++) {
    const first = await ours();
    const second = await theirs();
    const third = await theirs();
    const fourth = await ours();
    costs.ours.push(first, fourth);
    costs.theirs.push(second, third);
    ratios.push((second + third) / (first + fourth));
  }
  return { oursMs: quantile(costs.ours, 0.5), theirsMs: quantile(costs.theirs, 0.5), ratio: spread(ratios) };
}

/** Median and range. */
export function spread(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * The value that a part `q` of all values does not exceed; by rank, never between two values.
 *
 * @example
 * ```ts
 * import { quantile } from "./compare.ts";
 * if (quantile([3, 1, 2], 0.5) !== 2 || quantile([3, 1, 2], 0.99) !== 3) throw new Error();
 * ```
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}

/** Milliseconds that a synchronous piece of work took. */
export function elapsedMs(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
