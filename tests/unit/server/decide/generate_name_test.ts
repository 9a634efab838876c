/**
 * Names that the server completes.
 *
 * @module
 */
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { generateName } from "#/server/decide/generate_name.ts";

Deno.test("generateName() is a function of prefix and UUID, and differs with either", () => {
  const [one, two] = ["0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"];
  assertEquals(generateName("web-", one), generateName("web-", one));
  assertNotEquals(generateName("web-", one), generateName("web-", two));
  assertMatch(generateName("web-", two), /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
});

Deno.test("generateName() keeps the name a DNS label however long the prefix", () => {
  assertEquals(generateName("a".repeat(200), "0f8fad5b-d9cb-469f-a165-70867728950e").length, 63);
});
