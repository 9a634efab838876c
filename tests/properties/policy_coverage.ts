/**
 * Counts whether random policies and flows exercise what they are meant to: a generator that silently never makes a condition proves nothing about it. A
 * condition counts as decided only when the rest of its rule matches, once for each way it went.
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "#/base/json.ts";
import type { ResolvedFlow } from "#/policy/flow.ts";
import type { Direction } from "#/policy/ir.ts";
import type { DirectionVerdict } from "#/policy/oracle.ts";
import { ruleMatches } from "#/policy/oracle_match.ts";
import type { PolicyWorld } from "#/policy/world.ts";
import { type EntityRule, policySpecOf, type Rule } from "#/resources/kinds/policy_spec.ts";

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
] as const;

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
];

/** Ways to a verdict that must have been gone. */
export const WAYS: readonly string[] = [
  "allow by rule",
  "deny by rule",
  "deny by end-of-tier",
  "deny by end-of-tier of a missing tier",
  "allow by profile",
  "deny by profile",
  "deny by no-profile-match",
  "tier left by pass",
  "tier left at its end",
  "rule logged",
  "decided after another tier",
  "decided after another policy",
  "unreadable rule denied",
  "isolated by several",
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
    const context = { world, packet: flow.packet, namespace: policy.metadata.namespace ?? "" };
    for (const rule of policySpecOf(policy)[direction] ?? []) {
      for (const { name, without } of reductions(rule)) {
        if (ruleMatches(without, context)) count(coverage, `${name} ${ruleMatches(rule, context)}`);
      }
    }
  }
}

/** The rule without each of its conditions in turn. */
function reductions(rule: Rule): { readonly name: string; readonly without: Rule }[] {
  const found: { name: string; without: Rule }[] = [];
  for (const condition of RULE_CONDITIONS) {
    if (rule[condition] !== undefined) found.push({ name: condition, without: { ...rule, [condition]: undefined } });
  }
  for (const side of ["source", "destination"] as const) {
    const entity: EntityRule = rule[side] ?? {};
    for (const condition of SIDE_CONDITIONS) {
      if (entity[condition] === undefined) continue;
      found.push({
        name: `${side}.${condition}${portKind(entity[condition])}`,
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

/** Counts the way to one verdict. */
export function countWays(coverage: Coverage, world: PolicyWorld, direction: Direction, half: DirectionVerdict): void {
  const isMissing = half.tier !== null && !world.tiers.has(half.tier);
  if (half.default === null) count(coverage, `${half.verdict} by rule`);
  else count(coverage, `${half.verdict} by ${half.default}`);
  if (half.default === "end-of-tier" && isMissing) count(coverage, "deny by end-of-tier of a missing tier");
  if (half.isolatedBy.length > 1) count(coverage, "isolated by several");
  if (half.tier !== null && half.tiers.length > 1) count(coverage, "decided after another tier");
  if (half.policy !== null && half.tiers.at(-1)!.policies.length > 1) count(coverage, "decided after another policy");
  for (const tier of half.tiers) {
    if (tier.outcome === "pass") count(coverage, tier.by === "rule" ? "tier left by pass" : "tier left at its end");
    if (tier.policies.some((policy) => policy.logged.length > 0)) count(coverage, "rule logged");
  }
  if (half.policy !== null && half.rule !== null && isUnreadable(world, direction, half)) {
    count(coverage, "unreadable rule denied");
  }
}

function isUnreadable(world: PolicyWorld, direction: Direction, half: DirectionVerdict): boolean {
  const { policy, rule } = half;
  const object = world.policies.find(({ kind, metadata }) =>
    kind === policy?.kind && metadata.name === policy.name && (metadata.namespace ?? "") === policy.namespace
  );
  const rules = object?.spec?.[direction];
  const decided = Array.isArray(rules) && rule !== null ? rules[rule] : undefined;
  const source: JsonObject = isJsonObject(decided) && isJsonObject(decided.source) ? decided.source : {};
  return source.selector === "app = 'x'" || source.namespaceSelector === "!global()" ||
    JSON.stringify([source.nets, source.ports]).match(/10\.0\.0\/8|90:80/) !== null;
}

/** What was counted fewer than `least` times. */
export function missing(coverage: Coverage, least: number): readonly string[] {
  const wanted = [...CONDITIONS.flatMap((name) => [`${name} true`, `${name} false`]), ...WAYS];
  return wanted.filter((what) => (coverage.get(what) ?? 0) < least).map((what) =>
    `${what}: ${coverage.get(what) ?? 0}`
  );
}
