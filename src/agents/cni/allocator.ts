/**
 * Gives sandboxes their addresses: from the node's own blocks, journal first, without asking anybody; asks the server only when the blocks are full.
 * Called by the CNI operations.
 *
 * @module
 */
import { errorText, OperationalError } from "#/base/errors.ts";
import type { Random } from "#/base/ports.ts";
import type { AddressAssigned } from "#/events/catalog.ts";
import { type NodeItem, nodeItemKey, type NodeState } from "#/projections/node_state.ts";
import type { CommandPort, Drain } from "./drain.ts";
import type { Journal } from "./journal.ts";
import { assignmentsOf, type JournalRecord, nextAddress } from "./ledger.ts";
import { CNI_CODES, type CniFailure, failure } from "./protocol.ts";

/** Blocks asked for in one allocation before giving up; more than one only when others use up each block as it comes. */
export const BLOCK_REQUESTS_MAX = 3;
/** How long the server may take to answer a request for a block, in milliseconds. */
export const BLOCK_REQUEST_MS_MAX = 10_000;
/** Records the server may not know of while new addresses are still given out. Releases are always taken. */
export const OWED_RECORDS_MAX = 100_000;

/** The agent's loop, as far as sandboxes need it. */
export interface LoopPort {
  /** The node state in force and its position; `undefined` while there is neither a whole slice from the server nor a saved one. */
  nodeState(): { readonly items: NodeState; readonly position: number } | undefined;
  /**
   * Resolves `ready` when the node state has the endpoint with this very container and its policy and routes are in the kernel; `pending` as soon as
   * it is plain that the server is away, and when the signal aborts. Never rejects for the signal.
   */
  endpointReady(namespace: string, pod: string, containerId: string, signal: AbortSignal): Promise<"ready" | "pending">;
}

/** What the allocator needs. */
export interface AllocatorDeps {
  readonly node: string;
  readonly journal: Journal;
  readonly drain: Drain;
  readonly commands: CommandPort;
  readonly loop: Pick<LoopPort, "nodeState">;
  readonly random: Random;
}

/** Who gets an address. */
export interface Claimant {
  readonly handle: string;
  readonly namespace: string;
  readonly pod: string;
}

/**
 * The blocks a node may give addresses out of: its own, of pools that are enabled and allow it.
 *
 * @returns CIDRs, sorted
 */
export function usableBlocks(items: NodeState): readonly string[] {
  const isUsable = (item: NodeItem): boolean => {
    if (item.kind !== "route" || item.type !== "local") return false;
    const pool = items.get(nodeItemKey({ kind: "pool", id: item.pool }));
    return pool?.kind === "pool" && !pool.disabled && pool.allocatable;
  };
  return [...items.values()].filter(isUsable).map((item) => item.id).sort();
}

/**
 * Addresses that are in use by the node state although the journal may have no record of them (the journal was lost, the node set up anew).
 * Those whose release is on its way to the server are free.
 */
export function addressesInUse(items: NodeState, owed: readonly { readonly record: JournalRecord }[]): Set<string> {
  const inUse = new Set([...items.values()].flatMap((item) => item.kind === "endpoint" ? item.addresses : []));
  for (const { record } of owed) if (record.kind === "release") inUse.delete(record.release.address);
  return inUse;
}

/** Gives out the node's addresses. */
export class Allocator {
  readonly #deps: AllocatorDeps;
  /** Blocks granted that the node state does not show yet, with the position it must reach to do so. */
  readonly #granted = new Map<string, number>();
  #asking: Promise<CniFailure | undefined> | undefined;

  constructor(deps: AllocatorDeps) {
    this.#deps = deps;
  }

  /**
   * The claimant's address, durable in the journal when this returns. The same handle gets the same address every time.
   *
   * A failure means that nothing was taken: there is no node state, the blocks are full and the server has no other or is away.
   */
  async allocate(claimant: Claimant): Promise<AddressAssigned | CniFailure> {
    for (let requests = 0;; requests++) {
      const assignment = await this.#fromOwnBlocks(claimant);
      if (assignment !== undefined) return assignment;
      if (requests === BLOCK_REQUESTS_MAX) {
        return failure(CNI_CODES.tryAgainLater, `Cannot find a free address in ${requests} new blocks`);
      }
      this.#asking ??= this.#askForBlock().finally(() => this.#asking = undefined);
      const refusal = await this.#asking;
      if (refusal !== undefined) return refusal;
    }
  }

  async #fromOwnBlocks(claimant: Claimant): Promise<AddressAssigned | CniFailure | undefined> {
    const { journal, loop, node } = this.#deps;
    const state = loop.nodeState();
    if (state === undefined) return failure(CNI_CODES.tryAgainLater, "Cannot give out an address: no node state yet");
    if (journal.owed.length >= OWED_RECORDS_MAX) {
      const message = `Cannot give out an address: the server must be told of ${journal.owed.length} changes first`;
      return failure(CNI_CODES.tryAgainLater, message);
    }
    const blocks = this.#blocks(state);
    const skip = addressesInUse(state.items, journal.owed);
    let found: AddressAssigned | undefined;
    await journal.append((ledger) => {
      found = assignmentsOf(ledger, claimant.handle)[0];
      if (found !== undefined) return [];
      const next = nextAddress(ledger, blocks, { handle: claimant.handle, skip });
      if (next === undefined) return [];
      found = { ...next, node, ...claimant };
      return [{ kind: "assign", assignment: found }];
    });
    return found;
  }

  #blocks(state: { readonly items: NodeState; readonly position: number }): readonly string[] {
    for (const [block, position] of this.#granted) if (position <= state.position) this.#granted.delete(block);
    return [...new Set([...usableBlocks(state.items), ...this.#granted.keys()])];
  }

  /**
   * Asks the server for one more block. What the server has not been told is told first: it takes a block in which nothing is assigned for one
   * that the node has not heard of, and answers with it again.
   */
  async #askForBlock(): Promise<CniFailure | undefined> {
    const { commands, drain, node, random } = this.#deps;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(noAnswer()), BLOCK_REQUEST_MS_MAX);
    try {
      await drain.flush();
      const command = { command: "RequestBlock", node, requestId: random.uuid() } as const;
      const [result] = await commands.submit([command], deadline.signal);
      if (result?.result === "done" && result.block !== undefined) {
        this.#granted.set(result.block, result.position);
        return undefined;
      }
      const why = result?.result === "refused" ? result.message : "The answer names no block";
      return failure(CNI_CODES.tryAgainLater, "No free address, and the server gives no block", why);
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      const why = errorText(error);
      return failure(CNI_CODES.tryAgainLater, "No free address, and the server cannot be asked for a block", why);
    } finally {
      clearTimeout(timer);
    }
  }
}

function noAnswer(): OperationalError {
  const details = { operation: "request block", subject: "server", retry: "backoff" } as const;
  return new OperationalError(`Server must answer within ${BLOCK_REQUEST_MS_MAX} ms`, details);
}
