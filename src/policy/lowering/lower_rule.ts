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
import {
  ANY,
  ANY_SIDE,
  type Direction,
  type IcmpMatch,
  type RuleAction,
  type RuleIr,
  type SideIr,
} from "#/policy/ir.ts";
import { entityScope } from "#/policy/lowering/scope.ts";
import { namedPortSet, selectorSet, serviceSet, type SetDefinition } from "#/policy/lowering/set_definition.ts";
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
 * @param direction of the rule: Services may stand only on the side that is not the endpoint's. Absent, they may stand on either
 *
 * @example
 * ```ts
 * import { lowerRule } from "#/policy/lowering/lower_rule.ts";
 * const { rule } = lowerRule({ action: "Allow", protocol: "TCP", destination: { ports: [80, "81:90"] } }, "7/i/0", "shop");
 * if (rule.protocol !== 6 || JSON.stringify(rule.destination.ports) !== '[{"min":80,"max":90}]') throw new Error();
 * ```
 */
export function lowerRule(rule: Rule, id: string, namespace: string, direction?: Direction): LoweredRule {
  const faults: string[] = [];
  const action = ACTIONS.get(rule.action);
  if (action === undefined) faults.push(`action: must be Allow, Deny, Pass or Log: "${rule.action}"`);
  const protocol = readProtocol("protocol", rule.protocol, faults);
  const notProtocol = readProtocol("notProtocol", rule.notProtocol, faults);
  const icmp = readIcmp("icmp", rule.icmp, protocol, faults);
  const notIcmp = readIcmp("notICMP", rule.notICMP, protocol, faults);
  const source = lowerSide("source", rule.source ?? {}, { namespace, protocol, faults, direction });
  const destination = lowerSide("destination", rule.destination ?? {}, { namespace, protocol, faults, direction });
  const comment = commentOf(rule);
  const shared = { id, action: action ?? "deny", ...(comment === undefined ? {} : { comment }) } as const;
  if (faults.length > 0) return unreadable(shared, faults.join("; "));
  const families = pinnedFamilies(rule, [...source.families, ...destination.families]);
  // Written out rather than spread: there are many rules, and an object that grows takes twice the memory.
  const lowered: RuleIr = {
    id,
    action: shared.action,
    ipVersion: families.length === 1 ? families[0]! : ANY,
    protocol: protocol ?? ANY,
    notProtocol,
    icmp: icmp ?? ANY,
    notIcmp,
    source: families.length === 0 ? NOTHING_SIDE : source.side,
    destination: destination.side,
  };
  return {
    rule: comment === undefined ? lowered : { ...lowered, comment },
    sets: [...source.sets, ...destination.sets],
  };
}

/**
 * The rule that stands for one that cannot be read.
 *
 * @param head the rule's id and the action as the user wrote it; an unknown one denies
 * @param message the field and what it must be
 *
 * @example
 * ```ts
 * import { lowerUnreadable } from "#/policy/lowering/lower_rule.ts";
 * const { rule } = lowerUnreadable({ id: "7/i/0", action: "Allow" }, "from: must be readable");
 * if (rule.source.nets.length !== 0 || rule.unreadable === undefined) throw new Error();
 * ```
 */
export function lowerUnreadable(
  head: { readonly id: string; readonly action: string },
  message: string,
): LoweredRule {
  return unreadable({ id: head.id, action: ACTIONS.get(head.action) ?? "deny" }, message);
}

function unreadable(shared: Pick<RuleIr, "id" | "action" | "comment">, message: string): LoweredRule {
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
      unreadable: message,
    },
    sets: [],
  };
}

/** What lowering one side needs to know of the rest of the rule. */
interface SideContext {
  readonly namespace: string;
  readonly protocol: number | undefined;
  readonly direction: Direction | undefined;
  /** Grows by what cannot be read. */
  readonly faults: string[];
}

interface LoweredSide {
  readonly side: SideIr;
  readonly sets: readonly SetDefinition[];
  /** For each net list that is present, the families in it. */
  readonly families: readonly (readonly IpVersion[])[];
}

const ANYTHING: LoweredSide = { side: ANY_SIDE, sets: [], families: [] };
const NO_TEXTS: readonly string[] = [];

