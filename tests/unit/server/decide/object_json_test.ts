/**
 * The border where JSON from users becomes an object.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Json } from "#/base/json.ts";
import { OBJECT_DEPTH_MAX } from "#/resources/validate.ts";
import { nestingRefusal, objectFromJson, objectToJson, withoutNulls } from "#/server/decide/object_json.ts";

function nested(levels: number): Json {
  let value: Json = 1;
  for (let level = 0; level < levels; level++) value = { in: value };
  return value;
}

Deno.test("objectFromJson() reads an object and drops null members", () => {
  const read = objectFromJson({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "x", creationTimestamp: null },
    spec: { l: [null] },
  });
  assert(read.kind === "read");
  assertEquals(objectToJson(read.object), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "x" },
    spec: { l: [null] },
  });
});

Deno.test("objectFromJson() says what is wrong with the rest", () => {
  const said = (value: Json) => {
    const read = objectFromJson(value);
    assert(read.kind === "rejected");
    return `${read.reason}: ${read.message}`;
  };
  assertEquals(said([]), "BadRequest: The object must be a JSON object");
  assertEquals(said({ kind: "rejected", problems: [] }), "BadRequest: The object must have metadata");
  assertEquals(said({ metadata: { uid: {} } }), "BadRequest: Field metadata.uid must be a string: object");
});

Deno.test("nestingRefusal() allows just the bound", () => {
  assertEquals(nestingRefusal(nested(OBJECT_DEPTH_MAX)), undefined);
  assertEquals(nestingRefusal(nested(OBJECT_DEPTH_MAX + 1))?.reason, "BadRequest");
  assertEquals(nestingRefusal([nested(OBJECT_DEPTH_MAX)])?.reason, "BadRequest");
});

Deno.test("withoutNulls() leaves list items alone", () => {
  assertEquals(withoutNulls({ a: null, b: [null, { c: null }] }), { b: [null, {}] });
});
