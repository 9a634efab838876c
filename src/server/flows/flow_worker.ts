/**
 * A worker of `flow_pool.ts`: keeps images of its own and judges parts of recorded flows by them. Started by the pool alone, and told everything by messages.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import {
  type EndpointChains,
  type JudgedRows,
  type JudgedState,
  type RecordedFlows,
} from "#/wasm-policy/compare_images.ts";
import { compileImage, type ImageInput } from "#/wasm-policy/engine.ts";
import { type DestinationRange, judgePart } from "#/wasm-policy/flow_parts.ts";

/** What a worker is told. */
export type FlowOrder =
  | {
    readonly kind: "open";
    readonly state: number;
    readonly input: ImageInput;
    readonly endpoints: EndpointChains;
  }
  | { readonly kind: "close"; readonly state: number }
  | {
    readonly kind: "judge";
    readonly job: number;
    readonly states: readonly number[];
    readonly flows: RecordedFlows;
    readonly range: DestinationRange;
  };

/** What it answers: to each job one `judged` or `failed`. `told` is what an image had to say meanwhile. */
export type FlowAnswer =
  | { readonly kind: "judged"; readonly job: number; readonly judged: JudgedRows }
  | { readonly kind: "failed"; readonly job: number; readonly message: string }
  | { readonly kind: "told"; readonly message: string };

const states = new Map<number, JudgedState>();

self.onmessage = ({ data }: MessageEvent<FlowOrder>) => {
  switch (data.kind) {
    case "open": {
      const onFailure = (message: string) => answer({ kind: "told", message });
      states.set(data.state, { image: compileImage(data.input, { onFailure }), endpoints: data.endpoints });
      break;
    }
    case "close":
      states.delete(data.state);
      break;
    case "judge":
      judge(data);
      break;
  }
};

function judge({ job, states: asked, flows, range }: Extract<FlowOrder, { kind: "judge" }>): void {
  try {
    const judged = judgePart(flows, range, asked.map((state) => states.get(state)!));
    const columns = [judged.rows, judged.counts, ...judged.results.flatMap(({ egress, ingress }) => [egress, ingress])];
    answer({ kind: "judged", job, judged }, columns.map(({ buffer }) => buffer as ArrayBuffer));
  } catch (error) {
    answer({ kind: "failed", job, message: error instanceof Error ? error.message : String(error) });
  }
}

function answer(message: FlowAnswer, transfer: ArrayBuffer[] = []): void {
  self.postMessage(message, transfer);
}