function lowerSide(name: "source" | "destination", entity: EntityRule, context: SideContext): LoweredSide {
  // One object for all sides of which nothing is asked: they are half of a large cluster's rules.
  if (Object.keys(entity).length === 0) return ANYTHING;
  const { faults } = context;
  const scope = entityScope(entity, context.namespace);
  const positive = scope.kind === "read" ? scope.positive : undefined;
  const negative = scope.kind === "read" ? scope.negative : undefined;
  if (scope.kind === "unreadable") faults.push(`${name}.${scope.message}`);
  const service = readService(name, entity, context);
  const nets = readNets(`${name}.nets`, entity.nets, faults);
  const notNets = readNets(`${name}.notNets`, entity.notNets, faults);
  const ports = readPorts(`${name}.ports`, entity.ports, context);
  const notPorts = readPorts(`${name}.notPorts`, entity.notPorts, context);
  const protocol = context.protocol ?? "any";
  const toSets = (names: readonly string[]) =>
    names.map((port) => namedPortSet(positive ?? ALL, { name: port, protocol }));
  const portSets = service?.type === "ipPort" ? [service] : toSets(ports?.names ?? []);
  const notPortSets = toSets(notPorts?.names ?? []);
  // Sets of named ports hold only addresses that match the selector, so that alone they ask for it too.
  const isCovered = ports !== undefined && ports.ranges.length === 0;
  const sets = service?.type === "net" ? [service] : positive === undefined || isCovered ? [] : [selectorSet(positive)];
  const notSets = negative === undefined ? [] : [selectorSet(negative)];
  const side: SideIr = {
    sets: ids(sets),
    notSets: ids(notSets),
    nets: nets === undefined ? ANY : texts(nets),
    notNets: notNets === undefined ? NO_TEXTS : texts(notNets),
    ports: ports === undefined ? service?.type === "ipPort" ? [] : ANY : ports.ranges,
    portSets: ids(portSets),
    notPorts: notPorts?.ranges ?? ANY_SIDE.notPorts,
    notPortSets: ids(notPortSets),
  };
  const families = [nets, notNets].flatMap((list) => list === undefined ? [] : [list.map((net) => net.version)]);
  return { side, sets: [...sets, ...notSets, ...portSets, ...notPortSets], families };
}

/** Members that a side with Services must not have. */
const NOT_WITH_SERVICES = [
  "selector",
  "notSelector",
  "namespaceSelector",
  "serviceAccounts",
  "nets",
  "notNets",
] as const;

/** The set of a Service's endpoints: with their ports where traffic goes to, addresses alone where it comes from. */
function readService(
  name: "source" | "destination",
  entity: EntityRule,
  context: SideContext,
): SetDefinition | undefined {
  const { services } = entity;
  if (services === undefined || (services.name === undefined && services.namespace === undefined)) return undefined;
  const { faults, direction } = context;
  if (direction === (name === "source" ? "egress" : "ingress")) {
    faults.push(`${name}.services: must be the source of ingress or the destination of egress`);
  }
  const namespace = services.namespace === undefined || services.namespace === ""
    ? context.namespace
    : services.namespace;
  if (services.name === undefined || services.name === "") faults.push(`${name}.services.name: must not be empty`);
  if (namespace === "") faults.push(`${name}.services.namespace: must not be empty in a global policy`);
  const refused = name === "destination" ? [...NOT_WITH_SERVICES, "ports", "notPorts"] as const : NOT_WITH_SERVICES;
  for (const member of refused) {
    if (isGiven(entity[member])) faults.push(`${name}.services: must not stand with ${member}`);
  }
  return serviceSet(`${namespace}/${services.name}`, name === "destination" ? "ipPort" : "net");
}

function isGiven(member: EntityRule[keyof EntityRule]): boolean {
  return Array.isArray(member) ? member.length > 0 : member !== undefined && member !== "";
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
  return sets.length === 0 ? NO_TEXTS : sets.map((set) => set.id);
}

/** Canonical texts without duplicates, in the order written. */
function texts(nets: readonly Cidr[]): readonly string[] {
  return [...new Set(nets.map(formatCidr))];
}
