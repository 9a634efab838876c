/**
 * A relation between two kinds of numbers that can be walked from both ends: which endpoint bears which value, which endpoint has which parent, which selector is
 * filed under which slot. Five integers a pair, in one array, so that a million pairs cost 20 MB and the garbage collector has nothing to look at.
 *
 * @module
 */

/** Pairs of a left and a right number. A pair may be there several times. */
export interface Relation {
  /** Five integers a pair: left, right, next pair of the left, next and previous pair of the right. Pair 0 is nobody's. */
  pairs: Int32Array;
  /** First pair of each left and of each right; 0 for none. */
  lefts: Int32Array;
  rights: Int32Array;
  /** How many pairs each right is in. */
  counts: Int32Array;
  /** First of the pairs that are free, linked by their first integer. */
  free: number;
  used: number;
}

const PAIR_INTEGERS = 5;

/** No pairs. */
export function createRelation(): Relation {
  return {
    pairs: new Int32Array(64 * PAIR_INTEGERS),
    lefts: new Int32Array(64),
    rights: new Int32Array(64),
    counts: new Int32Array(64),
    free: 0,
    used: 1,
  };
}

/**
 * Adds a pair. It becomes the first of its left, so that whoever needs an order adds in the opposite one.
 *
 * @example
 * ```ts
 * import { createRelation, relate, rightsOf } from "#/projections/label_index_relation.ts";
 * const parents = createRelation();
 * relate(parents, 7, 2);
 * relate(parents, 7, 1);
 * if ([...rightsOf(parents, 7)].join() !== "1,2" || parents.counts[2] !== 1) throw new Error();
 * ```
 */
export function relate(relation: Relation, left: number, right: number): void {
  if (left >= relation.lefts.length) relation.lefts = grown(relation.lefts, left + 1);
  if (right >= relation.rights.length) {
    relation.rights = grown(relation.rights, right + 1);
    relation.counts = grown(relation.counts, right + 1);
  }
  let pair = relation.free;
  if (pair !== 0) {
    relation.free = relation.pairs[pair * PAIR_INTEGERS]!;
  } else {
    pair = relation.used++;
    if (relation.used * PAIR_INTEGERS > relation.pairs.length) {
      relation.pairs = grown(relation.pairs, relation.used * PAIR_INTEGERS);
    }
  }
  const { pairs, lefts, rights } = relation;
  const at = pair * PAIR_INTEGERS;
  const next = rights[right]!;
  pairs[at] = left;
  pairs[at + 1] = right;
  pairs[at + 2] = lefts[left]!;
  pairs[at + 3] = next;
  pairs[at + 4] = 0;
  if (next !== 0) pairs[next * PAIR_INTEGERS + 4] = pair;
  lefts[left] = pair;
  rights[right] = pair;
  relation.counts[right]! += 1;
}

/** Removes all pairs of a left; what it was in relation with is told one by one, as it is after. */
export function unrelateAll(relation: Relation, left: number, removed?: (right: number) => void): void {
  const { pairs, lefts, rights, counts } = relation;
  let pair = lefts[left] ?? 0;
  if (pair === 0) return;
  lefts[left] = 0;
  while (pair !== 0) {
    const at = pair * PAIR_INTEGERS;
    const right = pairs[at + 1]!;
    const following = pairs[at + 2]!;
    const next = pairs[at + 3]!;
    const previous = pairs[at + 4]!;
    if (previous === 0) rights[right] = next;
    else pairs[previous * PAIR_INTEGERS + 3] = next;
    if (next !== 0) pairs[next * PAIR_INTEGERS + 4] = previous;
    counts[right]! -= 1;
    pairs[at] = relation.free;
    relation.free = pair;
    pair = following;
    removed?.(right);
  }
}

/** First pair of a left, 0 for none; with {@link nextOfLeft} and {@link rightAt} the way to walk without allocating. */
export function firstOfLeft(relation: Relation, left: number): number {
  return relation.lefts[left] ?? 0;
}

/** The pair after one of a left, 0 after the last. */
export function nextOfLeft(relation: Relation, pair: number): number {
  return relation.pairs[pair * PAIR_INTEGERS + 2]!;
}

/** The right of a pair. */
export function rightAt(relation: Relation, pair: number): number {
  return relation.pairs[pair * PAIR_INTEGERS + 1]!;
}

/** First pair of a right, 0 for none. */
export function firstOfRight(relation: Relation, right: number): number {
  return relation.rights[right] ?? 0;
}

/** The pair after one of a right, 0 after the last. */
export function nextOfRight(relation: Relation, pair: number): number {
  return relation.pairs[pair * PAIR_INTEGERS + 3]!;
}

/** The left of a pair. */
export function leftAt(relation: Relation, pair: number): number {
  return relation.pairs[pair * PAIR_INTEGERS]!;
}

/** How many pairs a right is in. */
export function countOfRight(relation: Relation, right: number): number {
  return relation.counts[right] ?? 0;
}

/** All rights of a left, last added first. */
export function* rightsOf(relation: Relation, left: number): Iterable<number> {
  for (let pair = firstOfLeft(relation, left); pair !== 0; pair = nextOfLeft(relation, pair)) {
    yield rightAt(relation, pair);
  }
}

/** All lefts of a right, last added first. */
export function* leftsOf(relation: Relation, right: number): Iterable<number> {
  for (let pair = firstOfRight(relation, right); pair !== 0; pair = nextOfRight(relation, pair)) {
    yield leftAt(relation, pair);
  }
}

/** A longer copy: half as long again or what is needed, whichever is more. */
function grown(array: Int32Array, needed: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(Math.max(needed, array.length + (array.length >>> 1)));
  longer.set(array);
  return longer;
}
