/**
 * Problems in Kubernetes' wording, and field paths.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  duplicate,
  fieldPath,
  forbidden,
  invalid,
  notSupported,
  PROBLEM_VALUE_CHARS_MAX,
  required,
  shownValue,
  tooLong,
  tooMany,
  wrongType,
} from "#/resources/problems.ts";

Deno.test("problem makers give Kubernetes' reasons and words", () => {
  const problems = [
    invalid("a", "x", "must be y"),
    wrongType("a", { b: 1 }, "must be a list"),
    required("a", "must be given"),
    forbidden("a", "must not be given"),
    notSupported("a", "x", ["y", 4]),
    duplicate("a", "x"),
    tooLong("a", 9, 8),
    tooMany("a", 9, 8),
  ];
  assertEquals(problems.map((problem) => `${problem.reason}: ${problem.message}`), [
    'FieldValueInvalid: Invalid value: "x": must be y',
    'FieldValueTypeInvalid: Invalid value: {"b":1}: must be a list',
    "FieldValueRequired: Required value: must be given",
    "FieldValueForbidden: Forbidden: must not be given",
    'FieldValueNotSupported: Unsupported value: "x": supported values: "y", 4',
    'FieldValueDuplicate: Duplicate value: "x": must stand only once in the list',
    "FieldValueTooLong: Too long: must be at most 8 characters: 9 characters",
    "FieldValueTooMany: Too many: 9: must have at most 8 items",
  ]);
  assertEquals(new Set(problems.map((problem) => problem.path)), new Set(["a"]));
});

Deno.test("shownValue() cuts long values", () => {
  assertEquals(shownValue(undefined), "null");
  assertEquals(shownValue("x".repeat(10_000)).length, PROBLEM_VALUE_CHARS_MAX + 3);
});

Deno.test("fieldPath() brackets indices and keys that users choose", () => {
  assertEquals(fieldPath([]), "");
  assertEquals(fieldPath(["spec", "ports", 1, "name"]), "spec.ports[1].name");
  assertEquals(fieldPath(["metadata", "labels", "app"]), "metadata.labels[app]");
  assertEquals(
    fieldPath(["spec", "ingress", 0, "metadata", "annotations", "a.b/c"]),
    "spec.ingress[0].metadata.annotations[a.b/c]",
  );
});
