/**
 * What decided, in one form for the oracle and for the engines that work on compiled policies: one line for each endpoint on a packet's way, with the
 * verdict, the phase, the policy and the index of its rule, or the default that decided, and the rules that logged.
 *
 * @module
 */
import { policyKey, type PolicyRef } from "#/policy/ir.ts";
import { type FlowVerdict, type JudgedStep } from "#/policy/flow_judge.ts";
import type { DirectionVerdict, Verdict } from "#/policy/oracle/oracle.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { policyRefOf } from "#/policy/policy_ref.ts";
import type { KubeObject } from "#/resources/object.ts";

/** A flow's verdict in lines: the whole, its halves, then what each endpoint said. */
export type Told = readonly string[];

/** Positions for rule ids that do not depend on the order of objects, and the keys of policies by position. */
export interface Positions {
  readonly of: (object: KubeObject) => number;
  readonly names: ReadonlyMap<string, string>;
}

/** Numbers the policies and profiles of some objects. Objects that are not among them share a number. */
export function positionsOf({ policies, profiles = [] }: PolicyObjects): Positions {
  const keys = [
    ...policies.map((policy) => policyKey(policyRefOf(policy))),
    ...profiles.map(({ metadata }) => policyKey(profileRef(metadata.name))),
  ];
  const numbers = new Map(keys.map((key, at) => [key, at + 1]));
  return {
    of: (object) =>
      numbers.get(policyKey(object.kind === "Profile" ? profileRef(object.metadata.name) : policyRefOf(object))) ?? 0,
    names: new Map([...numbers].map(([key, number]) => [String(number), key])),
  };
}

function profileRef(name: string): PolicyRef {
  return { kind: "Profile", namespace: "", name };
}

/** What the oracle says. */
export function toldByOracle(verdict: Verdict): Told {
  const steps = [verdict.egress, ...verdict.forward, verdict.ingress].filter((half) => half !== null);
  const judged = steps.filter((half) => half.default !== "endpoint-to-host");
  const half = (direction: "egress" | "ingress") => {
    const parts = [verdict[direction], ...verdict.forward.filter((one) => one.direction === direction)]
      .filter((part) => part !== null && part.default !== "endpoint-to-host");
    return parts.length === 0 ? null : parts.every((part) => part?.verdict === "allow") ? "allow" : "deny";
  };
  return [
    `${verdict.verdict}: egress ${half("egress")}, ingress ${half("ingress")}, ${
      judged.length < steps.length ? "to its own host" : "on its way"
    }`,
    ...judged.map(oracleStep),
  ];
}

function oracleStep(half: DirectionVerdict): string {
  const logged = [
    ...half.tiers.flatMap(({ policies }) =>
      policies.flatMap((trace) => trace.logged.map((rule) => `${policyKey(trace.policy)}[${rule}]`))
    ),
    ...half.profiles.flatMap((trace) => trace.logged.map((rule) => `${policyKey(profileRef(trace.profile))}[${rule}]`)),
  ];
  return stepText({ ...half, endpoint: half.endpoint.name, by: decidedBy(half), logged });
}

function decidedBy(half: DirectionVerdict): string {
  if (half.policy !== null) return `${half.tier} ${policyKey(half.policy)}[${half.rule}]`;
  if (half.default === "end-of-tier") return `end of ${half.tier}`;
  if (half.default !== "profile") return `${half.default}`;
  const last = half.profiles.at(-1)!;
  return last.outcome === "missing" ? `missing ${last.profile}` : `profile ${last.profile}[${last.rule}]`;
}

/** What the interpreter, or an engine in its place, says. */
export function toldByEngine(verdict: FlowVerdict, { names }: Positions): Told {
  return [
    `${verdict.verdict}: egress ${verdict.egress?.verdict ?? null}, ingress ${verdict.ingress?.verdict ?? null}, ${
      verdict.endpointToHost ? "to its own host" : "on its way"
    }`,
    ...[...verdict.egress?.steps ?? [], ...verdict.ingress?.steps ?? []].map((step) => engineStep(step, names)),
  ];
}

function engineStep(step: JudgedStep, names: ReadonlyMap<string, string>): string {
  const logged = step.logged.map((id) => {
    const [position = "", , index] = id.split("/");
    return `${names.get(position)}[${index}]`;
  });
  return stepText({ ...step, phase: step.phase ?? null, by: engineDecidedBy(step), logged });
}

function engineDecidedBy({ policy, ruleId, tier, verdict, phase }: JudgedStep): string {
  const index = ruleId?.split("/").at(-1);
  const [kind, , name] = policy?.split("/") ?? [];
  if (kind === "Failsafe") return "failsafe";
  if (kind === "Profile") return ruleId === undefined ? `missing ${name}` : `profile ${name}[${index}]`;
  if (policy !== undefined) return `${tier} ${policy}[${index}]`;
  if (tier !== undefined) return `end of ${tier}`;
  return verdict === "allow" && phase === undefined ? "continue" : "no-profile-match";
}

function stepText(
  { endpoint, verdict, phase, by, logged }: {
    readonly endpoint: string;
    readonly verdict: string;
    readonly phase: string | null;
    readonly by: string;
    readonly logged: readonly string[];
  },
): string {
  const loggedText = logged.length === 0 ? "" : `, logged ${logged.join(" ")}`;
  return `${endpoint}${phase === null ? "" : ` (${phase})`}: ${verdict} by ${by}${loggedText}`;
}
