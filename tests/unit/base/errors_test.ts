/**
 * Failures of the world and their one-line text.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { errorText, OperationalError, Unsupported } from "#/base/errors.ts";

const DETAILS = { operation: "connect", subject: "127.0.0.1:7676", retry: "backoff" } as const;

Deno.test("OperationalError keeps what was done, to what, and whether to try again", () => {
  const error = new OperationalError("Cannot reach the server", { ...DETAILS, code: "ECONNREFUSED" });
  assertEquals([error.operation, error.subject, error.retry, error.code], [
    "connect",
    "127.0.0.1:7676",
    "backoff",
    "ECONNREFUSED",
  ]);
  assertEquals([error.name, error.cause, "cause" in error], ["OperationalError", undefined, false]);
});

Deno.test("errorText() joins an error with its causes and takes anything thrown", () => {
  const error = new OperationalError("Cannot append", { ...DETAILS, cause: new Error("Lost", { cause: "socket" }) });
  assertEquals(errorText(error), "Cannot append: Lost: socket");
  assertEquals(errorText("plain"), "plain");
});

Deno.test("errorText() ends even where an error causes itself", () => {
  const error = new Error("round");
  error.cause = error;
  assertEquals(errorText(error), Array(8).fill("round").join(": "));
});

Deno.test("Unsupported says what is missing and what would provide it", () => {
  assertEquals(
    new Unsupported("nftables", "libnftables1").message,
    'Unsupported feature "nftables": needs libnftables1',
  );
});
