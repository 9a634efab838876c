/**
 * Refusals as values.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { reject } from "#/base/problem.ts";

Deno.test("reject() carries reason, message and problems", () => {
  const problem = { path: "spec.order", reason: "FieldValueInvalid", message: 'must be a number: "x"' };
  assertEquals(reject("Invalid", "Tier is invalid", [problem]), {
    kind: "rejected",
    reason: "Invalid",
    message: "Tier is invalid",
    problems: [problem],
  });
  assertEquals(reject("NotFound", "gone").problems, []);
});
