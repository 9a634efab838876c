/**
 * The check of `lint` for rules that earlier rules of the same policy cover, whoever the endpoints are. Addresses are compared as written: sets by their
 * ids, networks by containment; headers exactly, so that several earlier rules may cover one together. What cannot be proved covered is not reported.
 *
 * @module
 */
import { cidrContainsCidr, cidrOverlaps, parseCidr } from "#/base/cidr.ts";
import type { PortRange } from "#/base/port_range.ts";
import {
  ANY_PORT,
  difference,
  type HeaderSet,
  type HeaderSpace,
  headerSpaceOf,
  isEmpty,
  noHeaders,
  type PortCondition,
  ruleHeaders,
} from "#/policy/reach/header_space.ts";
import { ANY, type RuleIr, type SideIr } from "#/policy/ir.ts";
import { DIRECTIONS, finding, type LintContext, ruleIndex, userRules } from "#/policy/lint/lint_context.ts";
import type { LintFinding } from "#/policy/lint/lint_finding.ts";

/** Rules that can never decide, nor log. */
export function shadowedRules({ policies }: LintContext): readonly LintFinding[] {
  return policies.flatMap(({ lowered: { policy } }) =>
    DIRECTIONS.flatMap((direction) =>
      userRules(policy, direction).flatMap(({ index, lowered }) => {
        const earlier = (policy[direction] ?? []).filter((rule) => ruleIndex(rule) < index);
        const by = lowered.map((rule) => coveringRules(rule, earlier));
        if (by.some((rules) => rules.length === 0)) return [];
        const indexes = [...new Set(by.flat().map(ruleIndex))].sort((a, b) => a - b);
        const message = `Everything that it matches is decided by rule${indexes.length === 1 ? "" : "s"} ${
          indexes.join(", ")
        }`;
        return [finding("shadowed-rule", policy.ref, message, { direction, index })];
      })
    )
  );
}

/**
 * Earlier rules that together match everything that a rule matches; none when that cannot be shown. Rules that only log cover nothing; rules that cannot
 * be read are reported as such and not here.
 *
 * @example
 * ```ts
 * import { coveringRules } from "#/policy/lint/lint_shadow.ts";
 * import { lowerRule } from "#/policy/lowering/lower_rule.ts";
 * const wide = lowerRule({ action: "Deny", protocol: "TCP" }, "1/i/0", "").rule;
 * const narrow = lowerRule({ action: "Allow", protocol: "TCP", source: { nets: ["10.0.0.0/8"] } }, "1/i/1", "").rule;
 * if (coveringRules(narrow, [wide])[0] !== wide || coveringRules(wide, [narrow]).length > 0) throw new Error();
 * ```
 */
export function coveringRules(rule: RuleIr, earlier: readonly RuleIr[]): readonly RuleIr[] {
  const meansNobody = [rule.source, rule.destination].some(({ nets }) => nets.length === 0);
  if (rule.unreadable !== undefined || meansNobody) return [];
  const candidates = earlier.filter((one) => one.action !== "log" && coversAddresses(one, rule));
  if (candidates.length === 0) return [];
  const space = headerSpaceOf({ rules: [rule, ...candidates], sourcePorts: [], destinationPorts: [] });
  let left = ruleHeaders(space, rule, portsAtMost(rule.source), portsAtMost(rule.destination));
  if (isEmpty(left)) return [];
  const used: RuleIr[] = [];
  for (const one of candidates) {
    const rest = difference(left, headersAtLeast(space, one, rule));
    if (rest.some((word, at) => word !== left[at])) used.push(one);
    left = rest;
    if (isEmpty(left)) return used;
  }
  return [];
}

function coversAddresses(earlier: RuleIr, rule: RuleIr): boolean {
  const everything = rule.ipVersion === ANY ? ["0.0.0.0/0", "::/0"] : rule.ipVersion === 4 ? ["0.0.0.0/0"] : ["::/0"];
  return (earlier.ipVersion === ANY || earlier.ipVersion === rule.ipVersion) &&
    coversSide(earlier.source, rule.source, everything) &&
    coversSide(earlier.destination, rule.destination, everything);
}

/** Whether a side means every address that another means. Networks are all within `everything`. */
function coversSide(wide: SideIr, narrow: SideIr, everything: readonly string[]): boolean {
  return wide.sets.every((id) => narrow.sets.includes(id)) &&
    wide.notSets.every((id) => narrow.notSets.includes(id)) &&
    coversNets(wide.nets, narrow.nets === ANY ? everything : narrow.nets) &&
    wide.notNets.every((net) => isOutside(net, narrow));
}

function coversNets(wide: SideIr["nets"], narrow: readonly string[]): boolean {
  return wide === ANY || narrow.every((net) => wide.some((outer) => holdsNet(outer, net)));
}

/** Whether a side means no address of a network. */
function isOutside(net: string, side: SideIr): boolean {
  if (side.notNets.some((outer) => holdsNet(outer, net))) return true;
  const cidr = parseCidr(net);
  return side.nets !== ANY && side.nets.every((one) => {
    const other = parseCidr(one);
    return cidr !== undefined && other !== undefined && !cidrOverlaps(cidr, other);
  });
}

function holdsNet(outer: string, inner: string): boolean {
  const [wide, narrow] = [parseCidr(outer), parseCidr(inner)];
  return wide !== undefined && narrow !== undefined && cidrContainsCidr(wide, narrow);
}

/** Ports that a side asks for, or more: what sets of ports hold is not looked at. */
function portsAtMost(side: SideIr): PortCondition {
  return {
    ports: side.portSets.length > 0 ? ANY : side.ports,
    named: [],
    notPorts: side.notPorts,
    notNamed: [],
  };
}

/** Headers of an earlier rule, or fewer, among those that a later rule matches. */
function headersAtLeast(space: HeaderSpace, earlier: RuleIr, rule: RuleIr): HeaderSet {
  const source = portsAtLeast(earlier.source, rule.source);
  const destination = portsAtLeast(earlier.destination, rule.destination);
  if (source === undefined || destination === undefined) return noHeaders(space);
  return ruleHeaders(space, earlier, source, destination);
}

/** Ports that a side is sure to match where another one does; `undefined` for none. */
function portsAtLeast(wide: SideIr, narrow: SideIr): PortCondition | undefined {
  const isWider = wide.portSets.length > 0 && narrow.ports !== ANY &&
    narrow.portSets.every((id) => wide.portSets.includes(id)) &&
    narrow.ports.every((range) => (wide.ports === ANY ? [] : wide.ports).some((outer) => holdsRange(outer, range)));
  const hasMoreExceptions = wide.notPortSets.some((id) => !narrow.notPortSets.includes(id));
  if (hasMoreExceptions) return undefined;
  if (isWider) return { ...ANY_PORT, notPorts: wide.notPorts };
  return { ports: wide.ports, named: [], notPorts: wide.notPorts, notNamed: [] };
}

function holdsRange(outer: PortRange, inner: PortRange): boolean {
  return outer.min <= inner.min && inner.max <= outer.max;
}
