/**
 * What lowered policies have in common is one object: sides that ask the same, within a policy and, where they name no set, among all of them; and the
 * selector of a subject that says what that of a set says. Policies are many and alike, and every one of them stays in memory.
 *
 * @module
 */
import { formatSelector, type Selector } from "#/base/selector.ts";
import { ANY_SIDE, type PolicyIr, type RuleIr, type SideIr } from "#/policy/ir.ts";
import type { LoweredPolicy, LoweredProfile } from "#/policy/lowering/lower.ts";

/** Sides without sets, by their text. */
export type SharedSides = Map<string, SideIr>;

/** With so many different sides nothing more is shared by those that come later than what they share among themselves. */
const SHARED_SIDES_MAX = 4_096;

/**
 * The same policy, sharing what can be shared. Its subject may be written in another order.
 *
 * @param sides of policies that came before; grows
 *
 * @example
 * ```ts
 * import { lowerPolicy } from "#/policy/lowering/lower.ts";
 * import { shareParts } from "#/projections/shared_sides.ts";
 * const rule = { action: "Allow", protocol: "UDP", destination: { ports: [53] } };
 * const object = {
 *   apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata: { name: "dns" },
 *   spec: { tier: "default", types: ["Egress"], egress: [rule, rule] },
 * };
 * const [one, other] = shareParts(lowerPolicy(object, 1), new Map()).policy.egress ?? [];
 * if (one?.destination !== other?.destination) throw new Error();
 * ```
 */
export function shareParts(lowered: LoweredPolicy, sides: SharedSides): LoweredPolicy {
  const { policy, order, phase, appliesOnForward, stagedAction, sets, problems } = lowered;
  const own: SharedSides = new Map();
  const share = (side: SideIr): SideIr => sharedSide(side, own, sides);
  const shared: PolicyIr = {
    ref: policy.ref,
    tier: policy.tier,
    ingress: policy.ingress?.map((rule) => sharedRule(rule, share)),
    egress: policy.egress?.map((rule) => sharedRule(rule, share)),
  };
  return {
    policy: shared,
    order,
    phase,
    appliesOnForward,
    stagedAction,
    subject: subjectOf(lowered),
    sets: sets.length === 0 ? NO_SETS : sets,
    problems: problems.length === 0 ? NO_TEXTS : problems,
  };
}

/** An equal profile whose empty lists are one object: most have neither sets nor problems. */
export function shareNothing({ policy, sets, problems }: LoweredProfile): LoweredProfile {
  return {
    policy,
    sets: sets.length === 0 ? NO_SETS : sets,
    problems: problems.length === 0 ? NO_TEXTS : problems,
  };
}

/** The selector of a set of the same endpoints, if there is one: a rule's peer names the namespace first, a subject last. */
function subjectOf({ subject, sets }: LoweredPolicy): Selector {
  if (sets.length === 0) return subject;
  const texts = [formatSelector(subject)];
  if (subject.kind === "and" && subject.operands.length === 2) {
    texts.push(formatSelector({ kind: "and", operands: subject.operands.toReversed() }));
  }
  for (const set of sets) {
    if ("selector" in set && set.type === "net" && texts.includes(formatSelector(set.selector))) return set.selector;
  }
  return subject;
}

const NO_SETS: LoweredPolicy["sets"] = [];
const NO_TEXTS: readonly string[] = [];

function sharedRule(rule: RuleIr, share: (side: SideIr) => SideIr): RuleIr {
  const [source, destination] = [share(rule.source), share(rule.destination)];
  if (rule.comment !== undefined || rule.unreadable !== undefined) return { ...rule, source, destination };
  const { id, action, ipVersion, protocol, notProtocol, icmp, notIcmp } = rule;
  return { id, action, ipVersion, protocol, notProtocol, icmp, notIcmp, source, destination };
}

function sharedSide(side: SideIr, own: SharedSides, sides: SharedSides): SideIr {
  if (side === ANY_SIDE) return side;
  const { sets, notSets, portSets, notPortSets } = side;
  const isGeneral = sets.length + notSets.length + portSets.length + notPortSets.length === 0;
  const known = isGeneral ? sides : own;
  const text = JSON.stringify(side);
  const equal = known.get(text);
  if (equal !== undefined) return equal;
  const exact: SideIr = { ...side, ports: side.ports === "any" ? side.ports : side.ports.slice() };
  if (known.size >= SHARED_SIDES_MAX) known.clear();
  known.set(text, exact);
  return exact;
}
