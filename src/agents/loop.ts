/**
 * The agent's loop: level-driven, one pass at a time. Whatever happens (a new slice, a foreign change in the kernel, a failed step, the clock) only marks the node
 * dirty; one throttled pass observes, plans, applies and tells. Nothing is touched before there is a complete slice.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";
import type { Clock } from "#/base/ports.ts";
import type { DriftFound } from "#/events/catalog.ts";
import type { EndpointItem, NodeState } from "#/projections/node_state.ts";
import type { Slice } from "#/sync/slice.ts";
import type { BirdOutcome } from "./bird/part.ts";
import type { NftablesOutcome } from "./nftables/driver.ts";
import type { RoutesOutcome } from "./routes/driver.ts";

/** What one pass found and did; told to the server and to whoever waits. */
export interface PassReport {
  readonly slice: Slice;
  /** Agent's clock, milliseconds. */
  readonly at: number;
  readonly written: readonly string[];
  readonly errors: readonly { readonly item: string; readonly message: string }[];
  readonly drift: readonly Omit<DriftFound, "node">[];
}

/** What the loop drives. Each part makes its piece of the host what the state says, and can say cheaply whether it was touched. */
export interface LoopParts {
  readonly nftables: { touched(): boolean; apply(state: NodeState): Promise<NftablesOutcome> };
  readonly routes: { apply(state: NodeState): Promise<RoutesOutcome> };
  readonly bird: { touched(): boolean; apply(state: NodeState): Promise<BirdOutcome> };
  readonly clock: Clock;
  /** Called after each pass, in order. Must not throw. */
  readonly onPass: (report: PassReport) => void;
}

/** How often the loop looks whether somebody touched the ruleset: a foreign change is seen within this time. */
export const TOUCH_POLL_MS = 250;
/** Everything is observed again this often, whatever the signs say. */
export const RESYNC_INTERVAL_MS = 90_000;
/** First pause after a pass with errors; doubles up to {@link RETRY_DELAY_MS_MAX}. */
export const RETRY_DELAY_MS_MIN = 100;
/** Longest pause after a pass with errors. */
export const RETRY_DELAY_MS_MAX = 5_000;

interface Waiter {
  readonly ready: (report: PassReport) => boolean;
  readonly resolve: (report: PassReport) => void;
}

/** Runs passes until disposed. Disposing waits for the pass under way and leaves the kernel as it is. */
export class AgentLoop implements AsyncDisposable {
  #slice: Slice | undefined;
  #dirty = false;
  #passing = false;
  #stopped = false;
  #wake: () => void = () => {};
  #retryMs = RETRY_DELAY_MS_MIN;
  #lastPass: PassReport | undefined;
  readonly #waiters = new Set<Waiter>();
  readonly #timers: ReturnType<typeof setInterval>[];
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #done: Promise<void>;

  /** @param parts drivers, clock and listener */
  constructor(private readonly parts: LoopParts) {
    this.#timers = [
      setInterval(() => this.#poll(), TOUCH_POLL_MS),
      setInterval(() => this.kick(), RESYNC_INTERVAL_MS),
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

  /** Puts a new slice in force. When only its position is new and the kernel is level, no pass is needed to say so. */
  setSlice(slice: Slice): void {
    this.#slice = slice;
    const last = this.#lastPass;
    const isLevel = !this.#dirty && !this.#passing && last?.slice.state === slice.state && last.errors.length === 0;
    if (isLevel) this.#finish({ ...last, slice, written: [], drift: [] });
    else this.kick();
  }

  /** Marks the node dirty. Cheap; many calls make one pass. */
  kick(): void {
    this.#dirty = true;
    this.#wake();
  }

  /** Resolves with the first pass, the last one included, that fits; rejects with the signal's reason. */
  waitFor(ready: (report: PassReport) => boolean, signal: AbortSignal): Promise<PassReport> {
    if (this.#lastPass !== undefined && ready(this.#lastPass)) return Promise.resolve(this.#lastPass);
    const { promise, resolve, reject } = Promise.withResolvers<PassReport>();
    const waiter: Waiter = { ready, resolve };
    const abort = () => reject(signal.reason);
    this.#waiters.add(waiter);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    return promise.finally(() => {
      this.#waiters.delete(waiter);
      signal.removeEventListener("abort", abort);
    });
  }

  /** Stops after the pass under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#retryTimer);
    this.#wake();
    await this.#done;
  }

  #poll(): void {
    if (this.parts.nftables.touched() || this.parts.bird.touched()) this.kick();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (!this.#dirty || this.#slice === undefined) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      this.#dirty = false;
      this.#passing = true;
      const report = await this.#pass(this.#slice);
      this.#passing = false;
      this.#finish(report);
    }
  }

  async #pass(slice: Slice): Promise<PassReport> {
    const { nftables, routes, bird, clock } = this.parts;
    const errors: { item: string; message: string }[] = [];
    const attempt = async <T extends { drift: readonly string[] }>(
      item: string,
      step: () => Promise<T>,
    ): Promise<T | undefined> => {
      try {
        return await step();
      } catch (error) {
        errors.push({ item, message: errorText(error) });
        return undefined;
      }
    };
    // Policy before routes: a pod that becomes reachable is already judged.
    const nft = await attempt("nftables", () => nftables.apply(slice.state));
    const route = await attempt("routes", () => routes.apply(slice.state));
    const peers = await attempt("bird", () => bird.apply(slice.state));
    for (const message of route?.errors ?? []) errors.push({ item: "routes", message });
    for (const message of peers?.errors ?? []) errors.push({ item: "bird", message });
    for (const name of route?.missingInterfaces ?? []) {
      errors.push({ item: endpointOf(slice.state, name), message: `Interface "${name}" does not exist` });
    }
    const drift = [["nftables", nft?.drift], ["route", route?.drift], ["bird", peers?.drift]] as const;
    return {
      slice,
      at: clock.now(),
      written: [...nft?.written ?? [], ...route?.written ?? [], ...peers?.written ?? []],
      errors,
      drift: drift.flatMap(([subject, differences]) =>
        differences === undefined || differences.length === 0
          ? []
          : [{ subject, differences, position: slice.position, repaired: true }]
      ),
    };
  }

  #finish(report: PassReport): void {
    this.#lastPass = report;
    // A missing interface is CNI's to make, and its appearance wakes the loop; everything else is tried again.
    if (report.errors.some((error) => !error.item.startsWith("endpoint:"))) {
      clearTimeout(this.#retryTimer);
      this.#retryTimer = setTimeout(() => this.kick(), this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_DELAY_MS_MAX);
    } else this.#retryMs = RETRY_DELAY_MS_MIN;
    this.parts.onPass(report);
    for (const waiter of this.#waiters) if (waiter.ready(report)) waiter.resolve(report);
  }
}

function endpointOf(state: NodeState, interfaceName: string): string {
  const endpoint = [...state.values()].find((item): item is EndpointItem =>
    item.kind === "endpoint" && item.interfaceName === interfaceName
  );
  return `endpoint:${endpoint?.id ?? interfaceName}`;
}
