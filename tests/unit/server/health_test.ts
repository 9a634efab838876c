/**
 * Health answers.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { healthResponse } from "#/server/health.ts";

const good = { name: "log", check: () => Promise.resolve() };
const bad = { name: "database", check: () => Promise.reject(new Error("Connection refused")) };

Deno.test("healthResponse() says ok when all checks pass, and which on request", async () => {
  assertEquals(await (await healthResponse([good], false)).text(), "ok\n");
  assertStringIncludes(await (await healthResponse([good], true)).text(), "[+]log ok");
});

Deno.test("healthResponse() is a 503 that names the check and the reason", async () => {
  const response = await healthResponse([good, bad], false);
  assertEquals(response.status, 503);
  assertStringIncludes(await response.text(), "[-]database failed: Connection refused");
});
