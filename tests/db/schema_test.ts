/**
 * The schema: migrations run once, whoever starts; the committed dump and the hand-written kysely types are what they make.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import type { SelectType } from "kysely";
import { OperationalError } from "#/base/errors.ts";
import { COLUMN_NAMES } from "#/events/event_row.ts";
import { migrateToLatest, MIGRATIONS } from "#/events/migrate.ts";
import type { Database } from "#/events/schema.ts";
import { openKysely } from "#/events/store.ts";
import { runStatement, withDatabase } from "#tests/support/postgres.ts";
import { dumpSchema, SCHEMA_FILE } from "#tests/support/schema_dump.ts";

/** The columns that may hold values of a type: `?` may be null, `=` has a default. */
type ColumnType<Value> = null extends Value ? "text?"
  : Value extends number ? "int4" | "int8"
  : Value extends string ? "text"
  : Value extends boolean ? "bool="
  : Value extends Date ? "timestamptz"
  : "jsonb";

/** What should be in the database for {@link Database}; a column too few, too many or of another type does not compile. */
type ColumnTypes = {
  readonly [T in keyof Database]: { readonly [C in keyof Database[T]]: ColumnType<SelectType<Database[T][C]>> };
};

const COLUMN_TYPES: ColumnTypes = {
  events: {
    position: "int8",
    stream: "text",
    revision: "int4",
    type: "text",
    schema_version: "int4",
    occurred_at: "timestamptz",
    observed_at: "text?",
    actor_user: "text",
    actor_groups: "jsonb",
    actor_auth_method: "text",
    source_via: "text",
    source_ip: "text?",
    source_user_agent: "text?",
    source_field_manager: "text?",
    request_id: "text",
    causation_id: "text?",
    correlation_id: "text?",
    reason: "text?",
    vcs_repo: "text?",
    vcs_commit: "text?",
    vcs_change: "text?",
    object_group: "text",
    object_kind: "text",
    object_namespace: "text",
    object_name: "text",
    object_uid: "text",
    payload: "text",
    hash: "text",
  },
  log_head: {
    singleton: "bool=",
    log_id: "text",
    epoch: "int8",
    position: "int8",
    hash: "text",
    occurred_at: "timestamptz",
  },
  node_status: {
    node: "text",
    log_id: "text",
    epoch: "int8",
    position: "int8",
    applied_at: "text",
    agent_version: "text",
    errors: "jsonb",
    unsupported: "jsonb",
    received_at: "timestamptz",
  },
  secrets: { name: "text", value: "text", updated_at: "timestamptz" },
};

Deno.test("migrateToLatest() runs every migration once, also when several servers start together", async () => {
  await withDatabase(async (connectionString) => {
    await runStatement(connectionString, "drop schema public cascade; create schema public");
    const servers = [1, 2, 3].map(() => openKysely(connectionString));
    try {
      const runs = await Promise.all(servers.map((db) => migrateToLatest(db)));
      assertEquals(runs.flat().toSorted(), Object.keys(MIGRATIONS));
      assertEquals(await migrateToLatest(servers[0]!), []);
    } finally {
      await Promise.all(servers.map((db) => db.destroy()));
    }
    assertEquals(await dumpSchema(connectionString), await Deno.readTextFile(SCHEMA_FILE));
  });
});

Deno.test("migrateToLatest() refuses a database of a newer program and changes nothing", async () => {
  await withDatabase(async (connectionString) => {
    await runStatement(connectionString, "insert into kysely_migration values ('9999_future', '2100-01-01')");
    const db = openKysely(connectionString);
    try {
      const error = await assertRejects(
        () => migrateToLatest(db),
        OperationalError,
        'the newer migration "9999_future"',
      );
      assertEquals([error.code, error.retry], ["SCHEMA_NEWER", "never"]);
    } finally {
      await db.destroy();
    }
  });
});

Deno.test("schema.sql is what the migrations make", async () => {
  await withDatabase(async (connectionString) => {
    assertEquals(await dumpSchema(connectionString), await Deno.readTextFile(SCHEMA_FILE));
  });
});

Deno.test("Database names every table and column with its type", async () => {
  await withDatabase(async (connectionString) => {
    const db = openKysely(connectionString);
    try {
      const tables = await db.introspection.getTables();
      const found = Object.fromEntries(tables.map(({ name, columns }) => [
        name,
        Object.fromEntries(columns.map((column) => {
          const mark = column.hasDefaultValue ? "=" : column.isNullable ? "?" : "";
          return [column.name, `${column.dataType}${mark}`];
        })),
      ]));
      assertEquals(found, COLUMN_TYPES);
    } finally {
      await db.destroy();
    }
  });
});

Deno.test("the columns of an append are those of the table", () => {
  assertEquals(COLUMN_NAMES.toSorted(), Object.keys(COLUMN_TYPES.events).toSorted());
});
