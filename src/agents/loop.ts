/**
 * The agent's loop: level-driven, one pass at a time. Whatever happens (a new slice, a foreign change in the kernel, a failed step, the clock) only marks the node
 * dirty; one throttled pass observes, plans, applies and tells. Nothing is touched before there is a complete slice.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";
import type { Clock } from "#/base/ports.ts";
import type { DriftFound } from "#/events/catalog.ts";
import type { NodeState } from "#/projections/node_state.ts";
import type { Slice } from "#/sync/slice.ts";
import type { BirdOutcome } from "./bird/part.ts";
import type { NftablesOutcome } from "./nftables/driver.ts";
import type { RoutesOutcome } from "./routes/driver.ts";
import { type Cancel, pause, type Timers } from "./timers.ts";

/** What could not be applied. */
export interface PassError {
  /** `endpoint:<id>`, `policy:<id>` or `profile:<id>` where it concerns one item only; else the part, `nftables`, `routes` or `bird`. */
  readonly item: string;
  readonly message: string;
}

/** What one pass found and did; told to the server and to whoever waits. */
export interface PassReport {
  readonly slice: Slice;
  /** Agent's clock, milliseconds. */
  readonly at: number;
  readonly written: readonly string[];
  readonly errors: readonly PassError[];
  readonly drift: readonly Omit<DriftFound, "node">[];
}

/** What the loop drives. Each part makes its piece of the host what the state says, and can say cheaply whether it was touched. */
export interface LoopParts {
  readonly nftables: { touched(): boolean; apply(state: NodeState): Promise<NftablesOutcome> };
  readonly routes: { apply(state: NodeState): Promise<RoutesOutcome> };
  readonly bird: { touched(): boolean; apply(state: NodeState): Promise<BirdOutcome> };
  readonly clock: Clock;
  readonly timers: Timers;
  /** Called after each pass, in order. Must not throw. */
  readonly onPass: (report: PassReport) => void;
}

/** Pause after a pass: what comes meanwhile makes one pass, and everything else in the process gets its turn. */
export const PASS_PAUSE_MS = 2;
/** How often the loop looks whether somebody touched the ruleset: a foreign change is seen within this time. */
export const TOUCH_POLL_MS = 250;
/** Links and routes are observed again this often, whatever the signs say; the ruleset's generation is a sign that cannot be missed. */
export const RESYNC_INTERVAL_MS = 90_000;
/** First pause after a pass with errors; doubles up to {@link RETRY_DELAY_MS_MAX}. */
export const RETRY_DELAY_MS_MIN = 100;
/** Longest pause after a pass with errors. */
export const RETRY_DELAY_MS_MAX = 5_000;
/** Lines of drift told of one part and pass; the rest is counted. */
export const DRIFT_LINES_MAX = 100;

interface Waiter {
  readonly ready: (report: PassReport) => boolean;
  readonly resolve: (report: PassReport) => void;
  readonly reject: (reason: unknown) => void;
  /** Passes that had begun when it started to wait; what they saw may be older than what it waits for. */
  readonly begun: number;
}

/** A pass as the loop knows it: what it tells, and whether it must be tried again. */
interface Pass {
  readonly report: PassReport;
  readonly isUnfinished: boolean;
}

/** Runs passes until disposed. Disposing waits for the pass under way and leaves the kernel as it is. */
export class AgentLoop implements AsyncDisposable {
  #slice: Slice | undefined;
  #dirty = false;
  #passing = false;
  #wake: () => void = () => {};
  #retryMs = RETRY_DELAY_MS_MIN;
  #cancelRetry: Cancel = () => {};
  #lastPass: PassReport | undefined;
  #begun = 0;
  readonly #stop = new AbortController();
  readonly #waiters = new Set<Waiter>();
  readonly #cancels: readonly Cancel[];
  readonly #done: Promise<void>;

  /** @param parts drivers, clock and listener */
  constructor(private readonly parts: LoopParts) {
    this.#cancels = [
      parts.timers.every(TOUCH_POLL_MS, () => this.#poll()),
      parts.timers.every(RESYNC_INTERVAL_MS, () => this.kick()),
    ];
    this.#done = this.#run();
  }

  /** The slice in force, or `undefined` before the first. */
  get slice(): Slice | undefined {
    return this.#slice;
  }

  /** What the last pass did. */
  get lastPass(): PassReport | undefined {
    return this.#lastPass;
  }

  /** Puts a new slice in force. When only its position is new, what the last pass found holds at the new position too: no pass is needed to say so. */
  setSlice(slice: Slice): void {
    this.#slice = slice;
    const last = this.#lastPass;
    const isApplied = !this.#dirty && !this.#passing && last?.slice.state === slice.state;
    if (isApplied) this.#tell({ ...last, slice, written: [], drift: [] });
    else this.kick();
  }

