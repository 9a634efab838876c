/**
 * The table of field owners: reading and writing it, what a write does to it, and its bounds.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { fieldPathOf, printField } from "#/server/decide/field_set.ts";
import { listRulesOf } from "#/server/decide/list_rules.ts";
import {
  ANCIENT_MANAGER,
  decodeOwners,
  encodeOwners,
  type FieldOwner,
  ownable,
  type OwnerIdentity,
  ownersAfterUpdate,
  ownersBeforeWrite,
  UPDATE_OWNERS_MAX,
} from "#/server/decide/managed_fields.ts";

const RULES = listRulesOf(undefined);

function writer(manager: string, change: Partial<OwnerIdentity> = {}): OwnerIdentity {
  return { manager, operation: "Update", apiVersion: "v1", subresource: "", ...change };
}

function owner(manager: string, fields: readonly string[], change: Partial<FieldOwner> = {}): FieldOwner {
  return { ...writer(manager), time: "2026-01-01T00:00:00Z", fields: new Set(fields), ...change };
}

function update(
  owners: readonly FieldOwner[],
  before: JsonObject,
  after: JsonObject,
  by = "ann",
): Record<string, string[]> {
  const next = ownersAfterUpdate({
    before,
    after,
    owners,
    writer: writer(by),
    time: "2026-02-02T00:00:00Z",
    rules: RULES,
  });
  return Object.fromEntries(
    next.filter(({ fields }) => fields.size > 0).map((one) => [
      `${one.manager} ${one.time?.slice(5, 7)}`,
      [...one.fields].map(printField).sort(),
    ]),
  );
}

const A = fieldPathOf("f:spec", "f:a");
const B = fieldPathOf("f:spec", "f:b");

Deno.test("ownersAfterUpdate() gives a creator everything but what the server sets", () => {
  const after = { apiVersion: "v1", kind: "X", metadata: { name: "x", uid: "u", labels: { l: "1" } }, spec: { a: 1 } };
  assertEquals(update([], {}, after), { "ann 02": [".metadata.labels", ".metadata.labels.l", ".spec", ".spec.a"] });
});

Deno.test("ownersAfterUpdate() moves changed fields to the writer and takes removed ones from all", () => {
  const owners = [owner("bob", [A, B]), owner("cid", [B])];
  assertEquals(update(owners, { spec: { a: 1, b: 1 } }, { spec: { a: 2 } }), { "ann 02": [".spec.a"] });
  assertEquals(update(owners, { spec: { a: 1, b: 1 } }, { spec: { a: 2, b: 1 } }), {
    "bob 01": [".spec.b"],
    "cid 01": [".spec.b"],
    "ann 02": [".spec.a"],
  });
});

Deno.test("ownersAfterUpdate() keeps the time of a writer that changed nothing", () => {
  assertEquals(update([owner("ann", [A])], { spec: { a: 1 } }, { spec: { a: 1 } }), { "ann 01": [".spec.a"] });
  assertEquals(update([owner("bob", [A])], { spec: { a: 1 } }, { spec: { a: 1 } }), { "bob 01": [".spec.a"] });
});

Deno.test("ownersAfterUpdate() records nothing of an object without a record", () => {
  assertEquals(update([], { spec: { a: 1 } }, { spec: { a: 2 } }), {});
});

Deno.test("ownersAfterUpdate() carries owners through another version along", () => {
  const view = owner("bob", [A], { apiVersion: "projectcalico.org/v3" });
  assertEquals(update([view], { spec: { a: 1 } }, { spec: { a: 2 } }), {
    "bob 01": [".spec.a"],
    "ann 02": [".spec.a"],
  });
});

Deno.test("ownersAfterUpdate() joins the oldest updaters beyond the bound, and no appliers", () => {
  const before = { spec: Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`x${at}`, 1])) };
  const owners = Array.from(
    { length: UPDATE_OWNERS_MAX },
    (_, at) => owner(`m${at}`, [fieldPathOf("f:spec", `f:x${at}`)], { time: `2026-01-0${at}T00:00:00Z` }),
  );
  const applier = owner("applier", [A], { operation: "Apply", time: "2000-01-01T00:00:00Z" });
  const next = ownersAfterUpdate({
    before,
    after: { spec: { ...before.spec, x19: 2 } },
    owners: [...owners, applier],
    writer: writer("ann"),
    time: "2026-02-02T00:00:00Z",
    rules: RULES,
  });
  assertEquals(next.filter(({ operation }) => operation === "Update").length, UPDATE_OWNERS_MAX);
  const ancient = next.find(({ manager }) => manager === ANCIENT_MANAGER)!;
  assertEquals([...ancient.fields].map(printField), [".spec.x0", ".spec.x1"]);
  assertEquals(next.some(({ manager }) => manager === "applier"), true);
});

Deno.test("encodeOwners() sorts appliers first, then by time and name, and leaves out who owns nothing", () => {
  const entries = encodeOwners([
    owner("z", [A], { time: "2026-01-02T00:00:00Z" }),
    owner("y", [A], { subresource: "status" }),
    owner("nobody", []),
    owner("w", [A], { operation: "Apply", time: "2026-01-03T00:00:00Z" }),
  ]);
  assertEquals(entries.map(({ manager }) => manager), ["w", "y", "z"]);
  assertEquals(entries[1], {
    manager: "y",
    operation: "Update",
    apiVersion: "v1",
    time: "2026-01-01T00:00:00Z",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:spec": { "f:a": {} } },
    subresource: "status",
  });
  assertEquals(encodeOwners(decodeOwners(entries)!), entries);
});

Deno.test("decodeOwners() refuses a table with any entry that is none", () => {
  const good = encodeOwners([owner("ann", [A])])[0]!;
  assertEquals(decodeOwners(undefined), []);
  for (const bad of [{}, { ...good, operation: "Grab" }, { ...good, fieldsType: "V2" }, { ...good, fieldsV1: 1 }]) {
    assertEquals(decodeOwners([good, bad] as never), undefined);
  }
});

Deno.test("ownersBeforeWrite() takes the table sent, keeps the stored one for none, and clears it for one empty entry", () => {
  const stored = encodeOwners([owner("ann", [A])]);
  const sent = encodeOwners([owner("bob", [B])]);
  const managers = (table: unknown) => ownersBeforeWrite(stored, table as never).map(({ manager }) => manager);
  assertEquals(managers(sent), ["bob"]);
  assertEquals(managers(undefined), ["ann"]);
  assertEquals(managers([]), ["ann"]);
  assertEquals(managers("nonsense"), ["ann"]);
  assertEquals(managers([{}]), []);
});

Deno.test("ownable() drops what the server sets with everything below", () => {
  const set = new Set(["f:metadata", "f:kind", fieldPathOf("f:metadata", "f:managedFields", "f:x"), A]);
  assertEquals([...ownable(set)], [A]);
});
