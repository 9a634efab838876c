/**
 * A database of its own for every test that asks: cloned from a migrated template on one embedded server, which all test files of a `deno test` process share.
 *
 * The server is kept by a process of its own (`postgres_keeper.ts`), because the files of one run share no memory; it ends by itself soon after the test
 * process has. It does not sync to disk: tests of durability start a server of their own.
 *
 * @module
 */
import { join } from "@std/path";
import { connectClient } from "#/events/pg.ts";
import { openStore, type Store } from "#/events/store.ts";

/** How long the shared server may take to start. */
const START_MS_MAX = 60_000;
const START_POLL_MS = 20;

/** The database that is cloned; the keeper makes it. */
export const TEMPLATE_DATABASE = "tortie_template";
/** In the keeper's directory: there when the server is ready, with its connection string. */
export const READY_FILE = "ready";

/**
 * Runs `fn` on a fresh, migrated database without a log, and drops the database afterwards.
 *
 * @example
 * ```ts ignore
 * Deno.test("append() makes positions dense", () =>
 *   withDatabase(async (connectionString) => {
 *     await using store = await openStore({ databaseUrl: connectionString });
 *   }));
 * ```
 */
export async function withDatabase(fn: (connectionString: string) => Promise<void>): Promise<void> {
  const server = await sharedServer();
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await runStatement(server, `create database ${name} template ${TEMPLATE_DATABASE}`);
  try {
    await fn(server.replace("/postgres?", `/${name}?`));
  } finally {
    await runStatement(server, `drop database ${name} with (force)`);
  }
}

/** Runs `fn` on an open store with a new, empty log. */
export async function withStore(fn: (store: Store) => Promise<void>): Promise<void> {
  await withDatabase(async (databaseUrl) => {
    await using store = await openStore({ databaseUrl });
    await fn(store);
  });
}

/** Runs one statement on a connection of its own. */
export async function runStatement(connectionString: string, statement: string): Promise<void> {
  const client = await connectClient(connectionString);
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The connection string of this process's server; the first who asks has it started. */
async function sharedServer(): Promise<string> {
  const directory = `/tmp/tortie-test-${Deno.pid}-${await startTime(Deno.pid)}`;
  try {
    await Deno.mkdir(directory, { mode: 0o755 });
    await startKeeper(directory);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += START_POLL_MS) {
    const ready = await Deno.readTextFile(join(directory, READY_FILE)).catch(() => "");
    if (ready !== "") return ready;
    await new Promise((resolve) => setTimeout(resolve, START_POLL_MS));
  }
  const log = await Deno.readTextFile(join(directory, "log")).catch(() => "no log");
  throw new Error(`Test database did not start within ${START_MS_MAX} ms: ${log}`);
}

/** Started through a shell that ends at once, so that the test which happens to be first owns no process. */
async function startKeeper(directory: string): Promise<void> {
  const script = 'exec >"$0/log" 2>&1 </dev/null; "$@" &';
  const keeper = join(import.meta.dirname!, "postgres_keeper.ts");
  const config = join(import.meta.dirname!, "../../deno.json");
  const run = [Deno.execPath(), "run", "-A", "--no-check", "--config", config, keeper, directory, String(Deno.pid)];
  const { success } = await new Deno.Command("setsid", { args: ["sh", "-c", script, directory, ...run] }).output();
  if (!success) throw new Error("Cannot start the keeper of the test database");
}

/** When a process was started, in clock ticks since boot; `undefined` when it has ended. With its number it names a process for ever. */
export async function startTime(pid: number): Promise<string | undefined> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : fields[19];
}
