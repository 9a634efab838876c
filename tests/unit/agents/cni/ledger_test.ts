/** Tests of the fold of journal records. @module */
import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import {
  assignmentsOf,
  bindingOf,
  commandOf,
  EMPTY_LEDGER,
  foldRecord,
  type JournalRecord,
  type Ledger,
  ledgerFrom,
  nextAddress,
  snapshotOf,
  subjectOf,
} from "#/agents/cni/ledger.ts";
import { assign, bind, BLOCK, release, unbind } from "./records.ts";

function fold(...records: readonly JournalRecord[]): Ledger {
  return records.reduce(foldRecord, EMPTY_LEDGER);
}

function next(ledger: Ledger, blocks: readonly string[], skip: readonly string[] = []): string | undefined {
  return nextAddress(ledger, blocks, { handle: "net.new", skip: new Set(skip) })?.address;
}

Deno.test("foldRecord() assigns and releases, the released address being used last", () => {
  const assigned = fold(assign("10.0.0.0", "c1"), assign("10.0.0.1", "c2"));
  assertEquals(assignmentsOf(assigned, "net.c1").map((assignment) => assignment.address), ["10.0.0.0"]);
  assertEquals(next(assigned, [BLOCK]), "10.0.0.2");
  const released = foldRecord(assigned, release("10.0.0.0", "c1"));
  assertEquals(assignmentsOf(released, "net.c1"), []);
  assertEquals(next(released, [BLOCK]), "10.0.0.2");
  assertEquals(
    next(foldRecord(foldRecord(released, assign("10.0.0.2", "c3")), assign("10.0.0.3", "c4")), [BLOCK]),
    "10.0.0.0",
  );
});

Deno.test("foldRecord() ignores a release by another handle and an unbind of an older sandbox", () => {
  const before = fold(assign("10.0.0.0", "c1"), bind("c1", "10.0.0.0"), bind("c2", "10.0.0.1"));
  assertEquals(foldRecord(before, release("10.0.0.0", "c9")), before);
  assertEquals(foldRecord(before, unbind("c1")), before);
  assertEquals(foldRecord(before, unbind("c2")).bindings.size, 0);
});

Deno.test("foldRecord() refuses to give an address to a second handle", () => {
  assertThrows(() => fold(assign("10.0.0.0", "c1"), assign("10.0.0.0", "c2")), AssertionFailure, "10.0.0.0");
});

Deno.test("bindingOf() finds the newest sandbox only", () => {
  const ledger = fold(bind("c1", "10.0.0.0"), bind("c2", "10.0.0.1"));
  assertEquals(bindingOf(ledger, "c1"), undefined);
  assertEquals(bindingOf(ledger, "c2")?.addresses, ["10.0.0.1"]);
});

Deno.test("nextAddress() goes through the blocks in order and passes over what is to be skipped", () => {
  assertEquals(next(EMPTY_LEDGER, []), undefined);
  assertEquals(next(EMPTY_LEDGER, ["10.0.0.0/31", "10.1.0.0/31"], ["10.0.0.0"]), "10.0.0.1");
  assertEquals(next(EMPTY_LEDGER, ["10.0.0.0/31", "10.1.0.0/31"], ["10.0.0.0", "10.0.0.1"]), "10.1.0.0");
});

Deno.test("ledgerFrom() gives back what snapshotOf() took, order of reuse included", () => {
  const ledger = fold(
    assign("10.0.0.0", "c1"),
    assign("10.0.0.1", "c2"),
    release("10.0.0.0", "c1"),
    bind("c2", "10.0.0.1"),
  );
  assertEquals(ledgerFrom(JSON.parse(JSON.stringify(snapshotOf(ledger)))), ledger);
  assertEquals(ledgerFrom(snapshotOf(EMPTY_LEDGER)), EMPTY_LEDGER);
});

Deno.test("commandOf() and subjectOf() tell what a record means to the server and what it is about", () => {
  const cases = [
    { record: assign("10.0.0.0", "c1"), command: "AssignAddress", subject: "address:10.0.0.0" },
    { record: release("10.0.0.0", "c1"), command: "ReleaseAddress", subject: "address:10.0.0.0" },
    { record: bind("c1", "10.0.0.0"), command: "BindEndpoint", subject: "endpoint:shop/web" },
    { record: unbind("c1"), command: "UnbindEndpoint", subject: "endpoint:shop/web" },
  ];
  for (const { record, command, subject } of cases) {
    assertEquals(commandOf(record).command, command);
    assertEquals(subjectOf(record), subject);
  }
});
