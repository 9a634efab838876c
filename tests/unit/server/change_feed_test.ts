/**
 * The tail of changes that followers read.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import type { EventChanges } from "#/projections/cluster_state.ts";
import { ChangeFeed, FEED_EVENTS_MAX } from "#/server/change_feed.ts";

function changes(from: number, to: number): EventChanges[] {
  return Array.from({ length: to - from + 1 }, (_, at) => ({ position: from + at, occurredAt: "", changes: [] }));
}

Deno.test("ChangeFeed gives what comes after a position, up to the limit", () => {
  const feed = new ChangeFeed(10);
  feed.add(changes(11, 15));
  assertEquals(feed.after(12, 2)?.map(({ position }) => position), [13, 14]);
  assertEquals(feed.after(15, 9), []);
  assertEquals(feed.head, 15);
});

Deno.test("ChangeFeed says when it no longer has what was asked for", () => {
  assertEquals(new ChangeFeed(10).after(9, 1), undefined);
});

Deno.test("ChangeFeed refuses a gap", () => {
  assertThrows(() => new ChangeFeed(10).add(changes(12, 12)), AssertionFailure, "must be of event 11");
});

Deno.test("ChangeFeed forgets the oldest and stays dense", () => {
  const feed = new ChangeFeed(0);
  feed.add(changes(1, 2 * FEED_EVENTS_MAX + 1));
  assertEquals(feed.tailStart, FEED_EVENTS_MAX + 1);
  assertEquals(feed.after(feed.tailStart, 1)?.[0]?.position, FEED_EVENTS_MAX + 2);
  assertEquals(feed.after(feed.tailStart - 1, 1), undefined);
});

Deno.test("ChangeFeed wakes who waits when something comes, and when the wait is given up", async () => {
  const feed = new ChangeFeed(0);
  const waiting = feed.waitAfter(0, new AbortController().signal);
  feed.add(changes(1, 1));
  await waiting;
  const stop = new AbortController();
  const given = feed.waitAfter(1, stop.signal);
  stop.abort();
  await given;
});
