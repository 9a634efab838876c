/**
 * Counts the ways to verdicts: which kind of policy decided and how, what became of tiers, profiles and the phases of host endpoints, and where staged
 * policies would change a verdict.
 *
 * @module
 */
import { policyKey, type PolicyRef } from "#/policy/ir.ts";
import type { DirectionVerdict, Verdict } from "#/policy/oracle/oracle.ts";
import { policyRefOf } from "#/policy/policy_ref.ts";
import type { PolicyWorld } from "#/policy/oracle/world.ts";

const CALICO = ["allow by rule", "deny by rule", "pass by rule", "deny by end-of-tier"];

/** What must have been decided by policies of each kind. Those of Kubernetes' two tiers never deny at their end, a NetworkPolicy only allows. */
const BY_KIND: Readonly<Record<string, readonly string[]>> = {
  NetworkPolicy: [...CALICO, "pass by end-of-tier"],
  GlobalNetworkPolicy: [...CALICO, "pass by end-of-tier"],
  KubernetesNetworkPolicy: ["allow by rule", "deny by end-of-tier"],
  AdminNetworkPolicy: ["allow by rule", "deny by rule", "pass by rule", "pass by end-of-tier"],
  BaselineAdminNetworkPolicy: ["allow by rule", "deny by rule", "pass by end-of-tier"],
  KubernetesClusterNetworkPolicy: ["allow by rule", "deny by rule", "pass by rule", "pass by end-of-tier"],
  StagedNetworkPolicy: CALICO,
  StagedGlobalNetworkPolicy: CALICO,
  StagedKubernetesNetworkPolicy: ["allow by rule", "deny by end-of-tier"],
};

/** What must have been decided at host endpoints: where, in which phase, how. */
const AT_HOSTS: readonly string[] = [
  ...["host ingress", "forward ingress"].flatMap((place) =>
    ["untracked", "preDnat"].flatMap((phase) => [`${place} ${phase} allow by rule`, `${place} ${phase} deny by rule`])
  ),
  "host egress untracked allow by rule",
  "host egress untracked deny by rule",
  ...["host ingress", "host egress"].flatMap((place) =>
    [
      "allow by rule",
      "deny by rule",
      "deny by end-of-tier",
      "allow by failsafe",
      "allow by profile",
      "deny by profile",
      "deny by no-profile-match",
    ].map((how) => `${place} normal ${how}`)
  ),
  ...["forward ingress", "forward egress"].flatMap((place) => [
    `${place} forward allow by rule`,
    `${place} forward deny by rule`,
    `${place} forward deny by end-of-tier`,
    `${place} allow by continue`,
  ]),
  "untracked tier left at its end",
  "preDnat tier left at its end",
  "host ingress deny by endpoint-to-host",
  "not policed",
];

/** Ways to a verdict that must have been gone. */
export const WAYS: readonly string[] = [
  "workload allow by rule",
  "workload deny by rule",
  "workload deny by end-of-tier",
  "workload allow by profile",
  "workload deny by profile",
  "workload deny by no-profile-match",
  "deny by end-of-tier of a missing tier",
  "tier left by pass",
  "tier left at its end",
  "rule logged",
  "decided after another tier",
  "decided after another policy",
  "isolated by several",
  ...Object.entries(BY_KIND).flatMap(([kind, ways]) => ways.map((way) => `${kind} ${way}`)),
  ...AT_HOSTS,
  ...["allow", "deny", "pass", "no-match", "missing", "logged"].map((outcome) => `profile ${outcome}`),
  "pending allows what is denied",
  "pending denies what is allowed",
  "staged Set decided",
  "staged Learn decided",
  "deletion took the deciding policy away",
];

/** Counts the ways to one verdict. */
export function countWays(count: (what: string) => void, world: PolicyWorld, verdict: Verdict): void {
  if (verdict.egress === null && verdict.ingress === null && verdict.forward.length === 0) count("not policed");
  if (verdict.egress !== null) countHalf(count, world, verdict.egress, partOf(verdict.egress, "egress"));
  if (verdict.ingress !== null) countHalf(count, world, verdict.ingress, partOf(verdict.ingress, "ingress"));
  for (const half of verdict.forward) countHalf(count, world, half, `forward ${half.direction}`);
}

function partOf({ endpoint }: DirectionVerdict, direction: string): string {
  return endpoint.kind === "WorkloadEndpoint" ? "workload" : `host ${direction}`;
}

function countHalf(count: (what: string) => void, world: PolicyWorld, half: DirectionVerdict, part: string): void {
  const phase = half.phase === null ? "" : `${half.phase} `;
  count(`${part} ${phase}${half.verdict} by ${half.default ?? "rule"}`);
  if (half.default === "end-of-tier" && half.tier !== null && !world.tiers.has(half.tier)) {
    count("deny by end-of-tier of a missing tier");
  }
  if (half.isolatedBy.length > 1) count("isolated by several");
  if (half.tier !== null && half.tiers.length > 1) count("decided after another tier");
  if (half.policy !== null && half.tiers.at(-1)!.policies.length > 1) count("decided after another policy");
  for (const { outcome, by, policies, phase: ofPhase } of half.tiers) {
    if (outcome === "pass") count(by === "rule" ? "tier left by pass" : "tier left at its end");
    if (by === "end-of-tier" && ofPhase !== null) count(`${ofPhase} tier left at its end`);
    if (policies.some((policy) => policy.logged.length > 0)) count("rule logged");
    const deciding = by === "rule" ? policies.slice(-1) : policies;
    for (const kind of new Set(deciding.map(({ policy }) => policy.kind))) count(`${kind} ${outcome} by ${by}`);
  }
  for (const { profile, outcome, logged } of half.profiles) {
    if (profile.startsWith("k") && outcome !== "missing") continue;
    count(`profile ${outcome}`);
    if (logged.length > 0) count("profile logged");
  }
}

/** Counts where staged policies would change a verdict. */
export function countPending(
  count: (what: string) => void,
  world: PolicyWorld,
  { enforced, pending }: { readonly enforced: Verdict; readonly pending: Verdict },
): void {
  if (enforced.verdict !== pending.verdict) {
    count(pending.verdict === "allow" ? "pending allows what is denied" : "pending denies what is allowed");
  }
  for (const direction of ["egress", "ingress"] as const) {
    const [now, then] = [enforced[direction]?.policy ?? null, pending[direction]?.policy ?? null];
    if (then?.kind.startsWith("Staged")) {
      const action = actionOf(world, then);
      count(`staged ${action ?? "Set"} decided`);
    }
    if (now !== null && actionOf(world, { ...now, kind: `Staged${now.kind}` as PolicyRef["kind"] }) === "Delete") {
      count("deletion took the deciding policy away");
    }
  }
}

function actionOf(world: PolicyWorld, ref: PolicyRef): unknown {
  return world.policies.find((policy) => policyKey(policyRefOf(policy)) === policyKey(ref))?.spec?.stagedAction;
}
