/**
 * Events for tests of the log: drafts that use every column with text that is awkward to store, and their places.
 *
 * @module
 */
import type { EventContext, EventDraft, LogHead } from "#/events/envelope.ts";
import type { PlacedDraft } from "#/events/event_log.ts";

/** The shortest context. */
export const PLAIN_CONTEXT: EventContext = {
  actor: { user: "ann", groups: [], authMethod: "none" },
  source: { via: "cli" },
  requestId: "request-1",
};

/** A context with every member, in words that quoting could break. */
export const FULL_CONTEXT: EventContext = {
  actor: {
    user: `o'brien "the \\ user", {NULL}`,
    groups: ["system:masters", 'a,"b"', "NULL", "", "käse"],
    authMethod: "mtls",
  },
  source: { via: "api", ip: "10.0.0.1", userAgent: "kubectl/1.33 (linux) \n\t", fieldManager: "kubectl" },
  requestId: "request-2",
  causationId: "NULL",
  correlationId: "",
  reason: "why not: 'x' 🐢",
  vcs: { repo: "git@example.org:net.git", commit: "abc", change: "#7" },
  observedAt: "2026-01-01T00:00:00.123+01:00",
};

/** The n-th of a series of drafts on three streams in turn; every other one has all members of its context. */
export function fullDraft(n: number): EventDraft {
  const name = `s${n % 3}`;
  return {
    stream: `core/namespaces/-/${name}`,
    revision: 1 + Math.floor(n / 3),
    type: "NamespaceUpdated",
    schemaVersion: 1,
    object: { group: "", kind: "Namespace", namespace: "", name, uid: `uid-${name}` },
    payload: `{"b": 1.0, "a":"${"ü".repeat(n % 7)}\\u0000 \\ud800", "n": ${n}}`,
    context: n % 2 === 0 ? PLAIN_CONTEXT : FULL_CONTEXT,
  };
}

/** Gives drafts the places after a head, a second apart. */
export function placeAll(head: LogHead, drafts: readonly EventDraft[]): PlacedDraft[] {
  const start = Date.parse(head.occurredAt);
  return drafts.map((draft, index) => ({
    ...draft,
    position: head.position + index + 1,
    occurredAt: new Date(start + (index + 1) * 1_000).toISOString(),
  }));
}
