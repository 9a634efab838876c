/**
 * @module
 */
import { assertEquals } from "@std/assert";
import { answerJson, headerText, textOfHeader, WARNINGS_MAX, warningValues } from "#/server/api/respond.ts";

Deno.test("answerJson() writes status, type, position and warnings", async () => {
  const response = answerJson({ a: 1 }, { status: 201, position: 7, warnings: ["one", "two"] });
  assertEquals(response.status, 201);
  assertEquals(response.headers.get("Content-Type"), "application/json");
  assertEquals(response.headers.get("Tortie-Position"), "7");
  assertEquals(response.headers.get("Warning"), '299 - "one", 299 - "two"');
  assertEquals(await response.json(), { a: 1 });
});

Deno.test("warningValues() quotes, and leaves no control character in a header", () => {
  assertEquals(warningValues(['a "b" \\ c\r\nSet-Cookie: x']), ['299 - "a \\"b\\" \\\\ c Set-Cookie: x"']);
});

Deno.test("warningValues() counts what it does not show", () => {
  const values = warningValues(Array.from({ length: WARNINGS_MAX + 3 }, () => "w"));
  assertEquals(values.length, WARNINGS_MAX + 1);
  assertEquals(values.at(-1), '299 - "3 more warnings are not shown"');
});

Deno.test("textOfHeader() reads back what headerText() wrote, and Latin-1 as it is", () => {
  for (const text of ["plain", "één ✓", ""]) assertEquals(textOfHeader(headerText(text)), text);
  assertEquals(textOfHeader("caf\u00e9"), "café");
});
