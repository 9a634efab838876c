/**
 * Whether the oracle and the compiled policies say the same of a flow: the verdict, and at every endpoint on its way what decided. Both are told in the same
 * words, so that a difference can be read. Called by `explain`, which raises an alarm.
 *
 * @module
 */
import type { FlowVerdict, JudgedStep } from "#/policy/flow_judge.ts";
import { policyKey } from "#/policy/ir.ts";
import type { DirectionVerdict, Verdict } from "#/policy/oracle/oracle.ts";

/** What two engines say where they do not agree. */
export interface EngineDifference {
  readonly oracle: string;
  readonly compiled: string;
}

/**
 * The first thing that the two tell differently, or `undefined`. Rules are compared by policy and index, because the ids of rules that no projection follows
 * have positions of their own.
 *
 * @example
 * ```ts
 * import { engineDifference } from "#/server/product/engine_agreement.ts";
 * const oracle = { verdict: "allow", egress: null, ingress: null, forward: [] } as const;
 * const compiled = { verdict: "deny", egress: undefined, ingress: undefined, endpointToHost: false } as const;
 * const difference = engineDifference(oracle, compiled);
 * if (difference?.oracle !== "allow" || difference.compiled !== "deny") throw new Error();
 * ```
 */
export function engineDifference(oracle: Verdict, compiled: FlowVerdict): EngineDifference | undefined {
  const [ours, theirs] = [linesOfOracle(oracle), linesOfCompiled(compiled)];
  for (let at = 0; at < Math.max(ours.length, theirs.length); at++) {
    const difference = { oracle: ours[at] ?? "nothing more", compiled: theirs[at] ?? "nothing more" };
    if (difference.oracle !== difference.compiled) return difference;
  }
  return undefined;
}

function linesOfOracle({ verdict, egress, ingress, forward }: Verdict): readonly string[] {
  const steps = [egress, ...forward, ingress].filter((half) => half !== null);
  return [verdict, ...steps.map((half) => line(half.endpoint.name, { ...half, by: oracleDecider(half) }))];
}

function linesOfCompiled({ verdict, egress, ingress, endpointToHost }: FlowVerdict): readonly string[] {
  const steps = [...egress?.steps ?? [], ...ingress?.steps ?? []];
  const lines = steps.map((step) => line(step.endpoint, { ...step, by: compiledDecider(step) }));
  // The oracle names the host that is not reached; compiled policies have no chain to name it by.
  return [verdict, ...lines, ...endpointToHost ? [TO_HOST] : []];
}

const TO_HOST = "deny by endpoint-to-host";

function line(
  endpoint: string,
  { verdict, phase, by }: { readonly verdict: string; readonly phase?: string | null | undefined; readonly by: string },
): string {
  if (by === "endpoint-to-host") return TO_HOST;
  return `${endpoint}${phase === null || phase === undefined ? "" : ` (${phase})`}: ${verdict} by ${by}`;
}

function oracleDecider(half: DirectionVerdict): string {
  if (half.policy !== null) return `${policyKey(half.policy)}[${half.rule}] in tier "${half.tier}"`;
  if (half.default === "end-of-tier") return `the end of tier "${half.tier}"`;
  const last = half.default === "profile" ? half.profiles.at(-1) : undefined;
  if (last === undefined) return `${half.default}`;
  return last.outcome === "missing" ? `missing profile ${last.profile}` : `profile ${last.profile}[${last.rule}]`;
}

function compiledDecider({ policy, ruleId, tier, verdict, phase }: JudgedStep): string {
  const [kind, , name] = policy?.split("/") ?? [];
  const index = ruleId?.split("/").at(-1);
  if (kind === "Failsafe") return "failsafe";
  if (kind === "Profile") return index === undefined ? `missing profile ${name}` : `profile ${name}[${index}]`;
  if (policy !== undefined) {
    return index === undefined ? `missing ${policy} in tier "${tier}"` : `${policy}[${index}] in tier "${tier}"`;
  }
  if (tier !== undefined) return `the end of tier "${tier}"`;
  return verdict === "allow" && phase === undefined ? "continue" : "no-profile-match";
}
