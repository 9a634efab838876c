/**
 * One more engine: judges packets by the IR, rule by rule, with sets behind a port. Slow and plain; it puts the lowering under test against the oracle,
 * and is what compiled back ends are compared with where only the IR is at hand.
 *
 * @module
 */
import { cidrContains, parseCidrOrIp } from "#/base/cidr.ts";
import type { Ip } from "#/base/ip.ts";
import { portInRanges } from "#/base/port_range.ts";
import { ANY, type ChainIr, type Direction, type PolicyIr, type RuleIr, type SideIr } from "#/policy/ir.ts";
import type { Packet } from "#/policy/packet.ts";

/** Who is in which set. An unknown set holds nothing. */
export interface SetMembership {
  /**
   * Whether a set holds an address (`net`), or an address with protocol and port (`ipPort`).
   *
   * @param end protocol number and port; given for `ipPort` sets only
   */
  has(setId: string, ip: Ip, end?: { readonly protocol: number; readonly port: number }): boolean;
}

/** Everything a chain refers to. */
export interface IrTables {
  /** Policies and profiles by `policyKey`. */
  readonly policies: ReadonlyMap<string, PolicyIr>;
  readonly sets: SetMembership;
}

/** The verdict of a chain that decides. Ids and names are `undefined` where a default decided. */
export interface ChainVerdict {
  readonly action: "allow" | "deny";
  /** The rule that decided; one of a profile too. */
  readonly ruleId: string | undefined;
  /** Key of the policy or profile that has the rule, or of a profile that is missing. */
  readonly policy: string | undefined;
  /** The tier that decided; `undefined` when profiles did. */
  readonly tier: string | undefined;
  /** Rules of action `log` that matched before the decision. */
  readonly logged: readonly string[];
}

/** The verdict of a chain that may hand a packet on to what comes next. */
export interface ChainOutcome extends Omit<ChainVerdict, "action"> {
  readonly action: "allow" | "deny" | "continue";
}

/**
 * Judges a packet by a chain that decides; one that hands on (`atEnd`) counts as allowing what it hands on.
 */
export function interpretChain(
  chain: ChainIr,
  direction: Direction,
  packet: Packet,
  tables: IrTables,
): ChainVerdict {
  const { action, ...rest } = runChain(chain, direction, packet, tables);
  return { action: action === "deny" ? "deny" : "allow", ...rest };
}

/**
 * Judges a packet by one direction's chain. A policy that the chain names must be in the tables, except profiles: a missing one denies. A policy that is
 * missing all the same counts as one that denies, for an absent policy must not open traffic.
 */
export function runChain(
  chain: ChainIr,
  direction: Direction,
  packet: Packet,
  tables: IrTables,
): ChainOutcome {
  const logged: string[] = [];
  const decided = (action: ChainOutcome["action"], by: Partial<ChainVerdict> = {}): ChainOutcome => ({
    action,
    ruleId: by.ruleId,
    policy: by.policy,
    tier: by.tier,
    logged,
  });
  tiers:
  for (const { tier, policies, defaultAction } of chain.tiers) {
    for (const policy of policies) {
      const rules = tables.policies.get(policy)?.[direction];
      if (rules === undefined) return decided("deny", { policy, tier });
      const rule = firstDecision(rules, packet, tables.sets, logged);
      if (rule?.action === "pass") continue tiers;
      if (rule !== undefined) return decided(verdictOf(rule), { ruleId: rule.id, policy, tier });
    }
    if (defaultAction === "deny") return decided("deny", { tier });
  }
  for (const policy of chain.profiles) {
    const rules = tables.policies.get(policy)?.[direction];
    if (rules === undefined) return decided("deny", { policy });
    const rule = firstDecision(rules, packet, tables.sets, logged);
    if (rule !== undefined && rule.action !== "pass") return decided(verdictOf(rule), { ruleId: rule.id, policy });
  }
  return decided(chain.atEnd ?? "deny");
}

function verdictOf(rule: RuleIr): "allow" | "deny" {
  return rule.action === "allow" ? "allow" : "deny";
}

/** The first rule that matches and does more than log. */
function firstDecision(
  rules: readonly RuleIr[],
  packet: Packet,
  sets: SetMembership,
  logged: string[],
): RuleIr | undefined {
  for (const rule of rules) {
    if (!matchRuleIr(rule, packet, sets)) continue;
    if (rule.action !== "log") return rule;
    logged.push(rule.id);
  }
  return undefined;
}

/** Whether a lowered rule matches a packet: all of its conditions hold. */
export function matchRuleIr(rule: RuleIr, packet: Packet, sets: SetMembership): boolean {
  const { protocol, icmp } = packet;
  return (rule.ipVersion === ANY || rule.ipVersion === packet.source.version) &&
    (rule.protocol === ANY || rule.protocol === protocol) &&
    (rule.notProtocol === undefined || rule.notProtocol !== protocol) &&
    (rule.icmp === ANY || matchIcmp(rule.icmp, icmp)) &&
    (rule.notIcmp === undefined || !matchIcmp(rule.notIcmp, icmp)) &&
    matchSide(rule.source, packet.source, packet.sourcePort, protocol, sets) &&
    matchSide(rule.destination, packet.destination, packet.destinationPort, protocol, sets);
}

function matchIcmp(match: Exclude<RuleIr["icmp"], typeof ANY>, icmp: Packet["icmp"]): boolean {
  return icmp !== undefined && icmp.type === match.type && (match.code === ANY || match.code === icmp.code);
}

function matchSide(
  side: SideIr,
  ip: Ip,
  port: number | undefined,
  protocol: number,
  sets: SetMembership,
): boolean {
  const inSet = (id: string) => sets.has(id, ip);
  const inPortSet = (id: string) => port !== undefined && sets.has(id, ip, { protocol, port });
  const inRanges = (ranges: SideIr["notPorts"]) => port !== undefined && portInRanges(port, ranges);
  return side.sets.every(inSet) &&
    !side.notSets.some(inSet) &&
    (side.nets === ANY || inNets(side.nets, ip)) &&
    !inNets(side.notNets, ip) &&
    (side.ports === ANY || inRanges(side.ports) || side.portSets.some(inPortSet)) &&
    !inRanges(side.notPorts) &&
    !side.notPortSets.some(inPortSet);
}

function inNets(nets: readonly string[], ip: Ip): boolean {
  return nets.some((net) => {
    const cidr = parseCidrOrIp(net);
    return cidr !== undefined && cidrContains(cidr, ip);
  });
}
