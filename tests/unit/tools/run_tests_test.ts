/**
 * Reading deno test's count: a stage whose count cannot be read must not pass.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseCount } from "../../../tools/run_tests.ts";

Deno.test("parseCount() reads the last line", () => {
  assertEquals(parseCount("x\nok | 2 passed (2 steps) | 0 failed | 1 ignored (8ms)\n"), {
    passed: 2,
    failed: 0,
    skipped: 1,
  });
  assertEquals(parseCount("FAILED | 10 passed | 3 failed (8ms)"), { passed: 10, failed: 3, skipped: 0 });
});

Deno.test("parseCount() finds nothing where there is no count", () => {
  assertEquals(parseCount("error: No test modules found"), undefined);
});
