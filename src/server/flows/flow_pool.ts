/**
 * Recorded flows judged on several threads. Each worker has images of its own, compiled from the same policies, sees all flows, and judges those to
 * some of the destinations; what they answer, put together, is exactly what one thread gives. A worker that dies, fails or does not answer costs time, never a verdict:
 * the batch is then judged here.
 *
 * @module
 */
import {
  comparisonOf,
  type EndpointChains,
  type ImageComparison,
  type JudgedFlows,
  judgedFlows,
  type JudgedRows,
  type JudgedState,
  judgeRows,
  type RecordedFlows,
} from "#/wasm-policy/compare_images.ts";
import { compileImage, type ImageInput } from "#/wasm-policy/engine.ts";
import { type DestinationRange, destinationRanges, joinRows } from "#/wasm-policy/flow_parts.ts";
import type { FlowAnswer, FlowOrder } from "./flow_worker.ts";

/** How a pool works; tests change the last two. */
export interface FlowPoolOptions {
  readonly workers: number;
  /** Told when a worker is lost or failed, and when WebAssembly failed in one. */
  readonly onFailure?: (message: string) => void;
  /** Batches of fewer flows are judged here: handing them over would cost more. */
  readonly handOverMin?: number;
  readonly deadlineMs?: number;
  readonly workerUrl?: URL;
}

/** Default of `handOverMin`. */
export const HAND_OVER_FLOWS_MIN = 200_000;
/** Default of `deadlineMs`: a worker that takes longer for its part is given up. */
export const PART_DEADLINE_MS = 60_000;

/** A state that the workers know. Dispose it when it is no longer asked. */
export interface PooledState extends Disposable {
  readonly number: number;
  /** The same state here; compiled when first asked for. */
  readonly state: JudgedState;
}

/** A pool. Dispose it to end its workers. */
export interface FlowPool extends Disposable {
  /** Workers that are alive. */
  readonly workers: number;
  /** Has every worker compile the policies of a state. */
  open(input: ImageInput, endpoints: EndpointChains): PooledState;
  /** As `judgeFlows` of `compare_images.ts`. */
  judgeFlows(flows: RecordedFlows, state: PooledState): Promise<JudgedFlows>;
  /** As `compareImages` of `compare_images.ts`. */
  compareImages(flows: RecordedFlows, before: PooledState, after: PooledState): Promise<ImageComparison>;
}

/**
 * Starts a pool.
 *
 * @example
 * ```ts
 * import { startFlowPool } from "#/server/flows/flow_pool.ts";
 * import { packetColumns } from "#/wasm-policy/flow_batch.ts";
 * using pool = startFlowPool({ workers: 1, handOverMin: 0 });
 * const ip = { version: 4, value: 1n } as const;
 * const packets = packetColumns([{ source: ip, destination: ip, protocol: 6, sourcePort: 1, destinationPort: 2, icmp: undefined }]);
 * const ends = { endpoints: ["shop/db"], sourceEndpoint: Uint32Array.of(0xffff_ffff), destinationEndpoint: Uint32Array.of(0) };
 * const chain = { tiers: [], profiles: [] };
 * using state = pool.open({ policies: new Map(), sets: new Map() }, new Map([["shop/db", { ingress: chain, egress: chain }]]));
 * const { allowed } = await pool.judgeFlows({ packets, ...ends }, state);
 * if (allowed[0] !== 0) throw new Error();
 * ```
 */
