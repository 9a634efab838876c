/** Tests of the lock per key. @module */
import { assertEquals, assertRejects } from "@std/assert";
import { KeyedLock } from "#/agents/cni/keyed_lock.ts";

Deno.test("KeyedLock.run() runs tasks of one key in order, also after a failure, and other keys meanwhile", async () => {
  const lock = new KeyedLock();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lock.run("a", async () => {
    await gate.promise;
    seen.push("a1");
    throw new Error("a1 failed");
  });
  const second = lock.run("a", () => Promise.resolve(seen.push("a2")));
  await lock.run("b", () => Promise.resolve(seen.push("b")));
  assertEquals(seen, ["b"]);
  gate.resolve();
  await assertRejects(() => first, Error, "a1 failed");
  assertEquals(await second, 3);
  assertEquals(seen, ["b", "a1", "a2"]);
});
