/**
 * Identities of selectors, against values made by Calico.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { selectorId, uniqueId } from "#/base/selector_id.ts";
import { parseSelector } from "#/base/selector_parser.ts";

function id(text: string): string {
  const result = parseSelector(text);
  assert(result.kind === "parsed");
  return selectorId(result.selector);
}

Deno.test("selectorId() equals Calico's", () => {
  assertEquals(id("all()"), "s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug");
  assertEquals(id(""), id("all()"));
  assertEquals(id('a == "b"'), "s:flMh0m0X_BowkAK_W3j3MgH8oQOsj3WxGDoXCQ");
});

Deno.test("selectorId() depends on the canonical text alone", () => {
  assertEquals(id("a=='b'"), id('(a == "b")'));
  assertEquals(id("a in {'c','b'}"), id("a in {'b', 'c', 'b'}"));
  assertNotEquals(id("a == 'b' && c == 'd'"), id("c == 'd' && a == 'b'"));
});

Deno.test("uniqueId() hashes its prefix too", () => {
  assertEquals(uniqueId("svc", "a/b").length, "svc:".length + 38);
  assertNotEquals(uniqueId("s", "x").slice(2), uniqueId("n", "x").slice(2));
});
