/**
 * The embedded server on the directories, under the accounts and after the accidents that real machines have.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "#/events/embedded_postgres.ts";
import { connectClient } from "#/events/pg.ts";
import { systemBinaries } from "#/events/postgres_binaries.ts";
import { runtimePath } from "#/events/runtime_directory.ts";
import { openStore } from "#/events/store.ts";
import { fullDraft, placeAll } from "#tests/support/events.ts";
import { runStatement, startTime } from "#tests/support/postgres.ts";
import { kernelTest } from "#tests/support/requires.ts";
import { eventually } from "#tests/support/program.ts";

/** How long a server whose parent was killed may take to end. */
const END_MS_MAX = 20_000;

/** `nobody`, who is there on every Debian. */
const NOBODY = { description: "user 65534", owner: { uid: 65534, gid: 65534 }, prefix: [] };

async function withDirectory(fn: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "tortie-embedded-" });
  try {
    await fn(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function answer(server: EmbeddedPostgres): Promise<unknown> {
  const client = await connectClient(server.connectionString);
  const { rows } = await client.query("select n from kept");
  await client.end();
  return rows;
}

/** Data with one row, made once and copied: most of a start on nothing is syncing to disk. */
const prototype = Deno.makeTempDirSync({ prefix: "tortie-prototype-" });

Deno.test.beforeAll(async () => {
  await using server = await startEmbeddedPostgres({ dataDir: prototype });
  await runStatement(server.connectionString, "create table kept (n int); insert into kept values (42)");
});

Deno.test.afterAll(() => Deno.remove(prototype, { recursive: true }));

/** Puts a stopped server's data into a directory. */
async function makeData(dataDir: string): Promise<void> {
  await Deno.mkdir(dataDir, { recursive: true });
  const { success } = await new Deno.Command("cp", { args: ["-a", join(prototype, "postgres"), dataDir] }).output();
  assert(success, "Cannot copy the data");
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Runs the holder until it has started its server; gives its process and the server's number. */
async function startHolder(
  dataDir: string,
  ...rest: string[]
): Promise<{ child: Deno.ChildProcess; postgres: number }> {
  const root = join(import.meta.dirname!, "../..");
  const holder = join(root, "tests/support/postgres_holder.ts");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", join(root, "deno.json"), holder, dataDir, ...rest],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return { child, postgres: Number(new TextDecoder().decode(value)) };
}

kernelTest(
  "startEmbeddedPostgres() works under a private directory of root, leaves no process and only data",
  ["root"],
  () =>
    withDirectory(async (directory) => {
      await Deno.chmod(directory, 0o700);
      const dataDir = join(directory, "deep", ".tortie");
      await makeData(dataDir);
      const server = await startEmbeddedPostgres({ dataDir });
      assertEquals(await answer(server), [{ n: 42 }]);
      assertEquals((await Deno.stat(join(dataDir, "run"))).mode! & 0o777, 0o700);
      await server[Symbol.asyncDispose]();
      assertEquals(await startTime(server.pid), undefined);
      assertEquals(server.lost.aborted, false);
      assertEquals([...Deno.readDirSync(dataDir)].map((entry) => entry.name).toSorted(), ["lock", "postgres"]);
      assertEquals((await Deno.stat(join(dataDir, "postgres"))).uid, 0);
    }),
);

Deno.test("startEmbeddedPostgres() refuses a directory that another process has, by its number", () =>
  withDirectory(async (dataDir) => {
    await makeData(dataDir);
    const { child, postgres } = await startHolder(dataDir);
    const error = await assertRejects(
      () => startEmbeddedPostgres({ dataDir }),
      OperationalError,
      `Data directory "${dataDir}" is already in use by process ${child.pid}`,
    );
    assertEquals([error.code, error.retry], ["IN_USE", "never"]);
    assert(await startTime(postgres) !== undefined, "The first server was disturbed");
    child.kill("SIGKILL");
    await child.status;
    // The kernel tells the server, which ends by itself.
    await eventually("the orphaned server to end", END_MS_MAX, async () => await startTime(postgres) === undefined);
    await using server = await startEmbeddedPostgres({ dataDir });
    assertEquals(await answer(server), [{ n: 42 }]);
  }));

Deno.test("startEmbeddedPostgres() ends a server that a killed process left behind", () =>
  withDirectory(async (dataDir) => {
    await makeData(dataDir);
    const { child, postgres } = await startHolder(dataDir, "unguarded");
    child.kill("SIGKILL");
    await child.status;
    assert(await startTime(postgres) !== undefined, "Nothing was left behind");
    await using server = await startEmbeddedPostgres({ dataDir });
    assertEquals(await startTime(postgres), undefined);
    assertEquals(await answer(server), [{ n: 42 }]);
  }));

Deno.test("startEmbeddedPostgres() is not stopped by a pid file whose number belongs to a stranger", () =>
  withDirectory(async (dataDir) => {
    await makeData(dataDir);
    await Deno.writeTextFile(join(dataDir, "postgres/postmaster.pid"), `${Deno.pid}\n${dataDir}/postgres\n`);
    await using server = await startEmbeddedPostgres({ dataDir });
    assertEquals(await answer(server), [{ n: 42 }]);
  }));

Deno.test("startEmbeddedPostgres() tells when the server ends by itself, and starts again on its data", () =>
  withDirectory(async (dataDir) => {
    await makeData(dataDir);
    const server = await startEmbeddedPostgres({ dataDir });
    const lost = new Promise((resolve) => server.lost.addEventListener("abort", resolve));
    Deno.kill(server.pid, "SIGKILL");
    await lost;
    assert(server.lost.reason instanceof OperationalError);
    assertEquals([server.lost.reason.code, server.lost.reason.message], [
      "POSTGRES_ENDED",
      "PostgreSQL ended: SIGKILL",
    ]);
    await server[Symbol.asyncDispose]();
    await using again = await startEmbeddedPostgres({ dataDir });
    assertEquals(await answer(again), [{ n: 42 }]);
  }));

Deno.test("startEmbeddedPostgres() starts over after an initdb that was cut short", () =>
  withDirectory(async (dataDir) => {
    await Deno.mkdir(join(dataDir, "postgres.new/base"), { recursive: true });
    await using server = await startEmbeddedPostgres({ dataDir });
    await runStatement(server.connectionString, "select 1");
    assertEquals(await exists(join(dataDir, "postgres.new")), false);
  }));

Deno.test("startEmbeddedPostgres() puts the socket elsewhere when the path is too long for one", () =>
  withDirectory(async (directory) => {
    const dataDir = join(directory, "long".repeat(30));
    const elsewhere = runtimePath(dataDir, Deno.uid() ?? 0);
    assertMatch(elsewhere, /^\/tmp\/tortie-\d+-[0-9a-f]{16}$/);
    await makeData(dataDir);
    {
      await using server = await startEmbeddedPostgres({ dataDir });
      assert(server.connectionString.endsWith(`?host=${encodeURIComponent(elsewhere)}`));
      assertEquals((await Deno.stat(elsewhere)).mode! & 0o777, 0o700);
      await runStatement(server.connectionString, "select 1");
    }
    assertEquals(await exists(elsewhere), false);
  }));

Deno.test("startEmbeddedPostgres() takes a path that needs quoting, and says so when there can be none", () =>
  withDirectory(async (directory) => {
    for (const name of ['käse, "2" & $x', "a:b"]) {
      const dataDir = join(directory, name);
      await makeData(dataDir);
      await using server = await startEmbeddedPostgres({ dataDir });
      assertEquals(await answer(server), [{ n: 42 }]);
    }
    const file = join(directory, "file");
    await Deno.writeTextFile(file, "");
    const message = `Cannot make the data directory "${file}"`;
    await assertRejects(() => startEmbeddedPostgres({ dataDir: file }), OperationalError, message);
  }));

Deno.test("startEmbeddedPostgres() refuses data of another major version", () =>
  withDirectory(async (dataDir) => {
    await makeData(dataDir);
    await Deno.writeTextFile(join(dataDir, "postgres/PG_VERSION"), "9\n");
    const error = await assertRejects(
      () => startEmbeddedPostgres({ dataDir }),
      OperationalError,
      "are of PostgreSQL 9,",
    );
    assertEquals(error.code, "PG_VERSION");
  }));

Deno.test("startEmbeddedPostgres() says what the server said when it cannot start", () =>
  withDirectory(async (dataDir) => {
    await makeData(dataDir);
    const settings = { shared_buffers: "much" };
    const error = await assertRejects(() => startEmbeddedPostgres({ dataDir, settings }), OperationalError);
    assertEquals(error.message, "PostgreSQL ended: exit code 1");
    assertMatch(String(error.cause), /invalid value for parameter "shared_buffers": "much"/);
    assertEquals(await exists(join(dataDir, "run")), false);
  }));

kernelTest(
  "startEmbeddedPostgres() without user namespaces runs as an unprivileged user, on its own copy",
  ["root"],
  () =>
    withDirectory(async (directory) => {
      await Deno.chmod(directory, 0o755);
      // Made by root in a user namespace: data move over to the user who must run them.
      await makeData(directory);
      {
        await using server = await startEmbeddedPostgres({ dataDir: directory, accounts: [NOBODY] });
        assertEquals(await answer(server), [{ n: 42 }]);
        assertEquals((await Deno.stat(`/proc/${server.pid}`)).uid, NOBODY.owner.uid);
      }
      assertEquals((await Deno.stat(join(directory, "postgres/base"))).uid, NOBODY.owner.uid);
      // And stay with that user.
      await using server = await startEmbeddedPostgres({ dataDir: directory });
      assertEquals((await Deno.stat(`/proc/${server.pid}`)).uid, NOBODY.owner.uid);
      assertEquals(await answer(server), [{ n: 42 }]);
    }),
);

kernelTest(
  "startEmbeddedPostgres() makes a cluster as an unprivileged user",
  ["root"],
  () =>
    withDirectory(async (directory) => {
      await Deno.chmod(directory, 0o755);
      await using server = await startEmbeddedPostgres({ dataDir: directory, accounts: [NOBODY] });
      await runStatement(server.connectionString, "select 1");
    }),
);

kernelTest(
  "startEmbeddedPostgres() says which accounts it tried when none can reach the data",
  ["root"],
  () =>
    withDirectory(async (directory) => {
      await Deno.chmod(directory, 0o700);
      const error = await assertRejects(
        () => startEmbeddedPostgres({ dataDir: directory, accounts: [NOBODY] }),
        OperationalError,
        "tried user 65534; root needs user namespaces, or a directory that others may enter",
      );
      assertEquals(error.code, "NO_ACCOUNT");
    }),
);

Deno.test("systemBinaries() takes the newest version that has a server", () =>
  withDirectory(async (directory) => {
    assertEquals(await systemBinaries(join(directory, "none")), undefined);
    assertEquals(await systemBinaries(directory), undefined);
    for (const major of ["9", "15", "17"]) await Deno.mkdir(join(directory, major, "bin"), { recursive: true });
    for (const major of ["9", "15"]) await Deno.writeTextFile(join(directory, major, "bin/postgres"), "");
    assertEquals((await systemBinaries(directory))?.root, join(directory, "15"));
  }));

Deno.test("openStore() begins a log once and finds it again", () =>
  withDirectory(async (dataDir) => {
    let first;
    {
      await using store = await openStore({ dataDir });
      const empty = await store.log.head();
      assertMatch(empty.logId, /^[0-9a-f-]{36}$/);
      assertEquals([empty.epoch, empty.position], [1, 0]);
      first = (await store.log.append(empty, placeAll(empty, [fullDraft(0)]))).head;
      assertEquals(store.description, dataDir);
      await store.db.insertInto("secrets").values({ name: "a", value: "b", updated_at: new Date() }).execute();
    }
    await using store = await openStore({ dataDir });
    assertEquals(await store.log.head(), first);
    const url = await openStore({ databaseUrl: store.connectionString });
    assertEquals([await url.log.head(), url.postgresPid], [first, undefined]);
    await url[Symbol.asyncDispose]();
  }));
