/** Tests of the journal's text: every way it can be torn. @module */
import { assert, assertEquals } from "@std/assert";
import {
  decodeJournal,
  decodeLine,
  encodeLine,
  foldEntry,
  INITIAL_JOURNAL_STATE,
  type JournalEntry,
  type JournalState,
  snapshotEntry,
} from "#/agents/cni/journal_codec.ts";
import { assign, bind, release } from "./records.ts";

const ENTRIES: readonly JournalEntry[] = [
  { kind: "record", seq: 1, record: assign("10.0.0.0", "c1") },
  { kind: "record", seq: 2, record: bind("c1", "10.0.0.0") },
  { kind: "told", through: 1 },
  { kind: "record", seq: 3, record: release("10.0.0.0", "c1") },
];

function stateAfter(entries: readonly JournalEntry[]): JournalState {
  return entries.reduce(foldEntry, INITIAL_JOURNAL_STATE);
}

Deno.test("foldEntry() owes the server every record until it is told", () => {
  assertEquals(stateAfter(ENTRIES).owed.map((owed) => owed.seq), [2, 3]);
  assertEquals(stateAfter([...ENTRIES, { kind: "told", through: 3 }]).owed, []);
  assertEquals(stateAfter(ENTRIES).seq, 3);
});

Deno.test("snapshotEntry() alone gives the same state as all entries before it", () => {
  const state = stateAfter(ENTRIES);
  const decoded = decodeJournal(encodeLine([snapshotEntry(state)]));
  assert(decoded.kind === "decoded");
  assertEquals(decoded.state, state);
});

Deno.test("decodeLine() refuses any changed character", () => {
  const line = encodeLine([ENTRIES[0]!]).trimEnd();
  assertEquals(decodeLine(line), [ENTRIES[0]!]);
  for (let at = 0; at < line.length; at++) {
    const changed = line.slice(0, at) + (line[at] === "0" ? "1" : "0") + line.slice(at + 1);
    assertEquals(decodeLine(changed), undefined, changed);
  }
});

Deno.test("decodeJournal() keeps whole lines wherever the last one is cut", () => {
  const first = encodeLine(ENTRIES.slice(0, 2));
  const last = encodeLine(ENTRIES.slice(2));
  for (let cut = 0; cut < last.length; cut++) {
    const decoded = decodeJournal(first + last.slice(0, cut));
    assert(decoded.kind === "decoded", `cut at ${cut}`);
    assertEquals(decoded.bytes, first.length, `cut at ${cut}`);
    assertEquals(decoded.lines, 1);
    assertEquals(decoded.state, stateAfter(ENTRIES.slice(0, 2)));
  }
  const whole = decodeJournal(first + last);
  assert(whole.kind === "decoded");
  assertEquals(whole.state, stateAfter(ENTRIES));
  assertEquals(whole.bytes, first.length + last.length);
});

Deno.test("decodeJournal() drops a last line of rubbish that has a line end", () => {
  const first = encodeLine(ENTRIES);
  const decoded = decodeJournal(`${first}\0\0\0\n`);
  assertEquals(decoded.kind === "decoded" ? decoded.bytes : decoded, first.length);
});

Deno.test("decodeJournal() counts bytes, not characters", () => {
  const record = bind("c1", "10.0.0.0");
  assert(record.kind === "bind");
  const entry = { kind: "record", seq: 1, record: { ...record, endpoint: { ...record.endpoint, netns: "/run/é€" } } };
  const line = encodeLine([entry as JournalEntry]);
  const decoded = decodeJournal(`${line}torn`);
  assertEquals(decoded.kind === "decoded" ? decoded.bytes : decoded, new TextEncoder().encode(line).length);
});

Deno.test("decodeJournal() calls a bad line before good ones corrupt", () => {
  const good = encodeLine([ENTRIES[0]!]);
  assertEquals(decodeJournal(`${good}rubbish\n${good}`), { kind: "corrupt", line: 2 });
});

Deno.test("decodeJournal() of an empty file is the initial state", () => {
  assertEquals(decodeJournal(""), { kind: "decoded", state: INITIAL_JOURNAL_STATE, bytes: 0, lines: 0 });
});
