/**
 * Core ServiceAccount.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { serviceAccount } from "#/resources/kinds/service_account.ts";
import { admit } from "#/resources/validate.ts";
import { cellsOf, coreObject, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = coreObject("ServiceAccount", { name: "till", namespace: "shop" });

testKind(serviceAccount, base, [
  { name: "a name alone" },
  { name: "a name with dots", metadata: { name: "till.shop" } },
  { name: "no namespace", metadata: { namespace: undefined }, problems: ["metadata.namespace FieldValueRequired"] },
  { name: "a bad name", metadata: { name: "-" }, problems: ["metadata.name FieldValueInvalid"] },
]);

Deno.test("serviceAccount.admit() looks at members outside of spec", () => {
  const object = { ...base, automountServiceAccountToken: "yes", secrets: [{ name: 1 }], other: { kept: true } };
  const outcome = admit(serviceAccount, object, undefined, "Strict");
  assertEquals(outcome.problems.map(({ path, reason }) => `${path} ${reason}`).sort(), [
    "automountServiceAccountToken FieldValueTypeInvalid",
    "secrets[0].name FieldValueTypeInvalid",
  ]);
  assertEquals([outcome.object.other, outcome.unknownFields], [{ kept: true }, []]);
});

Deno.test("serviceAccount.columns count secrets", () => {
  assertEquals(cellsOf(serviceAccount, { ...base, secrets: [{ name: "a" }] }), { Name: "till", Secrets: 1, Age: null });
  assertEquals(cellsOf(serviceAccount, base).Secrets, 0);
});
