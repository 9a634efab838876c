/**
 * Checks of a write before its kind is asked. Whole writes are in tests/unit/commands.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { identityRefusal, staleRefusal } from "#/server/decide/admission.ts";
import { SERVED_KINDS } from "#/server/decide/decide.ts";
import { deleteObject } from "#/server/decide/delete_command.ts";
import type { Target } from "#/server/decide/scope.ts";
import { storeObject } from "#/server/decide/store_object.ts";
import { CONTEXT, given, refOf, remove, tier } from "#tests/unit/commands/cluster.ts";

const REF = refOf(tier("a"));
const KIND = SERVED_KINDS.find(REF.group, REF.plural)!;
const LIVE = { ...tier("a"), metadata: { name: "a", uid: "u", resourceVersion: "7" } };
const TARGET: Target = { kind: KIND, ref: REF, live: LIVE, versions: ["7"] };
const ABSENT: Target = { kind: KIND, ref: REF, live: undefined, versions: [] };
const SCOPE = {
  state: given().state,
  kinds: SERVED_KINDS,
  context: CONTEXT,
  inputs: { now: "2026-01-01T00:00:00.000Z", uuid: () => "u" },
};

Deno.test("identityRefusal() lets a creation leave its name to the server, and nothing else", () => {
  const nameless = { ...tier("a"), metadata: { name: "" } };
  assertEquals(identityRefusal(ABSENT, nameless), undefined);
  assertEquals(identityRefusal(TARGET, nameless)?.reason, "BadRequest");
  assertEquals(identityRefusal(ABSENT, tier("b"))?.reason, "BadRequest");
  assertEquals(identityRefusal(TARGET, tier("a")), undefined);
});

Deno.test("staleRefusal() compares what the write states", () => {
  const stating = (metadata: Record<string, string>) => ({ ...tier("a"), metadata: { name: "a", ...metadata } });
  assertEquals(staleRefusal(TARGET, stating({})), undefined);
  assertEquals(staleRefusal(TARGET, stating({ uid: "u", resourceVersion: "7" })), undefined);
  assertEquals(staleRefusal(TARGET, stating({ uid: "v" }))?.reason, "Conflict");
  assertEquals(staleRefusal(TARGET, stating({ resourceVersion: "8" }))?.reason, "Conflict");
  assertEquals(staleRefusal(ABSENT, stating({ uid: "u" }))?.reason, "Conflict");
  assertEquals(staleRefusal(ABSENT, stating({ resourceVersion: "7" }))?.reason, "Conflict");
});

Deno.test("storeObject() makes no event of the same object under another version", () => {
  const write = { kind: KIND, ref: REF, before: LIVE, manager: "test", dryRun: false, warnings: [] };
  const same = storeObject(SCOPE, { ...write, after: { ...LIVE, metadata: { uid: "u", name: "a" } } });
  assertEquals(same, { kind: "accepted", created: false, warnings: [], events: [], object: LIVE });
});

Deno.test("deleteObject() refuses what is not there", () => {
  const command = remove(REF);
  assertEquals(command.kind === "DeleteObject" && deleteObject(SCOPE, ABSENT, command).kind, "rejected");
});
