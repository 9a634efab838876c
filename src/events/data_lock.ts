/**
 * The lock on a data directory: two servers on the same data would destroy each other's work, so that the second is refused at once. An `flock`, which the
 * kernel lets go of when its holder dies in any way; the number in the file is for the message only.
 *
 * @module
 */
import { join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";

/**
 * Takes the lock of a data directory, which must exist.
 *
 * @returns what lets it go
 * @throws `OperationalError` with code `IN_USE` when another process has it
 */
export async function lockDataDirectory(dataDir: string): Promise<Disposable> {
  const file = await Deno.open(join(dataDir, "lock"), { read: true, write: true, create: true });
  try {
    if (!await file.tryLock(true)) throw await inUse(dataDir);
    await file.truncate();
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  } catch (error) {
    file.close();
    throw error;
  }
  return { [Symbol.dispose]: () => file.close() };
}

async function inUse(dataDir: string): Promise<OperationalError> {
  const holder = (await Deno.readTextFile(join(dataDir, "lock"))).trim();
  // The holder may be about to write its number.
  const by = holder === "" ? "another process" : `process ${holder}`;
  return new OperationalError(`Data directory "${dataDir}" is already in use by ${by}`, {
    operation: "lock the data directory",
    subject: dataDir,
    retry: "never",
    code: "IN_USE",
  });
}
