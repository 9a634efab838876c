/**
 * Large random cases for engines that judge chains of the IR, kernels among them: chains of both directions over many policies, and hundreds of packets near
 * their edges. The rules come from `ir_cases.ts`; here they get what no single case of it has: several chains, chains that hand on, policies and profiles that
 * are missing, unreadable rules, and rules of one id.
 *
 * @module
 */
import fc from "fast-check";
import type { CompiledSet } from "#/policy/compiled.ts";
import {
  ANY,
  ANY_SIDE,
  type ChainIr,
  type Direction,
  type PolicyIr,
  policyKey,
  type PortRange,
  type RuleIr,
  type SideIr,
} from "#/policy/ir.ts";
import { type Seeded, seeded } from "../../benches/support/seeded.ts";
import { type IrCase, irCase } from "./ir_cases.ts";
import { packetsNear } from "./packets_near.ts";
import type { Packet } from "#/policy/packet.ts";

/** Policies, sets, chains of either direction, and packets, each with the index of the chain that judges it. */
export interface EngineCase {
  readonly policies: ReadonlyMap<string, PolicyIr>;
  readonly sets: ReadonlyMap<string, CompiledSet>;
  readonly chains: readonly { readonly direction: Direction; readonly chain: ChainIr }[];
  readonly questions: readonly { readonly chain: number; readonly packet: Packet }[];
}

/** How large cases are. */
export interface CaseSize {
  readonly chains: number;
  readonly packetsPerChain: number;
}

/** So many cases; each depends on the seed and its place alone. */
export function* engineCases(seed: number, count: number, size: CaseSize): Generator<EngineCase> {
  for (let at = 0; at < count; at++) yield engineCase(mixed(seed, at), size);
}

/** A seed of its own for each case. */
export function mixed(seed: number, at: number): number {
  return (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(at + 1, 0xc2b2ae35)) >>> 0;
}

/** One case. */
export function engineCase(seed: number, { chains, packetsPerChain }: CaseSize): EngineCase {
  const random = seeded(seed);
  const parts = fc.sample(irCase, { numRuns: chains, seed: seed | 0 })
    .map((one, at) => partOf(one, at % 2 === 0 ? "ingress" : "egress", { prefix: `c${at}`, random }));
  return {
    policies: new Map(parts.flatMap(({ policies }) => [...policies])),
    sets: new Map(parts.flatMap(({ sets }) => [...sets])),
    chains: parts.map(({ direction, chain }) => ({ direction, chain })),
    questions: parts.flatMap((part, chain) =>
      packetsNear(part, packetsPerChain, random).map((packet) => ({ chain, packet }))
    ),
  };
}

/** One chain with all that it names. */
interface Part {
  readonly policies: ReadonlyMap<string, PolicyIr>;
  readonly sets: ReadonlyMap<string, CompiledSet>;
  readonly direction: Direction;
  readonly chain: ChainIr;
}

/** How a case's things are named, and what varies them. */
interface Variation {
  readonly prefix: string;
  readonly random: Seeded;
}

function partOf(one: IrCase, direction: Direction, variation: Variation): Part {
  const { prefix, random } = variation;
  const policies = one.policies.map(({ ref, tier, ingress }): PolicyIr => {
    const rules = varied(ingress ?? [], variation);
    const name = `${prefix}${ref.name}`;
    return {
      ref: { ...ref, name },
      tier,
      ingress: direction === "ingress" ? rules : undefined,
      egress: direction === "egress" ? rules : undefined,
    };
  });
  const renamed = new Map(one.policies.map(({ ref }, at) => [policyKey(ref), policyKey(policies[at]!.ref)]));
  const keys = (list: readonly string[]) => list.map((key) => renamed.get(key) ?? key);
  const chain: ChainIr = {
    tiers: one.chain.tiers.map((tier) => ({
      ...tier,
      policies: withMissing(keys(tier.policies), `GlobalNetworkPolicy//missing-${tier.tier}`, random),
    })),
    profiles: withMissing(keys(one.chain.profiles), "Profile//missing", random),
  };
  return {
    direction,
    policies: new Map(policies.map((policy) => [policyKey(policy.ref), policy])),
    sets: new Map(one.sets.map((set) => [`${prefix}${set.id}`, withoutNetworks(set, random)])),
    chain: random.chance(25) ? { ...chain, atEnd: "continue" } : chain,
  };
}

/** One set in three has single addresses alone: back ends may keep those in another kind of set. */
function withoutNetworks({ type, members }: CompiledSet, random: Seeded): CompiledSet {
  return { type, members: random.chance(33) ? members.filter((member) => !member.includes("/")) : members };
}

/** In one list of 25, one that is not there. */
function withMissing(keys: readonly string[], missing: string, random: Seeded): readonly string[] {
  return random.chance(4) ? keys.toSpliced(random.below(keys.length + 1), 0, missing) : keys;
}

function varied(rules: readonly RuleIr[], { prefix, random }: Variation): readonly RuleIr[] {
  const named = (ids: readonly string[]) => ids.map((id) => `${prefix}${id}`);
  const side = (one: SideIr): SideIr => ({
    ...one,
    sets: named(one.sets),
    notSets: named(one.notSets),
    portSets: named(one.portSets),
    notPortSets: named(one.notPortSets),
  });
  return rules.flatMap((rule) => {
    const own: RuleIr = {
      ...rule,
      id: `${prefix}${rule.id}`,
      source: side(rule.source),
      destination: side(rule.destination),
    };
    if (random.chance(2)) return [unreadable(own)];
    const ends = rules.flatMap(({ source, destination }) => [side(source), side(destination)]);
    if (random.chance(10)) return [crowded(own, ends, random)];
    return random.chance(20) ? [own, ...siblings(own, ends, random)] : [own];
  });
}

/** As lowering leaves it: it matches everything, or nothing. */
function unreadable({ id, action }: RuleIr): RuleIr {
  return {
    id,
    action,
    ipVersion: ANY,
    protocol: ANY,
    notProtocol: undefined,
    icmp: ANY,
    notIcmp: undefined,
    source: action === "deny" ? ANY_SIDE : { ...ANY_SIDE, nets: [] },
    destination: ANY_SIDE,
    unreadable: "selector",
  };
}

/** A rule that asks for more at once than others do, and for single ports: matches that stand together may be taken for one. */
function crowded(rule: RuleIr, ends: readonly SideIr[], random: Seeded): RuleIr {
  const single = (ranges: readonly PortRange[]) => ranges.slice(0, 1).map(({ min }) => ({ min, max: min }));
  const more = (one: SideIr): SideIr => {
    const { notPorts, notNets, notSets, ports, nets } = random.pick(ends);
    return {
      ...one,
      notPorts: single(notPorts.length > 0 ? notPorts : [{ min: random.pick([80, 1024]), max: 0 }]),
      notNets: notNets.slice(0, 1),
      notSets,
      ports: ports === ANY || random.chance(50) ? one.ports : single(ports),
      nets: random.chance(50) ? one.nets : nets,
    };
  };
  return { ...rule, source: more(rule.source), destination: more(rule.destination) };
}

/** Rules of the same id and action, as one rule of Kubernetes becomes several: they differ in one list. */
function siblings(rule: RuleIr, ends: readonly SideIr[], random: Seeded): readonly RuleIr[] {
  return Array.from({ length: 1 + random.below(3) }, () => {
    const end = random.pick(["source", "destination"] as const);
    const other = random.pick(ends);
    const list = random.pick(["nets", "ports", "portSets", "sets", "notNets"] as const);
    return { ...rule, [end]: { ...rule[end], [list]: other[list] } };
  });
}
