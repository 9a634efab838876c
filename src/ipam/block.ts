/**
 * A block of addresses as its owner sees it: which ordinals are taken, by which handle, and in which order the free ones are handed out. Pure
 * arithmetic; the owner's journal (`agents/cni/ledger.ts`) folds its records into blocks, and nobody else allocates.
 *
 * An ordinal is an address' distance from the block's first address. Every ordinal is usable, the first and the last too, because pods get
 * host routes and the block is no broadcast domain. Released ordinals go to the end of the queue: the address that has been free for longest
 * is used next, which keeps a dead pod's peers from talking to its successor for as long as the block allows.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { type Cidr, cidrContains, cidrFirst, cidrIsMasked, cidrNth, cidrSize, formatCidr } from "#/base/cidr.ts";
import { formatIp, parseIp } from "#/base/ip.ts";

/** Largest block, in addresses: an IPv4 /20 or an IPv6 /116. */
export const BLOCK_ADDRESSES_MAX = 4096;

/** One block. A value: every change makes another. */
export interface Block {
  readonly cidr: Cidr;
  /** Handle by ordinal. */
  readonly assigned: ReadonlyMap<number, string>;
  /** Free ordinals, next one first. Together with the keys of `assigned` all ordinals, each once. */
  readonly free: readonly number[];
}

/** A block after a change, and the address that the change was about. */
export interface BlockAssignment {
  readonly block: Block;
  /** Canonical text, without prefix length. */
  readonly address: string;
}

/** The outcome of {@link reserveInBlock}. `taken` names the handle that has the address already. */
export type BlockReservation =
  | { readonly kind: "reserved"; readonly block: Block }
  | { readonly kind: "taken"; readonly handle: string }
  | { readonly kind: "outside" };

/**
 * A block in which everything is free, lowest ordinal first.
 *
 * @param cidr without host bits, at most {@link BLOCK_ADDRESSES_MAX} addresses
 */
export function emptyBlock(cidr: Cidr): Block {
  assert(cidrIsMasked(cidr), `Block must have no host bits: ${formatCidr(cidr)}`);
  assert(cidrSize(cidr) <= BigInt(BLOCK_ADDRESSES_MAX), `Block must be small: ${formatCidr(cidr)}`);
  return { cidr, assigned: new Map(), free: Array.from({ length: Number(cidrSize(cidr)) }, (_, ordinal) => ordinal) };
}

/**
 * Gives a handle an address: the one it has, or else the first free one that is not to be skipped. `undefined` when there is none.
 *
 * @param skip addresses not to hand out although they are free (in use by something that the block's owner has no record of)
 *
 * @example
 * ```ts
 * import { parseCidr } from "#/base/cidr.ts";
 * import { assignFromBlock, emptyBlock } from "#/ipam/block.ts";
 * const first = assignFromBlock(emptyBlock(parseCidr("10.0.0.0/30")!), "net.a");
 * const again = assignFromBlock(first!.block, "net.a");
 * if (first?.address !== "10.0.0.0" || again?.address !== "10.0.0.0") throw new Error();
 * ```
 */
export function assignFromBlock(
  block: Block,
  handle: string,
  skip: ReadonlySet<string> = new Set(),
): BlockAssignment | undefined {
  const held = addressesOfHandle(block, handle)[0];
  if (held !== undefined) return { block, address: held };
  const ordinal = block.free.find((candidate) => !skip.has(addressAt(block, candidate)));
  return ordinal === undefined
    ? undefined
    : { block: take(block, ordinal, handle), address: addressAt(block, ordinal) };
}

/** Gives a handle one certain address, as records of the past do. Reserving what the handle has already changes nothing. */
export function reserveInBlock(block: Block, address: string, handle: string): BlockReservation {
  const ordinal = ordinalOf(block, address);
  if (ordinal === undefined) return { kind: "outside" };
  const holder = block.assigned.get(ordinal);
  if (holder === undefined) return { kind: "reserved", block: take(block, ordinal, handle) };
  return holder === handle ? { kind: "reserved", block } : { kind: "taken", handle: holder };
}

/**
 * Takes an address back from a handle and queues it last. The block itself is returned when the handle does not have the address, so that a
 * repeated or late release never frees what somebody else was given since.
 */
export function releaseFromBlock(block: Block, address: string, handle: string): Block {
  const ordinal = ordinalOf(block, address);
  if (ordinal === undefined || block.assigned.get(ordinal) !== handle) return block;
  const assigned = new Map(block.assigned);
  assigned.delete(ordinal);
  return { ...block, assigned, free: [...block.free, ordinal] };
}

/** The addresses a handle has in the block, lowest first. */
export function addressesOfHandle(block: Block, handle: string): readonly string[] {
  return [...block.assigned].filter(([, holder]) => holder === handle).map(([ordinal]) => ordinal)
    .sort((a, b) => a - b).map((ordinal) => addressAt(block, ordinal));
}

/**
 * Puts the free ordinals into a remembered order; those that the order does not name follow in the order they had. Ordinals that are not free
 * are ignored. With {@link emptyBlock} and {@link reserveInBlock} this restores a block from a record of it.
 */
export function orderFree(block: Block, order: readonly number[]): Block {
  const free = new Set(block.free);
  const named = new Set(order.filter((ordinal) => free.has(ordinal)));
  return { ...block, free: [...named, ...block.free.filter((ordinal) => !named.has(ordinal))] };
}

function take(block: Block, ordinal: number, handle: string): Block {
  const free = block.free.filter((candidate) => candidate !== ordinal);
  assert(free.length === block.free.length - 1, `Ordinal must be free in ${formatCidr(block.cidr)}: ${ordinal}`);
  return { ...block, assigned: new Map(block.assigned).set(ordinal, handle), free };
}

function addressAt(block: Block, ordinal: number): string {
  return formatIp(cidrNth(block.cidr, BigInt(ordinal)));
}

function ordinalOf(block: Block, address: string): number | undefined {
  const ip = parseIp(address);
  return ip === undefined || !cidrContains(block.cidr, ip) ? undefined : Number(ip.value - cidrFirst(block.cidr).value);
}
