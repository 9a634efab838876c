/**
 * PostgreSQL as part of Tortie: starts a real server on a data directory, on a unix socket that only we can reach, and ends it with us. The default of a new
 * installation; `DATABASE_URL` takes its place. Called by `openStore`.
 *
 * @module
 */
import { join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";
import { lockDataDirectory } from "#/events/data_lock.ts";
import { type Account, accountCommand, candidateAccounts, canUse } from "#/events/postgres_account.ts";
import {
  copyBinaries,
  findPostgresBinaries,
  linkLibraries,
  type PostgresBinaries,
} from "#/events/postgres_binaries.ts";
import { startServer } from "#/events/postgres_server.ts";
import { endLeftoverPostmaster } from "#/events/postmaster.ts";
import { makeRuntimeDirectory } from "#/events/runtime_directory.ts";

/** Name of the database superuser, the only role. */
const ROLE = "tortie";
/** The database that every cluster has from the beginning. */
const DATABASE = "postgres";

/** Settings for a small server that is asked by one program; everything else is PostgreSQL's default, above all `fsync`. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "",
  shared_buffers: "64MB",
  max_connections: "30",
  wal_level: "minimal",
  max_wal_senders: "0",
  logging_collector: "off",
  log_destination: "stderr",
};
/** Settings that older versions do not know, with the version they came with. */
const SETTINGS_SINCE: readonly (readonly [major: number, name: string, value: string])[] = [
  [18, "io_method", "sync"],
];

/** Options of {@link startEmbeddedPostgres}. */
export interface EmbeddedPostgresOptions {
  /** Made when it is missing. The cluster is in `postgres/` below it. */
  readonly dataDir: string;
  /** Settings of the server besides ours; they win. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Instead of the accounts that fit this machine, best first; for tests. */
  readonly accounts?: readonly Account[];
}

/** A running server. Disposing of it stops it and lets the data directory go. */
export interface EmbeddedPostgres extends AsyncDisposable {
  readonly connectionString: string;
  readonly pid: number;
  /** Aborts, with an `OperationalError` as reason, when the server ends although nobody stopped it. */
  readonly lost: AbortSignal;
}

/**
 * Starts PostgreSQL on a data directory and returns when it takes connections; makes the cluster on first use.
 *
 * A server left behind by a killed run is ended first. When this process dies in any way, the server is interrupted by the kernel and ends by itself.
 *
 * @throws `OperationalError` with code `IN_USE` when another process has the directory, `DATA_DIRECTORY` when it cannot be made, `NO_POSTGRES` without programs, `NO_ACCOUNT` when root finds no
 * user to run it as, `PG_VERSION` when the data are of another major version
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = await makeDataDirectory(options.dataDir);
  await using cleanup = new AsyncDisposableStack();
  cleanup.use(await lockDataDirectory(dataDir));
  const installation = await prepare(dataDir, options);
  cleanup.defer(() => installation.removeRuntime());
  await makeCluster(installation);
  const settings = { ...settingsOf(await checkVersion(installation)), ...options.settings };
  await endLeftoverPostmaster(installation.clusterDir);
  const server = cleanup.use(await startServer(() => serverCommand(installation, settings)));
  const owned = cleanup.move();
  return {
    connectionString: `postgres://${ROLE}@/${DATABASE}?host=${encodeURIComponent(installation.socketDir)}`,
    pid: server.pid,
    lost: server.lost,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function makeDataDirectory(path: string): Promise<string> {
  try {
    await Deno.mkdir(path, { recursive: true });
    return await Deno.realPath(path);
  } catch (cause) {
    throw new OperationalError(`Cannot make the data directory "${path}"`, {
      operation: "make the data directory",
      subject: path,
      retry: "never",
      code: "DATA_DIRECTORY",
      cause,
    });
  }
}

/** Everything that starting needs to know. */
interface Installation {
  readonly dataDir: string;
  readonly clusterDir: string;
  readonly socketDir: string;
  readonly libraryPath: string;
  readonly account: Account;
  readonly binaries: PostgresBinaries;
  readonly removeRuntime: () => Promise<void>;
}

async function prepare(dataDir: string, options: EmbeddedPostgresOptions): Promise<Installation> {
  const clusterDir = join(dataDir, "postgres");
  const { account, binaries } = await chooseAccount(dataDir, clusterDir, options.accounts);
  const runtime = await makeRuntimeDirectory(dataDir);
  const libraryPath = await linkLibraries(binaries, join(runtime.path, "lib"));
  await giveTo(account, runtime.path);
  return {
    ...{ dataDir, clusterDir, account, binaries, libraryPath },
    socketDir: runtime.path,
    removeRuntime: runtime.remove,
  };
}

/** The first account that can reach data and programs; the programs are copied beside the data where only they are out of reach. */
async function chooseAccount(
  dataDir: string,
  clusterDir: string,
  given: readonly Account[] | undefined,
): Promise<{ readonly account: Account; readonly binaries: PostgresBinaries }> {
  const binaries = await findPostgresBinaries();
  const existing = await statOwner(clusterDir);
  const directory = await statOwner(dataDir);
  const accounts = given ?? await candidateAccounts(directory ?? { uid: 0, gid: 0 }, existing);
  for (const account of accounts) {
    if (await canUse(account, program(binaries, "postgres"), dataDir)) return { account, binaries };
    if (!await canUse(account, "/bin/sh", dataDir)) continue;
    const copied = await copyBinaries(binaries, join(dataDir, "postgres-programs"));
    if (await canUse(account, program(copied, "postgres"), dataDir)) return { account, binaries: copied };
  }
  const tried = accounts.map((account) => account.description).join(", ");
  throw new OperationalError(
    `No account can run PostgreSQL in "${dataDir}": tried ${
      tried || "none"
    }; root needs user namespaces, or a directory that others may enter`,
    { operation: "start PostgreSQL", subject: dataDir, retry: "never", code: "NO_ACCOUNT" },
  );
}

async function statOwner(path: string): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  const stat = await Deno.stat(path).catch(() => undefined);
  return stat === undefined ? undefined : { uid: stat.uid ?? 0, gid: stat.gid ?? 0 };
}

