/**
 * The real program as end-to-end tests run it: `tortie ARGS` as a child process, in a folder that is not the repository, with nothing of the user's
 * environment that could lead it elsewhere; and the bounded waits that take the place of sleeps.
 *
 * @module
 */
import { join } from "@std/path";

/** The repository's root. */
export const ROOT = join(import.meta.dirname!, "../..");

/** Variables that would change what the program does; tests set those that they mean. */
const OWN_VARIABLES = ["DATABASE_URL", "TORTIE_DATA_DIR", "TORTIE_LISTEN", "TORTIE_SOCKET", "TORTIE_SERVER"] as const;

/** Pause between two looks of {@link eventually}. */
const POLL_MS = 20;

/** What a run of a program said. */
export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run is given besides its arguments. */
export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
}

/** Command line of the program. */
export function tortieCommand(args: readonly string[]): readonly [string, ...string[]] {
  return [Deno.execPath(), "run", "-A", "--quiet", join(ROOT, "main.ts"), ...args];
}

/** The environment of a child: this process's, without what the program reads, and without colours. */
export function childEnvironment(env: Readonly<Record<string, string>> = {}): Record<string, string> {
  const inherited = Object.entries(Deno.env.toObject())
    .filter(([name]) => !OWN_VARIABLES.some((own) => own === name));
  return { ...Object.fromEntries(inherited), NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env };
}

/** Runs a command to its end, whatever its exit code. */
export async function run(command: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args,
    cwd: options.cwd ?? "/",
    clearEnv: true,
    env: childEnvironment(options.env),
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs `tortie ARGS` to its end. */
export function tortie(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  return run(tortieCommand(args), options);
}

/** Runs a command that must succeed, and returns its standard output. */
export async function succeed(command: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, options);
  if (code !== 0) throw new Error(`"${command.join(" ")}" ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

/**
 * Asks again and again until a condition gives something other than `undefined` and `false`; a condition that throws does not hold yet.
 *
 * @returns what it gave
 * @throws Error that names what was waited for, with the condition's last error as cause, when the bound is over
 */
export async function eventually<T>(
  what: string,
  boundMs: number,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + boundMs;
  let cause: unknown;
  do {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  } while (performance.now() < deadline);
  throw new Error(`Waited ${boundMs} ms in vain for ${what}`, { cause });
}

/** What a promise gives, unless it takes longer than the bound: then an error that names it. */
export async function within<T>(what: string, boundMs: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`Waited ${boundMs} ms in vain for ${what}`)), boundMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a process exists and is no zombie. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

/** Processes of this machine whose command line holds a word; the processes that carry this very test are left out. */
export function processesNaming(word: string): readonly { readonly pid: number; readonly commandLine: string }[] {
  const found = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      const commandLine = Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim();
      if (commandLine.includes(word)) found.push({ pid: Number(name), commandLine });
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** Runs `body` with a folder of its own, under a short path so that unix sockets fit in it, and removes the folder whatever happens. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "tt-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
