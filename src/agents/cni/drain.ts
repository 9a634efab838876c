/**
 * Tells the server what the journal owes it, in order, for as long as the agent runs. The way back from the kernel to the left end of the arrow:
 * journal records become commands of the node. While the server is away the journal only grows.
 *
 * A batch is told again when its answer was lost. That is harmless because no batch holds two commands about the same address or Pod, and the next
 * batch goes out only when the journal says that the last one was answered.
 *
 * @module
 */
import { errorText, OperationalError } from "#/base/errors.ts";
import type { NodeCommand, NodeCommandResult } from "#/sync/reports.ts";
import type { Journal } from "./journal.ts";
import type { OwedRecord } from "./journal_codec.ts";
import { commandOf, type JournalRecord, subjectOf } from "./ledger.ts";

/** Commands in one batch. */
export const BATCH_COMMANDS_MAX = 100;
/** First pause after a failure; doubles up to {@link RETRY_PAUSE_MS_MAX}. */
export const RETRY_PAUSE_MS_MIN = 100;
/** Longest pause between two tries while the server is away. {@link Drain.wake} ends it early. */
export const RETRY_PAUSE_MS_MAX = 5_000;

/** Refused records that are remembered for the status; older ones are in the server's log of requests only. */
export const REFUSALS_KEPT_MAX = 20;

/** How the node's commands reach the server. */
export interface CommandPort {
  /**
   * Sends a batch and returns one result per command, in order. Throws `OperationalError` when the server cannot be reached or does not answer in a
   * time of the port's own; the commands may then have been carried out or not.
   */
  submit(commands: readonly NodeCommand[], signal: AbortSignal): Promise<readonly NodeCommandResult[]>;
}

/** A record that the server would not take. It counts as told: repeating it would not change the answer. */
export interface RefusedRecord {
  readonly record: JournalRecord;
  readonly reason: string;
  readonly message: string;
}

/** What the drain needs. */
export interface DrainDeps {
  readonly journal: Journal;
  readonly commands: CommandPort;
}

/** The running drain. Disposing it stops telling; what is owed stays in the journal. */
export interface Drain extends AsyncDisposable {
  /** Why the last try failed; `undefined` when it did not. */
  readonly fault: string | undefined;
  /** The last records that the server would not take, oldest first. */
  readonly refused: readonly RefusedRecord[];
  /** Calls a listener for each record that the server will not take until the returned function is called. */
  onRefused(listener: (refused: RefusedRecord) => void): () => void;
  /** Tries again at once: the server is reachable again. */
  wake(): void;
  /**
   * Returns when everything owed at the time of the call has been told. Throws the failure of the next try when the server is away: callers that
   * need the server now should not wait for it.
   */
  flush(): Promise<void>;
}

/**
 * The longest beginning of what is owed that may be told at once: at most {@link BATCH_COMMANDS_MAX}, and no two about the same thing.
 *
 * @example
 * ```ts
 * import { nextBatch } from "#/agents/cni/drain.ts";
 * const endpoint = { node: "n", namespace: "shop", pod: "web", containerId: "c" };
 * const record = { kind: "unbind", endpoint } as const;
 * if (nextBatch([{ seq: 1, record }, { seq: 2, record }]).length !== 1) throw new Error("repeats a subject");
 * ```
 */
export function nextBatch(owed: readonly OwedRecord[]): readonly OwedRecord[] {
  const subjects = new Set<string>();
  const end = owed.findIndex(({ record }, index) => {
    const isRepeated = subjects.has(subjectOf(record));
    subjects.add(subjectOf(record));
    return isRepeated || index >= BATCH_COMMANDS_MAX;
  });
  return end === -1 ? owed : owed.slice(0, end);
}

/** Starts telling the server. */
export function startDrain(deps: DrainDeps): Drain {
  return new RunningDrain(deps);
}

interface Waiter {
  readonly through: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class RunningDrain implements Drain {
  readonly #deps: DrainDeps;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  readonly #unwatch: () => void;
  #waiters: Waiter[] = [];
  /** Ends the current pause. */
  #rouse: () => void = () => undefined;
  #roused = false;
  readonly #listeners = new Set<(refused: RefusedRecord) => void>();
  fault: string | undefined;
  refused: readonly RefusedRecord[] = [];

  constructor(deps: DrainDeps) {
    this.#deps = deps;
    this.#unwatch = deps.journal.onWrite(() => {
      // News do not shorten the pause after a failure; only idleness ends with them.
      if (this.fault === undefined) this.wake();
    });
    this.#loop = this.#run();
  }

  onRefused(listener: (refused: RefusedRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  wake(): void {
    this.#roused = true;
    this.#rouse();
  }

  flush(): Promise<void> {
    const through = this.#deps.journal.owed.at(-1)?.seq;
    if (through === undefined) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ through, resolve, reject });
    this.wake();
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch();
    const reason = new OperationalError("Cannot tell the server: the agent stops", {
      operation: "submit commands",
      subject: "journal",
      retry: "never",
    });
    this.#stop.abort(reason);
    this.#rouse();
    await this.#loop;
    this.#fail(reason);
  }

  async #run(): Promise<void> {
    let pause = RETRY_PAUSE_MS_MIN;
    while (!this.#stop.signal.aborted) {
      const batch = nextBatch(this.#deps.journal.owed);
      if (batch.length === 0) {
        await this.#rest();
        continue;
      }
      try {
        await this.#tell(batch);
        this.fault = undefined;
        pause = RETRY_PAUSE_MS_MIN;
        this.#succeed();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.fault = errorText(error);
        this.#fail(error);
        this.#roused = false;
        await this.#rest(pause);
        pause = Math.min(2 * pause, RETRY_PAUSE_MS_MAX);
      }
    }
  }

  async #tell(batch: readonly OwedRecord[]): Promise<void> {
    const { commands, journal } = this.#deps;
    const results = await commands.submit(batch.map(({ record }) => commandOf(record)), this.#stop.signal);
    if (results.length !== batch.length) throw notNow(`Server must answer ${batch.length} commands: ${results.length}`);
    for (const [index, result] of results.entries()) {
      if (result.result === "done") continue;
      if (isPassing(result.reason)) throw notNow(`Server cannot take commands now: ${result.message}`);
      this.#refuse({ record: batch[index]!.record, reason: result.reason, message: result.message });
    }
    await journal.told(batch.at(-1)!.seq);
  }

  #refuse(refused: RefusedRecord): void {
    this.refused = [...this.refused, refused].slice(-REFUSALS_KEPT_MAX);
    for (const listener of this.#listeners) listener(refused);
  }

  /** Sleeps until roused, or until a time is over. */
  async #rest(ms?: number): Promise<void> {
    if (!this.#roused && !this.#stop.signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#rouse = resolve;
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
    }
    this.#roused = false;
  }

  #succeed(): void {
    const told = (this.#deps.journal.owed[0]?.seq ?? Infinity) - 1;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => waiter.through > told);
    for (const waiter of waiters) if (waiter.through <= told) waiter.resolve();
  }

  #fail(error: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}

/** Refusals that say "later", not "no". */
function isPassing(reason: string): boolean {
  return reason === "ServiceUnavailable" || reason === "TooManyRequests";
}

function notNow(message: string): OperationalError {
  return new OperationalError(message, { operation: "submit commands", subject: "server", retry: "backoff" });
}
