/**
 * Checks of `lint` that follow all traffic of the endpoints that are there: rules that nothing reaches, policies whose names decide between them, policies
 * that isolate by logging. Works on classes of endpoints, as `reach` does. Called by `lint.ts`.
 *
 * @module
 */
import { formatConnections } from "#/policy/reach/connection_set.ts";
import { difference, type HeaderSet, intersection, isEmpty, overlaps, union } from "#/policy/reach/header_space.ts";
import { type Direction, policyKey } from "#/policy/ir.ts";
import { DIRECTIONS, finding, type LintContext, userRules } from "#/policy/lint/lint_context.ts";
import type { LintFinding } from "#/policy/lint/lint_finding.ts";
import type { ChainObserver, ChainPolicy, ChainTier } from "#/policy/reach/reach_chain.ts";
import type { ReachRule } from "#/policy/reach/reach_rules.ts";
import { connectionsOf, internHeaders } from "#/policy/reach/reach_sets.ts";
import { groupsOf, judgePair, outsideEnd, type ReachWorld, reachWorlds, ruleMask } from "#/policy/reach/reach_world.ts";

/** What became of a rule: whether something matches it, and whether some of that is undecided when it is asked. */
interface RuleFate {
  matched: boolean;
  reached: boolean;
}

/** Two policies of one order that differ on some headers. */
interface Conflict {
  readonly tier: string;
  readonly first: string;
  readonly second: string;
  readonly headers: HeaderSet;
}

/** What following the traffic taught. */
interface Traffic {
  readonly world: ReachWorld;
  readonly fates: Map<ReachRule, RuleFate>;
  /** Numbers of the chains that were followed. */
  readonly followed: Set<number>;
  readonly conflicts: Map<string, Conflict>;
  /** For each tier of a chain, where runs of policies of one order begin, and where they end. */
  readonly runs: Map<ChainTier<ReachRule>, ReadonlyMap<number, number>>;
}

/** All findings that rest on traffic. */
export function trafficFindings(context: LintContext): readonly LintFinding[] {
  const traffic = followTraffic(context);
  return [...unreachableRules(context, traffic), ...conflictingOrders(context, traffic), ...logOnly(context, traffic)];
}

function followTraffic(context: LintContext): Traffic {
  const [world] = reachWorlds([context.compiled], { synthetic: context.synthetic, merges: false });
  const traffic: Traffic = {
    world: world!,
    fates: new Map(),
    followed: new Set(),
    conflicts: new Map(),
    runs: new Map(),
  };
  for (const index of world!.classes.keys()) if (world!.classes[index]!.mark !== undefined) outsideEnd(world!, index);
  const done = new Set<string>();
  for (const { out, in: into, addressClass } of world!.points) {
    for (const chainId of [...out, ...into]) {
      traffic.followed.add(chainId);
      const { key, groups } = groupsOf(world!, chainId, addressClass);
      if (done.has(key)) continue;
      done.add(key);
      for (const [peer] of groups()) {
        judgePair(
          world!,
          chainId,
          addressClass,
          peer!,
          observer(context, traffic, { chainId, own: addressClass, peer: peer! }),
        );
      }
    }
  }
  return traffic;
}

/** A chain, and the classes of the two addresses for which it is walked. */
interface Walk {
  readonly chainId: number;
  readonly own: number;
  readonly peer: number;
}

function observer(context: LintContext, traffic: Traffic, walk: Walk): ChainObserver<ReachRule> {
  return {
    rule(_policy, rule, matched, undecided) {
      const fate = traffic.fates.get(rule) ?? { matched: false, reached: false };
      traffic.fates.set(rule, { matched: true, reached: fate.reached || overlaps(matched, undecided) });
    },
    policy(tier, index, undecided) {
      const end = runsOf(context, traffic, tier).get(index);
      if (end !== undefined) compareRun(traffic, walk, { tier, policies: tier.policies.slice(index, end), undecided });
    },
  };
}

/** Begins and ends of runs of two policies or more of one order that can decide differently. */
function runsOf(context: LintContext, traffic: Traffic, tier: ChainTier<ReachRule>): ReadonlyMap<number, number> {
  const known = traffic.runs.get(tier);
  if (known !== undefined) return known;
  const orders = tier.policies.map(({ key }) => context.byKey.get(key)?.lowered.order);
  const runs = new Map<number, number>();
  for (let begin = 0; begin < orders.length;) {
    let end = begin + 1;
    while (end < orders.length && orders[end] === orders[begin]) end += 1;
    const rules = tier.policies.slice(begin, end).flatMap((policy) => policy.rules ?? []);
    const actions = new Set(rules.map(({ action }) => action).filter((action) => action !== "log"));
    if (end - begin > 1 && actions.size > 1) runs.set(begin, end);
    begin = end;
  }
  traffic.runs.set(tier, runs);
  return runs;
}

/** Policies of one order, and what reaches the first of them. */
interface Run {
  readonly tier: ChainTier<ReachRule>;
  readonly policies: readonly ChainPolicy<ReachRule>[];
  readonly undecided: HeaderSet;
}

/** Each policy of the run is asked as if it were first; those that differ are noted. */
function compareRun({ world, conflicts }: Traffic, walk: Walk, { tier, policies, undecided }: Run): void {
  const effects = policies.map((policy) => effectOf(world, walk, policy, undecided));
  for (const [second, policy] of policies.entries()) {
    for (const [first, other] of policies.slice(0, second).entries()) {
      const { direction } = world.table.chains[walk.chainId]!;
      const key = `${direction} ${other.key} ${policy.key}`;
      const headers = differing(effects[first]!, effects[second]!);
      if (isEmpty(headers)) continue;
      const known = conflicts.get(key)?.headers;
      const all = known === undefined ? headers : union(known, headers);
      conflicts.set(key, { tier: tier.tier, first: other.key, second: policy.key, headers: all });
    }
  }
}

