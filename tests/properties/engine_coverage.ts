/**
 * Counts what decided in comparisons of engines on the IR: each kind of condition, both ways, in rules that packets did reach, and each way to a verdict. A
 * comparison in which a kind of condition never decided says nothing about it.
 *
 * @module
 */
import type { CompiledSet } from "#/policy/compiled.ts";
import { ANY, type ChainIr, type Direction, type RuleIr, type SideIr } from "#/policy/ir.ts";
import { type IrTables, matchRuleIr } from "#/policy/ir_interpreter.ts";
import type { Packet } from "#/policy/packet.ts";
import type { EngineCase } from "./engine_cases.ts";
import { type EngineAnswer, tablesOfCase } from "./engine_comparison.ts";

/** Counters, by what is counted. */
export type EngineCoverage = Map<string, number>;

const SIDE_CONDITIONS = [
  "set of addresses",
  "set of networks",
  "no set of addresses",
  "no set of networks",
  "nets",
  "no nets",
  "ports",
  "named ports",
  "ports or named ports",
  "no ports",
  "no named ports",
] as const;

/** Every kind of condition that must have decided both ways. */
export const ENGINE_CONDITIONS: readonly string[] = [
  "family",
  "protocol with ports",
  "protocol ICMP",
  "protocol by number",
  "no protocol",
  "ICMP type",
  "ICMP type and code",
  "no ICMP type",
  "no ICMP type and code",
  ...["source", "destination"].flatMap((end) => SIDE_CONDITIONS.map((name) => `${end} ${name}`)),
];

/** Ways to a verdict that must have been gone, in either direction and family. */
export const ENGINE_WAYS: readonly string[] = [
  "allow by rule",
  "deny by rule",
  "deny by unreadable rule",
  "deny by missing policy",
  "deny by missing profile",
  "deny by end of tier",
  "deny by end of chain",
  "continue by end of chain",
  "allow by profile",
  "deny by profile",
  "tier left by pass",
  "tier left at its end",
  "profile left by pass",
  "log",
  ...["ingress", "egress"].flatMap((direction) => [`${direction} IPv4`, `${direction} IPv6`]),
  ...["TCP", "UDP", "SCTP", "ICMP", "ICMPv6", "other"].flatMap((protocol) => [`${protocol} allow`, `${protocol} deny`]),
];

/** Conditions and ways of the IR: all of them. */
export const ENGINE_WANTED: readonly string[] = [...bothWays(ENGINE_CONDITIONS), ...ENGINE_WAYS];

/** Counters of conditions that must have held and failed. */
export function bothWays(conditions: readonly string[]): readonly string[] {
  return conditions.flatMap((name) => [`${name} true`, `${name} false`]);
}

/** What of the wanted was counted fewer than `least` times. */
export function uncoveredOf(coverage: EngineCoverage, least: number, wanted: readonly string[]): readonly string[] {
  return wanted.filter((what) => (coverage.get(what) ?? 0) < least).map((what) =>
    `${what}: ${coverage.get(what) ?? 0}`
  );
}

/**
 * Counts a case.
 *
 * @param answers to the questions of the case, which all engines agreed on
 * @param every one question of so many is looked at: counting takes longer than judging
 */
export function countEngines(
  coverage: EngineCoverage,
  one: EngineCase,
  answers: readonly EngineAnswer[],
  every: number,
): void {
  const tables = tablesOfCase(one);
  const count = (what: string) => coverage.set(what, (coverage.get(what) ?? 0) + 1);
  for (const [at, { chain: number, packet }] of one.questions.entries()) {
    const { chain, direction } = one.chains[number]!;
    for (const way of waysOf(answers[at]!, direction, packet)) count(way);
    if (at % every !== 0) continue;
    for (const way of tiersLeft(chain, direction, answers[at]!, packet, tables)) count(way);
    for (const rule of rulesReached(chain, direction, packet, tables)) {
      const matched = matchRuleIr(rule, packet, tables.sets);
      if (matched && rule.action === "log") count("log");
      for (const { name, without } of conditionsOf(rule, one.sets)) {
        if (matched || matchRuleIr(without(), packet, tables.sets)) count(`${name} ${matched}`);
      }
    }
  }
}

function* waysOf(
  { action, ruleId, policy, tier }: EngineAnswer,
  direction: Direction,
  packet: Packet,
): Generator<string> {
  const isProfile = policy?.startsWith("Profile/") ?? false;
  if (ruleId !== undefined) yield `${action} by ${isProfile ? "profile" : "rule"}`;
  else if (policy !== undefined) yield `deny by missing ${isProfile ? "profile" : "policy"}`;
  else yield `${action} by end of ${tier === undefined ? "chain" : "tier"}`;
  if (ruleId !== undefined) yield `${policy?.split("/")[0]} ${action}`;
  yield `${direction} IPv${packet.source.version}`;
  yield `${PROTOCOL_WORDS.get(packet.protocol) ?? "other"} ${action}`;
}

const PROTOCOL_WORDS: ReadonlyMap<number, string> = new Map([
  [6, "TCP"],
  [17, "UDP"],
  [132, "SCTP"],
  [1, "ICMP"],
  [58, "ICMPv6"],
]);

