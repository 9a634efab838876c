/**
 * Keeps the database server of one test process: starts it, makes the template, and ends it when the test process is gone. Run by `postgres.ts` as a program.
 *
 * @module
 */
import { join } from "@std/path";
import { startEmbeddedPostgres } from "#/events/embedded_postgres.ts";
import { migrateToLatest } from "#/events/migrate.ts";
import { openKysely } from "#/events/store.ts";
import { READY_FILE, runStatement, startTime, TEMPLATE_DATABASE } from "#tests/support/postgres.ts";

const WATCH_MS = 100;

/** Tests may lose what they wrote when the machine dies. */
const SETTINGS = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "200" };

async function makeTemplate(connectionString: string): Promise<void> {
  await runStatement(connectionString, `create database ${TEMPLATE_DATABASE}`);
  const db = openKysely(connectionString.replace("/postgres?", `/${TEMPLATE_DATABASE}?`));
  try {
    await migrateToLatest(db);
  } finally {
    await db.destroy();
  }
}

if (import.meta.main) {
  const [directory = "", pid = ""] = Deno.args;
  const parent = await startTime(Number(pid));
  try {
    await using server = await startEmbeddedPostgres({ dataDir: join(directory, "data"), settings: SETTINGS });
    await makeTemplate(server.connectionString);
    await Deno.writeTextFile(join(directory, "ready.new"), server.connectionString);
    await Deno.rename(join(directory, "ready.new"), join(directory, READY_FILE));
    while (parent !== undefined && !server.lost.aborted && await startTime(Number(pid)) === parent) {
      await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
