/**
 * Counts whether random policies and flows exercise what they are meant to: a generator that silently never makes a condition proves nothing about it. A
 * condition counts as decided only when the rest of its rule matches, once for each way it went.
 *
 * @module
 */
import type { Ip } from "#/base/ip.ts";
import type { ResolvedFlow } from "#/policy/oracle/flow.ts";
import type { Direction } from "#/policy/ir.ts";
import { ruleMatches } from "#/policy/oracle/oracle_match.ts";
import { endpointsAt, hostEndpointsAt, networkSetsAt, type PolicyWorld } from "#/policy/oracle/world.ts";
import { type EntityRule, policySpecOf, type Rule } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { countKubernetesConditions, KUBERNETES_CONDITIONS } from "./kubernetes_policy_coverage.ts";
import { WAYS } from "./policy_ways.ts";

const RULE_CONDITIONS = ["protocol", "notProtocol", "ipVersion", "icmp", "notICMP"] as const;
const SIDE_CONDITIONS = [
  "selector",
  "notSelector",
  "namespaceSelector",
  "serviceAccounts",
  "nets",
  "notNets",
  "ports",
  "notPorts",
  "services",
] as const;

/** What a selector of a rule may find at an address. */
const HOLDERS = ["WorkloadEndpoint", "HostEndpoint", "NetworkSet", "GlobalNetworkSet", "several", "nobody"] as const;

/** Every condition that must have gone both ways; ports by kind. */
export const CONDITIONS: readonly string[] = [
  ...RULE_CONDITIONS,
  ...["source", "destination"].flatMap((side) =>
    SIDE_CONDITIONS.flatMap((condition) =>
      condition.endsWith("orts")
        ? [`${side}.${condition} named`, `${side}.${condition} numeric`]
        : [`${side}.${condition}`]
    )
  ),
  ...HOLDERS.filter((holder) => holder !== "nobody").map((holder) => `selector at ${holder}`),
  "unreadable rule of Calico matches",
  ...KUBERNETES_CONDITIONS,
];

/** Counters, by what is counted. */
export type Coverage = Map<string, number>;

function count(coverage: Coverage, what: string): void {
  coverage.set(what, (coverage.get(what) ?? 0) + 1);
}

/** Counts every condition of every rule of one direction that alone decides whether its rule matches the flow. */
export function countConditions(
  coverage: Coverage,
  world: PolicyWorld,
  flow: ResolvedFlow,
  direction: Direction,
): void {
  for (const policy of world.policies) {
    const namespace = policy.metadata.namespace ?? "";
    const context = { world, packet: flow.packet, namespace, direction };
    if (isOfKubernetes(policy)) {
      countKubernetesConditions((what) => count(coverage, what), policy, context);
      continue;
    }
    for (const rule of policySpecOf(policy)[direction] ?? []) {
      // What matches only when it denies cannot be read.
      const isReadable = ruleMatches({ ...rule, action: "Allow" }, context) ||
        !ruleMatches({ ...rule, action: "Deny" }, context);
      if (!isReadable) count(coverage, `unreadable rule of Calico matches ${ruleMatches(rule, context)}`);
      for (const { name, side, without } of reductions(rule, direction)) {
        if (!ruleMatches(without, context)) continue;
        const isMet = ruleMatches(rule, context);
        count(coverage, `${name} ${isMet}`);
        if (side !== undefined && /elector$/.test(name)) {
          count(coverage, `selector at ${holderOf(world, flow.packet[side])} ${isMet}`);
        }
      }
    }
  }
}

/** Whether a policy has rules in the words of Kubernetes. */
export function isOfKubernetes({ apiVersion, kind }: KubeObject): boolean {
  return !apiVersion.startsWith("projectcalico.org/") || kind === "StagedKubernetesNetworkPolicy";
}

/** Who alone has an address. */
function holderOf(world: PolicyWorld, ip: Ip): typeof HOLDERS[number] {
  const holders = [
    ...endpointsAt(world, ip).map(() => "WorkloadEndpoint" as const),
    ...hostEndpointsAt(world, ip).map(() => "HostEndpoint" as const),
    ...networkSetsAt(world, ip).map(({ labels }) =>
      labels.has("projectcalico.org/namespace") ? "NetworkSet" as const : "GlobalNetworkSet" as const
    ),
  ];
  return holders.length > 1 ? "several" : holders[0] ?? "nobody";
}

interface Reduction {
  readonly name: string;
  readonly side: "source" | "destination" | undefined;
  readonly without: Rule;
}

/** The rule without each of its conditions in turn. */
function reductions(rule: Rule, direction: Direction): readonly Reduction[] {
  const found: Reduction[] = [];
  for (const condition of RULE_CONDITIONS) {
    if (rule[condition] === undefined) continue;
    found.push({ name: condition, side: undefined, without: { ...rule, [condition]: undefined } });
  }
  for (const side of ["source", "destination"] as const) {
    const entity: EntityRule = rule[side] ?? {};
    for (const condition of SIDE_CONDITIONS) {
      if (entity[condition] === undefined) continue;
      // Where services cannot be read there is no condition to decide.
      if (condition === "services" && side !== (direction === "egress" ? "destination" : "source")) continue;
      found.push({
        name: `${side}.${condition}${portKind(entity[condition])}`,
        side,
        without: { ...rule, [side]: { ...entity, [condition]: undefined } },
      });
    }
  }
  return found;
}

/** `named` or `numeric` for a list of ports of one kind; mixed lists count as neither. */
function portKind(value: unknown): string {
  if (!Array.isArray(value)) return "";
  const named = value.filter((port) => port === "http" || port === "dns").length;
  const isPorts = named > 0 || value.some((port) => typeof port === "number" || /^\d+:\d+$/.test(port));
  return !isPorts ? "" : named === 0 ? " numeric" : named === value.length ? " named" : " mixed";
}

/** What was counted fewer than `least` times. */
export function missing(coverage: Coverage, least: number): readonly string[] {
  const wanted = [...CONDITIONS.flatMap((name) => [`${name} true`, `${name} false`]), ...WAYS];
  return wanted.filter((what) => (coverage.get(what) ?? 0) < least).map((what) =>
    `${what}: ${coverage.get(what) ?? 0}`
  );
}
