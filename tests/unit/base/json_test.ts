/**
 * Canonical JSON and equality.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalJson, isJsonObject, type Json, jsonEquals } from "#/base/json.ts";

Deno.test("canonicalJson() sorts keys at every depth and leaves out what is undefined", () => {
  assertEquals(canonicalJson({ b: [{ d: null, c: "x" }], a: undefined, "": 1.5 }), '{"":1.5,"b":[{"c":"x","d":null}]}');
  assertEquals(canonicalJson(undefined), "null");
  assertEquals(canonicalJson([1, "é\n", true]), '[1,"é\\n",true]');
});

Deno.test("canonicalJson() does not depend on the order of keys, and can be read back", () => {
  const value = fc.jsonValue().map((one) => JSON.parse(JSON.stringify(one)) as Json);
  const reversed = (one: Json): Json => {
    if (Array.isArray(one)) return one.map(reversed);
    if (!isJsonObject(one)) return one;
    return Object.fromEntries(Object.entries(one).reverse().map(([key, member]) => [key, reversed(member ?? null)]));
  };
  fc.assert(fc.property(value, (one) => {
    assertEquals(canonicalJson(reversed(one)), canonicalJson(one));
    assertEquals(JSON.parse(canonicalJson(one)), JSON.parse(JSON.stringify(one)));
  }));
});

Deno.test("jsonEquals() looks at values, not at order or absence", () => {
  assertEquals(jsonEquals({ a: 1, b: { c: [1] } }, { b: { c: [1], d: undefined }, a: 1 }), true);
  assertEquals(jsonEquals([1, 2], [2, 1]), false);
  assertEquals(jsonEquals({}, []), false);
  assertEquals(jsonEquals(undefined, undefined), true);
});

Deno.test("jsonEquals() holds of what has equal canonical text, and of nothing else", () => {
  const leaf = fc.constantFrom<Json | undefined>(null, undefined, 0, "", false, 1);
  const { value } = fc.letrec<{ value: Json | undefined }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie("value").map((one) => one ?? null), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom("a", "b", "constructor"), tie("value"), { maxKeys: 2 }),
    ),
  }));
  let equal = 0;
  fc.assert(
    fc.property(value, value, (one, other) => {
      const expected = canonicalJson(one) === canonicalJson(other);
      equal += expected ? 1 : 0;
      assertEquals(jsonEquals(one, other), expected);
    }),
    { numRuns: 2000 },
  );
  assertEquals(equal > 20 && equal < 1980, true, `${equal} equal`);
});

Deno.test("isJsonObject() refuses null and arrays", () => {
  assertEquals([{}, [], null, "x", undefined].map(isJsonObject), [true, false, false, false, false]);
});
