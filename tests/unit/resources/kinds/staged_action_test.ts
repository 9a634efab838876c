/**
 * What the staged kinds share: the action, its default, and what a previewed deletion may say.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { defaultStagedAction, isStagedDelete, stagedDeleteProblems } from "#/resources/kinds/staged_action.ts";
import { calicoObject } from "#tests/unit/resources/kind_cases.ts";

const staged = (spec: JsonObject) => calicoObject("StagedNetworkPolicy", { name: "p", namespace: "shop" }, spec);

Deno.test("defaultStagedAction() fills in Set and keeps what is given", () => {
  assertEquals(defaultStagedAction(staged({})).spec, { stagedAction: "Set" });
  assertEquals(defaultStagedAction(staged({ stagedAction: "" })).spec, { stagedAction: "Set" });
  assertEquals(defaultStagedAction(staged({ stagedAction: "Learn" })).spec, { stagedAction: "Learn" });
});

Deno.test("isStagedDelete() knows a previewed deletion", () => {
  assertEquals(isStagedDelete(staged({ stagedAction: "Delete" })), true);
  assertEquals(isStagedDelete(staged({ stagedAction: "Set" })), false);
  assertEquals(isStagedDelete(staged({})), false);
});

Deno.test("stagedDeleteProblems() takes empty values for nothing and zero for something", () => {
  const empty = { stagedAction: "Delete", selector: "", ingress: [], podSelector: {}, preDNAT: false };
  assertEquals(stagedDeleteProblems(staged(empty), []), []);
  const given = { stagedAction: "Delete", order: 0, tier: "a", types: ["Ingress"], podSelector: { matchLabels: {} } };
  assertEquals(stagedDeleteProblems(staged(given), ["tier"]).map(({ path, reason }) => `${path} ${reason}`), [
    "spec.order FieldValueForbidden",
    "spec.types FieldValueForbidden",
    "spec.podSelector FieldValueForbidden",
  ]);
});

Deno.test("stagedDeleteProblems() lets types be that were there before, and no others", () => {
  const pathsOf = (types: string[], order?: number) => {
    const old = staged({ stagedAction: "Set", types: ["Ingress"], order: 1 });
    return stagedDeleteProblems(staged({ stagedAction: "Delete", types, order }), ["tier"], old).map(({ path }) =>
      path
    );
  };
  assertEquals(pathsOf(["Ingress"]), []);
  assertEquals(pathsOf(["Egress"]), ["spec.types"]);
  assertEquals(pathsOf(["Ingress"], 1), ["spec.order"]);
});
