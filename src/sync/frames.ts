/**
 * The frames between server and agent: one JSON object a line. `hello`, then a `full` or `delta` batch from `begin` to `end`, then more deltas as
 * they come, and a `ping` when nothing does. Only a whole batch is applied; a cut one leaves no trace. The agent's saved slice on disk has the same framing.
 *
 * @module
 */
import type { NodeItem, NodeItemKind } from "#/projections/node_state.ts";

/** The contract spoken by this binary; the previous one is served too, once there is one. */
export const SYNC_CONTRACT = 1;

/** One line of the stream. */
export type Frame =
  | {
    readonly frame: "hello";
    readonly contract: number;
    readonly logId: string;
    readonly epoch: number;
    /** Position the agent resumes from; 0 when it gets everything. */
    readonly from: number;
  }
  | { readonly frame: "begin"; readonly type: "full" | "delta" }
  | { readonly frame: "put"; readonly item: NodeItem }
  | { readonly frame: "set"; readonly id: string; readonly add: readonly string[]; readonly del: readonly string[] }
  | { readonly frame: "del"; readonly kind: NodeItemKind; readonly id: string }
  | { readonly frame: "end"; readonly position: number }
  | { readonly frame: "ping"; readonly position: number };
