/**
 * Runs tasks of one key one after the other and tasks of different keys side by side. Keeps an ADD of a Pod's new sandbox and the DEL of its old one
 * from meeting at the interface they share.
 *
 * @module
 */

/** A lock per key; nothing is kept for a key that nobody waits for. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<unknown>>();

  /**
   * Runs a task when all earlier ones of its key have ended, however they ended, and returns what it returns.
   *
   * @example
   * ```ts
   * import { KeyedLock } from "#/agents/cni/keyed_lock.ts";
   * const lock = new KeyedLock();
   * const order: number[] = [];
   * await Promise.all([1, 2].map((n) => lock.run("pod", () => Promise.resolve(order.push(n)))));
   * if (order.join() !== "1,2") throw new Error();
   * ```
   */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(task, task);
    this.#tails.set(key, result);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === result) this.#tails.delete(key);
    }
  }
}
