/**
 * What the store cannot hold is refused before it is folded.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { type EventDraft, PAYLOAD_BYTES_MAX } from "#/events/envelope.ts";
import { HEADER_LENGTH_MAX, STREAM_LENGTH_MAX, unstorable } from "#/events/storable.ts";
import { fullDraft } from "#tests/support/events.ts";

const draft = fullDraft(1);

function withUser(user: string): EventDraft {
  return { ...draft, context: { ...draft.context, actor: { ...draft.context.actor, user } } };
}

Deno.test("unstorable() lets awkward but exact text pass", () => {
  const texts = ["\\u0000", "\\\\u0000", "\\", '\\"', "\u{1f422}", "\u0001", "\ud83d\ude00", "\\ud800", ""];
  for (const text of texts) assertEquals([text, unstorable(withUser(text))], [text, undefined]);
  for (const n of [0, 1, 2, 3]) assertEquals(unstorable(fullDraft(n)), undefined);
  assertEquals(unstorable({ ...draft, payload: '"\\u0000 \\ud800"' }), undefined);
});

Deno.test("unstorable() says what a column cannot keep", () => {
  const odd = /^must not hold a NUL/;
  const table: readonly (readonly [string, EventDraft, RegExp])[] = [
    ["NUL in the user", withUser("a\0b"), odd],
    ["NUL after a backslash", withUser("\\\0"), odd],
    ["lone high surrogate", withUser("\ud800"), odd],
    ["lone low surrogate", withUser("x\udfff"), odd],
    ["reversed pair", withUser("\ude00\ud83d"), odd],
    ["NUL in the name", { ...draft, object: { ...draft.object, name: "\0" } }, odd],
    ["NUL in a group", {
      ...draft,
      context: { ...draft.context, actor: { ...draft.context.actor, groups: ["ok", "\0"] } },
    }, odd],
    ["NUL in the reason", { ...draft, context: { ...draft.context, reason: "\0" } }, odd],
    [
      "long stream",
      { ...draft, stream: "s".repeat(STREAM_LENGTH_MAX + 1) },
      /stream name of at most 1000 characters: 1001$/,
    ],
    ["long reason", {
      ...draft,
      context: { ...draft.context, reason: "r".repeat(HEADER_LENGTH_MAX) },
    }, /besides its object/],
    ["raw NUL in the payload", { ...draft, payload: '"\0"' }, /well-formed JSON/],
    ["lone surrogate in the payload", { ...draft, payload: '"\ud800"' }, /well-formed JSON/],
    ["large payload", { ...draft, payload: `"${"x".repeat(PAYLOAD_BYTES_MAX)}"` }, /at most 1572864 bytes: 1572866$/],
    ["large payload in UTF-8", { ...draft, payload: `"${"ü".repeat(PAYLOAD_BYTES_MAX / 2)}"` }, /bytes: 1572866$/],
  ];
  for (const [name, bad, message] of table) assertMatch(unstorable(bad) ?? `${name}: nothing said`, message);
});

Deno.test("unstorable() counts bytes only where the length does not settle it", () => {
  assertEquals(unstorable({ ...draft, payload: `"${"x".repeat(PAYLOAD_BYTES_MAX - 2)}"` }), undefined);
});
