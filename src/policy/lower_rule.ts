/**
 * One rule of the API lowered to the IR: texts become numbers, selectors become sets, families are pinned. Called by `lower.ts`.
 *
 * Invariant 6 is carried out here, so that no back end has to know it: a rule with an unreadable part becomes one that matches nothing (allow, pass, log)
 * or everything of its direction (deny), marked `unreadable`.
 *
 * @module
 */
import { type Cidr, formatCidr, maskCidr, parseCidrOrIp } from "#/base/cidr.ts";
import type { IpVersion } from "#/base/ip.ts";
import { mergePortRanges, parsePort, type PortRange } from "#/base/port_range.ts";
import { canonicalProtocolName, parseProtocol, protocolHasPorts } from "#/base/protocol.ts";
import { ALL } from "#/base/selector.ts";
import { ANY, ANY_SIDE, type IcmpMatch, type RuleAction, type RuleIr, type SideIr } from "#/policy/ir.ts";
import { entityScope } from "#/policy/scope.ts";
import { namedPortSet, selectorSet, type SetDefinition } from "#/policy/set_definition.ts";
import type { EntityRule, ICMPFields, Port, Protocol, Rule } from "#/resources/kinds/policy_spec.ts";

/** A lowered rule and the sets that it names. */
export interface LoweredRule {
  readonly rule: RuleIr;
  readonly sets: readonly SetDefinition[];
}

/** A side that matches no address at all: an empty list, unlike {@link ANY}, holds nothing. */
const NOTHING_SIDE: SideIr = { ...ANY_SIDE, nets: [] };

const ACTIONS: ReadonlyMap<string, RuleAction> = new Map([
  ["Allow", "allow"],
  ["Deny", "deny"],
  ["Pass", "pass"],
  ["Log", "log"],
]);

/**
 * Lowers one rule.
 *
 * @param id the rule's id for ever: position, direction, index
 * @param namespace of the policy; empty for a global one
 *
 * @example
 * ```ts
 * import { lowerRule } from "#/policy/lower_rule.ts";
 * const { rule } = lowerRule({ action: "Allow", protocol: "TCP", destination: { ports: [80, "81:90"] } }, "7/i/0", "shop");
 * if (rule.protocol !== 6 || JSON.stringify(rule.destination.ports) !== '[{"min":80,"max":90}]') throw new Error();
 * ```
 */
export function lowerRule(rule: Rule, id: string, namespace: string): LoweredRule {
  const faults: string[] = [];
  const action = ACTIONS.get(rule.action);
  if (action === undefined) faults.push(`action: must be Allow, Deny, Pass or Log: "${rule.action}"`);
  const protocol = readProtocol("protocol", rule.protocol, faults);
  const notProtocol = readProtocol("notProtocol", rule.notProtocol, faults);
  const icmp = readIcmp("icmp", rule.icmp, protocol, faults);
  const notIcmp = readIcmp("notICMP", rule.notICMP, protocol, faults);
  const source = lowerSide("source", rule.source ?? {}, { namespace, protocol, faults });
  const destination = lowerSide("destination", rule.destination ?? {}, { namespace, protocol, faults });
  const comment = commentOf(rule);
  const shared = { id, action: action ?? "deny", ...(comment === undefined ? {} : { comment }) } as const;
  if (faults.length > 0) return unreadableRule(shared, faults);
  const families = pinnedFamilies(rule, [...source.families, ...destination.families]);
  return {
    rule: {
      ...shared,
      ipVersion: families.length === 1 ? families[0]! : ANY,
      protocol: protocol ?? ANY,
      notProtocol,
      icmp: icmp ?? ANY,
      notIcmp,
      source: families.length === 0 ? NOTHING_SIDE : source.side,
      destination: destination.side,
    },
    sets: [...source.sets, ...destination.sets],
  };
}

function unreadableRule(shared: Pick<RuleIr, "id" | "action" | "comment">, faults: readonly string[]): LoweredRule {
  return {
    rule: {
      ...shared,
      ipVersion: ANY,
      protocol: ANY,
      notProtocol: undefined,
      icmp: ANY,
      notIcmp: undefined,
      source: shared.action === "deny" ? ANY_SIDE : NOTHING_SIDE,
      destination: ANY_SIDE,
      unreadable: faults.join("; "),
    },
    sets: [],
  };
}

/** What lowering one side needs to know of the rest of the rule. */
interface SideContext {
  readonly namespace: string;
  readonly protocol: number | undefined;
  /** Grows by what cannot be read. */
  readonly faults: string[];
}

interface LoweredSide {
  readonly side: SideIr;
  readonly sets: readonly SetDefinition[];
  /** For each net list that is present, the families in it. */
  readonly families: readonly (readonly IpVersion[])[];
}

