/**
 * An installation of the program that another user may run: Deno, the sources and the npm packages, linked or copied into a test's folder, because the
 * ones of this machine may lie in root's private home.
 *
 * @module
 */
import { join } from "@std/path";
import { ROOT, succeed } from "#tests/support/program.ts";

/** A user by number. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** How to run `tortie serve` from the copy. */
export interface Installation {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly dataDir: string;
}

/** What of the repository the program needs. */
const SOURCES = ["main.ts", "mod.ts", "deno.json", "deno.lock", "shims", "src", "migrations", "tools"];

/**
 * Makes an installation in a folder and says how an account runs the server from it. Where this process is not root it can become nobody else, and is no
 * root itself: then the command runs as who we are.
 */
export async function unprivilegedCopy(folder: string, account: Account): Promise<Installation> {
  const isRoot = Deno.uid() === 0;
  const [program, home] = [join(folder, "program"), join(folder, "home")];
  await Deno.mkdir(program);
  await Deno.mkdir(home, { mode: 0o700 });
  for (const source of SOURCES) await copyTree(join(ROOT, source), join(program, source));
  const deno = join(folder, "deno");
  await linkOrCopy(Deno.execPath(), deno);
  // Its packages by the lockfile, from the cache of the tests.
  const cache = join(home, "deno");
  await copyTree(join(await denoDirectory(), "npm"), join(cache, "npm"));
  if (isRoot) {
    await giveTo(home, account);
    await Deno.chmod(folder, 0o711);
  }
  const dataDir = join(home, "data");
  const serve = [deno, "run", "-A", "--quiet", "--cached-only", join(program, "main.ts"), "serve"];
  const become = ["setpriv", `--reuid=${account.uid}`, `--regid=${account.gid}`, "--clear-groups", "--"];
  return {
    command: [...(isRoot ? become : []), ...serve, "--data-dir", dataDir, "--listen", "127.0.0.1:0"],
    env: { HOME: home, DENO_DIR: cache },
    dataDir,
  };
}

async function denoDirectory(): Promise<string> {
  const info = JSON.parse(await succeed([Deno.execPath(), "info", "--json"], { cwd: ROOT })) as { denoDir: string };
  return info.denoDir;
}

async function copyTree(source: string, target: string): Promise<void> {
  const info = await Deno.stat(source);
  if (info.isFile) return await linkOrCopy(source, target);
  await Deno.mkdir(target, { recursive: true, mode: 0o755 });
  for await (const entry of Deno.readDir(source)) await copyTree(join(source, entry.name), join(target, entry.name));
}

/** A second name costs nothing, but needs one file system, and a file that others may read: links share the mode. */
async function linkOrCopy(source: string, target: string): Promise<void> {
  const isReadable = ((await Deno.stat(source)).mode ?? 0) & 0o004;
  try {
    if (isReadable) return await Deno.link(await Deno.realPath(source), target);
  } catch {
    // Another file system.
  }
  await Deno.copyFile(source, target);
  await Deno.chmod(target, ((await Deno.stat(source)).mode ?? 0o644) | 0o044);
}

async function giveTo(path: string, { uid, gid }: Account): Promise<void> {
  await Deno.chown(path, uid, gid);
  for await (const entry of Deno.readDir(path)) {
    if (entry.isDirectory) await giveTo(join(path, entry.name), { uid, gid });
  }
}
