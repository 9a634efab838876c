/**
 * The border to the `pg` driver: the few shapes of it that the store uses, connections with our type parsers, and its errors as
 * `OperationalError`s. Everything that speaks SQL goes through here; nothing else imports `pg`.
 *
 * @module
 */
import pg from "pg";
import { assert } from "#/base/assert.ts";
import { errorText, OperationalError, type RetryClass } from "#/base/errors.ts";

/** A statement with its parameters. A `name` makes it a prepared statement of its connection; `array` rows cost half of object rows. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly name?: string;
  readonly rowMode?: "array";
}

/** What a statement returned. */
export interface StatementResult<Row> {
  readonly rows: Row[];
  readonly rowCount: number | null;
}

/** Runs statements; the row type is the caller's word for what its SQL selects. */
export interface Queryable {
  query<Row>(statement: Statement): Promise<StatementResult<Row>>;
  // The form that kysely uses.
  query<Row>(text: string, values?: readonly unknown[]): Promise<StatementResult<Row>>;
}

/** One connection. `error` may come at any time, `end` when it is closed. */
export interface PgClient extends Queryable {
  connect(): Promise<unknown>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(
    event: "notification",
    listener: (message: { readonly channel: string; readonly payload?: string }) => void,
  ): unknown;
}

/** Several connections, opened as needed. */
export interface PgPool extends Queryable {
  readonly options: object;
  // deno-lint-ignore no-explicit-any -- kysely's own port for a pooled client, which is generic over the row
  connect(): Promise<any>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
}

interface Driver {
  readonly Client: new (config: object) => PgClient;
  readonly Pool: new (config: object) => PgPool;
  readonly types: { getTypeParser(oid: number, format?: string): (value: string) => unknown };
}

const driver: Driver = pg;

const INT8_OID = 20;

/** Most connections of one pool: the embedded server allows 30 in all. */
export const POOL_CONNECTIONS_MAX = 8;
/** How long a connection may take to open. */
export const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Parses an `int8`. Positions and counts stay far below 2^53, so that they are plain numbers in the whole program; the driver's own answer would be a
 * string.
 */
export function parseInt8(text: string): number {
  const value = Number(text);
  assert(Number.isSafeInteger(value), `Expected an int8 below 2^53: "${text}"`);
  return value;
}

const types = {
  getTypeParser: (oid: number, format?: string) =>
    oid === INT8_OID && format !== "binary" ? parseInt8 : driver.types.getTypeParser(oid, format),
};

/** What every connection of ours is made with. */
function settings(connectionString: string): object {
  return {
    connectionString,
    types,
    application_name: "tortie",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
  };
}

/** A pool of connections. An idle connection that dies is dropped in silence: the next statement gets a new one, or says what is wrong. */
export function newPool(connectionString: string, options: { readonly connections?: number } = {}): PgPool {
  const pool = new driver.Pool({ ...settings(connectionString), max: options.connections ?? POOL_CONNECTIONS_MAX });
  pool.on("error", () => {});
  return pool;
}

/** A connection of its own, opened. The caller listens for `error` and `end`, and ends it. */
export async function connectClient(connectionString: string): Promise<PgClient> {
  const client = new driver.Client(settings(connectionString));
  // Without any listener a lost connection would end the process with an uncaught error.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (cause) {
    throw storeError("connect to the database", withoutPassword(connectionString), cause);
  }
  return client;
}

/**
 * A connection string that may be shown: its password is left out.
 *
 * @example
 * ```ts
 * import { withoutPassword } from "#/events/pg.ts";
 * if (withoutPassword("postgres://ann:se/cret@db:5432/x") !== "postgres://ann@db:5432/x") throw new Error();
 * ```
 */
export function withoutPassword(connectionString: string): string {
  return connectionString.replace(/(\/\/[^:/?#]*):.*@/, "$1@").replace(/([?&]password=)[^&]*/, "$1");
}

/** The failure of a statement or connection as an `OperationalError`, with its SQLSTATE or errno as code. One that is already stays as it is. */
export function storeError(operation: string, subject: string, cause: unknown): OperationalError {
  if (cause instanceof OperationalError) return cause;
  const code = codeOf(cause);
  return new OperationalError(`Cannot ${operation}`, {
    ...{ operation, subject, code },
    retry: retryOf(code),
    // A host with several addresses refuses once for each, in an error without words of its own.
    cause: cause instanceof AggregateError ? new Error(cause.errors.map(errorText).join(", ")) : cause,
  });
}

function codeOf(cause: unknown): string | undefined {
  if (typeof cause !== "object" || cause === null || !("code" in cause)) return undefined;
  return typeof cause.code === "string" ? cause.code : undefined;
}

/** By SQLSTATE class: lost or refused connections come back, lock and serialisation failures pass, all else stays wrong. */
function retryOf(code: string | undefined): RetryClass {
  if (code === undefined) return "backoff";
  if (/^(40001|40P01|55P03)$/.test(code)) return "soon";
  return /^(08|53|57P)|^E[A-Z]+$/.test(code) ? "backoff" : "never";
}
