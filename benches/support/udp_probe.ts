/**
 * A prober: every half millisecond one UDP datagram from one network namespace to another, each from a source port of its own, so that each is a new
 * connection and no verdict is taken from connection tracking. Runs in a thread of its own; what was sent and what came lies in shared memory.
 *
 * @module
 */

/** Which way is probed. */
export interface ProbePath {
  /** Files of the two network namespaces. */
  readonly fromNetns: string;
  readonly toNetns: string;
  /** IPv4 address of the receiving end. */
  readonly address: string;
}

/** Pause between two probes. */
export const PROBE_INTERVAL_MS = 0.5;
/** Probes for which there is memory: two minutes. */
export const PROBES_MAX = 240_000;

/** What the thread is told. */
export interface ProbeOrder extends ProbePath {
  readonly shared: SharedArrayBuffer;
}

/** Layout of the shared memory: how many were sent and whether to stop, then times of sending and of arrival, in milliseconds since the epoch. */
export function probeMemory(shared: SharedArrayBuffer): {
  readonly control: Int32Array;
  readonly sentMs: Float64Array;
  readonly arrivedMs: Float64Array;
} {
  return {
    control: new Int32Array(shared, 0, 2),
    sentMs: new Float64Array(shared, 8, PROBES_MAX),
    arrivedMs: new Float64Array(shared, 8 + 8 * PROBES_MAX, PROBES_MAX),
  };
}

/** Size of {@link probeMemory}. */
export const PROBE_MEMORY_BYTES = 8 + 16 * PROBES_MAX;

/** Indexes of the control words. */
export const CONTROL = { sent: 0, stop: 1 } as const;

/** Milliseconds since the epoch by the monotonic clock; the same in all threads. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Probes that must agree before a state counts as settled. */
const SETTLED_PROBES = 20;
const SETTLE_TIMEOUT_MS = 5_000;
const POLL_MS = 2;

/** A running prober. */
export class UdpProbe implements AsyncDisposable {
  readonly #memory;
  readonly #worker: Worker;
  readonly #failed = Promise.withResolvers<never>();

  /** @param path what to probe */
  constructor(path: ProbePath) {
    const shared = new SharedArrayBuffer(PROBE_MEMORY_BYTES);
    this.#memory = probeMemory(shared);
    this.#worker = new Worker(new URL("./udp_probe_worker.ts", import.meta.url), { type: "module" });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#failed.reject(new Error(`Prober failed: ${event.message}`));
    };
    this.#failed.promise.catch(() => {});
    this.#worker.postMessage({ ...path, shared } satisfies ProbeOrder);
  }

  /**
   * Waits until probes sent after an instant settle: all pass, or none does.
   *
   * @returns when the first one passed, or when the first of those that fail was sent
   */
  async settled(passes: boolean, sinceMs: number): Promise<number> {
    const { sentMs } = this.#memory;
    const deadline = performance.now() + SETTLE_TIMEOUT_MS;
    while (performance.now() < deadline) {
      // A probe in flight says nothing yet.
      const count = this.#count() - 2;
      const first = this.#firstOfRun(passes, count);
      if (count - first >= SETTLED_PROBES && sentMs[count - SETTLED_PROBES]! >= sinceMs) {
        return passes ? this.#memory.arrivedMs[first]! : sentMs[first]!;
      }
      await Promise.race([this.#failed.promise, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
    }
    throw new Error(`Probes must ${passes ? "pass" : "fail"} within ${SETTLE_TIMEOUT_MS} ms`);
  }

  /** Stops the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#memory.control, CONTROL.stop, 1);
    await new Promise<void>((resolve) => {
      this.#worker.onmessage = () => resolve();
      this.#failed.promise.catch(() => resolve());
    });
    this.#worker.terminate();
  }

  #count(): number {
    return Atomics.load(this.#memory.control, CONTROL.sent);
  }

  /** Where the last run of probes that passed, or failed, begins, looking back from `end`. */
  #firstOfRun(passes: boolean, end: number): number {
    let first = end;
    while (first > 0 && (this.#memory.arrivedMs[first - 1]! > 0) === passes) first -= 1;
    return first;
  }
}
