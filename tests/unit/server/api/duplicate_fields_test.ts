/**
 * @module
 */
import { assertEquals } from "@std/assert";
import { duplicateFields, DUPLICATES_MAX } from "#/server/api/duplicate_fields.ts";

const CASES: readonly { readonly name: string; readonly text: string; readonly want: readonly string[] }[] = [
  { name: "none", text: '{"a":1,"b":{"a":2},"c":[{"a":1},{"a":2}]}', want: [] },
  { name: "at the top", text: '{"a":1,"a":2}', want: ["a"] },
  { name: "three times", text: '{"a":1,"a":2,"a":3}', want: ["a", "a"] },
  { name: "in a list", text: '{"a":[1,{"b":1},{"b":[],"b":{}}]}', want: ["a[2].b"] },
  { name: "in a list of lists", text: '[[1,2],[{"x":1,"x":2}]]', want: ["[1][0].x"] },
  { name: "under different escapes", text: '{"a":1,"\\u0061":2}', want: ["a"] },
  { name: "beside values that look like keys", text: '{"a":"a","b":"a","c":"{\\"a\\":1,\\"a\\""}', want: [] },
  { name: "no object", text: '"a"', want: [] },
];

for (const { name, text, want } of CASES) {
  Deno.test(`duplicateFields() finds ${name}`, () => assertEquals(duplicateFields(text), want));
}

Deno.test("duplicateFields() reports up to its bound", () => {
  const text = `{${Array.from({ length: DUPLICATES_MAX + 10 }, () => '"a":1').join()}}`;
  assertEquals(duplicateFields(text).length, DUPLICATES_MAX);
});