function program(binaries: PostgresBinaries, name: string): string {
  return join(binaries.root, "bin", name);
}

/** Hands a tree to the account's real user; nothing to do for accounts that are us. */
async function giveTo(account: Account, path: string): Promise<void> {
  if (account.owner === undefined) return;
  const { uid, gid } = account.owner;
  await Deno.chown(path, uid, gid);
  for await (const entry of Deno.readDir(path)) {
    if (entry.isDirectory) await giveTo(account, join(path, entry.name));
    else if (entry.isFile) await Deno.chown(join(path, entry.name), uid, gid);
  }
}

/** Makes the cluster when there is none: under another name first, so that a start that was cut short leaves nothing that looks like data. */
async function makeCluster(installation: Installation): Promise<void> {
  const { clusterDir, account, dataDir } = installation;
  if (await statOwner(clusterDir) !== undefined) {
    if (account.owner !== undefined && (await statOwner(clusterDir))?.uid !== account.owner.uid) {
      await giveTo(account, clusterDir);
    }
    return;
  }
  const temporary = `${clusterDir}.new`;
  await Deno.remove(temporary, { recursive: true }).catch(() => {});
  await Deno.mkdir(temporary, { mode: 0o700 });
  await giveTo(account, temporary);
  const args = [
    ...["-D", temporary, "-U", ROLE, "--auth-local=trust", "--auth-host=reject", "--locale=C", "-E", "UTF8"],
  ];
  await run(installation, "initdb", args);
  await Deno.rename(temporary, clusterDir);
  // The rename must last before anything is acknowledged from inside.
  using directory = await Deno.open(dataDir);
  await directory.sync();
}

/** Refuses data of another major version: it cannot read them, and we ship no `pg_upgrade`. Returns the version. */
async function checkVersion(installation: Installation): Promise<number> {
  const { clusterDir } = installation;
  const dataVersion = (await Deno.readTextFile(join(clusterDir, "PG_VERSION")).catch(() => "unknown version")).trim();
  const text = await run(installation, "postgres", ["--version"]);
  const major = Number(/\(PostgreSQL\) (\d+)/.exec(text)?.[1]);
  if (String(major) === dataVersion) return major;
  throw new OperationalError(
    `Data in "${clusterDir}" are of PostgreSQL ${dataVersion}, and the programs of ${major}: run the Tortie that made them, which brings that version`,
    { operation: "start PostgreSQL", subject: clusterDir, retry: "never", code: "PG_VERSION" },
  );
}

function settingsOf(major: number): Record<string, string> {
  const since = SETTINGS_SINCE.filter(([first]) => major >= first).map(([, name, value]) => [name, value]);
  return { ...SETTINGS, ...Object.fromEntries(since) };
}

async function run(installation: Installation, name: string, args: readonly string[]): Promise<string> {
  const { account, binaries, libraryPath } = installation;
  const output = await accountCommand(account, program(binaries, name), { args, libraryPath }).output();
  if (output.success) return new TextDecoder().decode(output.stdout);
  const said = new TextDecoder().decode(output.stderr).trim().split("\n").slice(-3).join("; ");
  throw new OperationalError(`Cannot run "${name}" as ${account.description}`, {
    operation: `run ${name}`,
    subject: installation.dataDir,
    retry: "never",
    code: `EXIT_${output.code}`,
    cause: new Error(said),
  });
}

function serverCommand(installation: Installation, settings: Readonly<Record<string, string>>): Deno.Command {
  const { account, binaries, libraryPath, clusterDir, socketDir } = installation;
  // A list of quoted names: the path may hold commas.
  const all = { ...settings, unix_socket_directories: `"${socketDir.replaceAll('"', '""')}"` };
  const args = ["-D", clusterDir, ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  return accountCommand(account, program(binaries, "postgres"), { args, libraryPath });
}
