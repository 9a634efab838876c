/**
 * JSON patch: what operations do, and that every broken one is a refusal and not an exception.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Json } from "#/base/json.ts";
import type { RejectReason } from "#/base/problem.ts";
import { PAYLOAD_BYTES_MAX } from "#/events/envelope.ts";
import { JSON_PATCH_OPERATIONS_MAX, jsonPatched } from "#/server/decide/patch_json.ts";

const TARGET = { spec: { order: 5, nets: ["a", "b"] }, metadata: { labels: { "a/b": "x" } } };

const PATCHES: readonly { readonly name: string; readonly patch: Json; readonly expected: Json }[] = [
  {
    name: "replaces a scalar",
    patch: [{ op: "replace", path: "/spec/order", value: 7 }],
    expected: { ...TARGET, spec: { ...TARGET.spec, order: 7 } },
  },
  {
    name: "inserts into a list",
    patch: [{ op: "add", path: "/spec/nets/1", value: "c" }],
    expected: { ...TARGET, spec: { ...TARGET.spec, nets: ["a", "c", "b"] } },
  },
  {
    name: "reads escaped keys",
    patch: [{ op: "remove", path: "/metadata/labels/a~1b" }],
    expected: { ...TARGET, metadata: { labels: {} } },
  },
  {
    name: "moves and copies after a test",
    patch: [
      { op: "test", path: "/spec/order", value: 5 },
      { op: "copy", from: "/spec/order", path: "/spec/was" },
      { op: "move", from: "/spec/was", path: "/spec/old" },
    ],
    expected: { ...TARGET, spec: { ...TARGET.spec, old: 5 } },
  },
];

for (const { name, patch, expected } of PATCHES) {
  Deno.test(`jsonPatched() ${name}`, () =>
    assertEquals(jsonPatched(TARGET, patch), { kind: "patched", value: expected }));
}

const REFUSALS: readonly {
  readonly name: string;
  readonly patch: Json;
  readonly reason: RejectReason;
  readonly said: string;
}[] = [
  { name: "an object for a patch", patch: { spec: {} }, reason: "BadRequest", said: "must be a list of operations" },
  { name: "an unknown operation", patch: [{ op: "grow", path: "/spec" }], reason: "BadRequest", said: "(grow /spec)" },
  { name: "a scalar for an operation", patch: [7], reason: "BadRequest", said: "(no operation)" },
  { name: "an operation without a value", patch: [{ op: "add", path: "/a" }], reason: "BadRequest", said: "(add /a)" },
  {
    name: "a failed test",
    patch: [{ op: "test", path: "/spec/order", value: 6 }],
    reason: "Invalid",
    said: "Test operation failed",
  },
  {
    name: "a path that is not there",
    patch: [{ op: "remove", path: "/spec/no" }],
    reason: "Invalid",
    said: "(remove /spec/no)",
  },
  {
    name: "a parent that is not there",
    patch: [{ op: "add", path: "/no/no", value: 1 }],
    reason: "Invalid",
    said: "(add /no/no)",
  },
  {
    name: "a way to the prototype",
    patch: [{ op: "add", path: "/__proto__/x", value: 1 }],
    reason: "Invalid",
    said: "__proto__",
  },
];

for (const { name, patch, reason, said } of REFUSALS) {
  Deno.test(`jsonPatched() refuses ${name}`, () => {
    const outcome = jsonPatched(TARGET, patch);
    assert(outcome.kind === "rejected", "not refused");
    assertEquals(outcome.reason, reason);
    assertStringIncludes(outcome.message, said);
    // kubectl shows the causes of an invalid request and not its message.
    const causes = reason === "Invalid" ? [{ path: "patch", message: outcome.message }] : [];
    assertEquals(outcome.problems.map(({ path, message }) => ({ path, message })), causes);
  });
}

Deno.test("jsonPatched() refuses more operations than its bound", () => {
  const patch = Array.from(
    { length: JSON_PATCH_OPERATIONS_MAX + 1 },
    () => ({ op: "test", path: "/spec/order", value: 5 }),
  );
  const outcome = jsonPatched(TARGET, patch);
  assert(outcome.kind === "rejected", "not refused");
  assertStringIncludes(outcome.message, `${JSON_PATCH_OPERATIONS_MAX}, got ${JSON_PATCH_OPERATIONS_MAX + 1}`);
});

Deno.test("jsonPatched() refuses copies that would grow beyond an object's size", () => {
  const doubling = Array.from({ length: 40 }, (_, at) => ({ op: "copy", from: "", path: `/c${at}` }));
  const outcome = jsonPatched({ text: "x".repeat(1000) }, doubling);
  assert(outcome.kind === "rejected", "not refused");
  assertStringIncludes(outcome.message, `limit is ${PAYLOAD_BYTES_MAX}`);
});

Deno.test("jsonPatched() leaves its target and the patch as they were", () => {
  const [before, patch] = [structuredClone(TARGET), [{ op: "add", path: "/spec/new", value: { a: 1 } }, {
    op: "replace",
    path: "/spec/new/a",
    value: 2,
  }]];
  const patchBefore = structuredClone(patch);
  jsonPatched(TARGET, patch);
  assertEquals(TARGET, before);
  assertEquals(patch, patchBefore);
});
