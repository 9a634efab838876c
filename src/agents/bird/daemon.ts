/**
 * One BIRD process per node: started, kept running, and stopped, without ever touching another one. The driver (`driver.ts`) decides what it is to do.
 *
 * A BIRD left running by an agent that was killed is taken over, so that no session ends with the agent: BIRD is recognised by its control socket in
 * the node's own directory, and ended through it.
 *
 * @module
 */
import { join } from "@std/path";
import { errorText, OperationalError, Unsupported } from "#/base/errors.ts";
import { birdCommand } from "./control.ts";

/** File names within BIRD's directory. */
export const BIRD_FILES = {
  config: "bird.conf",
  next: "bird.conf.next",
  socket: "bird.ctl",
  pid: "bird.pid",
  log: "bird.log",
} as const;
/** First pause before a BIRD that ended is started again; doubles up to {@link RESTART_PAUSE_MS_MAX}. */
export const RESTART_PAUSE_MS_MIN = 100;
/** Longest pause between two starts. */
export const RESTART_PAUSE_MS_MAX = 5_000;
/** A BIRD that ran this long is well: the next pause is short again. */
export const HEALTHY_MS_MIN = 10_000;
/** How long BIRD may take until its socket answers, or until it is gone, in milliseconds. */
export const TRANSITION_MS_MAX = 5_000;
/** How often a BIRD that starts or ends is looked at. */
const POLL_MS = 20;
/** How often a BIRD that is not our child is looked at. */
const WATCH_MS = 500;

/** How to run BIRD. */
export interface BirdOptions {
  /** Directory for configuration, socket and pid file; the node's own, made when missing. */
  readonly directory: string;
  /** The command that is BIRD, with anything that must come before it (`ip netns exec x` in tests); `["bird"]` when absent. */
  readonly command?: readonly string[];
}

/** How BIRD is ended. */
export type StopMode =
  /** Peers and kernel keep the routes for a while: BIRD comes back. */
  | "keepRoutes"
  /** Peers are told that the node is gone. */
  | "withdraw";

/** A BIRD process kept running. */
export class BirdDaemon {
  readonly #options: BirdOptions;
  readonly #onEnded: (message: string) => void;
  readonly #stop = new AbortController();
  #keeper: Promise<void> = Promise.resolve();
  #child: Deno.ChildProcess | undefined;

  /** @param onEnded called whenever BIRD has ended by itself, or could not be started again */
  constructor(options: BirdOptions, onEnded: (message: string) => void) {
    this.#options = options;
    this.#onEnded = onEnded;
  }

