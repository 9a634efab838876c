/**
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { KubeObject } from "#/resources/object.ts";
import { matchesFields, parseFieldSelector } from "#/server/api/field_selector.ts";

const POD: KubeObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "shop" },
  spec: { nodeName: "node1" },
  status: { phase: "Running" },
};

const CASES: readonly { readonly selector: string; readonly matches: boolean }[] = [
  { selector: "", matches: true },
  { selector: "metadata.name=web", matches: true },
  { selector: "metadata.name==web,metadata.namespace=shop", matches: true },
  { selector: "metadata.name!=web", matches: false },
  { selector: "spec.nodeName=node2", matches: false },
  { selector: "spec.nodeName=node1,status.phase!=Failed", matches: true },
  { selector: "status.podIP=", matches: true },
  { selector: "spec.hostNetwork=false", matches: true },
  { selector: "metadata.name=w\\,eb", matches: false },
];

for (const { selector, matches } of CASES) {
  Deno.test(`matchesFields() of "${selector}" is ${matches}`, () => {
    const parsed = parseFieldSelector(selector, "core/pods");
    assert(!("kind" in parsed), JSON.stringify(parsed));
    assertEquals(matchesFields(parsed, POD), matches);
  });
}

Deno.test("parseFieldSelector() reads escaped commas, equals signs and backslashes", () => {
  const parsed = parseFieldSelector("metadata.name=a\\,b\\=c\\\\,metadata.namespace=x", "core/pods");
  assert(!("kind" in parsed));
  assertEquals(parsed.map(({ value }) => value), ["a,b=c\\", "x"]);
});

Deno.test("parseFieldSelector() knows the tier of policies, and of nothing else", () => {
  for (const plural of ["networkpolicies", "globalnetworkpolicies", "stagednetworkpolicies"]) {
    assert(!("kind" in parseFieldSelector("spec.tier=default", `projectcalico.org/${plural}`)), plural);
  }
  assert("kind" in parseFieldSelector("spec.tier=default", "projectcalico.org/networksets"));
});

const BAD: readonly { readonly selector: string; readonly collection: string; readonly says: string }[] = [
  { selector: "spec.colour=red", collection: "core/pods", says: "field label not supported: spec.colour" },
  { selector: "spec.nodeName=a", collection: "projectcalico.org/tiers", says: "field label not supported" },
  { selector: "metadata.name", collection: "core/pods", says: 'must be "field=value"' },
  { selector: "metadata.name=a\\b", collection: "core/pods", says: 'a "\\" must stand before' },
];

for (const { selector, collection, says } of BAD) {
  Deno.test(`parseFieldSelector() refuses "${selector}" of ${collection}`, () => {
    const parsed = parseFieldSelector(selector, collection);
    assert("kind" in parsed);
    assertStringIncludes(parsed.message, says);
  });
}
