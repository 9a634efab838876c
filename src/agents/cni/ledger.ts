/**
 * What the node's journal says: addresses assigned, sandboxes bound, and the order in which each block's free addresses are handed out. A fold of
 * journal records, pure; `journal.ts` makes the records durable, `operations.ts` decides on them.
 *
 * @module
 */
import { assert, assertNever } from "#/base/assert.ts";
import { parseCidr } from "#/base/cidr.ts";
import type { AddressAssigned, AddressReleased, EndpointBound, EndpointUnbound } from "#/events/catalog.ts";
import { assignFromBlock, type Block, emptyBlock, orderFree, releaseFromBlock, reserveInBlock } from "#/ipam/block.ts";
import type { NodeCommand } from "#/sync/reports.ts";

/** One fact that the node decided by itself and owes the server. */
export type JournalRecord =
  | { readonly kind: "assign"; readonly assignment: AddressAssigned }
  | { readonly kind: "release"; readonly release: AddressReleased }
  | { readonly kind: "bind"; readonly endpoint: EndpointBound }
  | { readonly kind: "unbind"; readonly endpoint: EndpointUnbound };

/** The fold of the journal. */
export interface Ledger {
  /** By address. */
  readonly assigned: ReadonlyMap<string, AddressAssigned>;
  /** By `namespace/pod`: the newest sandbox of each Pod. */
  readonly bindings: ReadonlyMap<string, EndpointBound>;
  /** Blocks that were allocated in, by CIDR. */
  readonly blocks: ReadonlyMap<string, Block>;
}

/** A ledger in plain JSON, as the journal's snapshot holds it. */
export interface LedgerSnapshot {
  readonly assigned: readonly AddressAssigned[];
  readonly bindings: readonly EndpointBound[];
  /** Free ordinals of each block, next one first. */
  readonly free: readonly { readonly block: string; readonly order: readonly number[] }[];
}

/** The ledger of a node that has done nothing yet. */
export const EMPTY_LEDGER: Ledger = { assigned: new Map(), bindings: new Map(), blocks: new Map() };

/**
 * The ledger after one more record.
 *
 * A release by another handle and an unbind of an older sandbox change nothing. An assignment of an address that another handle has is a bug:
 * the node is the only one that assigns.
 */
export function foldRecord(ledger: Ledger, record: JournalRecord): Ledger {
  switch (record.kind) {
    case "assign":
      return foldAssignment(ledger, record.assignment);
    case "release":
      return foldRelease(ledger, record.release);
    case "bind": {
      const key = `${record.endpoint.namespace}/${record.endpoint.pod}`;
      return { ...ledger, bindings: new Map(ledger.bindings).set(key, record.endpoint) };
    }
    case "unbind": {
      const key = `${record.endpoint.namespace}/${record.endpoint.pod}`;
      if (ledger.bindings.get(key)?.containerId !== record.endpoint.containerId) return ledger;
      return { ...ledger, bindings: without(ledger.bindings, key) };
    }
    default:
      return assertNever(record);
  }
}

/** The record as the command that tells the server. */
export function commandOf(record: JournalRecord): NodeCommand {
  switch (record.kind) {
    case "assign":
      return { command: "AssignAddress", assignment: record.assignment };
    case "release":
      return { command: "ReleaseAddress", release: record.release };
    case "bind":
      return { command: "BindEndpoint", endpoint: record.endpoint };
    case "unbind":
      return { command: "UnbindEndpoint", endpoint: record.endpoint };
    default:
      return assertNever(record);
  }
}

/** What the record is about. Two records with the same subject must not be told in one batch: telling it twice would then not be harmless. */
export function subjectOf(record: JournalRecord): string {
  switch (record.kind) {
    case "assign":
      return `address:${record.assignment.address}`;
    case "release":
      return `address:${record.release.address}`;
    case "bind":
    case "unbind":
      return `endpoint:${record.endpoint.namespace}/${record.endpoint.pod}`;
    default:
      return assertNever(record);
  }
}

/** Addresses a handle has. */
export function assignmentsOf(ledger: Ledger, handle: string): readonly AddressAssigned[] {
  return [...ledger.assigned.values()].filter((assignment) => assignment.handle === handle);
}

/** The Pod's sandbox that a container is, if it is the newest one. */
export function bindingOf(ledger: Ledger, containerId: string): EndpointBound | undefined {
  return [...ledger.bindings.values()].find((binding) => binding.containerId === containerId);
}

/**
 * The next free address in the first of some blocks that has one. `undefined` when all are full.
 *
 * @param skip addresses in use that the ledger has no record of
 */
export function nextAddress(
  ledger: Ledger,
  blocks: readonly string[],
  options: { readonly handle: string; readonly skip: ReadonlySet<string> },
): { readonly address: string; readonly block: string } | undefined {
  for (const block of blocks) {
    const assignment = assignFromBlock(blockOf(ledger, block), options.handle, options.skip);
    if (assignment !== undefined) return { address: assignment.address, block };
  }
  return undefined;
}

/** The ledger as plain JSON; {@link ledgerFrom} gives it back. */
export function snapshotOf(ledger: Ledger): LedgerSnapshot {
  return {
    assigned: [...ledger.assigned.values()],
    bindings: [...ledger.bindings.values()],
    free: [...ledger.blocks].map(([block, { free }]) => ({ block, order: free })),
  };
}

/** A ledger from its snapshot. */
export function ledgerFrom(snapshot: LedgerSnapshot): Ledger {
  const records = [
    ...snapshot.assigned.map((assignment) => ({ kind: "assign", assignment }) as const),
    ...snapshot.bindings.map((endpoint) => ({ kind: "bind", endpoint }) as const),
  ];
  const ledger = records.reduce(foldRecord, EMPTY_LEDGER);
  const ordered = snapshot.free.map(({ block, order }) => [block, orderFree(blockOf(ledger, block), order)] as const);
  return { ...ledger, blocks: new Map(ordered) };
}

function foldAssignment(ledger: Ledger, assignment: AddressAssigned): Ledger {
  const reservation = reserveInBlock(blockOf(ledger, assignment.block), assignment.address, assignment.handle);
  assert(reservation.kind === "reserved", `Address must be free to be assigned: "${assignment.address}"`);
  return {
    ...ledger,
    assigned: new Map(ledger.assigned).set(assignment.address, assignment),
    blocks: new Map(ledger.blocks).set(assignment.block, reservation.block),
  };
}

function foldRelease(ledger: Ledger, release: AddressReleased): Ledger {
  const assignment = ledger.assigned.get(release.address);
  if (assignment?.handle !== release.handle) return ledger;
  const block = releaseFromBlock(blockOf(ledger, assignment.block), release.address, release.handle);
  return {
    ...ledger,
    assigned: without(ledger.assigned, release.address),
    blocks: new Map(ledger.blocks).set(assignment.block, block),
  };
}

function blockOf(ledger: Ledger, cidr: string): Block {
  const known = ledger.blocks.get(cidr);
  if (known !== undefined) return known;
  const parsed = parseCidr(cidr);
  assert(parsed !== undefined, `Block must be a network: "${cidr}"`);
  return emptyBlock(parsed);
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
