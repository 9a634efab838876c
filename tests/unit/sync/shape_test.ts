/**
 * Checks of JSON shapes and the paths that they tell.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Check, count, either, flag, listOf, oneOf, optional, record, tagged, text } from "#/sync/shape.ts";

Deno.test("checks tell the path of the first misfit", () => {
  const shape = record({
    name: text,
    on: flag,
    sizes: listOf(count),
    mode: oneOf("a", 4),
    more: optional(either(text, count)),
  });
  const good = { name: "n", on: true, sizes: [0, 1], mode: 4 };
  const cases: readonly (readonly [string, Check, unknown, string | undefined])[] = [
    ["fits", shape, good, undefined],
    ["with the optional", shape, { ...good, more: 3 }, undefined],
    ["neither alternative", shape, { ...good, more: true }, ".more"],
    ["no text", shape, { ...good, name: 7 }, ".name"],
    ["no flag", shape, { ...good, on: "true" }, ".on"],
    ["no list", shape, { ...good, sizes: {} }, ".sizes"],
    ["fraction", shape, { ...good, sizes: [0, 0.5] }, ".sizes[1]"],
    ["beyond safe numbers", count, 2 ** 53, ""],
    ["number as text", shape, { ...good, mode: "4" }, ".mode"],
    ["missing", shape, { ...good, name: undefined }, ".name"],
    ["stranger", shape, { ...good, extra: 1 }, ".extra"],
    ["null", shape, null, ""],
    ["list as object", shape, [], ""],
    ["tag", tagged("kind", { a: shape }), { kind: "b" }, ".kind"],
    ["no object with a tag", tagged("kind", { a: shape }), 7, ""],
  ];
  for (const [name, check, value, path] of cases) assertEquals(check(value)?.path, path, name);
});
