/**
 * `metadata`: Kubernetes' rules, for every kind alike.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { tier } from "#/resources/kinds/tier.ts";
import {
  annotationProblems,
  ANNOTATIONS_BYTES_MAX,
  isReservedLabel,
  labelNameProblems,
  metadataProblems,
  metadataSchema,
  reservedLabelProblems,
  subdomainNameProblems,
} from "#/resources/metadata.ts";
import { calicoObject, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = calicoObject("Tier", { name: "platform" }, {});

testKind(tier, base, [
  {
    name: "metadata as the server gives it back",
    metadata: {
      uid: "u",
      resourceVersion: "7",
      generation: 1,
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { "example.com/a": "" },
      annotations: { "Example.com/UPPER": "any text ä\n" },
      finalizers: ["example.com/wait", "orphan"],
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "a", uid: "u", controller: true }],
      managedFields: [{ manager: "kubectl", operation: "Update", fieldsType: "FieldsV1", fieldsV1: { "f:spec": {} } }],
      selfLink: "/x",
    },
  },
  { name: "a creationTimestamp of null", metadata: { creationTimestamp: null } },
  { name: "generateName beside a name", metadata: { generateName: "plat-" } },
  { name: "labels that are a list", metadata: { labels: ["a"] }, problems: ["metadata.labels FieldValueTypeInvalid"] },
  {
    name: "a label that is a number",
    metadata: { labels: { a: 1 } },
    problems: ["metadata.labels[a] FieldValueTypeInvalid"],
  },
  {
    name: "a label's bad key",
    metadata: { labels: { "a b": "c" } },
    problems: ["metadata.labels[a b] FieldValueInvalid"],
  },
  {
    name: "a label's bad value",
    metadata: { labels: { a: "b c" } },
    problems: ["metadata.labels[a] FieldValueInvalid"],
  },
  {
    name: "an annotation that is true",
    metadata: { annotations: { a: true } },
    problems: ["metadata.annotations[a] FieldValueTypeInvalid"],
  },
  { name: "a name that is a number", metadata: { name: 7 }, problems: ["metadata.name FieldValueTypeInvalid"] },
  {
    name: "a bad generateName",
    metadata: { generateName: "Plat_" },
    problems: ["metadata.generateName FieldValueInvalid"],
  },
  {
    name: "a bad finalizer",
    metadata: { finalizers: ["a/b/c"] },
    problems: ["metadata.finalizers[0] FieldValueInvalid"],
  },
  {
    name: "an owner without uid",
    metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "a" }] },
    problems: ["metadata.ownerReferences[0].uid FieldValueRequired"],
  },
  {
    name: "too many bytes of annotations",
    metadata: { annotations: { a: "ä".repeat(ANNOTATIONS_BYTES_MAX / 2) } },
    problems: ["metadata.annotations FieldValueTooLong"],
    message: "must be at most 262144 bytes of keys and values together: 262145 bytes",
  },
]);

Deno.test("annotationProblems() allows exactly the most", () => {
  assertEquals(annotationProblems({ a: "x".repeat(ANNOTATIONS_BYTES_MAX - 1) }, "metadata.annotations"), []);
  assertEquals(annotationProblems(undefined, "x"), []);
});

Deno.test("metadataProblems() asks for the scope of the kind", () => {
  const named = { apiVersion: "v1", kind: "A", metadata: { name: "a", namespace: "b" } };
  const pathsOf = (namespaced: boolean, namespace?: string) =>
    metadataProblems({ ...tier, namespaced }, { ...named, metadata: { name: "a", namespace } }).map((problem) =>
      problem.reason
    );
  assertEquals(pathsOf(true, "b"), []);
  assertEquals(pathsOf(true), ["FieldValueRequired"]);
  assertEquals(pathsOf(true, "B"), ["FieldValueInvalid"]);
  assertEquals(pathsOf(false), []);
  assertEquals(pathsOf(false, "b"), ["FieldValueForbidden"]);
});

Deno.test("isReservedLabel() knows what namespace and account selectors trust, and no more", () => {
  const reserved = [
    "pcns.a",
    "pcsa.",
    "projectcalico.org/namespace",
    "projectcalico.org/orchestrator",
    "projectcalico.org/serviceaccount",
  ];
  const free = ["pcns", "a.pcns.b", "projectcalico.org/tier", "projectcalico.org/namespaces", "app"];
  assertEquals([reserved.every(isReservedLabel), free.some(isReservedLabel)], [true, false]);
  assertEquals(reservedLabelProblems({ app: "web", "pcsa.x": "y" }).map((problem) => problem.path), [
    "metadata.labels[pcsa.x]",
  ]);
  assertEquals(reservedLabelProblems({ "pcns.x": "y" }, ["spec", "labelsToApply"]).map((problem) => problem.path), [
    "spec.labelsToApply[pcns.x]",
  ]);
  assertEquals(reservedLabelProblems(undefined), []);
});

Deno.test("name problems leave a missing name to metadataProblems()", () => {
  const of = (
    name: string,
  ) => [
    subdomainNameProblems(calicoObject("A", { name })).length,
    labelNameProblems(calicoObject("A", { name })).length,
  ];
  assertEquals([of(""), of("a"), of("a.b"), of("A")], [[0, 0], [0, 0], [0, 1], [1, 1]]);
});

Deno.test("metadataSchema knows no other fields", () => {
  assertEquals(metadataSchema.safeParse({ name: "a", clusterName: "b" }).error?.issues[0]?.code, "unrecognized_keys");
});
