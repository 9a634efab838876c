/**
 * Killed in the middle of writes, the server or its PostgreSQL, and started again: everything acknowledged is there, in an unbroken chain.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import type { StoredEvent } from "#/events/envelope.ts";
import { verifyChain } from "#/events/integrity.ts";
import { openStore } from "#/events/store.ts";

const ROUNDS = 2;
/** Acknowledged events to wait for before the kill; it then falls somewhere in a batch. */
const EVENTS_BEFORE_KILL = 300;

interface Round {
  /** Hashes of acknowledged events by position. */
  readonly acknowledged: Map<number, string>;
  readonly status: Deno.CommandStatus;
  readonly stderr: string;
}

/** Runs the writer on a directory until it has acknowledged enough, then kills what `victim` says. */
async function runAndKill(dataDir: string, victim: "server" | "postgres"): Promise<Round> {
  const root = join(import.meta.dirname!, "../..");
  const writer = join(root, "tests/support/crash_writer.ts");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", join(root, "deno.json"), writer, dataDir],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  const acknowledged = new Map<number, string>();
  let postgres = 0;
  let killed = false;
  for await (const line of lines(child.stdout)) {
    const [first, second] = line.split(" ");
    if (first === "postgres") postgres = Number(second);
    else if (second?.length === 64) acknowledged.set(Number(first), second);
    if (killed || acknowledged.size < EVENTS_BEFORE_KILL) continue;
    killed = true;
    Deno.kill(victim === "server" ? child.pid : postgres, "SIGKILL");
  }
  return { acknowledged, status: await child.status, stderr: await stderr };
}

/** Whole lines only: a killed process may leave half of one. */
async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

async function readAll(dataDir: string): Promise<StoredEvent[]> {
  await using store = await openStore({ dataDir });
  const events: StoredEvent[] = [];
  for await (const event of store.log.read()) events.push(event);
  assertEquals((await store.log.head()).position, events.length);
  assertEquals((await store.log.head()).hash, events.at(-1)?.hash);
  return events;
}

async function checkKills(victim: "server" | "postgres", check: (round: Round) => void): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "tortie-crash-" });
  try {
    const acknowledged = new Map<number, string>();
    for (let round = 1; round <= ROUNDS; round++) {
      const result = await runAndKill(dataDir, victim);
      assert(result.acknowledged.size >= EVENTS_BEFORE_KILL, `The writer ended early: ${result.stderr}`);
      check(result);
      for (const [position, hash] of result.acknowledged) acknowledged.set(position, hash);
      const events = await readAll(dataDir);
      assertEquals(verifyChain(events), undefined);
      for (const [position, hash] of acknowledged) assertEquals(events[position - 1]?.hash, hash);
    }
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

Deno.test("a server killed with -9 in the middle of writes has lost nothing that it acknowledged", () =>
  checkKills("server", ({ status }) => assertEquals(status.signal, "SIGKILL")));

Deno.test("PostgreSQL killed with -9 in the middle of writes ends the server, and nothing acknowledged is lost", () =>
  checkKills("postgres", ({ status, stderr }) => {
    assertEquals(status.code, 1);
    assertMatch(stderr, /^Cannot commit: the outcome of what was submitted is unknown: Cannot append events: /);
  }));
