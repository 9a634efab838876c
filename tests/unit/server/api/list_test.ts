/**
 * @module
 */
import { assertEquals } from "@std/assert";
import { createState, type MutableClusterState } from "#/projections/fold.ts";
import type { KubeObject } from "#/resources/object.ts";
import { decodeContinue, encodeContinue, pageOf, parseLimit } from "#/server/api/list.ts";

const KIND = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
const matches = () => true;

function stateOf(...keys: readonly string[]): MutableClusterState {
  const state = createState();
  const objects = keys.map((key): [string, KubeObject] => {
    const [namespace, name = ""] = key.split("/");
    return [key, { apiVersion: "v1", kind: "Pod", metadata: { namespace, name } }];
  });
  state.collections.set("core/pods", new Map(objects));
  state.position = 7;
  return state;
}

function namesOf(items: readonly KubeObject[]): string[] {
  return items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

Deno.test("pageOf() gives a whole collection in key order", () => {
  const state = stateOf("b/y", "a/z", "b/x");
  const page = pageOf(state, KIND, { namespace: "", matches, limit: 0, lastKey: "" });
  assertEquals(namesOf(page.items), ["a/z", "b/x", "b/y"]);
  assertEquals(page.next, undefined);
});

Deno.test("pageOf() keeps to one namespace, not to those whose name begins alike", () => {
  const state = stateOf("shop/a", "shop2/b");
  const page = pageOf(state, KIND, { namespace: "shop", matches, limit: 0, lastKey: "" });
  assertEquals(namesOf(page.items), ["shop/a"]);
});

Deno.test("pageOf() goes on after the last key and counts what is left", () => {
  const state = stateOf("n/a", "n/b", "n/c");
  const first = pageOf(state, KIND, { namespace: "", matches, limit: 2, lastKey: "" });
  assertEquals([namesOf(first.items), first.next, first.remaining], [
    ["n/a", "n/b"],
    { position: 7, lastKey: "n/b" },
    1,
  ]);
  const second = pageOf(state, KIND, { namespace: "", matches, limit: 2, lastKey: "n/b" });
  assertEquals([namesOf(second.items), second.next], [["n/c"], undefined]);
});

Deno.test("pageOf() counts what a selector leaves, and ends with it", () => {
  const request = { namespace: "", matches: (object: KubeObject) => object.metadata.name !== "c", lastKey: "" };
  const page = pageOf(stateOf("n/a", "n/b", "n/c"), KIND, { ...request, limit: 1 });
  assertEquals([namesOf(page.items), page.remaining], [["n/a"], 1]);
  assertEquals(pageOf(stateOf("n/a", "n/b", "n/c"), KIND, { ...request, limit: 2 }).next, undefined);
});

Deno.test("pageOf() of a kind without objects is empty", () => {
  assertEquals(pageOf(createState(), KIND, { namespace: "", matches, limit: 2, lastKey: "" }).items, []);
});

Deno.test("decodeContinue() reads what encodeContinue() wrote, and nothing else", () => {
  const token = { position: 12, lastKey: "shop/web" };
  assertEquals<unknown>(decodeContinue(encodeContinue(token)), token);
  for (const text of ["x", btoa("[]"), btoa('{"p":-1,"k":"a"}'), btoa('{"p":1.5,"k":"a"}'), btoa('{"p":1}')]) {
    const refusal = decodeContinue(text);
    assertEquals("kind" in refusal && refusal.reason, "BadRequest");
  }
});

Deno.test("parseLimit() takes whole numbers that are not negative", () => {
  assertEquals(parseLimit(new URLSearchParams("limit=500")), 500);
  assertEquals(parseLimit(new URLSearchParams("")), 0);
  for (const text of ["-1", "x", "1e3", ""]) {
    assertEquals(typeof parseLimit(new URLSearchParams({ limit: text })), "object");
  }
});
