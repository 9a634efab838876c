/**
 * Errors of the kernel: their codes, words and retry classes.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { errnoName, isKernelError, KernelError } from "#/agents/kernel/kernel_error.ts";
import { nftErrorCode } from "#/agents/kernel/libnftables.ts";

Deno.test("KernelError says operation, subject, code and the kernel's words, and whether trying again helps", () => {
  const error = new KernelError({ operation: "add the link", subject: "eth9", code: "EBUSY", detail: "in use" });
  assertEquals(error instanceof OperationalError, true);
  assertEquals(error.message, 'Cannot add the link "eth9": EBUSY (in use)');
  const retries = ["EBUSY", "ENOBUFS", "EPERM"].map((code) =>
    new KernelError({ operation: "o", subject: "s", code }).retry
  );
  assertEquals(retries, ["soon", "backoff", "never"]);
});

Deno.test("isKernelError() matches by code", () => {
  const error = new KernelError({ operation: "o", subject: "s", code: "ENOENT" });
  assertEquals([isKernelError(error), isKernelError(error, "EEXIST", "ENOENT"), isKernelError(error, "EEXIST")], [
    true,
    true,
    false,
  ]);
  assertEquals(isKernelError(new Error("ENOENT")), false);
});

Deno.test("errnoName() names Linux' numbers", () => {
  assertEquals([1, 17, 105, 999].map(errnoName), ["EPERM", "EEXIST", "ENOBUFS", "E999"]);
});

/** Texts of libnftables 1.0.6. */
Deno.test("nftErrorCode() reads the errno out of libnftables' words", () => {
  const cases = [
    ["internal:0:0-0: Error: Could not process rule: No such file or directory\n", "ENOENT"],
    ["Error: Could not process rule: File exists\nadd table inet x\n^^^^", "EEXIST"],
    ["Error: Could not process rule: Device or resource busy", "EBUSY"],
    ["Error: Could not process rule: Operation not permitted", "EPERM"],
    ["Error: syntax error, unexpected newline", "EINVAL"],
  ] as const;
  for (const [text, code] of cases) assertEquals(nftErrorCode(text), code);
});
