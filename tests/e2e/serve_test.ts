/**
 * The main job, `tortie serve`, as its users and its worst days treat it: started, asked, stopped, started twice, killed in the middle of writes, robbed of its
 * database. What was acknowledged must be there afterwards.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { NOBODY, unprivilegedCopy } from "#tests/support/installation.ts";
import { runStatement, withDatabase } from "#tests/support/postgres.ts";
import { eventually, isRunning, processesNaming, withFolder, within } from "#tests/support/program.ts";
import { ServerProcess } from "#tests/support/server.ts";

/** How soon a Postgres must be gone after its server, which it may not outlive. */
const POSTGRES_END_MS_MAX = 20_000;
/** How long a load may take to reach its number of acknowledged writes. */
const LOAD_MS_MAX = 60_000;
const NAMESPACES = "/api/v1/namespaces";

function namespace(name: string): JsonObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

function metadataOf(object: Json | undefined): JsonObject {
  assert(isJsonObject(object) && isJsonObject(object.metadata), `must be an object: ${JSON.stringify(object)}`);
  return object.metadata;
}

function itemsOf(list: Json): readonly Json[] {
  assert(isJsonObject(list) && Array.isArray(list.items), `must be a list: ${JSON.stringify(list)}`);
  return list.items;
}

/** Asks with a `Host` of one's own, which `fetch` does not allow; returns the status. */
async function statusForHost(server: ServerProcess, host: string, path = "/version"): Promise<number> {
  const { hostname, port } = new URL(server.url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const answer = await new Response(connection.readable).text();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
}

Deno.test("tortie serve says when it is ready, and answers health, version and metrics", () =>
  withFolder(async (folder) => {
    await using server = await ServerProcess.start({ dataDir: join(folder, "data") });
    assertMatch(server.stdout, /^Tortie \S+ serves http:\/\/127\.0\.0\.1:\d+ \(data in \S+, log at position \d+\)\n$/);
    assertStringIncludes(server.stdout, join(folder, "data"));
    assertEquals((await server.ask("/livez")).body, "ok\n");
    assertEquals((await server.ask("/readyz")).body, "ok\n");
    assertStringIncludes(String((await server.ask("/readyz?verbose")).body), "[+]database ok");
    const version = await server.ok("/version");
    assert(isJsonObject(version) && version.major === "1" && version.minor === "33", JSON.stringify(version));
    const before = await server.ask("/metrics");
    assertEquals(before.status, 200);
    await server.ok(NAMESPACES, { method: "POST", body: namespace("counted") });
    const position = (text: Json) => Number(/^tortie_log_position (\d+)$/m.exec(String(text))?.[1]);
    const after = await server.ask("/metrics");
    assertEquals(position(after.body), position(before.body) + 1);
    assertEquals(server.stderr, "");
  }));

Deno.test("tortie serve refuses a foreign Host and a foreign Origin", () =>
  withFolder(async (folder) => {
    await using server = await ServerProcess.start({ dataDir: join(folder, "data") });
    for (const path of ["/version", "/api/v1/namespaces", "/tortie/v1/log"]) {
      assertEquals(await statusForHost(server, "localhost", path), 200, path);
      assertEquals(await statusForHost(server, "evil.example:7676", path), 421, path);
      assertEquals(await statusForHost(server, "127.0.0.1.evil.example", path), 421, path);
      const { status } = await server.ask(path, { headers: { origin: "http://evil.example" } });
      assertEquals(status, 403, path);
    }
    const written = await server.ask(NAMESPACES, {
      method: "POST",
      body: namespace("planted"),
      headers: { origin: "http://evil.example" },
    });
    assertEquals(written.status, 403);
    assertEquals((await server.ask(`${NAMESPACES}/planted`)).status, 404);
  }));

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`tortie serve ends cleanly on ${signal}, its Postgres too, although clients still watch`, () =>
    withFolder(async (folder) => {
      const dataDir = join(folder, "data");
      await using server = await ServerProcess.start({ dataDir });
      const postgres = server.postgresPid();
      assert(isRunning(postgres));
      const watch = await fetch(`${server.url}${NAMESPACES}?watch=true`);
      await server.ok(NAMESPACES, { method: "POST", body: namespace("last") });
      const { code } = await server.stop(signal);
      await watch.text().catch(() => "cut off");
      assertEquals(code, 0);
      assertMatch(server.stdout, /^Tortie .+\nTortie has stopped cleanly at position \d+\n$/);
      assertEquals(server.stderr, "");
      assertEquals(isRunning(postgres), false);
      assertEquals(processesNaming(dataDir), []);
      await using again = await ServerProcess.start({ dataDir });
      assertEquals((await again.ask(`${NAMESPACES}/last`)).status, 200);
    }));
}

