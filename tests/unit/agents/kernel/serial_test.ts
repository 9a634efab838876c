/**
 * The queue of calls that bear no company.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import { Serial } from "#/agents/kernel/serial.ts";

Deno.test("Serial runs one call at a time, in order, and goes on after a failing one", async () => {
  const serial = new Serial();
  const gate = Promise.withResolvers<void>();
  const log: string[] = [];
  const first = serial.run(async () => {
    log.push("first starts");
    await gate.promise;
    log.push("first ends");
    throw new Error("first failed");
  });
  const second = serial.run(() => Promise.resolve(log.push("second")));
  assertEquals(serial.idle, false);
  gate.resolve();
  await assertRejects(() => first, Error, "first failed");
  await second;
  assertEquals(log, ["first starts", "first ends", "second"]);
  await serial.settled();
  assertEquals(serial.idle, true);
});

Deno.test("Serial refuses more calls than may wait", async () => {
  const serial = new Serial();
  const gate = Promise.withResolvers<void>();
  const calls = Array.from({ length: 1024 }, () => serial.run(() => gate.promise));
  const error = await assertRejects(() => serial.run(() => gate.promise), KernelError, "1024 calls are waiting");
  assertEquals(error.code, "EAGAIN");
  gate.resolve();
  await Promise.all(calls);
});
