/**
 * Rules that need no code and no rows: those that can never match, those that only log, and those after one that always decides. What is left keeps its number, so
 * that nothing else changes.
 *
 * @module
 */
import { ANY, type RuleIr, type SideIr } from "#/policy/ir.ts";

/**
 * Indexes of the rules of one stage, or of one policy, that may decide.
 *
 * @example
 * ```ts
 * import { decidingRules } from "#/wasm-policy/deciding_rules.ts";
 * import { ANY, ANY_SIDE, type RuleIr } from "#/policy/ir.ts";
 * const any: RuleIr = {
 *   ...{ id: "", action: "deny", ipVersion: ANY, protocol: ANY, notProtocol: undefined, icmp: ANY, notIcmp: undefined },
 *   ...{ source: ANY_SIDE, destination: ANY_SIDE },
 * };
 * const never = { ...any, source: { ...ANY_SIDE, nets: [] } };
 * if (decidingRules([never, { ...any, protocol: 6 }, any, any]).join() !== "1,2") throw new Error();
 * ```
 */
export function decidingRules(rules: readonly RuleIr[]): readonly number[] {
  const deciding: number[] = [];
  for (const [index, rule] of rules.entries()) {
    if (rule.action === "log" || isEmpty(rule.source) || isEmpty(rule.destination)) continue;
    deciding.push(index);
    if (isUnconditional(rule)) break;
  }
  return deciding;
}

/** Whether the lists of an end hold nothing. Sets may come to hold something. */
function isEmpty({ nets, ports, portSets }: SideIr): boolean {
  return nets.length === 0 || (ports.length === 0 && portSets.length === 0);
}

function isUnconditional({ ipVersion, protocol, notProtocol, icmp, notIcmp, source, destination }: RuleIr): boolean {
  return ipVersion === ANY && protocol === ANY && notProtocol === undefined && icmp === ANY && notIcmp === undefined &&
    isFree(source) && isFree(destination);
}

function isFree({ sets, notSets, nets, notNets, ports, notPorts, notPortSets }: SideIr): boolean {
  return nets === ANY && ports === ANY &&
    [sets, notSets, notNets, notPorts, notPortSets].every(({ length }) => length === 0);
}
