/**
 * Label selectors: how they print. What is wrong with them is in the admission tables.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { LabelSelector } from "#/resources/kinds/kubernetes_policy_spec.ts";
import {
  labelMapProblems,
  labelMapText,
  labelSelectorProblems,
  labelSelectorText,
} from "#/resources/kinds/label_selector.ts";

const TEXTS: readonly (readonly [LabelSelector | undefined, string])[] = [
  [undefined, "<none>"],
  [{}, "<none>"],
  [{ matchLabels: { tier: "front", app: "web" } }, "app=web,tier=front"],
  [{ matchExpressions: [{ key: "a", operator: "In", values: ["c", "b"] }] }, "a in (b,c)"],
  [{ matchExpressions: [{ key: "a", operator: "NotIn", values: ["b"] }] }, "a notin (b)"],
  [{ matchLabels: { z: "" }, matchExpressions: [{ key: "a", operator: "Exists" }] }, "z=,a"],
  [{ matchExpressions: [{ key: "a", operator: "DoesNotExist" }] }, "!a"],
];

for (const [selector, text] of TEXTS) {
  Deno.test(`labelSelectorText() prints ${JSON.stringify(selector)} as ${text}`, () => {
    assertEquals(labelSelectorText(selector), text);
  });
}

Deno.test("labelMapText() sorts labels and says when there are none", () => {
  assertEquals(labelMapText({ b: "2", a: "1" }), "a=1,b=2");
  assertEquals([labelMapText({}), labelMapText(undefined)], ["<none>", "<none>"]);
});

Deno.test("labelSelectorProblems() and labelMapProblems() tell every fault with its place", () => {
  const selector: LabelSelector = { matchLabels: { "a b": "c d" }, matchExpressions: [{ key: "", operator: "In" }] };
  assertEquals(labelSelectorProblems(selector, "s").map(({ path }) => path), [
    "s.matchLabels[a b]",
    "s.matchLabels[a b]",
    "s.matchExpressions[0].key",
    "s.matchExpressions[0].values",
  ]);
  assertEquals(labelSelectorProblems(undefined, "s"), []);
  assertEquals(labelMapProblems({ ok: "yes" }, "m"), []);
});
