/**
 * Child processes of the lab: started with their output in a log file, watched, started again when they die, and stopped for certain.
 *
 * @module
 */
import { dirname } from "@std/path";

/** How to start one. `netns` is the path of the namespace it lives in. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly netns?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly log: string;
  /** Start again when it ends by itself. */
  readonly restart: boolean;
}

/** Pause before a process that ended by itself is started again. */
const RESTART_DELAY_MS = 300;
/** How long a process may take to end after SIGTERM before it is killed. */
const STOP_TIMEOUT_MS = 10_000;

/** One child, kept running until stopped. */
export class ManagedProcess implements AsyncDisposable {
  #child: Deno.ChildProcess;
  #stopping = false;
  #restart: ReturnType<typeof setTimeout> | undefined;
  readonly #ended = Promise.withResolvers<void>();

  /**
   * @param spec what to run
   * @param onStart told the pid at each start
   */
  constructor(private readonly spec: ProcessSpec, private readonly onStart: (pid: number) => void = () => {}) {
    Deno.mkdirSync(dirname(spec.log), { recursive: true });
    this.#child = this.#start();
  }

  /** Process id of the running child. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when the process has ended and is not started again. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** SIGTERM, then SIGKILL after ten seconds. Resolves when it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const kill = (signal: Deno.Signal) => {
      try {
        this.#child.kill(signal);
      } catch {
        // Gone already.
      }
    };
    kill("SIGTERM");
    const timer = setTimeout(() => kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#child.status;
    clearTimeout(timer);
    this.#ended.resolve();
  }

  #start(): Deno.ChildProcess {
    const { command, args, netns, env, log } = this.spec;
    // The shell only opens the log and becomes the command; its arguments are passed beside the script, never inside it.
    const inner = [command, ...args];
    const whole = netns === undefined ? inner : ["nsenter", `--net=${netns}`, "--", ...inner];
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", log, ...whole],
      env: { ...env },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.onStart(child.pid);
    child.status.then(() => this.#onEnd(child));
    return child;
  }

  #onEnd(child: Deno.ChildProcess): void {
    if (this.#stopping || child !== this.#child) return;
    if (!this.spec.restart) {
      this.#ended.resolve();
      return;
    }
    this.#restart = setTimeout(() => {
      this.#child = this.#start();
    }, RESTART_DELAY_MS);
  }
}

/** Processes of this machine, with their command line and network namespace. */
function* processes(): Generator<{ readonly pid: number; readonly commandLine: string; readonly netns: string }> {
  for (const entry of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(entry.name)) continue;
    try {
      const commandLine = Deno.readTextFileSync(`/proc/${entry.name}/cmdline`).replaceAll("\0", " ");
      const netns = Deno.readLinkSync(`/proc/${entry.name}/ns/net`);
      yield { pid: Number(entry.name), commandLine, netns };
    } catch {
      // It ended while we looked, or is a kernel thread.
    }
  }
}

/** A process that has these words in its command line; never this one or its parents. */
export function findProcess(mark: string): number | undefined {
  const ancestors = ancestorsOf(Deno.pid);
  for (const { pid, commandLine } of processes()) if (commandLine.includes(mark) && !ancestors.has(pid)) return pid;
  return undefined;
}

/**
 * Kills what a crashed lab left: processes that live in one of its namespaces, or whose command line only a lab's own process has. Never this process or its
 * parents, and nobody who merely looks at the lab's files.
 *
 * @param netnsPaths namespaces of the lab
 * @param marks parts of command lines, words between spaces
 */
export function killLeftovers(netnsPaths: readonly string[], marks: readonly string[]): number {
  const namespaces = new Set(netnsPaths.flatMap((path) => {
    try {
      return [`net:[${Deno.statSync(path).ino}]`];
    } catch {
      return [];
    }
  }));
  const ancestors = ancestorsOf(Deno.pid);
  let killed = 0;
  for (const { pid, commandLine, netns } of processes()) {
    const ours = namespaces.has(netns) || marks.some((mark) => commandLine.includes(mark));
    if (!ours || ancestors.has(pid)) continue;
    try {
      Deno.kill(pid, "SIGKILL");
      killed += 1;
    } catch {
      // It ended while we looked.
    }
  }
  return killed;
}

function ancestorsOf(pid: number): ReadonlySet<number> {
  const found = new Set<number>([pid]);
  for (let current = pid; current > 1;) {
    const status = Deno.readTextFileSync(`/proc/${current}/status`);
    current = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 1);
    found.add(current);
  }
  return found;
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

/**
 * Waits until a condition holds, asking again and again.
 *
 * @returns what the condition returned
 * @throws Error naming what was waited for when the time is over
 */
export async function waitUntil<T>(
  what: string,
  timeoutMs: number,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`, { cause: last });
}