/** Rules that are looked at until one decides, those of profiles too. */
function* rulesReached(
  chain: ChainIr,
  direction: Direction,
  packet: Packet,
  tables: IrTables,
): Generator<RuleIr> {
  tiers:
  for (const { policies, defaultAction } of chain.tiers) {
    for (const key of policies) {
      const rules = tables.policies.get(key)?.[direction];
      if (rules === undefined) return;
      for (const rule of rules) {
        yield rule;
        if (rule.action === "log" || !matchRuleIr(rule, packet, tables.sets)) continue;
        if (rule.action === "pass") continue tiers;
        return;
      }
    }
    if (defaultAction === "deny") return;
  }
  profiles:
  for (const key of chain.profiles) {
    for (const rule of tables.policies.get(key)?.[direction] ?? []) {
      yield rule;
      if (rule.action === "log" || !matchRuleIr(rule, packet, tables.sets)) continue;
      if (rule.action === "pass") continue profiles;
      return;
    }
  }
}

/** How the tiers and profiles before the one that decided were left, and whether an unreadable rule decided. */
function* tiersLeft(
  chain: ChainIr,
  direction: Direction,
  { tier: decider, policy, ruleId }: EngineAnswer,
  packet: Packet,
  tables: IrTables,
): Generator<string> {
  const rulesOf = (key: string) => tables.policies.get(key)?.[direction] ?? [];
  const passes = (key: string) =>
    rulesOf(key).find((rule) => rule.action !== "log" && matchRuleIr(rule, packet, tables.sets))?.action === "pass";
  for (const { tier, policies } of chain.tiers) {
    if (tier === decider) break;
    yield policies.some(passes) ? "tier left by pass" : "tier left at its end";
  }
  if (decider === undefined) {
    for (const key of chain.profiles) {
      if (key === policy) break;
      if (passes(key)) yield "profile left by pass";
    }
  }
  if (rulesOf(policy ?? "").some(({ id, unreadable }) => id === ruleId && unreadable !== undefined)) {
    yield "deny by unreadable rule";
  }
}

/** A condition of a rule, and the rule without it. */
interface Condition {
  readonly name: string;
  readonly without: () => RuleIr;
}

function conditionsOf(rule: RuleIr, sets: ReadonlyMap<string, CompiledSet>): readonly Condition[] {
  const { ipVersion, protocol, notProtocol, icmp, notIcmp } = rule;
  const found: Condition[] = [];
  const add = (name: string, reset: Partial<RuleIr>) => found.push({ name, without: () => ({ ...rule, ...reset }) });
  if (ipVersion !== ANY) add("family", { ipVersion: ANY });
  if (protocol !== ANY) add(protocolWord(protocol), { protocol: ANY });
  if (notProtocol !== undefined) add("no protocol", { notProtocol: undefined });
  if (icmp !== ANY) add(icmp.code === ANY ? "ICMP type" : "ICMP type and code", { icmp: ANY });
  if (notIcmp !== undefined) {
    add(notIcmp.code === ANY ? "no ICMP type" : "no ICMP type and code", { notIcmp: undefined });
  }
  for (const end of ["source", "destination"] as const) {
    for (const [name, reset] of sideConditions(rule[end], sets)) {
      add(`${end} ${name}`, { [end]: { ...rule[end], ...reset } });
    }
  }
  return found;
}

function protocolWord(protocol: number): string {
  if (protocol === 1 || protocol === 58) return "protocol ICMP";
  return PROTOCOL_WORDS.has(protocol) ? "protocol with ports" : "protocol by number";
}

function* sideConditions(
  side: SideIr,
  sets: ReadonlyMap<string, CompiledSet>,
): Generator<readonly [string, Partial<SideIr>]> {
  const kindOf = (id: string) =>
    `set of ${sets.get(id)?.members.some((one) => one.includes("/")) ? "networks" : "addresses"}`;
  for (const id of side.sets) {
    const others = side.sets.filter((other) => other !== id);
    yield [kindOf(id), { sets: others }];
    const special = specialSet(id);
    if (special !== undefined) yield [special, { sets: others }];
  }
  for (const id of side.notSets) yield [`no ${kindOf(id)}`, { notSets: side.notSets.filter((other) => other !== id) }];
  if (side.nets !== ANY) yield ["nets", { nets: ANY }];
  if (side.notNets.length > 0) yield ["no nets", { notNets: [] }];
  if (side.ports !== ANY) {
    const named = side.portSets.length > 0;
    yield [named ? side.ports.length > 0 ? "ports or named ports" : "named ports" : "ports", { ports: ANY }];
    for (const special of side.portSets.flatMap((id) => specialSet(id) ?? [])) yield [special, { ports: ANY }];
  }
  if (side.notPorts.length > 0) yield ["no ports", { notPorts: [] }];
  if (side.notPortSets.length > 0) yield ["no named ports", { notPortSets: [] }];
}

/** Sets of Services, which only what is compiled from objects has. */
function specialSet(id: string): string | undefined {
  return /^svcnoport:/.test(id) ? "service without ports" : /^svc:/.test(id) ? "service" : undefined;
}
