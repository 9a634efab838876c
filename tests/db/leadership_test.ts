/**
 * One leader at a time, and a lost lead is noticed.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { acquireLeadership } from "#/events/leadership.ts";
import { runStatement, withDatabase } from "#tests/support/postgres.ts";

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

Deno.test("acquireLeadership() gives the lead to one and names it to the other", () =>
  withDatabase(async (connectionString) => {
    const first = await acquireLeadership(connectionString);
    assert(first.kind === "leader");
    const second = await acquireLeadership(connectionString);
    assert(second.kind === "held");
    assertMatch(second.holder, /^"tortie" on this host \(backend \d+\)$/);
    await first[Symbol.asyncDispose]();
    assertEquals(first.lost.aborted, false);
    // The server lets a lock go when it has noticed the end of the connection.
    const third = await retry(() => acquireLeadership(connectionString), (result) => result.kind === "leader");
    assert(third.kind === "leader");
    await third[Symbol.asyncDispose]();
  }));

Deno.test("acquireLeadership() of another database is another lead", () =>
  withDatabase((one) =>
    withDatabase(async (other) => {
      const leads = [await acquireLeadership(one), await acquireLeadership(other)];
      for (const lead of leads) {
        assert(lead.kind === "leader");
        await lead[Symbol.asyncDispose]();
      }
    })
  ));

Deno.test("acquireLeadership() tells when the lead is lost", () =>
  withDatabase(async (connectionString) => {
    const lead = await acquireLeadership(connectionString);
    assert(lead.kind === "leader");
    const lost = aborted(lead.lost);
    await runStatement(
      connectionString,
      "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    );
    await lost;
    assert(lead.lost.reason instanceof OperationalError);
    assertEquals([lead.lost.reason.code, lead.lost.reason.retry], ["LEADERSHIP_LOST", "never"]);
    await lead[Symbol.asyncDispose]();
  }));

Deno.test("acquireLeadership() without a database says so", async () => {
  const error = await assertRejects(
    () => acquireLeadership("postgres://ann:secret@/db?host=/nonexistent"),
    OperationalError,
    "Cannot connect to the database",
  );
  assertEquals([error.code, error.retry, error.subject], ["ENOENT", "backoff", "postgres://ann@/db?host=/nonexistent"]);
});

async function retry<T>(attempt: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 200; tries++) {
    const value = await attempt();
    if (good(value)) return value;
  }
  throw new Error("Not within 200 tries");
}
