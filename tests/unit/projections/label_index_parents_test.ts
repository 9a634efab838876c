/**
 * Changes of parents with few and many children.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { bearerNumber } from "#/projections/label_index_labels.ts";
import { changeParent } from "#/projections/label_index_parents.ts";
import { emptyParts, place, select } from "./label_index_parts.ts";

for (const children of [1, 20, 700]) {
  Deno.test(`changeParent() tells what ${children} children begin and cease to match`, () => {
    const parts = emptyParts();
    select(parts, "env == 'prod'");
    select(parts, "!has(env)");
    select(parts, "has(other)");
    for (let at = 0; at < children; at++) place(parts, `e${at}`, at === 0 ? { env: "own" } : {}, ["p", "p"]);
    const parent = bearerNumber(parts.labels.parents, "p");
    const changed = (labels: Readonly<Record<string, string>> | undefined) =>
      changeParent(parts, parent, labels).map(({ selector, change, endpoint }) => {
        if (endpoint === "e0") throw new Error("its own label hides the parent's");
        return `${selector} ${change}`;
      }).sort();
    const times = (text: string) => Array.from({ length: children - 1 }, () => text);
    assertEquals(changed({ env: "prod" }), [...times("!has(env) stopped"), ...times("env == 'prod' started")]);
    assertEquals(changed({ env: "prod", unmentioned: "x" }), []);
    assertEquals(changed({ env: "dev" }), times("env == 'prod' stopped"));
    assertEquals(changed(undefined), times("!has(env) started"));
  });
}
