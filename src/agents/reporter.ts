/**
 * Tells the server what the kernel shows: applied positions, of which only the last counts, and drift, of which none may be lost while the agent lives.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";
import type { AppliedReport, NodeCommand } from "#/sync/reports.ts";
import { BATCH_COMMANDS_MAX, type CommandPort } from "./cni/drain.ts";
import type { ServerClient } from "./server_client.ts";
import type { Cancel, Timers } from "./timers.ts";

/** Drift reports kept while the server is away; the oldest give way. */
export const DRIFT_REPORTS_MAX = 1_000;
/** Pause before a failed report is tried again, unless there is something new or the server is back. */
export const RETRY_DELAY_MS = 1_000;

/** What the reporter needs. */
export interface ReporterDeps {
  readonly client: Pick<ServerClient, "report">;
  readonly commands: CommandPort;
  readonly timers: Timers;
  readonly log: (line: string) => void;
}

/** Sends reports one after the other. Disposing drops what is not sent: positions are told again after the next start, drift is in the log file. */
export class Reporter implements AsyncDisposable {
  #applied: AppliedReport | undefined;
  #drift: NodeCommand[] = [];
  #sending: Promise<void> | undefined;
  #cancelRetry: Cancel = () => {};
  #told: string | undefined;
  readonly #stop = new AbortController();

  /** @param deps where reports go */
  constructor(private readonly deps: ReporterDeps) {}

  /** Tells an applied position, unless a newer one comes before it is sent. */
  applied(report: AppliedReport): void {
    this.#applied = report;
    this.wake();
  }

  /** Tells drift. */
  drift(command: NodeCommand): void {
    this.#drift = [...this.#drift, command].slice(-DRIFT_REPORTS_MAX);
    this.wake();
  }

  /** Tries at once: the server is back, or there is something new. */
  wake(): void {
    this.#cancelRetry();
    if (this.#stop.signal.aborted) return;
    this.#sending ??= this.#send().then((isSent) => {
      this.#sending = undefined;
      // Something may have come after the last look.
      const isMore = this.#applied !== undefined || this.#drift.length > 0;
      if (!isMore || this.#stop.signal.aborted) return;
      if (isSent) this.wake();
      else this.#cancelRetry = this.deps.timers.after(RETRY_DELAY_MS, () => this.wake());
    });
  }

  /** Gives up the request under way, and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#cancelRetry();
    await this.#sending;
  }

  /** @returns whether all was sent that there was */
  async #send(): Promise<boolean> {
    try {
      while (!this.#stop.signal.aborted && (this.#applied !== undefined || this.#drift.length > 0)) {
        const report = this.#applied;
        if (report !== undefined) {
          await this.deps.client.report(report, this.#stop.signal);
          if (this.#applied === report) this.#applied = undefined;
        }
        const drift = this.#drift.slice(0, BATCH_COMMANDS_MAX);
        if (drift.length > 0) {
          const results = await this.deps.commands.submit(drift, this.#stop.signal);
          for (const result of results) {
            if (result.result === "refused") this.deps.log(`Drift report was refused: ${result.message}`);
          }
          this.#drift = this.#drift.filter((command) => !drift.includes(command));
        }
      }
      this.#told = undefined;
      return true;
    } catch (error) {
      if (this.#stop.signal.aborted) return false;
      const problem = errorText(error);
      if (problem !== this.#told) this.deps.log(`Cannot report: ${problem}`);
      this.#told = problem;
      return false;
    }
  }
}
