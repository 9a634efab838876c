/**
 * Rules and chains made ready for questions about reach: which chains there are, what of addresses and headers their rules tell apart, and what each rule
 * matches for a class of senders and a class of receivers. Called by `reach_world.ts` and by `lint`.
 *
 * @module
 */
import type { AddressClass } from "#/policy/reach/address_space.ts";
import { parsePortMember } from "#/policy/reach/address_space.ts";
import type { CompiledPolicies } from "#/policy/compiled.ts";
import {
  type HeaderCuts,
  type HeaderSet,
  type HeaderSpace,
  isEmpty,
  type PortCondition,
  type ProtocolPort,
  ruleHeaders,
} from "#/policy/reach/header_space.ts";
import { ANY, type ChainIr, type Direction, type RuleIr, type SideIr } from "#/policy/ir.ts";
import type { ResolvedChain } from "#/policy/reach/reach_chain.ts";

/** The chains of a world, each once, and the rules that they name. */
export interface ChainTable {
  readonly compiled: CompiledPolicies;
  readonly chains: TableChain[];
  readonly ids: Map<string, number>;
  readonly rules: Map<RuleIr, ReachRule>;
  /** What stands for the rules of a policy in one direction, by `direction key`; policies that say the same have the same. */
  readonly contents: Map<string, number>;
  /** Numbers of what policies say, by its text. */
  readonly contentIds: Map<string, number>;
  /** Whether policies that say the same count as one; `lint` tells them apart. */
  readonly merges: boolean;
}

/** A chain of one direction, looked up. */
export interface TableChain {
  readonly direction: Direction;
  readonly resolved: ResolvedChain<ReachRule>;
  /** All of its rules, in order. */
  readonly rules: readonly ReachRule[];
}

/** A rule with what is known of its sides. */
export interface ReachRule {
  readonly ir: RuleIr;
  readonly action: RuleIr["action"];
  readonly masks: Map<number, HeaderSet | undefined>;
}

/** Whom one side of a rule means. */
export interface SideMatch {
  /** What it asks of ports, by variant: more than one only where sets of named ports hold different ports for different addresses. */
  readonly variants: readonly PortCondition[];
  /** The variant for each class of addresses; -1 where the side does not mean it. */
  readonly ofClass: Int32Array;
  /** Classes that the side means. */
  readonly classes: readonly number[];
  /** Whether it means every class alike. */
  readonly isUniform: boolean;
}

/** More variants than any side has, so that two make one key. */
const VARIANTS_MAX = 2 ** 20;

/** A table without chains. */
export function createChainTable(compiled: CompiledPolicies, merges: boolean): ChainTable {
  return { compiled, chains: [], ids: new Map(), rules: new Map(), contents: new Map(), contentIds: new Map(), merges };
}

/** The number of a chain; chains that mean the same have one number. */
export function chainIn(table: ChainTable, direction: Direction, chain: ChainIr): number {
  const text = (key: string) => table.merges ? contentOf(table, direction, key) : key;
  const key = JSON.stringify([
    direction,
    chain.tiers.map((tier) => [tier.defaultAction, table.merges ? "" : tier.tier, tier.policies.map(text)]),
    chain.profiles.map(text),
    chain.atEnd ?? "",
  ]);
  const known = table.ids.get(key);
  if (known !== undefined) return known;
  const id = table.chains.length;
  table.ids.set(key, id);
  table.chains.push(resolveChain(table, direction, chain));
  return id;
}

/** A number for what a policy says in a direction, without what it is called. */
function contentOf(table: ChainTable, direction: Direction, key: string): number {
  const at = `${direction} ${key}`;
  const known = table.contents.get(at);
  if (known !== undefined) return known;
  const rules = table.compiled.policies.get(key)?.[direction];
  const text = JSON.stringify(rules?.map((rule) => ({ ...rule, id: "", comment: "" })) ?? "missing");
  const id = table.contentIds.get(text) ?? table.contentIds.size;
  table.contentIds.set(text, id);
  table.contents.set(at, id);
  return id;
}

