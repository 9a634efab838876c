/**
 * The private directory that holds the embedded server's socket and library links while it runs.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";

/** Longest path of a unix socket on Linux, without the final NUL. */
const SOCKET_PATH_BYTES_MAX = 107;
/** What PostgreSQL calls its socket. */
const SOCKET_NAME = ".s.PGSQL.5432";

/** A directory that only we may enter. */
export interface RuntimeDirectory {
  readonly path: string;
  /** Removes it with everything in it. */
  readonly remove: () => Promise<void>;
}

/**
 * Where the runtime directory of a data directory is: `run/` in it, or a name made of its hash in `/tmp` where that cannot be used.
 *
 * @example
 * ```ts
 * import { runtimePath } from "#/events/runtime_directory.ts";
 * if (runtimePath("/srv/tortie", 0) !== "/srv/tortie/run") throw new Error();
 * if (!runtimePath("/srv/" + "deep/".repeat(30), 0).startsWith("/tmp/tortie-0-")) throw new Error();
 * ```
 */
export function runtimePath(dataDir: string, uid: number): string {
  const path = join(dataDir, "run");
  const bytes = new TextEncoder().encode(join(path, SOCKET_NAME)).length;
  // A colon would cut the path in two in LD_LIBRARY_PATH.
  if (bytes <= SOCKET_PATH_BYTES_MAX && !path.includes(":")) return path;
  const hash = createHash("sha256").update(dataDir).digest("hex");
  return `/tmp/tortie-${uid}-${hash.slice(0, 16)}`;
}

/**
 * Makes the directory anew, so that nobody can have prepared it: what was there is removed, and a name that somebody else holds on to is an error.
 */
export async function makeRuntimeDirectory(dataDir: string): Promise<RuntimeDirectory> {
  const path = runtimePath(dataDir, Deno.uid() ?? 0);
  const remove = async () => {
    try {
      await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  await remove();
  await Deno.mkdir(path, { mode: 0o700 });
  return { path, remove };
}
