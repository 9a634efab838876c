/**
 * The machine's clock and randomness behind their ports.
 *
 * @module
 */
import { assert, assertMatch, assertNotEquals } from "@std/assert";
import { systemClock, systemRandom } from "#/base/ports.ts";

Deno.test("systemClock.monotonic() never goes back, and now() is in milliseconds", () => {
  const readings = Array.from({ length: 100 }, () => systemClock.monotonic());
  assert(readings.every((reading, index) => index === 0 || reading >= readings[index - 1]!));
  assert(Math.abs(systemClock.now() - new Date().getTime()) < 60_000);
});

Deno.test("systemRandom.uuid() gives a new version 4 UUID each time", () => {
  assertMatch(systemRandom.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assertNotEquals(systemRandom.uuid(), systemRandom.uuid());
});
