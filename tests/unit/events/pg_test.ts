/**
 * The driver's border: numbers, passwords and errors.
 *
 * @module
 */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import { errorText, OperationalError } from "#/base/errors.ts";
import { parseInt8, storeError, withoutPassword } from "#/events/pg.ts";

Deno.test("parseInt8() gives numbers, and no number that is not exact", () => {
  assertEquals(["0", "-1", "9007199254740991"].map(parseInt8), [0, -1, 9007199254740991]);
  for (const text of ["9007199254740993", "x"]) assertThrows(() => parseInt8(text), AssertionFailure, text);
});

Deno.test("withoutPassword() leaves no password", () => {
  const table: readonly (readonly [string, string])[] = [
    ["postgres://ann:secret@db/x", "postgres://ann@db/x"],
    ["postgres://ann:s:e/c@ret@db:5432/x?sslmode=require", "postgres://ann@db:5432/x?sslmode=require"],
    ["postgres://ann@db:5432/x", "postgres://ann@db:5432/x"],
    ["postgres://db/x?user=ann&password=secret&sslmode=require", "postgres://db/x?user=ann&password=&sslmode=require"],
    ["postgres://tortie@/postgres?host=%2Frun", "postgres://tortie@/postgres?host=%2Frun"],
  ];
  for (const [text, shown] of table) assertEquals(withoutPassword(text), shown);
});

Deno.test("storeError() classifies by SQLSTATE and errno", () => {
  const table = [
    ["40001", "soon"],
    ["40P01", "soon"],
    ["57P01", "backoff"],
    ["08006", "backoff"],
    ["53300", "backoff"],
    ["ECONNREFUSED", "backoff"],
    ["23505", "never"],
    ["42P01", "never"],
    [undefined, "backoff"],
  ] as const;
  for (const [code, retry] of table) {
    const error = storeError("read events", "positions from 1", Object.assign(new Error("why"), { code }));
    assertEquals([error.code, error.retry, errorText(error)], [code, retry, "Cannot read events: why"]);
  }
});

Deno.test("storeError() keeps an OperationalError and gives words to a wordless one", () => {
  const inner = new OperationalError("Database holds no log", { operation: "o", subject: "s", retry: "never" });
  assertStrictEquals(storeError("read", "x", inner), inner);
  const refused = new AggregateError([
    new Error("connect ECONNREFUSED ::1"),
    new Error("connect ECONNREFUSED 127.0.0.1"),
  ]);
  const error = storeError("connect to the database", "db", Object.assign(refused, { code: "ECONNREFUSED" }));
  assertEquals(
    [error.code, errorText(error)],
    ["ECONNREFUSED", "Cannot connect to the database: connect ECONNREFUSED ::1, connect ECONNREFUSED 127.0.0.1"],
  );
});
