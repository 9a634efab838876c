/**
 * One run of the PostgreSQL server process: waits until it takes connections, notices when it ends, stops it in order. Knows nothing of where data and
 * programs are; `embedded_postgres.ts` hands it the command.
 *
 * @module
 */
import { OperationalError } from "#/base/errors.ts";
import { POSTMASTER_STOP_MS_MAX } from "#/events/postmaster.ts";

/** How long a start may take; recovery after a crash is part of it. */
const START_MS_MAX = 120_000;
/** How long a start is tried again while processes of a killed server still hold its shared memory. */
const LEFTOVER_MS_MAX = 10_000;
const LEFTOVER_PAUSE_MS = 100;
/** Lines of the server's own words that are kept for messages. */
const LOG_LINES_MAX = 30;
/** After the order to end at once. */
const ABORT_MS_MAX = 5_000;

/** A running server process. Disposing of it stops it. */
export interface PostgresServer extends AsyncDisposable {
  readonly pid: number;
  /** Aborts, with an `OperationalError` as reason, when the process ends although nobody stopped it. */
  readonly lost: AbortSignal;
}

/**
 * Starts the server and waits until it is ready.
 *
 * @param makeCommand makes the command anew for each try
 * @throws `OperationalError` with the server's last words when it ends instead
 */
export async function startServer(makeCommand: () => Deno.Command): Promise<PostgresServer> {
  const deadline = performance.now() + LEFTOVER_MS_MAX;
  while (true) {
    const server = new ServerProcess(makeCommand().spawn());
    try {
      await server.ready();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      const held = error instanceof OperationalError && error.code === "LEFTOVER";
      if (!held || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, LEFTOVER_PAUSE_MS));
    }
  }
}

class ServerProcess implements PostgresServer {
  readonly #child: Deno.ChildProcess;
  readonly #lost = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  #lines: string[] = [];
  #stopping = false;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#ready.promise.catch(() => {});
    this.#ended = this.#watch();
  }

  get pid(): number {
    return this.#child.pid;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async ready(): Promise<void> {
    const timer = setTimeout(
      () => this.#ready.reject(this.#failure(`not ready after ${START_MS_MAX} ms`)),
      START_MS_MAX,
    );
    try {
      await this.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async #watch(): Promise<void> {
    const [status] = await Promise.all([this.#child.status, this.#readLog(), this.#child.stdout.cancel()]);
    const failure = this.#failure(status.signal === null ? `exit code ${status.code}` : status.signal);
    this.#ready.reject(failure);
    if (!this.#stopping) this.#lost.abort(failure);
  }

  async #readLog(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.#lines = [...this.#lines, ...lines].slice(-LOG_LINES_MAX);
      if (lines.some((line) => line.includes("ready to accept connections"))) this.#ready.resolve();
    }
  }

  #failure(how: string): OperationalError {
    const said = this.#lines.filter((line) => /\b(FATAL|PANIC|ERROR|HINT|DETAIL|could not)\b/.test(line));
    const words = (said.length > 0 ? said : this.#lines).slice(-4).join("; ");
    return new OperationalError(`PostgreSQL ended: ${how}`, {
      operation: "run PostgreSQL",
      subject: `process ${this.#child.pid}`,
      retry: "never",
      code: words.includes("is still in use") ? "LEFTOVER" : "POSTGRES_ENDED",
      cause: words === "" ? undefined : new Error(words),
    });
  }

  /** Stops in order, then at once, then by force: nothing is left either way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    const steps = [["SIGINT", POSTMASTER_STOP_MS_MAX], ["SIGQUIT", ABORT_MS_MAX]] as const;
    for (const [signal, limitMs] of steps) {
      this.#kill(signal);
      if (await settlesWithin(this.#ended, limitMs)) return;
    }
    this.#kill("SIGKILL");
    await this.#ended;
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended by itself.
    }
  }
}

async function settlesWithin(promise: Promise<void>, limitMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), limitMs);
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