/** What a policy does by itself, by action. */
type Effect = Readonly<Record<"allow" | "deny" | "pass", HeaderSet>>;

function effectOf(
  world: ReachWorld,
  { chainId, own, peer }: Walk,
  policy: ChainPolicy<ReachRule>,
  undecided: HeaderSet,
): Effect {
  const [source, destination] = world.table.chains[chainId]!.direction === "egress" ? [own, peer] : [peer, own];
  const nothing: HeaderSet = new Uint32Array(undecided.length);
  const effect = { allow: nothing, deny: nothing, pass: nothing };
  let left: HeaderSet = undecided.slice();
  for (const rule of policy.rules ?? []) {
    const mask = rule.action === "log" ? undefined : ruleMask(world, rule, source, destination);
    if (mask === undefined || rule.action === "log") continue;
    effect[rule.action] = union(effect[rule.action], intersection(left, mask));
    left = difference(left, mask);
  }
  return effect;
}

/** Headers on which both decide, and not alike. */
function differing(a: Effect, b: Effect): HeaderSet {
  const decided = (effect: Effect) => union(effect.allow, union(effect.deny, effect.pass));
  const alike = union(
    intersection(a.allow, b.allow),
    union(intersection(a.deny, b.deny), intersection(a.pass, b.pass)),
  );
  return difference(intersection(decided(a), decided(b)), alike);
}

function conflictingOrders(context: LintContext, { world, conflicts }: Traffic): readonly LintFinding[] {
  const found = new Map<string, LintFinding>();
  for (const [key, { tier, first, second, headers }] of conflicts) {
    const [one, other] = [context.byKey.get(first)?.lowered, context.byKey.get(second)?.lowered];
    if (one === undefined || other === undefined) continue;
    const direction = key.slice(0, key.indexOf(" "));
    const about = formatConnections(connectionsOf(world.sets, internHeaders(world.sets, headers)));
    const { kind, namespace, name } = one.policy.ref;
    const order = other.order === undefined ? "No order" : `Order ${other.order}`;
    const message = `${order} in tier "${tier}", as ${kind} ${
      namespace === "" ? "" : `${namespace}/`
    }${name}, which comes first and decides otherwise on ${direction}: ${about}`;
    found.set(key, finding("conflicting-order", other.policy.ref, message));
  }
  return [...found.values()];
}

function unreachableRules(context: LintContext, { world, fates, followed }: Traffic): readonly LintFinding[] {
  const isAsked = askedPolicies(world, followed);
  return context.policies.filter(({ isStaged }) => !isStaged).flatMap(({ key, lowered }) => {
    const compiled = context.compiled.policies.get(key);
    if (compiled === undefined) return [];
    return DIRECTIONS.filter((direction) => isAsked(key, direction)).flatMap((direction) =>
      userRules(compiled, direction).flatMap(({ index, lowered: rules }) => {
        if (rules.some(({ unreadable }) => unreadable !== undefined)) return [];
        const found = rules.map((rule) => fates.get(world.table.rules.get(rule)!));
        if (found.some((fate) => fate?.reached)) return [];
        const message = found.some((fate) => fate?.matched)
          ? "Earlier rules, policies or tiers decide all that it matches"
          : "It matches no traffic of the endpoints that the policy selects";
        return [finding("unreachable-rule", lowered.policy.ref, message, { direction, index })];
      })
    );
  });
}

/** Policies of which every chain was followed. Host endpoints without addresses are never an end, so that their chains are not. */
function askedPolicies(
  world: ReachWorld,
  followed: ReadonlySet<number>,
): (key: string, direction: Direction) => boolean {
  const asked = new Set<string>();
  const unknown = new Set<string>();
  for (const { out, in: into } of world.ways.values()) {
    for (const id of [...out, ...into]) {
      const { direction, resolved } = world.table.chains[id]!;
      const keys = resolved.tiers.flatMap(({ policies }) => policies.map(({ key }) => `${direction} ${key}`));
      for (const key of keys) (followed.has(id) ? asked : unknown).add(key);
    }
  }
  return (key, direction) => asked.has(`${direction} ${key}`) && !unknown.has(`${direction} ${key}`);
}

/** Policies that do nothing but log, in tiers that deny at their end and hold no other policy for some endpoint. */
function logOnly(context: LintContext, { world }: Traffic): readonly LintFinding[] {
  const found = new Map<string, LintFinding>();
  for (const { direction, resolved } of world.table.chains) {
    for (const { tier, defaultAction, policies } of resolved.tiers) {
      const isLogOnly = ({ rules }: ChainPolicy<ReachRule>) =>
        rules !== undefined && rules.length > 0 && rules.every(({ action }) => action === "log");
      if (defaultAction !== "deny" || !policies.every(isLogOnly)) continue;
      for (const { key } of policies) {
        const ref = context.byKey.get(key)?.lowered.policy.ref;
        if (ref === undefined) continue;
        const message = `It only logs ${direction}, and the end of tier "${tier}" denies what it logs`;
        found.set(`${direction} ${policyKey(ref)}`, finding("log-only-isolates", ref, message));
      }
    }
  }
  return [...found.values()];
}