Deno.test("tortie serve is refused a second time on the same data, and the first goes on", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "data");
    await using server = await ServerProcess.start({ dataDir });
    const { code, stdout, stderr } = await ServerProcess.refused({ dataDir });
    assert(code !== 0);
    assertEquals(stdout, "");
    assertStringIncludes(stderr, dataDir);
    assertMatch(stderr, /^[A-Z][^\n]*in use[^\n]*\n$/);
    await server.ok(NAMESPACES, { method: "POST", body: namespace("unharmed") });
  }));

Deno.test("tortie serve is refused a listening address that is not loopback, taken or malformed, and leaves nothing", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "data");
    for (const listen of ["0.0.0.0:7676", "[::]:7676", "192.0.2.1:7676", "example.org:7676"]) {
      const { code, stderr } = await ServerProcess.refused({ dataDir, env: { TORTIE_LISTEN: listen } });
      assertEquals(code, 2, listen);
      assertMatch(stderr, /^TORTIE_LISTEN must be a loopback address, .+\n$/);
    }
    for (const listen of ["7676", "127.0.0.1", "127.0.0.1:66000", "127.0.0.1:http"]) {
      const { code, stderr } = await ServerProcess.refused({ dataDir, env: { TORTIE_LISTEN: listen } });
      assertEquals(code, 2, listen);
      assertEquals(stderr, `TORTIE_LISTEN must be HOST:PORT: "${listen}"\n`);
    }
    assertEquals([...Deno.readDirSync(folder)], [], "a wrong option must not make data");
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    const { code, stderr } = await ServerProcess.refused({ dataDir, env: { TORTIE_LISTEN: `127.0.0.1:${port}` } });
    assert(code !== 0);
    assertMatch(stderr, new RegExp(`^Cannot listen on "127.0.0.1:${port}".*\\n$`));
    assertEquals(processesNaming(dataDir), []);
  }));

/** What a load was told is done: name to uid and resource version. */
type Acknowledged = Map<string, { readonly uid: string; readonly position: number }>;

/** How many writers a load has: their requests are in flight when it is cut short. */
const WRITERS = 16;

/**
 * Writes from all writers without pause until so many writes are acknowledged, then calls `cut` in that very instant, and returns when every writer has
 * found the server gone.
 */
async function loadUntil(
  server: ServerProcess,
  options: {
    readonly prefix: string;
    readonly writes: number;
    readonly acknowledged: Acknowledged;
    readonly cut: () => void;
  },
): Promise<void> {
  const { prefix, writes, acknowledged, cut } = options;
  let left = writes;
  const failures: string[] = [];
  const write = async (writer: number) => {
    for (let number = 0;; number++) {
      const name = `${prefix}-${writer}-${number}`;
      let answer;
      try {
        answer = await server.ask(NAMESPACES, { method: "POST", body: namespace(name) });
      } catch {
        return;
      }
      // A server that ends may still refuse; what it grants must last.
      if (answer.status >= 500) return;
      if (answer.status !== 201) return failures.push(`${name}: ${answer.status} ${JSON.stringify(answer.body)}`);
      const { uid, resourceVersion } = metadataOf(answer.body);
      acknowledged.set(name, { uid: String(uid), position: Number(resourceVersion) });
      left -= 1;
      if (left === 0) cut();
    }
  };
  await within(
    "the load to be cut short",
    LOAD_MS_MAX,
    Promise.all(Array.from({ length: WRITERS }, (_, n) => write(n))),
  );
  assertEquals(failures, []);
}

