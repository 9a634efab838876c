/**
 * Random histories of small clusters: however objects and facts come and go, and whenever it is flushed, agents, the projection kept up to date and the
 * one made from nothing agree; and what agents are told late, as one, comes to the same as what they are told bit by bit.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalJson, type Json } from "#/base/json.ts";
import { coalesceDeltas } from "#/projections/coalesce.ts";
import { applyEvent, cloneState, createState } from "#/projections/fold.ts";
import {
  applyChanges,
  createNodeProjection,
  flush,
  follow,
  nodeState,
  orderDeltas,
} from "#/projections/node_projection.ts";
import type { NodeDelta } from "#/projections/node_state.ts";
import { deltaFrames, itemFrames } from "#/sync/encode.ts";
import { applyBatch, sortedItems } from "#/sync/slice.ts";
import { createHistory } from "#tests/support/history.ts";
import { checkNodes, createFollower, feed, step, type Thing, world } from "#tests/support/worlds.ts";
import { moves, NODES } from "./projection_things.ts";

const RUNS = 150;

Deno.test("flush() keeps agents at what a projection made from nothing says, for random histories", () => {
  fc.assert(
    fc.property(moves, (all) => {
      const history = createHistory();
      const follower = createFollower(NODES);
      let current = new Map<string, Thing>();
      for (const { thing: each, gone, flushed } of all) {
        const next = new Map(current);
        for (const [key, made] of world(each)) gone ? next.delete(key) : next.set(key, made);
        feed(follower, history, step(history, current, next), flushed ? "once" : "never");
        current = next;
      }
      feed(follower, history, []);
      checkNodes(follower, history);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("coalesceDeltas() comes to the same as all deltas one by one, for random histories", () => {
  fc.assert(
    fc.property(moves, (all) => {
      const history = createHistory();
      const projection = createNodeProjection();
      follow(projection, "node1");
      const start = applyBatch(new Map(), [
        { frame: "begin", type: "full" },
        ...nodeState(projection, "node1").flatMap(itemFrames),
        { frame: "end", position: 0 },
      ]);
      const told: NodeDelta[] = [];
      let current = new Map<string, Thing>();
      for (const { thing: each, gone } of all) {
        const next = new Map(current);
        for (const [key, made] of world(each)) gone ? next.delete(key) : next.set(key, made);
        for (const changes of step(history, current, next)) applyChanges(projection, changes, history.state.origins);
        told.push(...flush(projection).get("node1") ?? []);
        current = next;
      }
      if (start.kind === "refused") throw new Error(start.message);
      const outcome = applyBatch(start.state, [
        { frame: "begin", type: "delta" },
        ...coalesceDeltas(told).flatMap(deltaFrames),
        { frame: "end", position: 1 },
      ]);
      if (outcome.kind === "refused") throw new Error(outcome.message);
      assertEquals(sortedItems(outcome.state).map(textOf), nodeState(projection, "node1").map(textOf));
      assertEquals(coalesceDeltas(told), orderDeltas(coalesceDeltas(told)));
    }),
    { numRuns: RUNS },
  );
});

Deno.test("applyEvent() gives the same state in one go and from a clone on the way, for random histories", () => {
  fc.assert(
    fc.property(moves, (all) => {
      const history = createHistory();
      let current = new Map<string, Thing>();
      for (const { thing: each, gone } of all) {
        const next = new Map(current);
        for (const [key, made] of world(each)) gone ? next.delete(key) : next.set(key, made);
        step(history, current, next);
        current = next;
      }
      const half = Math.floor(history.events.length / 2);
      const start = createState();
      for (const event of history.events.slice(0, half)) applyEvent(start, event);
      const again = cloneState(start);
      for (const event of history.events.slice(half)) applyEvent(again, event);
      assertEquals(start.position, half);
      assertEquals(again, history.state);
    }),
    { numRuns: RUNS },
  );
});

function textOf(item: unknown): string {
  return canonicalJson(item as Json);
}
