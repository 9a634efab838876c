/**
 * @module
 */
import { assertEquals } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { reject } from "#/base/problem.ts";
import { failureResponse, refusalResponse, STATUS_CODES, statusOf } from "#/server/api/status_error.ts";

const TIER = { group: "projectcalico.org", kind: "Tier", plural: "tiers", name: "x" };

Deno.test("statusOf() names every problem of an invalid object, and its Kind", () => {
  const problem = { path: "spec.order", reason: "FieldValueInvalid", message: "must be a number: x" };
  const whole = { path: "", reason: "FieldValueForbidden", message: "must not be written" };
  assertEquals<unknown>(statusOf(reject("Invalid", "Tier is invalid", [problem, whole]), TIER), {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: "Tier is invalid",
    reason: "Invalid",
    details: {
      name: "x",
      group: "projectcalico.org",
      kind: "Tier",
      causes: [
        { reason: "FieldValueInvalid", message: "must be a number: x", field: "spec.order" },
        { reason: "FieldValueForbidden", message: "must not be written" },
      ],
    },
    code: 422,
  });
});

Deno.test("statusOf() names the collection where the object is not invalid", () => {
  assertEquals(statusOf(reject("NotFound", "not found"), TIER).details?.kind, "tiers");
  assertEquals(statusOf(reject("NotFound", "not found")).details, undefined);
});

for (const [reason, code] of Object.entries(STATUS_CODES)) {
  Deno.test(`refusalResponse() of ${reason} has code ${code}`, async () => {
    const refusal = { reason: reason as keyof typeof STATUS_CODES, message: "m", problems: [] };
    const response = refusalResponse(refusal, TIER);
    assertEquals(response.status, code);
    assertEquals((await response.json()).reason, reason);
    assertEquals(response.headers.has("Retry-After"), ["TooManyRequests", "ServiceUnavailable"].includes(reason));
  });
}

Deno.test("failureResponse() says what failed, and neither cause nor stack", async () => {
  const details = { operation: "append events", subject: "log", cause: new Error("secret path /x") };
  const soon = failureResponse(new OperationalError("Cannot reach the database", { ...details, retry: "backoff" }));
  assertEquals(soon.status, 503);
  const text = await soon.text();
  assertEquals(JSON.parse(text).message, "Cannot reach the database (append events)");
  assertEquals(text.includes("secret"), false);
  const never = failureResponse(new OperationalError("Lost the lead", { ...details, retry: "never" }));
  assertEquals([never.status, (await never.json()).reason], [500, "InternalError"]);
});