/** Everything acknowledged must be there as it was acknowledged, and the log must have no gap. */
async function assertAllThere(server: ServerProcess, acknowledged: Acknowledged): Promise<void> {
  const present = new Map(
    itemsOf(await server.ok(NAMESPACES)).map(metadataOf).map(({ name, uid, resourceVersion }) => [
      String(name),
      { uid: String(uid), position: Number(resourceVersion) },
    ]),
  );
  for (const [name, expected] of acknowledged) assertEquals(present.get(name), expected, name);
  const log = await server.ok("/tortie/v1/log");
  assert(Array.isArray(log));
  assertEquals(log.map((row) => isJsonObject(row) ? row.position : row), log.map((_, at) => at + 1));
}

/**
 * Makes every append of a data directory's log wait before it commits, from now on: what dies meanwhile dies in the middle of a commit, and an answer given
 * before its commit is found out.
 */
async function slowCommits(dataDir: string): Promise<void> {
  const socket = encodeURIComponent(join(dataDir, "run"));
  const statement = `create function wait_a_little() returns trigger language plpgsql as
    $$ begin perform pg_sleep(0.03); return null; end $$;
    create trigger slow after insert on events for each statement execute function wait_a_little()`;
  await runStatement(`postgres://tortie@/postgres?host=${socket}`, statement);
}

Deno.test("tortie serve, killed with -9 in the middle of writes, has everything acknowledged when started again", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "data");
    const acknowledged: Acknowledged = new Map();
    const ROUNDS = 5;
    for (let round = 0; round < ROUNDS; round++) {
      await using server = await ServerProcess.start({ dataDir });
      const postgres = server.postgresPid();
      await assertAllThere(server, acknowledged);
      if (round === 0) await slowCommits(dataDir);
      // Another number each time, so that the cut falls at other places of a group commit.
      const writes = 150 + 37 * round;
      await loadUntil(server, { prefix: `r${round}`, writes, acknowledged, cut: () => server.kill("SIGKILL") });
      assertEquals((await server.ended()).signal, "SIGKILL");
      // Nobody stops it: it ends because its server is gone, or else the next start would be the one to end it.
      await eventually("Postgres to end with its server", POSTGRES_END_MS_MAX, () => !isRunning(postgres));
    }
    await using server = await ServerProcess.start({ dataDir });
    await assertAllThere(server, acknowledged);
    assert(acknowledged.size >= 5 * 150);
    // Longer than the server tells at once.
    const { stdout } = await server.tortie(["log", "-o", "json"]);
    assertEquals(JSON.parse(stdout), await server.ok("/tortie/v1/log"));
  }));

Deno.test("tortie serve, stopped in the middle of writes, ends cleanly and has everything acknowledged when started again", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "data");
    const acknowledged: Acknowledged = new Map();
    {
      await using server = await ServerProcess.start({ dataDir });
      await loadUntil(server, { prefix: "s", writes: 200, acknowledged, cut: () => server.kill("SIGTERM") });
      assertEquals((await within("the server to end", POSTGRES_END_MS_MAX, server.ended())).code, 0);
      assertMatch(server.stdout, /^Tortie .+\nTortie has stopped cleanly at position \d+\n$/);
      assertEquals(server.stderr, "");
    }
    await using server = await ServerProcess.start({ dataDir });
    await assertAllThere(server, acknowledged);
  }));

