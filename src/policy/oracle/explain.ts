/**
 * The answer to "why": the oracle's verdict told as JSON, with the event and the author behind every policy that it names. Given to `tortie explain` and to
 * the product API as it is.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import type { Direction, HostPhase, PolicyRef } from "#/policy/ir.ts";
import type {
  DirectionVerdict,
  JudgedEndpoint,
  PolicyTrace,
  ProfileTrace,
  TierTrace,
  Verdict,
  VerdictDefault,
} from "#/policy/oracle/oracle.ts";

/** Where a policy, as it was judged, comes from. */
export interface PolicyOrigin {
  /** Position of the event that made it so. */
  readonly position: number;
  /** The user of that event. */
  readonly author: string;
}

/** Finds the origin of a policy, or of a profile (kind `Profile`); `undefined` when it is not known. */
export type OriginLookup = (ref: PolicyRef) => PolicyOrigin | undefined;

/** What an answer rests on: at least the position of the state and its time. Callers add what else they know (exactness, how far back). */
export interface ExplainBasis {
  readonly position: number;
  readonly occurredAt: string;
  readonly [fact: string]: Json | undefined;
}

/** The event that made something so, and whose it is; `null` where that is not known. */
export interface ExplainedOrigin {
  readonly event: number | null;
  readonly author: string | null;
}

/** A policy that isolates the endpoint, and whose doing it is. */
export interface IsolatingPolicy extends PolicyRef, ExplainedOrigin {}

/** What became of the packet in one tier, policy by policy. */
export interface ExplainedTier extends Omit<TierTrace, "policies"> {
  readonly policies: readonly (PolicyTrace & ExplainedOrigin)[];
}

/** All that was asked at one endpoint, in the order in which it was. */
export interface ExplainedTrace {
  readonly tiers: readonly ExplainedTier[];
  readonly profiles: readonly (ProfileTrace & ExplainedOrigin)[];
}

/** One end's part of the answer. `event` and `author` belong to `policy`. */
export interface ExplainedHalf extends ExplainedOrigin {
  readonly endpoint: JudgedEndpoint;
  readonly verdict: "allow" | "deny";
  readonly phase: HostPhase | null;
  readonly tier: string | null;
  readonly policy: PolicyRef | null;
  readonly rule: number | null;
  readonly default: VerdictDefault | null;
  readonly isolatedBy: readonly IsolatingPolicy[];
  readonly trace: ExplainedTrace;
}

/** A verdict told: each half as in {@link Explanation}, and the host endpoints that the packet crosses. */
export interface ExplainedVerdict {
  readonly verdict: "allow" | "deny";
  /** `null` where that end is not judged: no endpoint is there, or it is a host and its own pod. */
  readonly egress: ExplainedHalf | null;
  readonly ingress: ExplainedHalf | null;
  readonly forward: readonly (ExplainedHalf & { readonly direction: Direction })[];
}

/** The whole answer. */
export interface Explanation extends ExplainedVerdict {
  readonly basis: ExplainBasis;
  /** What it would be if everything staged were enforced; `null` where no staged policy has a say. */
  readonly pending: ExplainedVerdict | null;
}

/**
 * Tells a verdict.
 *
 * @param verdict the enforced one, and the pending one where there is one
 *
 * @example
 * ```ts
 * import { explain } from "#/policy/oracle/explain.ts";
 * const basis = { position: 9, occurredAt: "2030-01-01T00:00:00.000Z" };
 * const answer = explain({ verdict: "allow", egress: null, ingress: null, forward: [] }, basis, () => undefined);
 * if (answer.basis.position !== 9 || answer.egress !== null || answer.pending !== null) throw new Error();
 * ```
 */
export function explain(
  verdict: Verdict & { readonly pending?: Verdict | null },
  basis: ExplainBasis,
  originOf: OriginLookup,
): Explanation {
  const { verdict: told, ...parts } = explainVerdict(verdict, originOf);
  const { pending = null } = verdict;
  return { verdict: told, basis, ...parts, pending: pending === null ? null : explainVerdict(pending, originOf) };
}

/** Tells a verdict alone, for answers that rest on no state: a directory of files, a plan. */
export function explainVerdict(verdict: Verdict, originOf: OriginLookup): ExplainedVerdict {
  const half = (direction: DirectionVerdict | null) => direction === null ? null : explainHalf(direction, originOf);
  return {
    verdict: verdict.verdict,
    egress: half(verdict.egress),
    ingress: half(verdict.ingress),
    forward: verdict.forward.map((crossed) => ({
      ...explainHalf(crossed, originOf),
      direction: crossed.direction,
    })),
  };
}

function explainHalf(direction: DirectionVerdict, originOf: OriginLookup): ExplainedHalf {
  const { endpoint, verdict, phase, tier, policy, rule } = direction;
  return {
    endpoint,
    verdict,
    phase,
    tier,
    policy,
    rule,
    default: direction.default,
    isolatedBy: direction.isolatedBy.map((ref) => ({ ...ref, ...originFields(ref, originOf) })),
    ...originFields(policy, originOf),
    trace: traceOf(direction, originOf),
  };
}

function traceOf({ tiers, profiles }: DirectionVerdict, originOf: OriginLookup): ExplainedTrace {
  return {
    tiers: tiers.map((tier) => ({
      ...tier,
      policies: tier.policies.map((one) => ({ ...one, ...originFields(one.policy, originOf) })),
    })),
    profiles: profiles.map((one) => ({
      ...one,
      ...originFields({ kind: "Profile", namespace: "", name: one.profile }, originOf),
    })),
  };
}

function originFields(ref: PolicyRef | null, originOf: OriginLookup): ExplainedOrigin {
  const origin = ref === null ? undefined : originOf(ref);
  return { event: origin?.position ?? null, author: origin?.author ?? null };
}
