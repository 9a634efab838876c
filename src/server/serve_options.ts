/**
 * Options of `tortie serve`, from flags and environment, checked before anything is started.
 *
 * @module
 */
import { resolve } from "@std/path";
import { OperationalError } from "#/base/errors.ts";

/** Where the server keeps its data and where it listens. */
export interface ServeOptions {
  /** Directory of the embedded Postgres; unused with `databaseUrl`. Absolute. */
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly hostname: string;
  readonly port: number;
  /** Unix socket that serves the same API, for agents. */
  readonly socket: string | undefined;
}

/** Flags as given on the command line. */
export interface ServeFlags {
  readonly dataDir?: string;
  readonly listen?: string;
  readonly socket?: string;
}

/** Where the server listens unless told otherwise. */
export const LISTEN_DEFAULT = "127.0.0.1:7676";

function usage(message: string): OperationalError {
  return new OperationalError(message, {
    operation: "start server",
    subject: "options",
    retry: "never",
    code: "USAGE",
  });
}

/**
 * Reads the options. A flag wins over its environment variable (`TORTIE_DATA_DIR`, `TORTIE_LISTEN`, `TORTIE_SOCKET`; `DATABASE_URL` has no flag, because it
 * may hold a password).
 *
 * @throws OperationalError with code `USAGE`, naming the option and the rule
 *
 * @example
 * ```ts
 * import { serveOptions } from "#/server/serve_options.ts";
 * const options = serveOptions({ listen: "[::1]:8080" }, () => undefined);
 * if (options.hostname !== "::1" || options.port !== 8080) throw new Error();
 * ```
 */
export function serveOptions(flags: ServeFlags, environment: (name: string) => string | undefined): ServeOptions {
  const listen = flags.listen ?? environment("TORTIE_LISTEN") ?? LISTEN_DEFAULT;
  const match = /^(\[[0-9a-fA-F:]+\]|[^:]+):([0-9]{1,5})$/.exec(listen);
  if (match === null || Number(match[2]) > 65_535) throw usage(`TORTIE_LISTEN must be HOST:PORT: "${listen}"`);
  const hostname = match[1]!.replace(/^\[(.*)\]$/, "$1");
  if (!/^(127(\.[0-9]{1,3}){3}|::1|localhost)$/.test(hostname)) {
    throw usage(`TORTIE_LISTEN must be a loopback address, because there is no TLS and no authentication: "${listen}"`);
  }
  // Set to nothing means not set, as everywhere in shells.
  const databaseUrl = environment("DATABASE_URL") || undefined;
  // Not quoted: it may hold a password.
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw usage("DATABASE_URL must begin with postgres:// or postgresql://");
  }
  return {
    dataDir: resolve(flags.dataDir ?? environment("TORTIE_DATA_DIR") ?? ".tortie"),
    databaseUrl,
    hostname,
    port: Number(match[2]),
    socket: flags.socket ?? environment("TORTIE_SOCKET"),
  };
}
