/** Tests of telling the server: order, repetition, absence, refusals. @module */
import { assertEquals, assertRejects } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { BATCH_COMMANDS_MAX, nextBatch, type RefusedRecord, startDrain } from "#/agents/cni/drain.ts";
import { type Journal, openJournal } from "#/agents/cni/journal.ts";
import { assign, bind, release, unbind } from "./records.ts";
import { FakeServer } from "./fake_server.ts";

async function withJournal(body: (journal: Journal) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "tortie-drain-" });
  try {
    await using journal = await openJournal(directory);
    await body(journal);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function owed(...records: Parameters<typeof nextBatch>[0][number]["record"][]) {
  return records.map((record, index) => ({ seq: index + 1, record }));
}

Deno.test("nextBatch() ends before the first repeated subject and at the bound", () => {
  const lengths = [
    owed(),
    owed(assign("10.0.0.0", "a"), bind("a", "10.0.0.0")),
    owed(bind("a", "10.0.0.0"), unbind("a"), release("10.0.0.0", "a")),
    owed(assign("10.0.0.0", "a"), assign("10.0.0.1", "b"), release("10.0.0.0", "a")),
    owed(...Array.from({ length: BATCH_COMMANDS_MAX + 5 }, (_, index) => assign(`10.0.${index}.0`, "a"))),
  ].map((records) => nextBatch(records).length);
  assertEquals(lengths, [0, 2, 1, 2, BATCH_COMMANDS_MAX]);
});

Deno.test("startDrain() tells what was owed before and what comes after, in order", () =>
  withJournal(async (journal) => {
    const server = new FakeServer();
    await journal.append(() => [assign("10.0.0.0", "c1")]);
    await using drain = startDrain({ journal, commands: server });
    await drain.flush();
    await journal.append(() => [bind("c1", "10.0.0.0")]);
    await journal.append(() => [unbind("c1"), release("10.0.0.0", "c1")]);
    await drain.flush();
    assertEquals(server.told, ["AssignAddress", "BindEndpoint", "UnbindEndpoint", "ReleaseAddress"]);
    assertEquals(journal.owed, []);
  }));

Deno.test("Drain.flush() fails at once while the server is away; the next one finds it back", () =>
  withJournal(async (journal) => {
    const server = new FakeServer();
    server.away = true;
    await journal.append(() => [assign("10.0.0.0", "c1")]);
    await using drain = startDrain({ journal, commands: server });
    await assertRejects(() => drain.flush(), OperationalError, "Server is away");
    assertEquals(drain.fault, "Server is away");
    assertEquals(journal.owed.length, 1);
    server.away = false;
    await drain.flush();
    assertEquals(drain.fault, undefined);
    assertEquals(server.told, ["AssignAddress"]);
  }));

Deno.test("Drain tries again by itself, without being asked", () =>
  withJournal(async (journal) => {
    const server = new FakeServer();
    server.away = true;
    await using _drain = startDrain({ journal, commands: server });
    await journal.append(() => [assign("10.0.0.0", "c1")]);
    await server.until(() => server.submissions >= 2);
    server.away = false;
    await server.until(() => server.told.length === 1);
  }));

Deno.test("Drain repeats a batch whose answer was lost", () =>
  withJournal(async (journal) => {
    const server = new FakeServer();
    server.loseAnswers = 1;
    await journal.append(() => [assign("10.0.0.0", "c1"), bind("c1", "10.0.0.0")]);
    await using drain = startDrain({ journal, commands: server });
    await drain.flush().catch(() => drain.flush());
    assertEquals(server.told, ["AssignAddress", "BindEndpoint", "AssignAddress", "BindEndpoint"]);
    assertEquals(journal.owed, []);
  }));

Deno.test("Drain reports a refusal and goes on, but waits when the server says later", () =>
  withJournal(async (journal) => {
    const server = new FakeServer();
    server.answer = (command) =>
      command.command === "AssignAddress"
        ? { result: "refused", reason: "Conflict", message: "taken" }
        : { result: "done", position: 1 };
    await using drain = startDrain({ journal, commands: server });
    const refused: RefusedRecord[] = [];
    const stop = drain.onRefused((refusal) => refused.push(refusal));
    await journal.append(() => [assign("10.0.0.0", "c1"), bind("c1", "10.0.0.0")]);
    await drain.flush();
    assertEquals(refused.map(({ record, reason, message }) => [record.kind, reason, message]), [[
      "assign",
      "Conflict",
      "taken",
    ]]);
    assertEquals([drain.refused, journal.owed], [refused, []]);
    stop();
    server.answer = () => ({ result: "refused", reason: "ServiceUnavailable", message: "no leader" });
    await journal.append(() => [assign("10.0.0.1", "c2")]);
    await assertRejects(() => drain.flush(), OperationalError, "no leader");
    assertEquals([refused.length, journal.owed.length], [1, 1]);
  }));

Deno.test("Drain takes an answer of the wrong length for none", () =>
  withJournal(async (journal) => {
    const commands = { submit: () => Promise.resolve([]) };
    await journal.append(() => [assign("10.0.0.0", "c1")]);
    await using drain = startDrain({ journal, commands });
    await assertRejects(() => drain.flush(), OperationalError, "must answer 1 commands: 0");
    assertEquals(journal.owed.length, 1);
  }));

Deno.test("Drain ends at once when it is disposed, also in the middle of a submission", () =>
  withJournal(async (journal) => {
    const server = new FakeServer();
    server.hang = true;
    await journal.append(() => [assign("10.0.0.0", "c1")]);
    const drain = startDrain({ journal, commands: server });
    const flushed = assertRejects(() => drain.flush(), OperationalError, "the agent stops");
    await server.until(() => server.submissions === 1);
    await drain[Symbol.asyncDispose]();
    await flushed;
    assertEquals(journal.owed.length, 1);
  }));
