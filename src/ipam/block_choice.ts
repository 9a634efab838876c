/**
 * Which block a node gets next. Pure: the same pools, blocks and node give the same answer, and the answer is recorded in `BlockGranted`, so replay
 * never asks again. Called by the server's decider; the node then allocates in the block by itself.
 *
 * Each node starts at a place of its own in the pool and walks on from there, so that nodes seldom meet and a node's blocks lie together.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { compareBytewise } from "#/base/bytewise.ts";
import { type Cidr, cidrContainsCidr, cidrFirst, cidrLast, cidrOverlaps } from "#/base/cidr.ts";
import { ipBits, type IpVersion } from "#/base/ip.ts";
import { type LabelLookup, matchSelector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import { fnv1a } from "#/ipam/fnv.ts";

/** Blocks one node may hold in the pools it may use, unless the caller says otherwise: the default of Calico. */
export const BLOCKS_PER_NODE_MAX = 20;

/** What the choice needs to know of a pool. */
export interface PoolCandidate {
  readonly name: string;
  readonly cidr: Cidr;
  /** Prefix length of the pool's blocks, not shorter than the pool's own. */
  readonly blockSize: number;
  readonly disabled: boolean;
  /** Text of the selector over node labels; empty selects all. */
  readonly nodeSelector: string;
  readonly allowedUses: readonly string[];
  readonly assignmentMode: "Automatic" | "Manual";
}

/** A block that is given out, to whomever. */
export interface HeldBlock {
  readonly cidr: Cidr;
  readonly node: string;
}

/** What {@link chooseBlock} decides on. */
export interface BlockChoiceInput {
  readonly pools: readonly PoolCandidate[];
  readonly blocks: readonly HeldBlock[];
  readonly node: string;
  readonly nodeLabels: LabelLookup;
  /** The one pool to choose in. Its assignment mode and node selector are then not asked, as for pools that a pod names in Calico. */
  readonly poolName?: string;
  /** Only pools of this family, when given. */
  readonly family?: IpVersion;
  /** {@link BLOCKS_PER_NODE_MAX} when left out. */
  readonly blocksMax?: number;
}

/** The outcome of {@link chooseBlock}. */
export type BlockChoice =
  | { readonly kind: "chosen"; readonly cidr: Cidr; readonly pool: string }
  | {
    readonly kind: "refused";
    /** `unknown-pool`: no pool of that name. `no-pool`: none that the node may use. `limit`: the node has its share. `exhausted`: all is given out. */
    readonly reason: "unknown-pool" | "no-pool" | "limit" | "exhausted";
    readonly message: string;
  };

/**
 * Chooses the next block for a node: pools by name, in each the first slot at or after the node's start that overlaps no block, once round.
 *
 * Slots that overlap a block of another size (left from an earlier pool) are passed over. Nothing is ever taken from another node.
 *
 * @example
 * ```ts
 * import { formatCidr, parseCidr } from "#/base/cidr.ts";
 * import { chooseBlock } from "#/ipam/block_choice.ts";
 * const pool = {
 *   name: "default", cidr: parseCidr("10.0.0.0/25")!, blockSize: 26, disabled: false, nodeSelector: "all()",
 *   allowedUses: ["Workload"], assignmentMode: "Automatic",
 * } as const;
 * const blocks = [{ cidr: parseCidr("10.0.0.0/26")!, node: "node1" }];
 * const choice = chooseBlock({ pools: [pool], blocks, node: "node2", nodeLabels: () => undefined });
 * if (choice.kind !== "chosen" || formatCidr(choice.cidr) !== "10.0.0.64/26") throw new Error();
 * ```
 */
