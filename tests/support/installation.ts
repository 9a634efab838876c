/**
 * An installation of the program that another user may run: Deno, the sources and the npm packages, linked or copied into a test's folder, because the
 * ones of this machine may lie in root's private home.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { kubectlCacheFolder } from "../../tools/install_kubectl.ts";
import { ROOT, succeed } from "#tests/support/program.ts";

/** A user by number. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Nobody in particular, on every Linux. */
export const NOBODY: Account = { uid: 65_534, gid: 65_534 };

/** A copy of the program, and how an account runs it. */
export interface Installation {
  /** The copy of the repository. */
  readonly program: string;
  /** The account's own folder. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Command line of `deno ARGS` as the account. */
  readonly deno: (args: readonly string[]) => readonly string[];
  /** Command line of `tortie ARGS` as the account. */
  readonly tortie: (args: readonly string[]) => readonly string[];
}

/** What of the repository the program and its set-up need. */
const SOURCES = [
  ...["main.ts", "mod.ts", "deno.json", "deno.lock", "shims", "src", "migrations"],
  ...["tools", "tests", "benches", "examples"],
];

/**
 * Makes an installation in a folder. Where this process is not root it can become nobody else, and is no root itself: then the commands run as who we are.
 */
export async function unprivilegedCopy(folder: string, account: Account = NOBODY): Promise<Installation> {
  const isRoot = Deno.uid() === 0;
  const [program, home, deno] = [join(folder, "program"), join(folder, "home"), join(folder, "deno")];
  const [packages, cache] = [join(home, "deno"), join(home, "cache")];
  await Deno.mkdir(home, { mode: 0o700 });
  for (const source of SOURCES) await copyTree(join(ROOT, source), join(program, source));
  await linkOrCopy(Deno.execPath(), deno);
  // Its packages by the lockfile, from the cache of the tests.
  await copyTree(join(await denoDirectory(), "npm"), join(packages, "npm"));
  await copyTree(kubectlCacheFolder(), join(cache, "tortie", "kubectl"));
  if (isRoot) {
    await giveTo(home, account);
    await Deno.chmod(folder, 0o711);
  }
  const become = ["setpriv", `--reuid=${account.uid}`, `--regid=${account.gid}`, "--clear-groups", "--"];
  const asAccount = (args: readonly string[]) => [...(isRoot ? become : []), deno, ...args];
  return {
    ...{ program, home },
    env: { HOME: home, DENO_DIR: packages, XDG_CACHE_HOME: cache },
    deno: asAccount,
    tortie: (args) => asAccount(["run", "-A", "--quiet", "--cached-only", join(program, "main.ts"), ...args]),
  };
}

async function denoDirectory(): Promise<string> {
  const info = JSON.parse(await succeed([Deno.execPath(), "info", "--json"], { cwd: ROOT })) as { denoDir: string };
  return info.denoDir;
}

/** Copies what is there; nothing when there is nothing. */
async function copyTree(source: string, target: string): Promise<void> {
  const info = await Deno.stat(source).catch(() => undefined);
  if (info === undefined) return;
  await Deno.mkdir(info.isFile ? dirname(target) : target, { recursive: true, mode: 0o755 });
  if (info.isFile) return await linkOrCopy(source, target);
  for await (const entry of Deno.readDir(source)) await copyTree(join(source, entry.name), join(target, entry.name));
}

/** A second name costs nothing, but needs one file system, and a file that others may read: links share the mode. */
async function linkOrCopy(source: string, target: string): Promise<void> {
  const { mode } = await Deno.stat(source);
  const isReadable = ((mode ?? 0) & 0o004) !== 0;
  try {
    if (isReadable) return await Deno.link(await Deno.realPath(source), target);
  } catch {
    // Another file system.
  }
  await Deno.copyFile(source, target);
  await Deno.chmod(target, (mode ?? 0o644) | 0o044);
}

async function giveTo(path: string, account: Account): Promise<void> {
  await Deno.chown(path, account.uid, account.gid);
  for await (const entry of Deno.readDir(path)) if (entry.isDirectory) await giveTo(join(path, entry.name), account);
}