  /** Marks the node dirty. Cheap; many calls make one pass. */
  kick(): void {
    this.#dirty = true;
    this.#wake();
  }

  /**
   * Asks for a pass, and resolves with the first one begun after the call that fits; rejects with the signal's reason, and when the loop is disposed.
   */
  waitFor(ready: (report: PassReport) => boolean, signal: AbortSignal): Promise<PassReport> {
    const { promise, resolve, reject } = Promise.withResolvers<PassReport>();
    const waiter: Waiter = { ready, resolve, reject, begun: this.#begun };
    const abort = () => reject(signal.reason);
    this.#waiters.add(waiter);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    this.kick();
    return promise.finally(() => {
      this.#waiters.delete(waiter);
      signal.removeEventListener("abort", abort);
    });
  }

  /** Stops after the pass under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const cancel of this.#cancels) cancel();
    this.#wake();
    await this.#done;
    this.#cancelRetry();
    for (const waiter of this.#waiters) waiter.reject(this.#stop.signal.reason);
  }

  #poll(): void {
    let isTouched = true;
    try {
      isTouched = this.parts.nftables.touched() || this.parts.bird.touched();
    } catch {
      // The pass meets the same failure, and tells it.
    }
    if (isTouched) this.kick();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (!this.#dirty || this.#slice === undefined) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      this.#dirty = false;
      this.#begun += 1;
      this.#passing = true;
      const pass = await this.#pass(this.#slice);
      this.#passing = false;
      this.#scheduleRetry(pass);
      this.#tell(pass.report);
      await pause(this.parts.timers, PASS_PAUSE_MS, this.#stop.signal);
    }
  }

  async #pass(slice: Slice): Promise<Pass> {
    const { nftables, routes, bird, clock } = this.parts;
    const { state } = slice;
    const errors: PassError[] = [];
    const attempt = async <T>(item: string, step: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await step();
      } catch (error) {
        errors.push({ item, message: errorText(error) });
        return undefined;
      }
    };
    // Policy before routes, and no routes without it: a pod that becomes reachable is already judged.
    const nft = await attempt("nftables", () => nftables.apply(state));
    const route = nft === undefined ? undefined : await attempt("routes", () => routes.apply(state));
    const peers = await attempt("bird", () => bird.apply(state));
    errors.push(...nft?.errors ?? []);
    for (const { interfaceName, message } of route?.errors ?? []) {
      errors.push({ item: interfaceName === undefined ? "routes" : endpointOf(state, interfaceName), message });
    }
    for (const message of peers?.errors ?? []) errors.push({ item: "bird", message });
    // An interface is CNI's to make, and its appearance wakes the loop; everything else is tried again.
    const isUnfinished = errors.length > 0;
    for (const name of route?.missingInterfaces ?? []) {
      errors.push({ item: endpointOf(state, name), message: `Interface "${name}" does not exist` });
    }
    const written = [...nft?.written ?? [], ...route?.written ?? [], ...peers?.written ?? []];
    const drift = [
      ...driftOf("nftables", slice.position, nft),
      ...driftOf("route", slice.position, route),
      ...driftOf("bird", slice.position, peers),
    ];
    return { report: { slice, at: clock.now(), written, errors, drift }, isUnfinished };
  }

  #scheduleRetry({ isUnfinished }: Pass): void {
    this.#cancelRetry();
    if (!isUnfinished) {
      this.#retryMs = RETRY_DELAY_MS_MIN;
      return;
    }
    this.#cancelRetry = this.parts.timers.after(this.#retryMs, () => this.kick());
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_DELAY_MS_MAX);
  }

  #tell(report: PassReport): void {
    this.#lastPass = report;
    this.parts.onPass(report);
    for (const waiter of this.#waiters) {
      if (waiter.begun < this.#begun && waiter.ready(report)) waiter.resolve(report);
    }
  }
}

/** What a part tells of drift. */
interface PartOutcome {
  readonly drift: readonly string[];
  readonly errors?: readonly unknown[];
}

/** Drift of one part, as a list of one or none. A part that failed tells its drift with the pass that repairs it, or tells what it could not repair. */
function driftOf(
  subject: DriftFound["subject"],
  position: number,
  outcome: PartOutcome | undefined,
): Omit<DriftFound, "node">[] {
  if (outcome === undefined || outcome.drift.length === 0) return [];
  const { drift, errors } = outcome;
  const rest = drift.length - DRIFT_LINES_MAX;
  const differences = rest > 0 ? [...drift.slice(0, DRIFT_LINES_MAX), `and ${rest} more`] : drift;
  return [{ subject, differences, position, repaired: (errors ?? []).length === 0 }];
}

function endpointOf(state: NodeState, interfaceName: string): string {
  const items = [...state.values()];
  const endpoint = items.find((item) => item.kind === "endpoint" && item.interfaceName === interfaceName);
  return `endpoint:${endpoint?.id ?? interfaceName}`;
}
