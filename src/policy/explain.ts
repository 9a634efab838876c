/**
 * The answer to "why": the oracle's verdict told as JSON, with the event and the author behind every policy that it names. Given to `tortie explain` and to
 * the product API as it is.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import type { PolicyRef } from "#/policy/ir.ts";
import type { DirectionVerdict, Verdict, VerdictDefault } from "#/policy/oracle.ts";

/** Where a policy, as it was judged, comes from. */
export interface PolicyOrigin {
  /** Position of the event that made it so. */
  readonly position: number;
  /** The user of that event. */
  readonly author: string;
}

/** Finds a policy's origin; `undefined` when it is not known. */
export type OriginLookup = (ref: PolicyRef) => PolicyOrigin | undefined;

/** What an answer rests on: at least the position of the state and its time. Callers add what else they know (exactness, how far back). */
export interface ExplainBasis {
  readonly position: number;
  readonly occurredAt: string;
  readonly [fact: string]: Json | undefined;
}

/** A policy that isolates the endpoint, and whose doing it is. */
export interface IsolatingPolicy extends PolicyRef {
  readonly event: number | null;
  readonly author: string | null;
}

/** One end's part of the answer. `event` and `author` belong to `policy`. */
export interface ExplainedHalf {
  readonly verdict: "allow" | "deny";
  readonly tier: string | null;
  readonly policy: PolicyRef | null;
  readonly rule: number | null;
  readonly default: VerdictDefault | null;
  readonly isolatedBy: readonly IsolatingPolicy[];
  readonly event: number | null;
  readonly author: string | null;
}

/** The whole answer. A half is `null` where that end is no workload endpoint. */
export interface Explanation {
  readonly verdict: "allow" | "deny";
  readonly basis: ExplainBasis;
  readonly egress: ExplainedHalf | null;
  readonly ingress: ExplainedHalf | null;
}

/**
 * Tells a verdict.
 *
 * @example
 * ```ts
 * import { explain } from "#/policy/explain.ts";
 * const basis = { position: 9, occurredAt: "2030-01-01T00:00:00.000Z" };
 * const answer = explain({ verdict: "allow", egress: null, ingress: null }, basis, () => undefined);
 * if (answer.basis.position !== 9 || answer.egress !== null) throw new Error();
 * ```
 */
export function explain(verdict: Verdict, basis: ExplainBasis, originOf: OriginLookup): Explanation {
  const half = (direction: DirectionVerdict | null) => direction === null ? null : explainHalf(direction, originOf);
  return { verdict: verdict.verdict, basis, egress: half(verdict.egress), ingress: half(verdict.ingress) };
}

function explainHalf(direction: DirectionVerdict, originOf: OriginLookup): ExplainedHalf {
  const { verdict, tier, policy, rule } = direction;
  return {
    verdict,
    tier,
    policy,
    rule,
    default: direction.default,
    isolatedBy: direction.isolatedBy.map((ref) => ({ ...ref, ...originFields(ref, originOf) })),
    ...originFields(policy, originOf),
  };
}

function originFields(
  ref: PolicyRef | null,
  originOf: OriginLookup,
): { readonly event: number | null; readonly author: string | null } {
  const origin = ref === null ? undefined : originOf(ref);
  return { event: origin?.position ?? null, author: origin?.author ?? null };
}
