/**
 * Core Namespace.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { namespace, NAMESPACE_NAME_LABEL } from "#/resources/kinds/namespace.ts";
import { admitted, cellsOf, coreObject, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = coreObject("Namespace", { name: "shop" });

testKind(namespace, base, [
  { name: "a name alone" },
  { name: "labels, of the network's prefixes too", metadata: { labels: { team: "red", "pcns.a": "b" } } },
  { name: "fields that are not modelled", spec: { color: "red" }, status: { phase: "Terminating", more: [1] } },
  { name: "a name with a dot", metadata: { name: "a.b" }, problems: ["metadata.name FieldValueInvalid"] },
  {
    name: "a namespace of its own",
    metadata: { namespace: "a" },
    problems: ["metadata.namespace FieldValueForbidden"],
  },
  { name: "an unknown phase", status: { phase: "Gone" }, problems: ["status.phase FieldValueNotSupported"] },
  {
    name: "finalizers that are no list",
    spec: { finalizers: "x" },
    problems: ["spec.finalizers FieldValueTypeInvalid"],
  },
]);

Deno.test("namespace.defaults() labels a namespace with its name and makes it active", () => {
  const stored = admitted(namespace, {
    ...base,
    metadata: { name: "shop", labels: { [NAMESPACE_NAME_LABEL]: "lie" } },
  });
  assertEquals(stored.metadata.labels, { [NAMESPACE_NAME_LABEL]: "shop" });
  assertEquals([stored.spec, stored.status], [{ finalizers: ["kubernetes"] }, { phase: "Active" }]);
});

Deno.test("namespace.columns show the phase", () => {
  const deleted = { ...base, metadata: { name: "shop", deletionTimestamp: "2026-01-01T00:00:00Z" } };
  assertEquals(cellsOf(namespace, admitted(namespace, base)), { Name: "shop", Status: "Active", Age: null });
  assertEquals(cellsOf(namespace, deleted).Status, "Terminating");
});
