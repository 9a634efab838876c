/**
 * @module
 */
import { assertEquals } from "@std/assert";
import { dryRunOf, forceOf, writeOptionsOf } from "#/server/api/write_options.ts";

const REQUEST = new Request("http://localhost/", { headers: { "user-agent": "curl/8.0" } });

const CASES: readonly { readonly query: string; readonly want: unknown }[] = [
  { query: "", want: { dryRun: false, fieldManager: "curl", fieldValidation: "Warn" } },
  {
    query: "dryRun=All&fieldManager=me&fieldValidation=Strict",
    want: { dryRun: true, fieldManager: "me", fieldValidation: "Strict" },
  },
  { query: "dryRun=all", want: "BadRequest" },
  { query: "dryRun=All&dryRun=Some", want: "BadRequest" },
  { query: "fieldValidation=strict", want: "BadRequest" },
  { query: "at=12", want: "BadRequest" },
  { query: `fieldManager=${"x".repeat(129)}`, want: "BadRequest" },
  { query: "fieldManager=a%0Ab", want: "BadRequest" },
];

for (const { query, want } of CASES) {
  Deno.test(`writeOptionsOf() of "${query.slice(0, 60)}"`, () => {
    const options = writeOptionsOf(REQUEST, new URLSearchParams(query));
    assertEquals<unknown>("kind" in options ? options.reason : options, want);
  });
}

Deno.test("dryRunOf() takes All and nothing else", () => {
  assertEquals(dryRunOf([]), false);
  assertEquals(dryRunOf([""]), false);
  assertEquals(dryRunOf(["All"]), true);
  assertEquals(typeof dryRunOf(["None"]), "object");
});

Deno.test("forceOf() is for apply patches only", () => {
  assertEquals(forceOf(new URLSearchParams("force=true"), true), true);
  assertEquals(forceOf(new URLSearchParams(""), false), false);
  assertEquals(typeof forceOf(new URLSearchParams("force=true"), false), "object");
  assertEquals(typeof forceOf(new URLSearchParams("force=yes"), true), "object");
});
