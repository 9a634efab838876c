/**
 * Relations as pairs come and go, against plain lists.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  countOfRight,
  createRelation,
  leftsOf,
  relate,
  rightsOf,
  unrelateAll,
} from "#/projections/label_index_relation.ts";

const ENDS = 100;

Deno.test("relate() and unrelateAll() agree with a list of pairs, from both ends", () => {
  const end = fc.nat(ENDS - 1);
  const move = fc.oneof({ weight: 3, arbitrary: fc.tuple(end, end) }, { weight: 1, arbitrary: fc.tuple(end) });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 300, size: "max" }), (moves) => {
      const relation = createRelation();
      let pairs: [number, number][] = [];
      for (const [left, right] of moves) {
        if (right !== undefined) {
          relate(relation, left, right);
          pairs.unshift([left, right]);
          continue;
        }
        const removed: number[] = [];
        unrelateAll(relation, left, (each) => removed.push(each));
        assertEquals(removed, pairs.filter(([one]) => one === left).map(([, other]) => other));
        pairs = pairs.filter(([one]) => one !== left);
      }
      for (let at = 0; at < ENDS; at++) {
        const lefts = pairs.filter(([, right]) => right === at).map(([left]) => left);
        // Bounded: a broken link must fail the test, not hang it.
        assertEquals(Iterator.from(leftsOf(relation, at)).take(moves.length + 1).toArray(), lefts);
        assertEquals([...rightsOf(relation, at)], pairs.filter(([left]) => left === at).map(([, right]) => right));
        assertEquals(countOfRight(relation, at), lefts.length);
      }
    }),
  );
});

Deno.test("unrelateAll() leaves room that is used again", () => {
  const relation = createRelation();
  for (let round = 0; round < 1_000; round++) {
    relate(relation, round, 1);
    relate(relation, round, 2);
    unrelateAll(relation, round);
  }
  assertEquals(relation.used, 3);
});
