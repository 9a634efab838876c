/**
 * Starts the embedded server on a directory, says so, and waits to be killed. Run as a program by `tests/db/embedded_postgres_test.ts`; with a second argument the
 * kernel is not told to end the server with it, as on a machine without `setpriv`.
 *
 * @module
 */
import { startEmbeddedPostgres } from "#/events/embedded_postgres.ts";
import { candidateAccounts } from "#/events/postgres_account.ts";

if (import.meta.main) {
  const [dataDir = "", unguarded] = Deno.args;
  const [account] = await candidateAccounts({ uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 }, undefined);
  const guard = account!.prefix.indexOf("setpriv");
  const prefix = guard < 0 ? account!.prefix : account!.prefix.slice(0, guard);
  const options = unguarded === undefined ? {} : { accounts: [{ ...account!, prefix }] };
  const server = await startEmbeddedPostgres({ dataDir, ...options });
  console.log(server.pid);
  // Keeps the process alive for as long as the test wants it.
  setInterval(() => {}, 60_000);
}
