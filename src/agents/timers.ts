/**
 * Waiting as a port: what the agent does later or again and again. Tests put a clock of their own behind it and never sleep.
 *
 * @module
 */

/** Takes a call back before it is made; does nothing afterwards. */
export type Cancel = () => void;

/** Calls things later. */
export interface Timers {
  /** Calls once, after some milliseconds. */
  after(ms: number, call: () => void): Cancel;
  /** Calls every so many milliseconds until cancelled. */
  every(ms: number, call: () => void): Cancel;
}

/** The runtime's own timers. */
export const systemTimers: Timers = {
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  every(ms, call) {
    const timer = setInterval(call, ms);
    return () => clearInterval(timer);
  },
};

/** Resolves after some milliseconds, or as soon as the signal aborts; never rejects. */
export function pause(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = timers.after(ms, done);
    signal.addEventListener("abort", done);
  });
}