export function chooseBlock(input: BlockChoiceInput): BlockChoice {
  const { node, poolName } = input;
  if (poolName !== undefined && !input.pools.some((pool) => pool.name === poolName)) {
    return refuse("unknown-pool", `No pool of this name: "${poolName}"`);
  }
  const pools = input.pools.filter((pool) => poolAllows(pool, input)).sort((a, b) => compareBytewise(a.name, b.name));
  if (pools.length === 0) {
    return poolName === undefined
      ? refuse("no-pool", `No pool lets node "${node}" take blocks for workloads`)
      : refuse("no-pool", `Pool "${poolName}" does not let node "${node}" take blocks for workloads`);
  }
  const held = input.blocks.filter((block) =>
    block.node === node && pools.some((pool) => cidrContainsCidr(pool.cidr, block.cidr))
  );
  const blocksMax = input.blocksMax ?? BLOCKS_PER_NODE_MAX;
  if (held.length >= blocksMax) {
    return refuse("limit", `Node "${node}" must hold at most ${blocksMax} blocks: it holds ${held.length}`);
  }
  for (const pool of pools) {
    const cidr = freeBlock(pool, input);
    if (cidr !== undefined) return { kind: "chosen", cidr, pool: pool.name };
  }
  const names = pools.map((pool) => `"${pool.name}"`).join(", ");
  return refuse("exhausted", `No free block in any pool that node "${node}" may use: ${names}`);
}

/**
 * Whether a node may take blocks of a pool for workloads: the pool is enabled, allows workloads, and either selects the node for automatic use
 * or is the one asked for by name. A selector that cannot be read selects nothing.
 */
export function poolAllows(
  pool: PoolCandidate,
  input: Pick<BlockChoiceInput, "nodeLabels" | "poolName" | "family">,
): boolean {
  if (pool.disabled || !pool.allowedUses.includes("Workload")) return false;
  if (input.family !== undefined && pool.cidr.version !== input.family) return false;
  if (input.poolName !== undefined) return pool.name === input.poolName;
  const selector = parseSelector(pool.nodeSelector);
  return pool.assignmentMode === "Automatic" && selector.kind === "parsed" &&
    matchSelector(selector.selector, input.nodeLabels);
}

/** Consecutive slots of a pool that are not free, both ends included. */
interface SlotRange {
  readonly first: bigint;
  readonly last: bigint;
}

function freeBlock(pool: PoolCandidate, { blocks, node }: BlockChoiceInput): Cidr | undefined {
  assert(
    pool.blockSize >= pool.cidr.prefixLength && pool.blockSize <= ipBits(pool.cidr.version),
    `Block size must fit pool "${pool.name}": ${pool.blockSize}`,
  );
  const taken = takenSlots(pool, blocks);
  const slots = 1n << BigInt(pool.blockSize - pool.cidr.prefixLength);
  const start = BigInt(fnv1a(node)) % slots;
  const slot = firstFreeSlot(taken, start, slots) ?? firstFreeSlot(taken, 0n, start);
  if (slot === undefined) return undefined;
  const address = cidrFirst(pool.cidr).value + (slot << slotBits(pool));
  return { version: pool.cidr.version, address, prefixLength: pool.blockSize };
}

function takenSlots(pool: PoolCandidate, blocks: readonly HeldBlock[]): readonly SlotRange[] {
  const base = cidrFirst(pool.cidr).value;
  return blocks.filter((block) => cidrOverlaps(pool.cidr, block.cidr)).map(({ cidr }) => ({
    first: (cidrFirst(cidr).value - base) >> slotBits(pool),
    last: (cidrLast(cidr).value - base) >> slotBits(pool),
  })).sort((a, b) => a.first < b.first ? -1 : a.first > b.first ? 1 : 0);
}

/** The first slot in `from <= slot < to` that is in none of the ranges, which are sorted by their first slot. */
function firstFreeSlot(taken: readonly SlotRange[], from: bigint, to: bigint): bigint | undefined {
  let slot = from;
  for (const range of taken) {
    if (range.first > slot) break;
    if (range.last >= slot) slot = range.last + 1n;
  }
  return slot < to ? slot : undefined;
}

function slotBits(pool: PoolCandidate): bigint {
  return BigInt(ipBits(pool.cidr.version) - pool.blockSize);
}

function refuse(reason: Extract<BlockChoice, { kind: "refused" }>["reason"], message: string): BlockChoice {
  return { kind: "refused", reason, message };
}
