/**
 * A server for tests of the CNI room: takes commands as the real one does, may be away, hang, or lose its answer after carrying a batch out.
 *
 * @module
 */
import { OperationalError } from "#/base/errors.ts";
import type { CommandPort } from "#/agents/cni/drain.ts";
import type { NodeCommand, NodeCommandResult } from "#/sync/reports.ts";

/** How long {@link FakeServer.until} waits, in milliseconds. */
const UNTIL_MS_MAX = 5_000;

/** A server in memory. */
export class FakeServer implements CommandPort {
  away = false;
  hang = false;
  /** Answers to lose from now on. */
  loseAnswers = 0;
  /** Decides one command. */
  answer: (command: NodeCommand) => NodeCommandResult = () => ({ result: "done", position: 1 });
  /** Names of the commands carried out, in order. */
  readonly told: string[] = [];
  /** The commands themselves. */
  readonly commands: NodeCommand[] = [];
  submissions = 0;
  #watchers: (() => void)[] = [];

  async submit(commands: readonly NodeCommand[], signal: AbortSignal): Promise<readonly NodeCommandResult[]> {
    this.submissions += 1;
    for (const watcher of this.#watchers) watcher();
    if (this.hang) await aborted(signal);
    if (this.away) throw failed("Server is away");
    const results = commands.map((command) => this.#carryOut(command));
    for (const watcher of this.#watchers) watcher();
    if (this.loseAnswers > 0) {
      this.loseAnswers -= 1;
      throw failed("Answer is lost");
    }
    return results;
  }

  /** Waits until a condition holds, looking at every submission. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error("The condition never came to hold")), UNTIL_MS_MAX);
    const watcher = () => condition() && resolve();
    this.#watchers.push(watcher);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers = this.#watchers.filter((other) => other !== watcher);
    }
  }

  #carryOut(command: NodeCommand): NodeCommandResult {
    this.told.push(command.command);
    this.commands.push(command);
    return this.answer(command);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

function failed(message: string): OperationalError {
  return new OperationalError(message, { operation: "submit", subject: "server", retry: "backoff" });
}
