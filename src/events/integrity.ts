/**
 * The hash chain: what makes every line of the log depend on all lines before it, so that a changed, dropped or inserted event is found. Between
 * placing and storing on the arrow; both logs call it when they append, `verify` and the tests when they read. Pure.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { assert } from "#/base/assert.ts";
import type { LogHead, StoredEvent } from "#/events/envelope.ts";
import type { AppendResult, PlacedDraft } from "#/events/event_log.ts";

/** The hash that stands before the first event. */
export const GENESIS_HASH: string = "0".repeat(64);

/** The only form of `occurredAt`: RFC 3339 in UTC with milliseconds. Its texts sort as the instants do. */
const CANONICAL_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * Canonical text of everything an event says except its payload and hash: JSON without white space, keys sorted at every depth, absent members left
 * out, so that a column added later leaves the hashes of older events as they are.
 *
 * Written out key by key instead of calling `canonicalJson`, which costs several times the hash itself; a test holds the two equal. An empty `vcs`
 * counts as absent, because it is stored as columns.
 *
 * @example
 * ```ts
 * import { canonicalHeader } from "#/events/integrity.ts";
 * const header = canonicalHeader({
 *   position: 1, occurredAt: "2026-01-01T00:00:00.000Z", stream: "core/namespaces/-/shop", revision: 1, type: "NamespaceCreated", schemaVersion: 1,
 *   object: { group: "", kind: "Namespace", namespace: "", name: "shop", uid: "u" }, payload: "{}",
 *   context: { actor: { user: "ann", groups: [], authMethod: "none" }, source: { via: "cli" }, requestId: "r" },
 * });
 * if (!header.startsWith('{"context":{"actor":{"authMethod":"none","groups":[],"user":"ann"},')) throw new Error(header);
 * ```
 */
export function canonicalHeader(event: PlacedDraft): string {
  const { actor, source, vcs, causationId, correlationId, observedAt, reason, requestId } = event.context;
  const { group, kind, name, namespace, uid } = event.object;
  const { fieldManager, ip, userAgent, via } = source;
  return JSON.stringify({
    context: {
      actor: { authMethod: actor.authMethod, groups: actor.groups, user: actor.user },
      causationId,
      correlationId,
      observedAt,
      reason,
      requestId,
      source: { fieldManager, ip, userAgent, via },
      vcs: hasMembers(vcs) ? { change: vcs.change, commit: vcs.commit, repo: vcs.repo } : undefined,
    },
    object: { group, kind, name, namespace, uid },
    occurredAt: event.occurredAt,
    position: event.position,
    revision: event.revision,
    schemaVersion: event.schemaVersion,
    stream: event.stream,
    type: event.type,
  });
}

function hasMembers<T extends object>(value: T | undefined): value is T {
  return value !== undefined && Object.values(value).some((member) => member !== undefined);
}

/**
 * The hash of an event: sha256 over the previous hash (64 hexadecimal digits), the canonical header with a line feed, and the exact payload.
 *
 * The three parts cannot run into each other: the first has a fixed length and JSON text has no bare line feed. They are hashed one after the other
 * because concatenating them first costs three times as much.
 *
 * @param previousHash hash of the event at the position before, {@link GENESIS_HASH} before the first
 * @returns 64 lower-case hexadecimal digits
 */
export function hashEvent(previousHash: string, placed: PlacedDraft): string {
  assert(previousHash.length === 64, `Expected a previous hash of 64 digits: ${previousHash.length}`);
  return createHash("sha256")
    .update(previousHash)
    .update(canonicalHeader(placed) + "\n")
    .update(placed.payload)
    .digest("hex");
}

/**
 * Gives a batch its hashes and says where the log stands after it.
 *
 * Asserts what the one decider promises: positions are dense and follow `expected`, times are canonical and never before the predecessor's.
 * An empty batch is a bug too: a write that changes nothing appends nothing.
 */
export function chainBatch(expected: LogHead, batch: readonly PlacedDraft[]): AppendResult {
  assert(batch.length > 0, "Expected at least one event to append: 0");
  const events: StoredEvent[] = [];
  let { position, hash, occurredAt } = expected;
  for (const placed of batch) {
    assert(placed.position === position + 1, `Expected position ${position + 1} next: ${placed.position}`);
    assert(CANONICAL_TIME.test(placed.occurredAt), `Expected a UTC time with milliseconds: "${placed.occurredAt}"`);
    assert(placed.occurredAt >= occurredAt, `Expected a time not before "${occurredAt}": "${placed.occurredAt}"`);
    hash = hashEvent(hash, placed);
    ({ position, occurredAt } = placed);
    events.push({ ...placed, hash });
  }
  return { head: { ...expected, position, hash, occurredAt }, events };
}

/** Where a chain is verified from: the position and hash of the event before the first one given. */
export interface ChainStart {
  readonly position: number;
  readonly hash: string;
}

/**
 * The first position at which a run of events is not what was appended, or `undefined` when all are. A missing event is reported at its own
 * position, a changed one at its own, a changed hash at the position it stands at.
 *
 * @param start the predecessor of the first event; the beginning of the log when left out
 */
export function verifyChain(
  events: Iterable<StoredEvent>,
  start: ChainStart = { position: 0, hash: GENESIS_HASH },
): number | undefined {
  let { position, hash } = start;
  for (const event of events) {
    position += 1;
    if (event.position !== position || hashEvent(hash, event) !== event.hash) return position;
    hash = event.hash;
  }
  return undefined;
}
