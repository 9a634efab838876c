/**
 * As whom PostgreSQL runs. It refuses to run as root, so that a server started by root needs somebody else: itself, seen as another user from inside a
 * user namespace, or a real unprivileged user.
 *
 * The namespace comes first because it needs nothing from the file system: outside, the process is still root, so that it may enter a private directory of
 * root's and the data belong to root. Where user namespaces are off (many containers), the unprivileged user must be able to reach data and programs.
 *
 * @module
 */
import { join } from "@std/path";

/** A way to start a program of PostgreSQL. */
export interface Account {
  /** For messages: `user 1000`, `root in a user namespace`. */
  readonly description: string;
  /** The user that the process is outside every namespace, when it is not ours: data and sockets must belong to it. */
  readonly owner?: Owner;
  /** Programs that make the process what it must be and then become the one wanted. */
  readonly prefix: readonly string[];
}

/** Users to be, the first that exists: `initdb` insists on an entry in the user database. */
const USER_NAMES = ["postgres", "daemon", "nobody"];

/** An entry of the user database. */
interface User extends Owner {
  readonly name: string;
}

/** Who owns a file. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The accounts to try, best first; the caller takes the first that {@link canUse} agrees to.
 *
 * @param directory owner of the data directory, who can reach it whatever stands above it
 * @param existing owner of data that are there already; they stay with an unprivileged owner
 */
export async function candidateAccounts(directory: Owner, existing: Owner | undefined): Promise<readonly Account[]> {
  const guard = await parentDeathPrefix();
  if (Deno.uid() !== 0) return [{ description: `user ${Deno.uid()}`, prefix: guard }];
  if (existing !== undefined && existing.uid !== 0) return [unprivileged(existing, guard)];
  const users = (await readUsers()).filter((user) => user.uid !== 0);
  const named = USER_NAMES.flatMap((name) => users.filter((user) => user.name === name))[0];
  const accounts: Account[] = [];
  if (named !== undefined && await hasProgram("unshare")) {
    const map = [`--map-user=${named.uid}`, `--map-group=${named.gid}`];
    accounts.push({ description: "root in a user namespace", prefix: ["unshare", "--user", ...map, "--", ...guard] });
  }
  if (users.some((user) => user.uid === directory.uid)) accounts.push(unprivileged(directory, guard));
  if (named !== undefined) accounts.push(unprivileged(named, guard));
  return accounts;
}

function unprivileged({ uid, gid }: Owner, prefix: readonly string[]): Account {
  return { description: `user ${uid}`, owner: { uid, gid }, prefix };
}

/** Makes the kernel interrupt the server when we die, so that none is left behind. Without `setpriv` the next start ends it. */
async function parentDeathPrefix(): Promise<readonly string[]> {
  return await hasProgram("setpriv") ? ["setpriv", "--pdeathsig", "INT", "--"] : [];
}

async function hasProgram(name: string): Promise<boolean> {
  for (const directory of (Deno.env.get("PATH") ?? "").split(":")) {
    if (await Deno.stat(join(directory, name)).then((stat) => stat.isFile, () => false)) return true;
  }
  return false;
}

async function readUsers(): Promise<readonly User[]> {
  const text = await Deno.readTextFile("/etc/passwd").catch(() => "");
  return text.split("\n").map((line) => line.split(":")).filter((fields) => fields.length >= 4)
    .map(([name, , uid, gid]) => ({ name: name!, uid: Number(uid), gid: Number(gid) }));
}

/** Options of {@link accountCommand}. */
export interface CommandOptions {
  readonly args: readonly string[];
  /** Directories searched for shared libraries before the system's, separated by colons. */
  readonly libraryPath: string;
}

/**
 * The command that runs a program as an account. In a session of its own, so that Ctrl-C reaches us alone and we stop it in order; with a fresh
 * environment, because the server reads several `PG*` variables; in `/`, because ours may be closed to it.
 */
export function accountCommand(account: Account, program: string, options: CommandOptions): Deno.Command {
  const [first = program, ...rest] = [...account.prefix, program, ...options.args];
  return new Deno.Command(first, {
    args: rest,
    cwd: "/",
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", LD_LIBRARY_PATH: options.libraryPath, LC_ALL: "C", TZ: "UTC" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
    ...account.owner,
  });
}

/** Whether an account works here and may run a program and enter a directory. */
export async function canUse(account: Account, program: string, directory: string): Promise<boolean> {
  const args = ["-x", program, "-a", "-x", directory];
  try {
    return (await accountCommand(account, "test", { args, libraryPath: "" }).output()).success;
  } catch {
    return false;
  }
}
