/**
 * The arithmetic of server-side apply, on plain documents; whole scenarios are in tests/unit/commands/apply_object_test.ts.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { applyConfig, type ApplyRequest } from "#/server/decide/apply.ts";
import { fieldPathOf, type FieldSet } from "#/server/decide/field_set.ts";
import { listRulesOf } from "#/server/decide/list_rules.ts";
import type { FieldOwner, OwnerIdentity } from "#/server/decide/managed_fields.ts";

const ANN: OwnerIdentity = { manager: "ann", operation: "Apply", apiVersion: "v1", subresource: "" };
const BOB: OwnerIdentity = { ...ANN, manager: "bob" };
const RULES = listRulesOf({ "spec.items": "name" });

function item(name: string, ...members: readonly string[]): string {
  return fieldPathOf("f:spec", "f:items", `k:{"name":"${name}"}`, ...members.map((member) => `f:${member}`));
}

function owns(identity: OwnerIdentity, ...fields: readonly string[]): FieldOwner {
  return { ...identity, time: "2026-01-01T00:00:00Z", fields: new Set(fields) };
}

function applied(
  live: JsonObject,
  config: JsonObject,
  owners: readonly FieldOwner[],
  change: Partial<ApplyRequest> = {},
) {
  return applyConfig({
    live,
    config,
    owners,
    applier: ANN,
    force: false,
    yielded: new Set() as FieldSet,
    time: "2026-02-02T00:00:00Z",
    rules: RULES,
    ...change,
  });
}

interface Case {
  readonly name: string;
  readonly live: JsonObject;
  readonly config: JsonObject;
  readonly owners: readonly FieldOwner[];
  readonly expected: JsonObject;
}

const CASES: readonly Case[] = [
  {
    name: "removes an item of a keyed list that is no longer named",
    live: { spec: { items: [{ name: "a", v: 1 }, { name: "b", v: 1 }] } },
    config: { spec: { items: [{ name: "b", v: 1 }] } },
    owners: [owns(ANN, item("a"), item("a", "name"), item("a", "v"), item("b"), item("b", "name"), item("b", "v"))],
    expected: { spec: { items: [{ name: "b", v: 1 }] } },
  },
  {
    name: "keeps an item of which another owns a member, without the applier's members",
    live: { spec: { items: [{ name: "a", v: 1, w: 2 }] } },
    config: { spec: { items: [] } },
    owners: [owns(ANN, item("a"), item("a", "name"), item("a", "v")), owns(BOB, item("a", "w"), item("a", "name"))],
    expected: { spec: { items: [{ name: "a", w: 2 }] } },
  },
  {
    name: "keeps the order of what is there and appends what is new",
    live: { spec: { items: [{ name: "a" }, { name: "b" }] } },
    config: { spec: { items: [{ name: "c" }, { name: "b", v: 1 }] } },
    owners: [owns(BOB, item("a"), item("a", "name"))],
    expected: { spec: { items: [{ name: "a" }, { name: "b", v: 1 }, { name: "c" }] } },
  },
  {
    name: "removes an object when nobody needs it, defaults in it included",
    live: { spec: { box: { mine: 1, filled: 2 }, other: 1 } },
    config: { spec: { other: 1 } },
    owners: [owns(ANN, fieldPathOf("f:spec", "f:box", "f:mine"), fieldPathOf("f:spec", "f:other"))],
    expected: { spec: { other: 1 } },
  },
  {
    name: "keeps an object of which another owns a member",
    live: { spec: { box: { mine: 1, theirs: 2 } } },
    config: { spec: {} },
    owners: [
      owns(ANN, fieldPathOf("f:spec", "f:box", "f:mine")),
      owns(BOB, fieldPathOf("f:spec", "f:box", "f:theirs")),
    ],
    expected: { spec: { box: { theirs: 2 } } },
  },
  {
    name: "replaces a scalar by an object",
    live: { spec: { a: 1 } },
    config: { spec: { a: { b: 2 } } },
    owners: [owns(ANN, fieldPathOf("f:spec", "f:a"))],
    expected: { spec: { a: { b: 2 } } },
  },
  {
    name: "never removes metadata itself",
    live: { metadata: { name: "x", labels: { a: "1" } }, spec: { a: 1 } },
    config: { spec: { a: 1 } },
    owners: [owns(ANN, fieldPathOf("f:metadata", "f:labels", "f:a"), fieldPathOf("f:spec", "f:a"))],
    expected: { metadata: { name: "x" }, spec: { a: 1 } },
  },
];

for (const { name, live, config, owners, expected } of CASES) {
  Deno.test(`applyConfig() ${name}`, () => {
    const before = structuredClone(live);
    const outcome = applied(live, config, owners);
    assert(outcome.kind === "applied", JSON.stringify(outcome));
    assertEquals(outcome.object, expected);
    assertEquals(live, before);
  });
}

Deno.test("applyConfig() takes yielded fields without force, and only these", () => {
  const owners = [owns(BOB, fieldPathOf("f:spec", "f:a"), fieldPathOf("f:spec", "f:b"))];
  const live = { spec: { a: 1, b: 1 } };
  const yielded = new Set([fieldPathOf("f:spec", "f:a")]);
  assertEquals(applied(live, { spec: { a: 2 } }, owners, { yielded }).kind, "applied");
  const refusal = applied(live, { spec: { a: 2, b: 2 } }, owners, { yielded });
  assert(refusal.kind === "rejected");
  assertEquals(refusal.problems.map(({ path }) => path), [".spec.b"]);
});

Deno.test("applyConfig() keeps the time of an apply that changes nothing", () => {
  const live = { spec: { a: 1 } };
  const outcome = applied(live, live, [owns(ANN, fieldPathOf("f:spec", "f:a"))]);
  assert(outcome.kind === "applied");
  assertEquals(outcome.owners.map(({ time }) => time), ["2026-01-01T00:00:00Z"]);
});

Deno.test("applyConfig() names a manager of a subresource as such", () => {
  const status = owns({ ...BOB, operation: "Update", subresource: "status" }, fieldPathOf("f:status", "f:a"));
  const refusal = applied({ status: { a: 1 } }, { status: { a: 2 } }, [status]);
  assert(refusal.kind === "rejected");
  assertEquals(refusal.problems[0]!.message, 'conflict with "bob" with subresource "status" using v1');
});
