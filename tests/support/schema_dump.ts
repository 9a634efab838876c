/**
 * The schema of a database as SQL text, read from the catalogue: the little of `pg_dump --schema-only` that our tables need, since no `pg_dump` comes with the
 * embedded server. Run as a program it rewrites `migrations/schema.sql`.
 *
 * @module
 */
import { join } from "@std/path";
import { connectClient, type PgClient } from "#/events/pg.ts";
import { withDatabase } from "#tests/support/postgres.ts";

/** The committed dump. */
export const SCHEMA_FILE = join(import.meta.dirname!, "../../migrations/schema.sql");

const HEADER =
  `-- What the migrations make, for reading. Written by "deno run -A tests/support/schema_dump.ts"; a test keeps it equal.
`;

// kysely keeps its own two tables; they are no part of the schema.
const TABLES = `select c.oid::int8 as oid, c.relname as name from pg_class c
  where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname not like 'kysely%' order by c.relname`;

const COLUMNS = `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required,
    pg_get_expr(d.adbin, d.adrelid) as value
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`;

// NOT NULL ('n') is told with the column; older versions do not have it as a constraint at all.
const CONSTRAINTS = `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
  where conrelid = $1 and contype <> 'n' order by contype desc, conname`;

const INDEXES = `select pg_get_indexdef(i.indexrelid) as definition from pg_index i
  where i.indrelid = $1 and not exists (select 1 from pg_constraint where conindid = i.indexrelid) order by 1`;

/** Dumps every table of ours with its constraints and indexes, in the order of names. */
export async function dumpSchema(connectionString: string): Promise<string> {
  const client = await connectClient(connectionString);
  try {
    const { rows: tables } = await client.query<{ oid: number; name: string }>(TABLES);
    const texts: string[] = [];
    for (const table of tables) texts.push(await dumpTable(client, table));
    return [HEADER, ...texts].join("\n");
  } finally {
    await client.end();
  }
}

async function dumpTable(client: PgClient, table: { readonly oid: number; readonly name: string }): Promise<string> {
  const { rows: columns } = await client.query<{ name: string; type: string; required: boolean; value: string | null }>(
    COLUMNS,
    [table.oid],
  );
  const { rows: constraints } = await client.query<{ name: string; definition: string }>(CONSTRAINTS, [table.oid]);
  const { rows: indexes } = await client.query<{ definition: string }>(INDEXES, [table.oid]);
  const lines = [
    ...columns.map(({ name, type, required, value }) =>
      `  ${name} ${type}${value === null ? "" : ` default ${value}`}${required ? " not null" : ""}`
    ),
    ...constraints.map(({ name, definition }) => `  constraint ${name} ${definition}`),
  ];
  const statements = [
    `create table ${table.name} (\n${lines.join(",\n")}\n);`,
    ...indexes.map(({ definition }) => `${definition};`),
  ];
  return `${statements.join("\n")}\n`;
}

if (import.meta.main) {
  await withDatabase(async (connectionString) => {
    await Deno.writeTextFile(SCHEMA_FILE, await dumpSchema(connectionString));
  });
}
