/**
 * Chains judged for all headers at once: of a set of headers, which ones a chain lets through. The same walk as the interpreter's, with sets where it has
 * one packet. Addresses have been dealt with before: the caller says which headers each rule matches for the pair of addresses at hand.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import type { TierChain } from "#/policy/ir.ts";
import { type HeaderSet, isEmpty } from "#/policy/reach/header_space.ts";

/** A policy or profile of a chain with its rules of the chain's direction; `undefined` for one that is missing, which denies. */
export interface ChainPolicy<Rule> {
  readonly key: string;
  readonly rules: readonly Rule[] | undefined;
}

/** A tier of a chain with its policies looked up. */
export interface ChainTier<Rule> {
  readonly tier: string;
  readonly defaultAction: TierChain["defaultAction"];
  readonly policies: readonly ChainPolicy<Rule>[];
}

/** A chain with its policies looked up. */
export interface ResolvedChain<Rule> {
  readonly tiers: readonly ChainTier<Rule>[];
  readonly profiles: readonly ChainPolicy<Rule>[];
  /** Whether what nothing decided is handed on, which counts as let through. */
  readonly continues: boolean;
}

/** What a rule is to this walk. */
export interface ActingRule {
  readonly action: "allow" | "deny" | "pass" | "log";
}

/** Told what happens on the way, for `lint`. Sets must not be kept: they change. */
export interface ChainObserver<Rule> {
  /** Before each policy of a tier: what reaches it. */
  policy?(tier: ChainTier<Rule>, index: number, undecided: HeaderSet): void;
  /** Before each rule that matches something: what it matches, and what reaches it. */
  rule?(policy: ChainPolicy<Rule>, rule: Rule, matched: HeaderSet, undecided: HeaderSet): void;
}

/**
 * The headers that a chain lets through.
 *
 * @param headers all that are judged; not changed
 * @param matchOf what a rule matches for the addresses at hand; `undefined` for nothing
 * @param observer when given, rules are walked to the end even when nothing is undecided any more
 *
 * @example
 * ```ts
 * import { judgeHeaders } from "#/policy/reach/reach_chain.ts";
 * const allow = { action: "allow" } as const;
 * const tier = { tier: "default", defaultAction: "deny", policies: [{ key: "p", rules: [allow] }] } as const;
 * const chain = { tiers: [tier], profiles: [], continues: false };
 * const allowed = judgeHeaders(chain, new Uint32Array([0b1111]), () => new Uint32Array([0b0110]));
 * if (allowed[0] !== 0b0110) throw new Error();
 * ```
 */
export function judgeHeaders<Rule extends ActingRule>(
  chain: ResolvedChain<Rule>,
  headers: HeaderSet,
  matchOf: (rule: Rule) => HeaderSet | undefined,
  observer?: ChainObserver<Rule>,
): HeaderSet {
  const state: WalkState<Rule> = {
    undecided: headers.slice(),
    passed: new Uint32Array(headers.length),
    allowed: new Uint32Array(headers.length),
    matchOf,
    observer,
  };
  const { undecided, passed, allowed } = state;
  for (const tier of chain.tiers) {
    for (const [index, policy] of tier.policies.entries()) {
      observer?.policy?.(tier, index, undecided);
      walkPolicy(policy, state);
    }
    if (tier.defaultAction === "deny") undecided.fill(0);
    takeUp(undecided, passed);
    if (observer === undefined && isEmpty(undecided)) return allowed;
  }
  for (const profile of chain.profiles) {
    walkPolicy(profile, state);
    takeUp(undecided, passed);
  }
  if (chain.continues) takeUp(allowed, undecided);
  return allowed;
}

interface WalkState<Rule> {
  readonly undecided: HeaderSet;
  /** What left the tier by a pass. */
  readonly passed: HeaderSet;
  readonly allowed: HeaderSet;
  readonly matchOf: (rule: Rule) => HeaderSet | undefined;
  readonly observer: ChainObserver<Rule> | undefined;
}

function walkPolicy<Rule extends ActingRule>(policy: ChainPolicy<Rule>, state: WalkState<Rule>): void {
  const { undecided, observer } = state;
  if (policy.rules === undefined) undecided.fill(0);
  for (const rule of policy.rules ?? []) {
    const matched = state.matchOf(rule);
    if (matched === undefined) continue;
    observer?.rule?.(policy, rule, matched, undecided);
    decide(rule.action, matched, state);
    if (observer === undefined && isEmpty(undecided)) return;
  }
}

/** Moves what a rule decides out of the undecided. */
function decide<Rule>(action: ActingRule["action"], matched: HeaderSet, state: WalkState<Rule>): void {
  const { undecided } = state;
  switch (action) {
    case "log":
      return;
    case "deny":
      return moveOut(undecided, matched);
    case "allow":
      return moveOut(undecided, matched, state.allowed);
    case "pass":
      return moveOut(undecided, matched, state.passed);
    default:
      return assertNever(action);
  }
}

function moveOut(from: HeaderSet, matched: HeaderSet, to?: HeaderSet): void {
  for (let word = 0; word < from.length; word++) {
    const moved = from[word]! & matched[word]!;
    if (to !== undefined) to[word]! |= moved;
    from[word]! &= ~moved;
  }
}

/** Moves all of one set into another. */
function takeUp(to: HeaderSet, from: HeaderSet): void {
  for (let word = 0; word < to.length; word++) to[word]! |= from[word]!;
  from.fill(0);
}