function lowerSide(name: string, entity: EntityRule, context: SideContext): LoweredSide {
  const { faults } = context;
  const scope = entityScope(entity, context.namespace);
  const positive = scope.kind === "read" ? scope.positive : undefined;
  const negative = scope.kind === "read" ? scope.negative : undefined;
  if (scope.kind === "unreadable") faults.push(`${name}.${scope.message}`);
  if (entity.services?.name !== undefined || entity.services?.namespace !== undefined) {
    faults.push(`${name}.services: Services are not known to this version`);
  }
  const nets = readNets(`${name}.nets`, entity.nets, faults);
  const notNets = readNets(`${name}.notNets`, entity.notNets, faults);
  const ports = readPorts(`${name}.ports`, entity.ports, context);
  const notPorts = readPorts(`${name}.notPorts`, entity.notPorts, context);
  const protocol = context.protocol ?? "any";
  const toSets = (names: readonly string[]) =>
    names.map((port) => namedPortSet(positive ?? ALL, { name: port, protocol }));
  const portSets = toSets(ports?.names ?? []);
  const notPortSets = toSets(notPorts?.names ?? []);
  // Sets of named ports hold only addresses that match the selector, so that alone they ask for it too.
  const isCovered = ports !== undefined && ports.ranges.length === 0;
  const sets = positive === undefined || isCovered ? [] : [selectorSet(positive)];
  const notSets = negative === undefined ? [] : [selectorSet(negative)];
  const side: SideIr = {
    sets: ids(sets),
    notSets: ids(notSets),
    nets: nets === undefined ? ANY : texts(nets),
    notNets: texts(notNets ?? []),
    ports: ports === undefined ? ANY : ports.ranges,
    portSets: ids(portSets),
    notPorts: notPorts?.ranges ?? [],
    notPortSets: ids(notPortSets),
  };
  const families = [nets, notNets].flatMap((list) => list === undefined ? [] : [list.map((net) => net.version)]);
  return { side, sets: [...sets, ...notSets, ...portSets, ...notPortSets], families };
}

/** Families in which the rule exists: those that no part of it rules out. A net list rules out what is not in it, a protocol's name its other family. */
function pinnedFamilies(rule: Rule, lists: readonly (readonly IpVersion[])[]): readonly IpVersion[] {
  const name = canonicalProtocolName(String(rule.protocol));
  const pins: (readonly IpVersion[])[] = [...lists];
  if (rule.ipVersion !== undefined) pins.push([rule.ipVersion]);
  if (name === "ICMP") pins.push([4]);
  if (name === "ICMPv6") pins.push([6]);
  return ([4, 6] as const).filter((version) => pins.every((pin) => pin.includes(version)));
}

function readProtocol(name: string, protocol: Protocol | undefined, faults: string[]): number | undefined {
  if (protocol === undefined) return undefined;
  const number = parseProtocol(protocol);
  if (number === undefined) faults.push(`${name}: must be a protocol's name or a number from 1 to 255: "${protocol}"`);
  return number;
}

function readIcmp(
  name: string,
  icmp: ICMPFields | undefined,
  protocol: number | undefined,
  faults: string[],
): IcmpMatch | undefined {
  if (icmp?.type === undefined && icmp?.code === undefined) return undefined;
  if (icmp.type === undefined) faults.push(`${name}: code must stand with type: ${icmp.code}`);
  if (protocol !== 1 && protocol !== 58) faults.push(`${name}: protocol must be ICMP or ICMPv6: ${protocol ?? "any"}`);
  return { type: icmp.type ?? 0, code: icmp.code ?? ANY };
}

/** `undefined` for a list that is absent or empty, which asks nothing. */
function readNets(name: string, nets: readonly string[] | undefined, faults: string[]): readonly Cidr[] | undefined {
  if (nets === undefined || nets.length === 0) return undefined;
  return nets.flatMap((text) => {
    const cidr = parseCidrOrIp(text);
    if (cidr === undefined) faults.push(`${name}: must be a CIDR: "${text}"`);
    return cidr === undefined ? [] : [maskCidr(cidr)];
  });
}

interface ReadPorts {
  readonly ranges: readonly PortRange[];
  readonly names: readonly string[];
}

/** `undefined` for a list that is absent or empty. Numbers need a protocol with ports; names may also stand without a protocol. */
function readPorts(name: string, ports: readonly Port[] | undefined, context: SideContext): ReadPorts | undefined {
  if (ports === undefined || ports.length === 0) return undefined;
  const ranges: PortRange[] = [];
  const names: string[] = [];
  for (const text of ports) {
    const entry = parsePort(text);
    if (entry === undefined) context.faults.push(`${name}: must be a port, a range or a port's name: "${text}"`);
    else if (entry.kind === "range") ranges.push(entry.range);
    else names.push(entry.name);
  }
  const { protocol } = context;
  const needsProtocol = ranges.length > 0 || protocol !== undefined;
  if (needsProtocol && !protocolHasPorts(protocol ?? 0)) {
    context.faults.push(`${name}: protocol must be TCP, UDP or SCTP: ${protocol ?? "any"}`);
  }
  return { ranges: mergePortRanges(ranges), names: [...new Set(names)].sort() };
}

function commentOf(rule: Rule): string | undefined {
  const entries = Object.entries(rule.metadata?.annotations ?? {});
  return entries.length === 0 ? undefined : entries.map(([key, value]) => `${key}=${value}`).sort().join(", ");
}

function ids(sets: readonly SetDefinition[]): readonly string[] {
  return sets.map((set) => set.id);
}

/** Canonical texts without duplicates, in the order written. */
function texts(nets: readonly Cidr[]): readonly string[] {
  return [...new Set(nets.map(formatCidr))];
}