export function startFlowPool(options: FlowPoolOptions): FlowPool {
  const { handOverMin = HAND_OVER_FLOWS_MIN, onFailure = () => {} } = options;
  const workers = new Set(Array.from({ length: options.workers }, () => new FlowWorker(options)));
  const tell = (order: FlowOrder) => {
    for (const worker of workers) worker.tell(order);
  };
  let states = 0;
  const judge = async (flows: RecordedFlows, asked: readonly PooledState[]): Promise<JudgedRows> => {
    const here = () => judgeRows(flows, asked.map(({ state }) => state));
    if (workers.size === 0 || flows.sourceEndpoint.length < handOverMin) return here();
    const parts = destinationRanges(flows, workers.size);
    const numbers = asked.map(({ number }) => number);
    const shared = sharedFlows(flows);
    const crew = [...workers];
    const judged = await Promise.all(parts.map((range, at) => crew[at]!.judge(shared, range, numbers)));
    for (const worker of crew) if (worker.isLost) workers.delete(worker);
    const whole = judged.filter((one) => one !== undefined);
    if (whole.length === parts.length) return joinRows(whole);
    onFailure(`Recorded flows were judged on one thread: ${workers.size} of ${options.workers} workers are left`);
    return here();
  };
  return {
    get workers() {
      return workers.size;
    },
    open(input, endpoints) {
      const number = states++;
      tell({ kind: "open", state: number, input, endpoints });
      let state: JudgedState | undefined;
      return {
        number,
        get state() {
          return state ??= { image: compileImage(input, { onFailure }), endpoints };
        },
        [Symbol.dispose]: () => tell({ kind: "close", state: number }),
      };
    },
    async judgeFlows(flows, state) {
      const judging = judge(flows, [state]);
      // Compiled here, if it must be, while the workers judge.
      const here = state.state;
      return judgedFlows(flows, here, await judging);
    },
    compareImages: async (flows, before, after) => comparisonOf(flows, await judge(flows, [before, after])),
    [Symbol.dispose]() {
      for (const worker of workers) worker.end();
      workers.clear();
    },
  };
}

/** The flows in memory that all threads see; nobody writes it after this. */
function sharedFlows({ packets, endpoints, sourceEndpoint, destinationEndpoint }: RecordedFlows): RecordedFlows {
  const share = (column: Uint32Array) => {
    const shared = new Uint32Array(new SharedArrayBuffer(column.byteLength));
    shared.set(column);
    return shared;
  };
  return {
    packets: {
      source: share(packets.source),
      destination: share(packets.destination),
      service: share(packets.service),
      sourcePort: share(packets.sourcePort),
      destinationPort: share(packets.destinationPort),
      wide: share(packets.wide),
    },
    endpoints,
    sourceEndpoint: share(sourceEndpoint),
    destinationEndpoint: share(destinationEndpoint),
  };
}

type Settle = (judged: JudgedRows | undefined) => void;

/** One worker and the jobs that it has been given. */
class FlowWorker {
  readonly #worker: Worker;
  readonly #jobs = new Map<number, Settle>();
  #next = 0;
  #isLost = false;

  constructor(private readonly options: FlowPoolOptions) {
    const url = options.workerUrl ?? new URL("./flow_worker.ts", import.meta.url);
    this.#worker = new Worker(url, { type: "module", name: "flows" });
    this.#worker.onmessage = ({ data }: MessageEvent<FlowAnswer>) => this.#take(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#lose(`A worker that judges flows died: ${event.message}`);
    };
    this.#worker.onmessageerror = () => this.#lose("A worker that judges flows gave an answer that cannot be read");
  }

  /** Whether it has died or been given up. */
  get isLost(): boolean {
    return this.#isLost;
  }

  tell(order: FlowOrder): void {
    this.#worker.postMessage(order);
  }

  /** Has it judge the flows to some destinations; `undefined` when it cannot. */
  async judge(
    flows: RecordedFlows,
    range: DestinationRange,
    states: readonly number[],
  ): Promise<JudgedRows | undefined> {
    if (this.#isLost) return undefined;
    const job = this.#next++;
    const { promise, resolve } = Promise.withResolvers<JudgedRows | undefined>();
    this.#jobs.set(job, resolve);
    this.tell({ kind: "judge", job, states, flows, range });
    const deadlineMs = this.options.deadlineMs ?? PART_DEADLINE_MS;
    const deadline = setTimeout(
      () => this.#lose(`A worker that judges flows was given up after ${deadlineMs} ms`),
      deadlineMs,
    );
    try {
      return await promise;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Ends it; what it still had to judge comes to nothing. */
  end(): void {
    this.#isLost = true;
    this.#worker.terminate();
    for (const settle of this.#jobs.values()) settle(undefined);
    this.#jobs.clear();
  }

  #take(answer: FlowAnswer): void {
    switch (answer.kind) {
      case "told":
        this.options.onFailure?.(answer.message);
        return;
      case "failed":
        this.options.onFailure?.(`A worker could not judge flows: ${answer.message}`);
        this.#settle(answer.job, undefined);
        return;
      case "judged":
        this.#settle(answer.job, answer.judged);
    }
  }

  #settle(job: number, judged: JudgedRows | undefined): void {
    this.#jobs.get(job)?.(judged);
    this.#jobs.delete(job);
  }

  #lose(message: string): void {
    if (this.#isLost) return;
    this.options.onFailure?.(message);
    this.end();
  }
}
