/**
 * Reading manifests on the command line.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { CommandFailure } from "#/cli/exit_code.ts";
import { readManifests } from "#/cli/write_commands.ts";

Deno.test("readManifests() reads several documents, JSON and Lists, and skips empty ones", () => {
  const text =
    `---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n---\n{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod"}]}\n`;
  assertEquals(readManifests("f.yaml", text).map(({ kind }) => kind), ["Namespace", "Pod"]);
});

Deno.test("readManifests() names file, document and rule", () => {
  assertThrows(
    () => readManifests("f.yaml", "apiVersion: v1\nkind: A\n---\nkind: 7\n"),
    CommandFailure,
    'Document 2 of "f.yaml" must be',
  );
  assertThrows(() => readManifests("f.yaml", "a: b: c\n"), CommandFailure, 'Cannot read "f.yaml"');
});

Deno.test("readManifests() wants an object", () => {
  for (const text of ["", "---\n---\n", "# nothing\n"]) {
    assertThrows(() => readManifests("f.yaml", text), CommandFailure, '"f.yaml" must hold at least one object');
  }
});
