/**
 * Opens what a server needs of its database: PostgreSQL itself when none is given, the newest schema, the log and its head. The one place that puts the
 * parts of this room together; called by the server's composition root.
 *
 * @module
 */
import { Kysely, PostgresDialect } from "kysely";
import Cursor from "pg-cursor";
import { type Random, systemRandom } from "#/base/ports.ts";
import { startEmbeddedPostgres } from "#/events/embedded_postgres.ts";
import type { EventLog } from "#/events/event_log.ts";
import { emptyHead } from "#/events/memory_log.ts";
import { migrateToLatest } from "#/events/migrate.ts";
import { newPool, storeError, withoutPassword } from "#/events/pg.ts";
import { openPostgresLog } from "#/events/postgres_log.ts";
import type { Database } from "#/events/schema.ts";

/** Where the data are: in a database that somebody else runs, or in a directory on which we run PostgreSQL. */
export type StoreLocation =
  | { readonly databaseUrl: string; readonly dataDir?: undefined }
  | { readonly dataDir: string; readonly databaseUrl?: undefined };

/** Options of {@link openStore}. */
export type StoreOptions = StoreLocation & {
  /** Gives a new log its id. */
  readonly random?: Random;
};

/** An open database. Disposing of it closes its connections and stops a PostgreSQL that was started for it. */
export interface Store extends AsyncDisposable {
  readonly log: EventLog;
  /** For everything but the log's own paths: status, secrets, queries for people. */
  readonly db: Kysely<Database>;
  /** For connections of one's own, such as the leader's lock. May hold a password. */
  readonly connectionString: string;
  /** Where the data are, for messages; without the password. */
  readonly description: string;
  /** Process id of the embedded server, when there is one. */
  readonly postgresPid?: number;
  /** Aborts, with an `OperationalError` as reason, when the embedded server has ended by itself. Never with `databaseUrl`: there, operations fail. */
  readonly lost: AbortSignal;
}

/**
 * Opens the store: starts PostgreSQL if it is ours, migrates, and begins a log in a database that has none.
 *
 * @throws `OperationalError`: see `startEmbeddedPostgres`, `migrateToLatest`
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  await using opening = new AsyncDisposableStack();
  const server = options.databaseUrl === undefined
    ? opening.use(await startEmbeddedPostgres({ dataDir: options.dataDir }))
    : { connectionString: options.databaseUrl, lost: new AbortController().signal, pid: undefined };
  const { connectionString } = server;
  const db = openKysely(connectionString);
  opening.defer(() => db.destroy());
  await migrateToLatest(db);
  await beginLog(db, options.random ?? systemRandom);
  const log = opening.use(openPostgresLog(connectionString));
  const opened = opening.move();
  return {
    ...{ log, db, connectionString, lost: server.lost, postgresPid: server.pid },
    description: options.dataDir ?? withoutPassword(connectionString),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A query builder over its own pool; `destroy` closes it. */
export function openKysely(connectionString: string): Kysely<Database> {
  return new Kysely<Database>({
    dialect: new PostgresDialect({ pool: () => Promise.resolve(newPool(connectionString)), cursor: Cursor }),
  });
}

/** Makes the head row of a new log. Of several servers that start at once, one makes it. */
export async function beginLog(db: Kysely<Database>, random: Random): Promise<void> {
  const { logId, epoch, position, hash, occurredAt } = emptyHead(random.uuid());
  try {
    await db.insertInto("log_head")
      .values({ log_id: logId, epoch, position, hash, occurred_at: new Date(occurredAt) })
      .onConflict((conflict) => conflict.column("singleton").doNothing())
      .execute();
  } catch (error) {
    throw storeError("begin the log", "log_head", error);
  }
}
