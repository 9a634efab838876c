/**
 * States of the past: equal to a fold from zero, whatever was asked before.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createMemoryLog, emptyHead } from "#/events/memory_log.ts";
import { PAST_STATES_MAX, PastStates } from "#/server/past_states.ts";
import { fullDraft, placeAll } from "#tests/support/events.ts";

async function logOf(count: number) {
  const log = createMemoryLog("log");
  const drafts = Array.from({ length: count }, (_, at) => fullDraft(at + 1));
  const head = await log.head();
  await log.append(head, placeAll(head, drafts));
  return log;
}

Deno.test("PastStates folds exactly up to the position", async () => {
  const past = new PastStates(await logOf(5));
  assertEquals((await past.at(3)).position, 3);
  assertEquals((await past.at(0)).position, 0);
  assertEquals(emptyHead("log").position, 0);
});

Deno.test("PastStates gives the same state from a nearer one as from zero, and leaves the nearer one alone", async () => {
  const log = await logOf(2 * PAST_STATES_MAX);
  const past = new PastStates(log);
  const early = await past.at(2);
  for (let position = 3; position <= 2 * PAST_STATES_MAX; position++) {
    assertEquals(await past.at(position), await new PastStates(log).at(position));
  }
  assertEquals(early.position, 2);
  assertEquals(await past.at(2), await new PastStates(log).at(2));
});
