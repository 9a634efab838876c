/** Tests of the journal's file: durable, shared writes, failing disks, restarts. @module */
import { assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";
import { type Journal, JOURNAL_FILES, openJournal } from "#/agents/cni/journal.ts";
import { assignmentsOf, nextAddress } from "#/agents/cni/ledger.ts";
import { assign, BLOCK, release } from "./records.ts";

async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "tortie-journal-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Allocates the next address for a container, as the operations do. */
async function allocate(journal: Journal, containerId: string): Promise<string | undefined> {
  const handle = `net.${containerId}`;
  const records = await journal.append((ledger) => {
    const next = nextAddress(ledger, [BLOCK], { handle, skip: new Set() });
    return next === undefined ? [] : [assign(next.address, containerId)];
  });
  return records[0]?.kind === "assign" ? records[0].assignment.address : undefined;
}

Deno.test("openJournal() finds everything again after a restart, and what is owed", () =>
  withDirectory(async (directory) => {
    {
      await using journal = await openJournal(directory);
      assertEquals(await allocate(journal, "c1"), "10.0.0.0");
      await journal.told(1);
      assertEquals(await allocate(journal, "c2"), "10.0.0.1");
      assertEquals(journal.owed.map((owed) => owed.seq), [2]);
    }
    await using journal = await openJournal(directory);
    assertEquals(journal.owed.map((owed) => owed.seq), [2]);
    assertEquals(assignmentsOf(journal.ledger, "net.c1").length, 1);
    assertEquals(await allocate(journal, "c3"), "10.0.0.2");
    assertEquals(journal.owed.map((owed) => owed.seq), [2, 3]);
  }));

Deno.test("Journal.append() gives concurrent requests different addresses", () =>
  withDirectory(async (directory) => {
    await using journal = await openJournal(directory);
    const addresses = await Promise.all(["a", "b", "c", "d", "e"].map((container) => allocate(journal, container)));
    assertEquals(addresses, ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", undefined]);
    assertEquals(journal.owed.length, 4);
  }));

Deno.test("Journal.append() is on disk when it returns", () =>
  withDirectory(async (directory) => {
    await using journal = await openJournal(directory);
    await allocate(journal, "c1");
    const copy = join(directory, "copy");
    await Deno.mkdir(copy);
    await Deno.copyFile(join(directory, JOURNAL_FILES.journal), join(copy, JOURNAL_FILES.journal));
    await using after = await openJournal(copy);
    assertEquals(after.ledger, journal.ledger);
  }));

Deno.test("openJournal() drops a torn line and writes on behind the whole ones", () =>
  withDirectory(async (directory) => {
    const path = join(directory, JOURNAL_FILES.journal);
    {
      await using journal = await openJournal(directory);
      await allocate(journal, "c1");
      await allocate(journal, "c2");
    }
    const { size } = await Deno.stat(path);
    await Deno.truncate(path, size - 7);
    {
      await using journal = await openJournal(directory);
      assertEquals([...journal.ledger.assigned.keys()], ["10.0.0.0"]);
      assertEquals(await allocate(journal, "c3"), "10.0.0.1");
    }
    await using journal = await openJournal(directory);
    assertEquals([...journal.ledger.assigned.keys()], ["10.0.0.0", "10.0.0.1"]);
  }));

Deno.test("openJournal() refuses a corrupt file instead of starting empty", () =>
  withDirectory(async (directory) => {
    const path = join(directory, JOURNAL_FILES.journal);
    {
      await using journal = await openJournal(directory);
      await allocate(journal, "c1");
      await allocate(journal, "c2");
    }
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace("10.0.0.0", "10.0.0.9"));
    const error = await assertRejects(() => openJournal(directory), OperationalError, "line 1");
    assertEquals([error.code, error.retry], ["CORRUPT", "never"]);
    await Deno.writeTextFile(path, text);
    await using journal = await openJournal(directory);
    assertEquals(journal.ledger.assigned.size, 2);
  }));

Deno.test("openJournal() lets one process in", () =>
  withDirectory(async (directory) => {
    {
      await using _journal = await openJournal(directory);
      const error = await assertRejects(() => openJournal(directory), OperationalError, "another process");
      assertEquals(error.code, "LOCKED");
    }
    await using _again = await openJournal(directory);
  }));

Deno.test("Journal rewrites a long file and loses nothing, order of reuse included", () =>
  withDirectory(async (directory) => {
    const path = join(directory, JOURNAL_FILES.journal);
    let expected;
    {
      await using journal = await openJournal(directory, { linesMax: 4 });
      await allocate(journal, "c1");
      await allocate(journal, "c2");
      await journal.told(1);
      await journal.append(() => [release("10.0.0.0", "c1")]);
      assertEquals((await Deno.readTextFile(path)).split("\n").length, 2, "one line after four");
      await allocate(journal, "c3");
      expected = { ledger: journal.ledger, owed: journal.owed };
    }
    await using journal = await openJournal(directory);
    assertEquals({ ledger: journal.ledger, owed: journal.owed }, expected);
    assertEquals(await allocate(journal, "c4"), "10.0.0.3");
    assertEquals(await allocate(journal, "c5"), "10.0.0.0");
  }));

Deno.test("openJournal() does not mind a rewrite that a crash cut short", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, JOURNAL_FILES.next), "half a snap");
    await using journal = await openJournal(directory, { linesMax: 1 });
    assertEquals(await allocate(journal, "c1"), "10.0.0.0");
    assertEquals(journal.fault, undefined);
    assertEquals(await allocate(journal, "c2"), "10.0.0.1");
  }));

Deno.test("Journal.append() on a failing disk takes nothing, and goes on when the disk is well again", () =>
  withDirectory(async (directory) => {
    // The file may not grow beyond a few hundred bytes until the child lifts the limit; the signal that comes with it is ignored.
    const script = fromFileUrl(new URL("./journal_on_full_disk.ts", import.meta.url));
    const command = `trap '' XFSZ; ulimit -S -f 1; exec "$0" run --no-check --allow-all "$1" "$2"`;
    const child = new Deno.Command("sh", { args: ["-c", command, Deno.execPath(), script, directory] });
    const { stdout, stderr } = await child.output();
    assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), [
      "full: Cannot write the journal, 2 refused",
      "same: true",
      "well: true undefined",
    ], new TextDecoder().decode(stderr));
    await using journal = await openJournal(directory);
    assertEquals(journal.owed.map((owed) => owed.seq), journal.owed.map((_, index) => index + 1));
  }));
