/**
 * What the store cannot hold: text that a Postgres column would refuse or change. The decider asks before it folds an event, so that one odd request is
 * refused alone instead of failing the batch it would travel in.
 *
 * @module
 */
import { canonicalHeader } from "#/events/integrity.ts";
import { type EventDraft, PAYLOAD_BYTES_MAX } from "#/events/envelope.ts";

/** Longest stream name, in UTF-16 code units: far above any valid object's, far below what a B-tree entry takes. */
export const STREAM_LENGTH_MAX = 1_000;
/** Longest header (everything but the payload), in UTF-16 code units. */
export const HEADER_LENGTH_MAX = 65_536;

/**
 * Why a draft cannot be stored exactly, said as "must ...", or `undefined` when it can.
 *
 * Column text may not hold NUL (Postgres refuses it) or lone surrogates (UTF-8 would replace them, and the hash would not verify). A payload is JSON
 * text, where both are escaped, so that only its exact text has to be well formed.
 *
 * @example
 * ```ts
 * import { unstorable } from "#/events/storable.ts";
 * const draft = {
 *   stream: "core/namespaces/-/shop", revision: 1, type: "NamespaceCreated", schemaVersion: 1, payload: "{}",
 *   object: { group: "", kind: "Namespace", namespace: "", name: "shop", uid: "u" },
 *   context: { actor: { user: "ann", groups: [], authMethod: "none" }, source: { via: "cli" }, requestId: "r" },
 * } as const;
 * if (unstorable(draft) !== undefined) throw new Error("storable");
 * const odd = unstorable({ ...draft, context: { ...draft.context, reason: "a\u0000b" } });
 * if (odd !== "must not hold a NUL character or half of a surrogate pair outside its object") throw new Error(odd);
 * ```
 */
export function unstorable(draft: EventDraft): string | undefined {
  const header = canonicalHeader({ ...draft, position: 0, occurredAt: "" });
  // JSON text escapes both, so that one search of the header covers every column.
  if (/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(header)) {
    return "must not hold a NUL character or half of a surrogate pair outside its object";
  }
  if (draft.stream.length > STREAM_LENGTH_MAX) {
    return `must have a stream name of at most ${STREAM_LENGTH_MAX} characters: ${draft.stream.length}`;
  }
  if (header.length > HEADER_LENGTH_MAX) {
    return `must have at most ${HEADER_LENGTH_MAX} characters besides its object: ${header.length}`;
  }
  if (!draft.payload.isWellFormed() || draft.payload.includes("\0")) return "must be well-formed JSON text";
  const bytes = payloadBytes(draft.payload);
  return bytes > PAYLOAD_BYTES_MAX ? `must have at most ${PAYLOAD_BYTES_MAX} bytes: ${bytes}` : undefined;
}

/** Bytes of the text in UTF-8; the cheap upper bound where that already settles it. */
function payloadBytes(text: string): number {
  const bound = text.length * 3;
  return bound <= PAYLOAD_BYTES_MAX ? bound : new TextEncoder().encode(text).length;
}
