/**
 * IP pools as nodes see them: what the agent needs for NAT and for asking for blocks. Made from IPPool objects by the node projection.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { matchSelector, type Selector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import type { Fabric } from "#/projections/fabric.ts";
import { memoised } from "#/projections/memo.ts";
import type { PoolItem } from "#/projections/node_state.ts";
import type { KubeObject } from "#/resources/object.ts";

/** A pool, read from its object. */
export interface Pool extends Omit<PoolItem, "kind" | "allocatable"> {
  /** Nodes that may claim blocks; `undefined` when none may: disabled, manual, going away, in conflict, or with an unreadable selector. */
  readonly claimants: Selector | undefined;
}

/** Addresses in a block, as prefix length, where the pool says nothing. */
const BLOCK_SIZE_DEFAULT = { v4: 26, v6: 122 } as const;

/** Reads an IPPool; `undefined` for one that never holds workloads (load balancers only) or has no CIDR. */
export function readPool(object: KubeObject): Pool | undefined {
  const spec = object.spec ?? {};
  const uses = texts(spec.allowedUses);
  if (typeof spec.cidr !== "string" || (uses.length > 0 && uses.every((use) => use === "LoadBalancer"))) {
    return undefined;
  }
  return {
    id: object.metadata.name,
    cidr: spec.cidr,
    blockSize: typeof spec.blockSize === "number" && spec.blockSize > 0
      ? spec.blockSize
      : BLOCK_SIZE_DEFAULT[spec.cidr.includes(":") ? "v6" : "v4"],
    natOutgoing: spec.natOutgoing === true,
    disabled: spec.disabled === true,
    disableBGPExport: spec.disableBGPExport === true,
    ipipMode: mode(spec.ipipMode),
    vxlanMode: mode(spec.vxlanMode),
    claimants: readClaimants(object, spec, uses),
  };
}

/**
 * A pool as a node sees it, or `undefined` when there is no such pool. Only `allocatable` depends on the node, so at most two items exist per pool. A node
 * that is not known may claim nothing.
 */
export function poolItem(fabric: Fabric, name: string, node: string): PoolItem | undefined {
  const pool = fabric.pools.get(name);
  if (pool === undefined) return undefined;
  const { claimants, ...rest } = pool;
  const labels = fabric.nodes.get(node)?.labels;
  const allocatable = claimants !== undefined && labels !== undefined &&
    matchSelector(claimants, (key) => Object.hasOwn(labels, key) ? labels[key] : undefined);
  return memoised(fabric.memo, "pool", `${name}@${allocatable}`, () => ({ kind: "pool", ...rest, allocatable }));
}

/** Whether packets between nodes are carried inside others; if not, BIRD programs the routes. */
export function poolEncapsulates(pool: Pool | undefined): boolean {
  return pool !== undefined && (pool.ipipMode !== "Never" || pool.vxlanMode !== "Never");
}

function readClaimants(object: KubeObject, spec: JsonObject, uses: readonly string[]): Selector | undefined {
  const forWorkloads = uses.length === 0 || uses.includes("Workload");
  const closed = spec.disabled === true || spec.assignmentMode === "Manual" ||
    object.metadata.deletionTimestamp !== undefined || refusedByStatus(object);
  const parsed = parseSelector(typeof spec.nodeSelector === "string" ? spec.nodeSelector : "");
  return forWorkloads && !closed && parsed.kind === "parsed" ? parsed.selector : undefined;
}

function refusedByStatus(object: KubeObject): boolean {
  const conditions = object.status?.conditions;
  return Array.isArray(conditions) &&
    conditions.some((entry) => isJsonObject(entry) && entry.type === "Allocatable" && entry.status === "False");
}

function mode(value: Json | undefined): PoolItem["ipipMode"] {
  return value === "Always" || value === "CrossSubnet" ? value : "Never";
}

function texts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