Deno.test("tortie serve ends with a clear word when its Postgres is killed under load, and has everything acknowledged when started again", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "data");
    const acknowledged: Acknowledged = new Map();
    for (const round of [0, 1]) {
      await using server = await ServerProcess.start({ dataDir });
      const postgres = server.postgresPid();
      const cut = () => Deno.kill(postgres, "SIGKILL");
      await loadUntil(server, { prefix: `r${round}`, writes: 200, acknowledged, cut });
      const { code } = await within("the server to end", POSTGRES_END_MS_MAX, server.ended());
      assert(code !== 0);
      assertMatch(server.stderr, /^Tortie has to stop: PostgreSQL ended: SIGKILL.*$/m);
      assert(!server.stderr.includes("    at "), `must be words, not a stack: ${server.stderr}`);
    }
    await using server = await ServerProcess.start({ dataDir });
    await assertAllThere(server, acknowledged);
  }));

Deno.test("tortie serve keeps its data under a directory that only its owner may enter", () =>
  withFolder(async (folder) => {
    const home = join(folder, "private");
    await Deno.mkdir(home, { mode: 0o700 });
    await Deno.chmod(folder, 0o700);
    const dataDir = join(home, "data");
    {
      await using server = await ServerProcess.start({ env: { TORTIE_DATA_DIR: dataDir } });
      await server.ok(NAMESPACES, { method: "POST", body: namespace("kept") });
      assertEquals((await server.stop("SIGTERM")).code, 0);
    }
    await using server = await ServerProcess.start({ dataDir });
    assertEquals((await server.ask(`${NAMESPACES}/kept`)).status, 200);
    assertEquals((await Deno.stat(home)).mode! & 0o777, 0o700);
    assertEquals((await Deno.stat(join(dataDir, "postgres"))).mode! & 0o077, 0);
  }));

Deno.test("tortie serve uses the database that DATABASE_URL names, alone, and makes no data of its own", () =>
  withFolder((folder) =>
    withDatabase(async (url) => {
      const options = { cwd: folder, env: { DATABASE_URL: url } };
      {
        await using server = await ServerProcess.start(options);
        await server.ok(NAMESPACES, { method: "POST", body: namespace("elsewhere") });
        const { code, stderr } = await ServerProcess.refused(options);
        assert(code !== 0);
        assertMatch(stderr, /^Another server leads on this database: .+\n$/);
        assertEquals((await server.stop("SIGTERM")).code, 0);
      }
      await using server = await ServerProcess.start(options);
      assertEquals((await server.ask(`${NAMESPACES}/elsewhere`)).status, 200);
      assertEquals([...Deno.readDirSync(folder)], []);
    })
  ));

Deno.test("tortie serve says what is wrong with a DATABASE_URL that leads nowhere, without its password", () =>
  withFolder(async (folder) => {
    const refused = (url: string) => ServerProcess.refused({ cwd: folder, env: { DATABASE_URL: url } });
    const { code, stdout, stderr } = await refused("postgres://ann:s3cret@127.0.0.1:1/nowhere");
    assertEquals([code, stdout], [5, ""]);
    assertMatch(stderr, /^Cannot use the database "postgres:\/\/ann@127\.0\.0\.1:1\/nowhere": .*ECONNREFUSED.*\n$/);
    const malformed = await refused("ann:s3cret@nowhere");
    assertEquals([malformed.code, malformed.stdout], [2, ""]);
    assertEquals(malformed.stderr, "DATABASE_URL must begin with postgres:// or postgresql://\n");
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("tortie serve needs no root", () =>
  withFolder(async (folder) => {
    const installation = await unprivilegedCopy(folder);
    const dataDir = join(installation.home, "data");
    const command = installation.tortie(["serve", "--data-dir", dataDir, "--listen", "127.0.0.1:0"]);
    await using server = await ServerProcess.start({ command, env: installation.env, dataDir, cwd: folder });
    const status = await Deno.readTextFile(`/proc/${server.pid}/status`);
    assertEquals(/^Uid:\s+(\d+)/m.exec(status)?.[1], String(Deno.uid() === 0 ? NOBODY.uid : Deno.uid()));
    await server.ok(NAMESPACES, { method: "POST", body: namespace("humble") });
    assertEquals((await server.stop("SIGTERM")).code, 0);
    assertEquals(server.stderr, "");
  }));
