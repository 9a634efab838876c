/**
 * One waiting `poll` for all descriptors that this process watches. Each outstanding asynchronous FFI call holds one of the 32 threads that file
 * I/O needs too, so there is one, however many sockets there are; an eventfd wakes it when the set changes.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { type Libc, POLL_EVENTS } from "./libc.ts";

const EVENTFD_FLAGS = 0o2000000 | 0o4000;
const POLLFD_BYTES = 8;
const POLL_FOREVER = -1;
const WATCHED_MAX = 64;
/** A signal may interrupt a poll now and then; anything else that fails for ever would spin. */
const POLL_FAILURES_MAX = 100;

/** Waits for descriptors to become readable, as long as there is at least one. */
export class Reactor implements AsyncDisposable {
  readonly #libc: Libc;
  readonly #wakeFd: number;
  readonly #watched = new Map<number, () => void>();
  #loop: Promise<void> | undefined;
  #round: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Makes a reactor that watches nothing yet and so holds no thread. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#wakeFd = libc.check(libc.calls.eventfd(0, EVENTFD_FLAGS), "create an eventfd for", "reactor");
  }

  /**
   * Calls `onReadable` whenever the descriptor has something (or an error) to take, until the result is disposed; only after that has resolved may
   * the descriptor be closed. `onReadable` must take all there is and must not throw.
   */
  watch(fd: number, onReadable: () => void): AsyncDisposable {
    assert(!this.#watched.has(fd), `Expected descriptor ${fd} not to be watched twice`);
    assert(this.#watched.size < WATCHED_MAX, `Expected at most ${WATCHED_MAX} watched descriptors`);
    this.#watched.set(fd, onReadable);
    this.#wake();
    this.#loop ??= this.#run();
    return { [Symbol.asyncDispose]: () => this.#unwatch(fd) };
  }

  /** Stops watching everything and resolves when no call is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#watched.clear();
    this.#wake();
    await this.#loop;
    this.#libc.close(this.#wakeFd);
  }

  async #unwatch(fd: number): Promise<void> {
    if (!this.#watched.delete(fd)) return;
    // The poll under way still names the descriptor: it must return before anybody may close it.
    const round = this.#round.promise;
    this.#wake();
    if (this.#loop !== undefined) await round;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (this.#watched.size > 0) {
      const watched = [this.#wakeFd, ...this.#watched.keys()];
      const pollFds = new Uint8Array(watched.length * POLLFD_BYTES);
      const view = new DataView(pollFds.buffer);
      for (const [index, fd] of watched.entries()) {
        view.setInt32(index * POLLFD_BYTES, fd, true);
        view.setInt16(index * POLLFD_BYTES + 4, POLL_EVENTS.readable, true);
      }
      const ready = await this.#libc.calls.pollAsync(pollFds, BigInt(watched.length), POLL_FOREVER);
      failures = ready < 0 ? failures + 1 : 0;
      assert(failures < POLL_FAILURES_MAX, `Expected poll to work: it failed ${failures} times in a row`);
      for (const [index, fd] of watched.entries()) {
        if (view.getInt16(index * POLLFD_BYTES + 6, true) === 0) continue;
        if (fd === this.#wakeFd) this.#libc.calls.read(fd, new Uint8Array(8), 8);
        else this.#watched.get(fd)?.();
      }
      this.#round.resolve();
      this.#round = Promise.withResolvers();
    }
    this.#loop = undefined;
  }

  #wake(): void {
    const one = new Uint8Array(new BigUint64Array([1n]).buffer);
    this.#libc.calls.write(this.#wakeFd, one, one.length);
  }
}
