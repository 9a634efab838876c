/**
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Labels, matchesLabels, parseLabelSelector } from "#/server/api/label_selector.ts";

const CASES: readonly { readonly selector: string; readonly labels?: Labels; readonly matches: boolean }[] = [
  { selector: "", labels: {}, matches: true },
  { selector: "a=b", labels: { a: "b" }, matches: true },
  { selector: "a==b", labels: { a: "c" }, matches: false },
  { selector: "a = b", labels: { a: "b" }, matches: true },
  { selector: "a=", labels: { a: "" }, matches: true },
  { selector: "a=", labels: {}, matches: false },
  { selector: "a!=b", labels: {}, matches: true },
  { selector: "a!=b", labels: { a: "b" }, matches: false },
  { selector: "a in (b, c),d", labels: { a: "c", d: "" }, matches: true },
  { selector: "a in (b,c),d", labels: { a: "c" }, matches: false },
  { selector: "a notin (b,c)", matches: true },
  { selector: "a notin (b,c)", labels: { a: "b" }, matches: false },
  { selector: "a", labels: { a: "" }, matches: true },
  { selector: "!a", labels: { a: "" }, matches: false },
  { selector: "!a", matches: true },
  { selector: "a>5", labels: { a: "10" }, matches: true },
  { selector: "a<5", labels: { a: "10" }, matches: false },
  { selector: "a>5", labels: { a: "ten" }, matches: false },
  { selector: "a>5", matches: false },
  { selector: "example.com/a=b", labels: { "example.com/a": "b" }, matches: true },
  { selector: "constructor", labels: {}, matches: false },
];

for (const { selector, labels, matches } of CASES) {
  Deno.test(`matchesLabels() of "${selector}" and ${JSON.stringify(labels)} is ${matches}`, () => {
    const parsed = parseLabelSelector(selector);
    assert(!("kind" in parsed), JSON.stringify(parsed));
    assertEquals(matchesLabels(parsed, labels), matches);
  });
}

const BAD: readonly { readonly selector: string; readonly says: string }[] = [
  { selector: "a in b", says: '"a in b" must be a label key' },
  { selector: "a in (b", says: "must be a label key" },
  { selector: "=b", says: "must be a label key" },
  { selector: "a=b c", says: "must be a label key" },
  { selector: "a=-b", says: '"-b" must be a label value' },
  { selector: "a,,b", says: '"" must be a label key' },
  { selector: "a>x", says: '"x" must be an integer' },
];

for (const { selector, says } of BAD) {
  Deno.test(`parseLabelSelector() refuses "${selector}"`, () => {
    const parsed = parseLabelSelector(selector);
    assert("kind" in parsed);
    assertStringIncludes(parsed.message, says);
  });
}
