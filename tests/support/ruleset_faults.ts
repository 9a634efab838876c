/**
 * Deliberate faults of the nftables back end, as other rulesets than the renderer makes: what it might write, or forget to. For the test that the comparison with
 * the kernel notices each.
 *
 * @module
 */
import { CLEAR_MARKS, UNLESS_PASSED } from "#/agents/nftables/render.ts";
import { type ChainText, type Ruleset, type RuleText, type SetText } from "#/agents/nftables/ruleset.ts";

/** Changes a ruleset as a faulty renderer would have made it. */
export type RulesetFault = (ruleset: Ruleset) => Ruleset;

/** Each rule becomes others: the same, none, or changed ones. */
function rules(change: (rule: RuleText, chain: ChainText) => readonly RuleText[]): RulesetFault {
  return (ruleset) => ({
    ...ruleset,
    chains: new Map(
      [...ruleset.chains].map(([name, chain]) => [name, {
        ...chain,
        rules: chain.rules.flatMap((rule) => change(rule, chain)),
      }]),
    ),
  });
}

function actions(change: (rule: RuleText, chain: ChainText) => string): RulesetFault {
  return rules((rule, chain) => [{ ...rule, action: change(rule, chain) }]);
}

function without(isLeftOut: (rule: RuleText, chain: ChainText) => boolean): RulesetFault {
  return rules((rule, chain) => isLeftOut(rule, chain) ? [] : [rule]);
}

function sets(change: (set: SetText) => SetText): RulesetFault {
  return (ruleset) => ({
    ...ruleset,
    sets: new Map([...ruleset.sets].map(([name, set]) => [name, change(set)])),
  });
}

function isOfProfile({ item }: ChainText): boolean {
  return item?.startsWith("profile:") ?? false;
}

function swapped(one: string, other: string): (text: string) => string {
  return (text) => text.replaceAll(new RegExp(`${one}|${other}`, "g"), (found) => found === one ? other : one);
}

/** In chains of policies alone; the marks of an endpoint's chain keep their sense. */
function policyMatches(change: (text: string) => string): RulesetFault {
  return rules((rule, { item }) => [item === undefined ? rule : { ...rule, matches: change(rule.matches) }]);
}

const PASS_ACTION = /meta mark set meta mark \| 0x20000 return/;
const ALLOW_ACTION = /meta mark set meta mark \| 0x10000 return/;

/** Faults by what is wrong. */
export const RULESET_FAULTS: Readonly<Record<string, RulesetFault>> = {
  "the end of a tier is lost": without(({ label }) => label.startsWith("end of tier")),
  "the end of a tier drops what was passed": rules((rule) => [
    rule.label.startsWith("end of tier") ? { ...rule, matches: "" } : rule,
  ]),
  "a passed packet meets the rest of its tier": rules((rule) => [
    rule.matches === UNLESS_PASSED && rule.action.startsWith("jump ") ? { ...rule, matches: "" } : rule,
  ]),
  "marks stay from tier to tier": without(({ action }) => action === CLEAR_MARKS),
  "clearing marks clears all of them": actions(({ action }) => action === CLEAR_MARKS ? "meta mark set 0x0" : action),
  "an accepted packet goes on": without(({ label }) => label === "accepted"),
  "the end of a chain is lost": without(({ label }) => label === "no profile matched"),
  "a chain that hands on drops": (ruleset) =>
    rules((rule, chain) =>
      rule !== chain.rules.at(-1) || rule.action === "drop"
        ? [rule]
        : [rule, { matches: "", action: "drop", label: "no profile matched" }]
    )(ruleset),
  "what is missing lets pass": without(({ label }) => label.startsWith("missing ")),
  "a missing policy drops what was passed": rules((rule) => [
    rule.label.startsWith("missing ") ? { ...rule, matches: "" } : rule,
  ]),
  "a pass allows": actions(({ action }) => action.replace(PASS_ACTION, "meta mark set meta mark | 0x10000 return")),
  "a pass decides nothing": actions(({ action }) => action.replace(PASS_ACTION, "return")),
  "a profile's pass denies": actions(({ action }, chain) =>
    isOfProfile(chain) && action === "return" ? "drop" : action
  ),
  "an allow accepts without a mark": actions(({ action }) => action.replace(ALLOW_ACTION, "return")),
  "a deny returns": actions(({ action }, { item }) => item !== undefined && action === "drop" ? "return" : action),
  "a log rule ends its policy": actions(({ action }) => action.startsWith("log ") ? `${action} return` : action),
  "rules stand in reverse": (ruleset) => ({
    ...ruleset,
    chains: new Map(
      [...ruleset.chains].map(([name, chain]) => [
        name,
        chain.item === undefined ? chain : { ...chain, rules: chain.rules.toReversed() },
      ]),
    ),
  }),
  "of the rules of one id only the first is written": rules((rule, chain) =>
    chain.item !== undefined && chain.rules.find(({ label }) => label === rule.label) !== rule ? [] : [rule]
  ),
  "rules of IPv6 are lost": without(({ matches: text }) => text.includes("nfproto ipv6")),
  "the family is not asked": policyMatches((text) => text.replace(/meta nfproto ipv[46] ?/, "").trim()),
  "source and destination addresses are swapped": policyMatches(swapped("saddr", "daddr")),
  "source and destination ports are swapped": policyMatches(swapped("sport", "dport")),
  "what a set must not hold, it must": policyMatches((text) => text.replace("!= @", "@")),
  "the excluded networks are the only ones": policyMatches((text) => text.replace(/(addr) != (?!@)/, "$1 ")),
  "the excluded ports are the only ones": policyMatches((text) => text.replace(/(port) != (?!@)/, "$1 ")),
  "ports are read where there are none": policyMatches((text) => text.replace("meta l4proto { 6, 17, 132 } ", "")),
  "packets without ports are forgotten": without(({ matches: text }) => text.includes("meta l4proto != { 6, 17, 132")),
  "a list of ports lacks its last": policyMatches((text) => text.replace(/(port \{.*), [^,}]+ \}/, "$1 }")),
  "a list of networks lacks its last": policyMatches((text) => text.replace(/(addr \{.*), [^,}]+ \}/, "$1 }")),
  "the ICMP code is not asked": policyMatches((text) => text.replace(/ icmp(v6)? code \d+/, "")),
  "not this type and code means not this type": without(({ matches: text }) => /icmp(v6)? code != /.test(text)),
  "sets lack their last element": sets((set) => ({ ...set, elements: set.elements.slice(0, -1) })),
  "sets of IPv6 are empty": sets((set) => set.version === 6 ? { ...set, elements: [] } : set),
  "sets of ports take every protocol for TCP": sets((set) =>
    set.key === "addrPort"
      ? { ...set, elements: [...new Set(set.elements.map((one) => one.replace(/,\w+:/, ",tcp:")))] }
      : set
  ),
  "networks in sets are single addresses": sets((set) =>
    set.key === "net"
      ? { ...set, elements: [...new Set(set.elements.map((one) => one.replace(/\/(8|24|30)$/, "/31")))] }
      : set
  ),
};
