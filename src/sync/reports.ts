/**
 * What an agent tells the server: the position its kernel shows, drift it found, and the commands of its node (endpoints bound, addresses assigned). Posted to
 * `/tortie/v1/nodes/<node>/reports` and `/tortie/v1/nodes/<node>/commands` with the node's credentials.
 *
 * @module
 */
import type { AddressAssigned, AddressReleased, DriftFound, EndpointBound, EndpointUnbound } from "#/events/catalog.ts";

/** Not an event: one coalesced row per node. */
export interface AppliedReport {
  readonly node: string;
  readonly logId: string;
  readonly epoch: number;
  /** Every event up to here is in the node's kernel. */
  readonly position: number;
  /** Agent's clock when the kernel was verified, RFC 3339 with milliseconds. */
  readonly appliedAt: string;
  readonly agentVersion: string;
  /** Items that could not be applied, `kind:id` with the cause. */
  readonly errors: readonly { readonly item: string; readonly message: string }[];
  /** What the host cannot do, from the start-up probes. */
  readonly unsupported: readonly string[];
}

/** A command of a node. The server answers when it is committed. Each is idempotent by its subject and handle or container id. */
export type NodeCommand =
  | { readonly command: "BindEndpoint"; readonly endpoint: EndpointBound }
  | { readonly command: "UnbindEndpoint"; readonly endpoint: EndpointUnbound }
  | { readonly command: "AssignAddress"; readonly assignment: AddressAssigned }
  | { readonly command: "ReleaseAddress"; readonly release: AddressReleased }
  /** Asks for one more block of a pool (by name; any pool that allows it when left out). The answer names the block. */
  | { readonly command: "RequestBlock"; readonly node: string; readonly pool?: string; readonly requestId: string }
  | { readonly command: "ReportDrift"; readonly drift: DriftFound };

/** A batch of commands, carried out in order; `observedAt` is the agent's clock. */
export interface NodeCommandBatch {
  readonly observedAt: string;
  readonly commands: readonly NodeCommand[];
}

/** The answer to one command of a batch, in order. */
export type NodeCommandResult =
  | { readonly result: "done"; readonly position: number; readonly block?: string }
  | { readonly result: "refused"; readonly reason: string; readonly message: string };
