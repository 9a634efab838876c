/**
 * The order in which policies are asked: tiers, then policies within a tier. One place for the projections and the back ends; the oracle states the same
 * rule for itself.
 *
 * @module
 */
import { compareBytewise } from "#/base/bytewise.ts";
import type { PolicyRef } from "#/policy/ir.ts";

/** What a tier's place depends on. */
export interface TierRank {
  readonly name: string;
  /** `false` for a tier that policies name but nobody made: it comes after all others and denies at its end. */
  readonly exists: boolean;
  /** Lower comes first; `undefined` comes last. */
  readonly order: number | undefined;
}

/** What a policy's place within its tier depends on. */
export interface PolicyRank {
  readonly ref: PolicyRef;
  /** Lower comes first; `undefined` comes last. */
  readonly order: number | undefined;
}

/**
 * Order of tiers: existing ones first, then by `order`, then by name. Negative, zero or positive.
 *
 * @example
 * ```ts
 * import { compareTiers } from "#/policy/lowering/order.ts";
 * const late = { name: "a", exists: true, order: undefined };
 * const gone = { name: "a", exists: false, order: 1 };
 * if (compareTiers(late, gone) >= 0) throw new Error();
 * ```
 */
export function compareTiers(a: TierRank, b: TierRank): number {
  return Number(b.exists) - Number(a.exists) || compareOrders(a.order, b.order) || compareBytewise(a.name, b.name);
}

/**
 * Order of policies within a tier: by `order`, then bytewise by the joined text `name/namespace/kind`, so that `a-b` comes before `a` (as in Calico,
 * bug for bug). Negative, zero or positive.
 *
 * @example
 * ```ts
 * import { comparePolicies } from "#/policy/lowering/order.ts";
 * const rank = (name: string) => ({ ref: { kind: "GlobalNetworkPolicy", namespace: "", name }, order: undefined }) as const;
 * if (comparePolicies(rank("a-b"), rank("a")) >= 0 || comparePolicies(rank("a"), rank("a0")) >= 0) throw new Error();
 * ```
 */
export function comparePolicies(a: PolicyRank, b: PolicyRank): number {
  return compareOrders(a.order, b.order) || compareBytewise(joined(a.ref), joined(b.ref));
}

function compareOrders(a: number | undefined, b: number | undefined): number {
  if (a === b) return 0;
  return (a ?? Infinity) < (b ?? Infinity) ? -1 : 1;
}

function joined(ref: PolicyRef): string {
  return `${ref.name}/${ref.namespace}/${ref.kind}`;
}
