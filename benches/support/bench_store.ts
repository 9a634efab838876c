/**
 * A Postgres of its own for a bench: started in a fresh directory with the same settings as the product's, and removed afterwards.
 *
 * @module
 */
import { openStore, type Store } from "#/events/store.ts";

/** Runs `body` on an empty log. */
export async function withBenchStore<T>(body: (store: Store) => Promise<T>): Promise<T> {
  const dataDir = await Deno.makeTempDir({ prefix: "tortie-bench-" });
  try {
    await using store = await openStore({ dataDir });
    return await body(store);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}
