/**
 * The journal's text: entries as JSON lines with checksums, and what they add up to. Pure, so that every way a file can be torn is a unit test;
 * `journal.ts` reads and writes the file.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { assertNever } from "#/base/assert.ts";
import { EMPTY_LEDGER, foldRecord, type JournalRecord, type Ledger, ledgerFrom } from "./ledger.ts";
import { type LedgerSnapshot, snapshotOf } from "./ledger.ts";

/** A record that the server has not been told of. */
export interface OwedRecord {
  /** 1 for the journal's first record, then one more each; never used twice. */
  readonly seq: number;
  readonly record: JournalRecord;
}

/** One thing that a journal holds. */
export type JournalEntry =
  | { readonly kind: "record"; readonly seq: number; readonly record: JournalRecord }
  /** The server knows everything up to here. */
  | { readonly kind: "told"; readonly through: number }
  /** Everything before, in one; only at the beginning of a file. */
  | {
    readonly kind: "snapshot";
    readonly seq: number;
    readonly ledger: LedgerSnapshot;
    readonly owed: readonly OwedRecord[];
  };

/** What a journal's entries add up to. */
export interface JournalState {
  readonly ledger: Ledger;
  /** Number of the last record; 0 for none. */
  readonly seq: number;
  /** What the server has not been told, in order. */
  readonly owed: readonly OwedRecord[];
}

/** The state of an empty journal. */
export const INITIAL_JOURNAL_STATE: JournalState = { ledger: EMPTY_LEDGER, seq: 0, owed: [] };

/** A journal's file, read. `bytes` is how much of it is whole: what follows was torn by a crash and was never acknowledged. */
export type JournalDecoding =
  | { readonly kind: "decoded"; readonly state: JournalState; readonly bytes: number; readonly lines: number }
  /** A line is unreadable although lines follow it: no crash does that, and guessing could give an address out twice. */
  | { readonly kind: "corrupt"; readonly line: number };

/** The state after one more entry. */
export function foldEntry(state: JournalState, entry: JournalEntry): JournalState {
  switch (entry.kind) {
    case "record": {
      const { seq, record } = entry;
      return { ledger: foldRecord(state.ledger, record), seq, owed: [...state.owed, { seq, record }] };
    }
    case "told":
      return { ...state, owed: state.owed.filter((owed) => owed.seq > entry.through) };
    case "snapshot":
      return { ledger: ledgerFrom(entry.ledger), seq: entry.seq, owed: entry.owed };
    default:
      return assertNever(entry);
  }
}

/** A state as the one entry that gives it back. */
export function snapshotEntry({ ledger, seq, owed }: JournalState): JournalEntry {
  return { kind: "snapshot", seq, ledger: snapshotOf(ledger), owed };
}

const LINE_HEAD = /^\{"crc":"([0-9a-f]{8})","entries":/;

/** Entries that are written together as one line, with its line end. */
export function encodeLine(entries: readonly JournalEntry[]): string {
  const body = JSON.stringify(entries);
  return `{"crc":"${checksum(body)}","entries":${body}}\n`;
}

/** The entries of one line without its end; `undefined` when the line is not whole. */
export function decodeLine(line: string): readonly JournalEntry[] | undefined {
  const head = LINE_HEAD.exec(line);
  if (head === null || !line.endsWith("}")) return undefined;
  const body = line.slice(head[0].length, -1);
  return checksum(body) === head[1] ? JSON.parse(body) as readonly JournalEntry[] : undefined;
}

/**
 * Reads a whole journal. An unreadable last line is what a crash leaves and is dropped; any other is corruption.
 *
 * @param text the file's content
 */
export function decodeJournal(text: string): JournalDecoding {
  const lines = text.split("\n");
  let state = INITIAL_JOURNAL_STATE;
  let bytes = 0;
  for (const [index, line] of lines.entries()) {
    // What follows the last line end is empty, or was torn before its own.
    if (index === lines.length - 1) return { kind: "decoded", state, bytes, lines: index };
    const entries = decodeLine(line);
    if (entries === undefined) {
      const isLast = lines.slice(index + 1).every((rest) => decodeLine(rest) === undefined);
      return isLast ? { kind: "decoded", state, bytes, lines: index } : { kind: "corrupt", line: index + 1 };
    }
    state = entries.reduce(foldEntry, state);
    bytes += new TextEncoder().encode(line).length + 1;
  }
  return { kind: "decoded", state, bytes, lines: lines.length };
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, "0");
}
