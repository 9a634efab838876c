/**
 * Asynchronous calls one after the other, for resources that bear one at a time: a libnftables context, a socket with a send under way.
 *
 * @module
 */
import { KernelError } from "./kernel_error.ts";

const WAITING_MAX = 1024;

/**
 * A queue of calls.
 *
 * @example
 * ```ts
 * import { Serial } from "#/agents/kernel/serial.ts";
 * const serial = new Serial();
 * const seen: number[] = [];
 * await Promise.all([1, 2].map((n) => serial.run(async () => void seen.push(await n))));
 * if (seen.join() !== "1,2" || !serial.idle) throw new Error("not in order");
 * ```
 */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Whether no call is under way or waiting. */
  get idle(): boolean {
    return this.#waiting === 0;
  }

  /** Makes the call when all calls before it have ended, well or not. Rejects with `EAGAIN` at once when too many are waiting. */
  run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) {
      const detail = `${WAITING_MAX} calls are waiting`;
      return Promise.reject(new KernelError({ operation: "queue", subject: "kernel call", code: "EAGAIN", detail }));
    }
    this.#waiting++;
    const result = this.#tail.then(call).finally(() => this.#waiting--);
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Resolves when the calls asked for so far have ended. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
