/**
 * What the Kubernetes-convention API needs of the rest of the server, as a port: reading a state at a position, following changes, and submitting
 * commands. The server (`server/control_plane.ts`) is the one implementation; tests make a small one in memory.
 *
 * @module
 */
import type { Rejection } from "#/base/problem.ts";
import type { LogHead } from "#/events/envelope.ts";
import type { ClusterState, EventChanges } from "#/projections/cluster_state.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { Command } from "#/server/decide/command.ts";
import type { NodeCommandResult } from "#/sync/reports.ts";

/** A write that is durable and folded: a read that follows sees it. */
export interface Committed {
  readonly kind: "committed";
  /** The object after the write with its `resourceVersion`; for a deletion, as it last was. */
  readonly object?: KubeObject;
  readonly created: boolean;
  /** Position of the write's last event; the head when nothing changed. */
  readonly position: number;
  readonly warnings: readonly string[];
  readonly node?: NodeCommandResult;
}

/** How the API reaches the control plane. */
export interface ApiBackend {
  /** The state folded so far: at least everything this server has acknowledged. Synchronous, never copied. */
  current(): ClusterState;
  /** Head of the log as this server knows it. */
  head(): LogHead;
  /**
   * The state at an instant: a position in decimal, or an RFC 3339 time. A position beyond the head, an unreadable text or an instant before the
   * retained history is a rejection (Invalid, BadRequest, Expired).
   */
  stateAt(at: string): Promise<ClusterState | Rejection>;
  /**
   * What each event after `from` changed, in position order, for ever; also past ones, by folding the log again when they are no longer in memory.
   * Events that changed no object come with an empty list, so that a follower knows the position it has seen. Ends when the signal aborts.
   */
  follow(from: number, signal: AbortSignal): AsyncIterable<EventChanges>;
  /** Decides and commits. Refusals are values; a lost database throws. */
  submit(command: Command): Promise<Committed | Rejection>;
}