  /** Path of one of BIRD's files. */
  path(file: keyof typeof BIRD_FILES): string {
    return join(this.#options.directory, BIRD_FILES[file]);
  }

  /** The first part of BIRD's command line. */
  get command(): readonly [string, ...string[]] {
    const [program = "bird", ...rest] = this.#options.command ?? [];
    return [program, ...rest];
  }

  /** Process id of the running BIRD; `undefined` when there is none. */
  async pid(): Promise<number | undefined> {
    const text = await Deno.readTextFile(this.path("pid")).catch(() => "");
    const candidates = [Number.parseInt(text), this.#child?.pid].filter((pid) => pid !== undefined && pid > 0);
    for (const pid of candidates) if (pid !== undefined && await isOurs(pid, this.path("config"))) return pid;
    return undefined;
  }

  /**
   * Starts BIRD, or takes over the one that runs, and keeps one running from now on. The configuration file must be there. Returns when BIRD answers;
   * throws `OperationalError` when it does not, and `Unsupported` when there is no such program.
   *
   * @returns `adopted` when BIRD ran already: its configuration may be another than the file's
   */
  async start(): Promise<"started" | "adopted"> {
    const isAdopted = await this.#answers();
    if (!isAdopted) {
      await this.#removeHung();
      // Its log shows that BIRD ran here before: its routes may be in the kernel still.
      await this.#spawn(await exists(this.path("log")) ? "recover" : "fresh");
    }
    this.#keeper = this.#keep();
    return isAdopted ? "adopted" : "started";
  }

  /** Ends BIRD and stops keeping it running. */
  async stop(mode: StopMode): Promise<void> {
    this.#stop.abort();
    await this.#keeper;
    const pid = await this.pid();
    if (pid === undefined) return;
    const word = mode === "keepRoutes" ? "graceful restart" : "down";
    await birdCommand(this.path("socket"), word).catch(() => undefined);
    if (!await this.#gone(pid)) Deno.kill(pid, "SIGKILL");
    await this.#child?.status;
  }

  async #spawn(mode: "fresh" | "recover"): Promise<void> {
    await Deno.remove(this.path("socket")).catch(() => undefined);
    const [program, ...before] = this.command;
    const files = ["-c", this.path("config"), "-s", this.path("socket"), "-P", this.path("pid")];
    const child = spawnDaemon(program, [...before, "-f", ...files, ...(mode === "recover" ? ["-R"] : [])]);
    this.#child = child;
    let ended: Deno.CommandStatus | undefined;
    child.status.then((status) => ended = status);
    const isRunning = await until(async () => ended !== undefined || await this.#answers());
    if (ended === undefined && isRunning) return;
    if (ended === undefined) child.kill("SIGKILL");
    const why = ended === undefined ? "it does not answer" : `it ended with code ${(ended as Deno.CommandStatus).code}`;
    throw daemonError(`Cannot start BIRD: ${why}`, this.path("config"));
  }

  /** Waits for BIRD's end and starts it again, until stopped. */
  async #keep(): Promise<void> {
    const { signal } = this.#stop;
    let pause = RESTART_PAUSE_MS_MIN;
    while (!signal.aborted) {
      const before = performance.now();
      await this.#ended();
      if (signal.aborted) return;
      if (performance.now() - before > HEALTHY_MS_MIN) pause = RESTART_PAUSE_MS_MIN;
      this.#onEnded("BIRD ended and is started again");
      await sleep(pause, signal);
      pause = Math.min(2 * pause, RESTART_PAUSE_MS_MAX);
      if (signal.aborted) return;
      await this.#spawn("recover").catch((error) => this.#onEnded(errorText(error)));
    }
  }

  /** Resolves when BIRD is gone, or keeping it is over. */
  async #ended(): Promise<void> {
    const { signal } = this.#stop;
    if (this.#child !== undefined) {
      await Promise.race([this.#child.status, aborted(signal)]);
      return;
    }
    while (!signal.aborted && await this.pid() !== undefined) await sleep(WATCH_MS, signal);
  }

  async #answers(): Promise<boolean> {
    return await birdCommand(this.path("socket"), "show status", { replyMsMax: TRANSITION_MS_MAX })
      .then(() => true, () => false);
  }

  /** Two BIRDs in one namespace would fight over sessions and routes. */
  async #removeHung(): Promise<void> {
    const pid = await this.pid();
    if (pid === undefined) return;
    Deno.kill(pid, "SIGKILL");
    if (!await this.#gone(pid)) throw daemonError(`Cannot end the BIRD that hangs: ${pid}`, this.path("config"));
  }

  async #gone(pid: number): Promise<boolean> {
    return await until(async () => !await isOurs(pid, this.path("config")));
  }
}

/** Not in our process group: a terminal's interrupt must not end BIRD, and the sessions, before the agent says how. */
function spawnDaemon(program: string, args: readonly string[]): Deno.ChildProcess {
  try {
    return new Deno.Command(program, { args: [...args], stdin: "null", stdout: "null", stderr: "null", detached: true })
      .spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Unsupported("BIRD", `program "${program}" (package bird2)`);
  }
}

/** Whether a process lives and is a BIRD with this configuration file. */
async function isOurs(pid: number, config: string): Promise<boolean> {
  const commandLine = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
  return commandLine.split("\0").includes(config);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Looks at a condition until it holds or {@link TRANSITION_MS_MAX} is over; returns whether it held. */
async function until(condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + TRANSITION_MS_MAX;
  while (!await condition()) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => resolve(), { once: true });
  if (signal?.aborted) resolve();
  await promise;
  clearTimeout(timer);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function daemonError(message: string, subject: string): OperationalError {
  return new OperationalError(message, { operation: "run BIRD", subject, retry: "backoff" });
}
