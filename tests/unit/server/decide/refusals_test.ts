/**
 * The words of refusals, which kubectl's users and tools know.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  alreadyExists,
  conflict,
  forbidden,
  invalidObject,
  notFound,
  notServed,
  OBJECT_MODIFIED,
} from "#/server/decide/refusals.ts";

const SUBJECT = { group: "projectcalico.org", plural: "globalnetworkpolicies", name: "x" };

Deno.test("refusals() speak like Kubernetes", () => {
  const said = [
    notFound(SUBJECT),
    alreadyExists(SUBJECT),
    conflict(SUBJECT, OBJECT_MODIFIED),
    forbidden(SUBJECT, "why"),
    notServed(),
  ];
  assertEquals(said.map(({ reason, message }) => [reason, message]), [
    ["NotFound", 'globalnetworkpolicies.projectcalico.org "x" not found'],
    ["AlreadyExists", 'globalnetworkpolicies.projectcalico.org "x" already exists'],
    [
      "Conflict",
      'Operation cannot be fulfilled on globalnetworkpolicies.projectcalico.org "x": the object has been modified; ' +
      "please apply your changes to the latest version and try again",
    ],
    ["Forbidden", 'globalnetworkpolicies.projectcalico.org "x" is forbidden: why'],
    ["NotFound", "the server could not find the requested resource"],
  ]);
});

Deno.test("invalidObject() lists every problem, with its field where it has one", () => {
  const problems = [
    { path: "spec.a", reason: "FieldValueInvalid", message: "must be b" },
    { path: "", reason: "FieldValueInvalid", message: "must be whole" },
  ];
  assertEquals(invalidObject({ group: "", kind: "Pod" }, "x", problems), {
    kind: "rejected",
    reason: "Invalid",
    message: 'Pod "x" is invalid: [spec.a: must be b, must be whole]',
    problems,
  });
});