function resolveChain(table: ChainTable, direction: Direction, chain: ChainIr): TableChain {
  const lookUp = (key: string) => ({
    key,
    rules: table.compiled.policies.get(key)?.[direction]?.map((rule) => reachRule(table, rule)),
  });
  const tiers = chain.tiers.map(({ tier, defaultAction, policies }) => ({
    tier,
    defaultAction,
    policies: policies.map(lookUp),
  }));
  const profiles = chain.profiles.map(lookUp);
  const rules = [...tiers.flatMap((tier) => tier.policies), ...profiles].flatMap((policy) => policy.rules ?? []);
  return { direction, resolved: { tiers, profiles, continues: chain.atEnd === "continue" }, rules };
}

function reachRule(table: ChainTable, ir: RuleIr): ReachRule {
  const known = table.rules.get(ir);
  if (known !== undefined) return known;
  const rule: ReachRule = { ir, action: ir.action, masks: new Map() };
  table.rules.set(ir, rule);
  return rule;
}

/** What the rules of a table tell apart in headers. */
export function headerCuts(table: ChainTable): HeaderCuts {
  const rules = [...table.rules.keys()];
  const portsOf = (side: (rule: RuleIr) => SideIr) => {
    const ids = new Set(rules.flatMap((rule) => [...side(rule).portSets, ...side(rule).notPortSets]));
    return uniquePorts([...ids].flatMap((id) => table.compiled.sets.get(id)?.members ?? []));
  };
  return { rules, sourcePorts: portsOf((rule) => rule.source), destinationPorts: portsOf((rule) => rule.destination) };
}

function uniquePorts(members: readonly string[]): readonly ProtocolPort[] {
  const ports = new Map<string, ProtocolPort>();
  for (const { protocol, port } of members.flatMap((text) => parsePortMember(text) ?? [])) {
    ports.set(`${protocol}:${port}`, { protocol, port });
  }
  return [...ports.values()];
}

/** Networks and ids of sets that the rules of a table name. */
export function addressNames(table: ChainTable): { readonly nets: Set<string>; readonly sets: Set<string> } {
  const nets = new Set<string>();
  const sets = new Set<string>();
  for (const { source, destination } of table.rules.keys()) {
    for (const side of [source, destination]) {
      for (const net of [...(side.nets === ANY ? [] : side.nets), ...side.notNets]) nets.add(net);
      for (const id of [...side.sets, ...side.notSets, ...side.portSets, ...side.notPortSets]) sets.add(id);
    }
  }
  return { nets, sets };
}

/** Whom a side means, class by class. */
export function matchSide(side: SideIr, classes: readonly AddressClass[]): SideMatch {
  const variants: PortCondition[] = [];
  const ids = new Map<string, number>();
  const ofClass = new Int32Array(classes.length).fill(-1);
  const meant: number[] = [];
  for (const [index, one] of classes.entries()) {
    if (!meansAddress(side, one)) continue;
    const named = side.portSets.flatMap((id) => one.ports.get(id) ?? []);
    const notNamed = side.notPortSets.flatMap((id) => one.ports.get(id) ?? []);
    const key = named.length + notNamed.length === 0 ? "" : JSON.stringify([named, notNamed]);
    let variant = ids.get(key);
    if (variant === undefined) {
      ids.set(key, variant = variants.length);
      variants.push({ ports: side.ports, named, notPorts: side.notPorts, notNamed });
    }
    ofClass[index] = variant;
    meant.push(index);
  }
  return { variants, ofClass, classes: meant, isUniform: meant.length === classes.length && variants.length <= 1 };
}

function meansAddress(side: SideIr, { nets, sets }: AddressClass): boolean {
  return side.sets.every((id) => sets.has(id)) && !side.notSets.some((id) => sets.has(id)) &&
    (side.nets === ANY || side.nets.some((net) => nets.has(net))) && !side.notNets.some((net) => nets.has(net));
}

/** What a rule matches for two variants of its sides; `undefined` for nothing. */
export function rulesMask(
  space: HeaderSpace,
  rule: ReachRule,
  source: { readonly match: SideMatch; readonly variant: number },
  destination: { readonly match: SideMatch; readonly variant: number },
): HeaderSet | undefined {
  const key = source.variant * VARIANTS_MAX + destination.variant;
  if (rule.masks.has(key)) return rule.masks.get(key);
  const set = ruleHeaders(
    space,
    rule.ir,
    source.match.variants[source.variant]!,
    destination.match.variants[destination.variant]!,
  );
  const mask = isEmpty(set) ? undefined : set;
  rule.masks.set(key, mask);
  return mask;
}
