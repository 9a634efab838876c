/**
 * Deliberate faults of single rules, for the tests that a comparison of engines notices them: what a lowering or a back end might get wrong.
 *
 * @module
 */
import { ANY, type RuleIr, type SideIr } from "#/policy/ir.ts";

/** Faults by what is wrong; each changes a rule, or leaves one alone that it does not concern. */
export type RuleFaults = Readonly<Record<string, (rule: RuleIr) => RuleIr>>;

/** A fault of both ends of a rule. */
export function sides(change: (side: SideIr) => SideIr): (rule: RuleIr) => RuleIr {
  return (rule) => ({ ...rule, source: change(rule.source), destination: change(rule.destination) });
}

/** Faults that every engine might have. Those of ranges and networks depend on what an engine can be given, and stand with its test. */
export const COMMON_FAULTS: RuleFaults = {
  "pass goes on to the next rule": (rule) => rule.action === "pass" ? { ...rule, action: "log" } : rule,
  "log decides": (rule) => rule.action === "log" ? { ...rule, action: "deny" } : rule,
  "the family is lost": (rule) => ({ ...rule, ipVersion: ANY }),
  "the negated protocol is lost": (rule) => ({ ...rule, notProtocol: undefined }),
  "the ICMP code is lost": (rule) => rule.icmp === ANY ? rule : { ...rule, icmp: { ...rule.icmp, code: ANY } },
  "the negated ICMP match is lost": (rule) => ({ ...rule, notIcmp: undefined }),
  "the sets are lost": sides((side) => ({ ...side, sets: [] })),
  "the negated sets are lost": sides((side) => ({ ...side, notSets: [] })),
  "the negated networks are lost": sides((side) => ({ ...side, notNets: [] })),
  "the named ports are lost": sides((side) => ({ ...side, portSets: [] })),
  "the negated ports are lost": sides((side) => ({ ...side, notPorts: [] })),
  "the negated named ports are lost": sides((side) => ({ ...side, notPortSets: [] })),
  "the two ends are swapped": (rule) => ({ ...rule, source: rule.destination, destination: rule.source }),
};
