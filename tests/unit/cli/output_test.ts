/**
 * How answers are printed.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { CommandFailure } from "#/cli/exit_code.ts";
import { documentText, outputFormat, tableText } from "#/cli/output.ts";

Deno.test("tableText() aligns columns and leaves no blanks at the end", () => {
  assertEquals(tableText(["NAME", "X"], [["a", ""], ["long name", "y"]]), "NAME        X\na\nlong name   y");
});

Deno.test("documentText() prints JSON and YAML", () => {
  assertEquals(documentText({ a: [1] }, "json"), '{\n  "a": [\n    1\n  ]\n}');
  assertEquals(documentText({ a: [1] }, "yaml"), "a:\n  - 1");
  const twice = { b: 1 };
  assertEquals(documentText([twice, twice], "yaml"), "- b: 1\n- b: 1");
});

Deno.test("outputFormat() names what is offered", () => {
  assertEquals(outputFormat("json", ["json"]), "json");
  assertThrows(() => outputFormat("xml", ["json", "table"]), CommandFailure, 'json, table: "xml"');
});
