/**
 * Assertions of bugs.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { assert, AssertionFailure, assertNever } from "#/base/assert.ts";

Deno.test("assert() throws an AssertionFailure with the message unless the condition holds", () => {
  assert(1, "must hold");
  for (const condition of [false, 0, "", null, undefined]) {
    const failure = assertThrows(() => assert(condition, "Expected a position: 0"), AssertionFailure);
    assertEquals([failure.name, failure.message], ["AssertionFailure", "Expected a position: 0"]);
  }
});

Deno.test("assertNever() names the case that nobody handles", () => {
  assertThrows(() => assertNever({ kind: "new" } as never), AssertionFailure, '{"kind":"new"}');
});
