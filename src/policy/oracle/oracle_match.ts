/**
 * The oracle's reading of Calico's selectors and rules: whether a policy selects an endpoint, whether a rule matches a packet. Part of the definition
 * of semantics; called by `oracle.ts` alone. Label prefixes, `all()` and `global()` are answered while matching, not rewritten first.
 *
 * @module
 */
import { type Cidr, cidrContains, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp, type Ip } from "#/base/ip.ts";
import { parsePort, portInRanges } from "#/base/port_range.ts";
import { canonicalProtocolName, parseProtocol, protocolHasPorts } from "#/base/protocol.ts";
import { containsGlobal, type LabelLookup, matchSelector, type Selector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import type { Direction } from "#/policy/ir.ts";
import type { Packet } from "#/policy/packet.ts";
import { type Holder, holdersAt, type NamedPort, type PolicyWorld } from "#/policy/oracle/world.ts";
import type {
  EntityRule,
  ICMPFields,
  PolicySpec,
  Port,
  Protocol,
  Rule,
  ServiceMatch,
} from "#/resources/kinds/policy_spec.ts";

/** What a rule is matched against. */
export interface RuleContext {
  readonly world: PolicyWorld;
  readonly packet: Packet;
  /** Of the policy that has the rule; empty for a global one and for profiles. */
  readonly namespace: string;
  /** Which of the policy's two lists has the rule. */
  readonly direction: Direction;
}

/** What could not be read on the way. One entry makes the whole rule, or the whole subject, unreadable. */
export type Faults = string[];

/** The selectors of one end of a rule; `undefined` where there is none. */
interface EntitySelectors {
  readonly own: Selector | undefined;
  readonly negated: Selector | undefined;
  /** Over the labels of the namespace. */
  readonly place: Selector | undefined;
  /** Over the labels of the service account. */
  readonly account: Selector | undefined;
}

/** Label of everything that has a namespace. */
export const NAMESPACE = "projectcalico.org/namespace";
const SERVICE_ACCOUNT = "projectcalico.org/serviceaccount";

/**
 * Whether a policy selects an endpoint with these labels.
 *
 * A namespaced policy selects in its namespace only. In a global one `all()` covers host endpoints, unless a namespace selector is given: then it asks for a
 * namespace; or, without one, a service-account selector: then it asks for an account. When a selector cannot be read, the policy covers its
 * namespace, or everything that has a namespace.
 */
export function selects(world: PolicyWorld, spec: PolicySpec, namespace: string, labels: LabelLookup): boolean {
  const isGlobal = namespace === "";
  if (!isGlobal && labels(NAMESPACE) !== namespace) return false;
  const faults: Faults = [];
  const own = readSelector(world, spec.selector, faults);
  const place = isGlobal ? readSelector(world, spec.namespaceSelector, faults) : undefined;
  const account = readSelector(world, spec.serviceAccountSelector, faults);
  const hasNamespace = labels(NAMESPACE) !== undefined;
  const hasAccount = labels(SERVICE_ACCOUNT) !== undefined;
  if (faults.length > 0) return hasNamespace;
  const allOfOwn = place !== undefined ? hasNamespace : !isGlobal || account === undefined || hasAccount;
  return holds(own, labels, allOfOwn) &&
    holds(place, prefixed(labels, "pcns."), hasNamespace) &&
    holds(account, prefixed(labels, "pcsa."), !isGlobal || hasAccount);
}

/**
 * Whether a rule matches a packet: all of its conditions hold.
 *
 * A rule with a condition that cannot be read never matches when it allows, passes or logs, and always when it denies. Every condition is therefore
 * read, even after one that fails. An action that is none counts as a deny.
 */
export function ruleMatches(rule: Rule, context: RuleContext): boolean {
  const { packet } = context;
  const faults: Faults = [];
  const version = packet.source.version;
  const protocolName = typeof rule.protocol === "string" ? canonicalProtocolName(rule.protocol) : undefined;
  const conditions = [
    rule.ipVersion === undefined || rule.ipVersion === version,
    rule.protocol === undefined || isProtocol(rule.protocol, packet, faults),
    // A protocol's name, unlike its number, exists in one family only.
    protocolName !== "ICMP" || version === 4,
    protocolName !== "ICMPv6" || version === 6,
    rule.notProtocol === undefined || !isProtocol(rule.notProtocol, packet, faults),
    !isGiven(rule.icmp) || isIcmp(rule.icmp, rule, packet, faults),
    !isGiven(rule.notICMP) || !isIcmp(rule.notICMP, rule, packet, faults),
    sideMatches({ ...context, rule, end: "source", address: packet.source, port: packet.sourcePort }, faults),
    sideMatches(
      { ...context, rule, end: "destination", address: packet.destination, port: packet.destinationPort },
      faults,
    ),
  ];
  const isKnown = ["Allow", "Deny", "Pass", "Log"].includes(rule.action);
  if (!isKnown || faults.length > 0) return !isKnown || rule.action === "Deny";
  return conditions.every((condition) => condition);
}

/** One end of a packet, and the rule it is matched with. */
interface Side extends RuleContext {
  readonly rule: Rule;
  readonly end: "source" | "destination";
  readonly address: Ip;
  readonly port: number | undefined;
}

/** One end of a rule: networks, labels of what holds the address, ports, and services. */
function sideMatches(side: Side, faults: Faults): boolean {
  const { world, address } = side;
  const entity: EntityRule = side.rule[side.end] ?? {};
  const selectors: EntitySelectors = {
    own: readSelector(world, entity.selector, faults),
    negated: readSelector(world, entity.notSelector, faults),
    place: readSelector(world, entity.namespaceSelector, faults, "may be global()"),
    account: readSelector(world, entity.serviceAccounts?.selector, faults),
  };
  const everyone = holdersAt(world, address);
  const isLabelled = asksForLabels(entity, side.namespace);
  const among = everyone.filter((holder) => isAmong(entity, selectors, holder, isLabelled ? side.namespace : ""));
  // Alone in a global policy, a negated selector excludes what matches it and nothing else: addresses that nobody holds pass.
  const isExcluded = !isLabelled && selectors.negated !== undefined && among.length < everyone.length;
  const conditions = [
    isLabelled ? among.length > 0 : !isExcluded,
    !isListed(entity.nets) || inNets(entity.nets, side, faults).inside,
    !isListed(entity.notNets) || inNets(entity.notNets, side, faults).outside,
    !isListed(entity.ports) || onPorts(entity.ports, side, among, faults),
    !isListed(entity.notPorts) || !onPorts(entity.notPorts, side, among, faults),
    !isGiven(entity.services) || isOfService(entity.services, side, faults),
  ];
  return conditions.every((condition) => condition);
}

/** Whether the address must be somebody's: with any selector but, in a global policy, a negated one alone. Nets and ports do not ask. */
function asksForLabels(entity: EntityRule, namespace: string): boolean {
  const { serviceAccounts } = entity;
  return given(entity.selector) || given(entity.namespaceSelector) || given(serviceAccounts?.selector) ||
    isListed(serviceAccounts?.names) || (namespace !== "" && given(entity.notSelector));
}

/** Whether a holder is what the rule's end asks for. `namespace` is the only one meant, unless a namespace selector says otherwise. */
function isAmong(entity: EntityRule, selectors: EntitySelectors, holder: Holder, namespace: string): boolean {
  const { labels } = holder;
  const { own, negated, place, account } = selectors;
  const names = entity.serviceAccounts?.names;
  const hasNamespace = labels(NAMESPACE) !== undefined;
  const inPlace = place === undefined
    ? namespace === "" || labels(NAMESPACE) === namespace
    : holds(place, prefixed(labels, "pcns."), hasNamespace, !hasNamespace);
  return inPlace &&
    (!isListed(names) || names.some((name) => name === labels(SERVICE_ACCOUNT))) &&
    holds(account, prefixed(labels, "pcsa.")) &&
    holds(own, labels) &&
    (negated === undefined || !holds(negated, labels));
}

/**
 * Where a service is: as an egress rule's destination the addresses and ports of its endpoints, so what a connection has after the service's address was
 * replaced; as an ingress rule's source their addresses. Anywhere else, without a namespace, and beside anything but a source's ports, it cannot be read.
 */
function isOfService({ name, namespace }: ServiceMatch, side: Side, faults: Faults): boolean {
  const entity: EntityRule = side.rule[side.end] ?? {};
  const others = [entity.selector, entity.notSelector, entity.namespaceSelector].some(given) ||
    entity.serviceAccounts !== undefined || isListed(entity.nets) || isListed(entity.notNets);
  const isOnPorts = isListed<Port>(entity.ports) || isListed<Port>(entity.notPorts);
  if (others || (side.end === "destination" && isOnPorts)) faults.push("Services stand alone");
  const place = given(namespace) ? namespace : side.namespace;
  const isInPlace = side.end === (side.direction === "egress" ? "destination" : "source");
  if (!isInPlace || place === "" || !given(name)) faults.push("Services stand for the far end, and have a namespace");
  const service = side.world.services.get(`${place}/${name}`);
  const address = formatIp(side.address);
  if (side.end === "source") return service?.addresses.has(address) ?? false;
  return service?.ports.has(`${address},${side.packet.protocol},${side.port}`) ?? false;
}

/** The presence of a list pins the rule to the families in it: an address of another family is neither inside nor outside. */
function inNets(nets: readonly string[], side: Side, faults: Faults): { inside: boolean; outside: boolean } {
  const { address } = side;
  const cidrs = nets.flatMap((net) => readCidr(side.world, net, faults) ?? []);
  const inside = cidrs.some((cidr) => cidrContains(cidr, address));
  return { inside, outside: !inside && cidrs.some((cidr) => cidr.version === address.version) };
}

/** A number or range that holds the port, or a name that one of the holders gives to it. Numbers need a protocol with ports. */
function onPorts(ports: readonly Port[], side: Side, holders: readonly Holder[], faults: Faults): boolean {
  const { port } = side;
  const inRule = side.rule.protocol === undefined ? undefined : parseProtocol(side.rule.protocol);
  return ports.map((text) => {
    const entry = parsePort(text);
    const needsProtocol = entry?.kind === "range" || inRule !== undefined;
    if (entry === undefined || (needsProtocol && !protocolHasPorts(inRule ?? 0))) faults.push(`Port ${text}`);
    if (entry === undefined || port === undefined) return false;
    if (entry.kind === "range") return portInRanges(port, [entry.range]);
    return isNamed(entry.name, holders, { protocol: side.packet.protocol, port });
  }).some((isOn) => isOn);
}

/** Whether one of the holders gives the name to a port of a protocol. */
export function isNamed(name: string, holders: readonly Holder[], end: Omit<NamedPort, "name">): boolean {
  return holders.some(({ ports }) =>
    ports.some((one) => one.name === name && one.protocol === end.protocol && one.port === end.port)
  );
}

function isProtocol(protocol: Protocol, packet: Packet, faults: Faults): boolean {
  const number = parseProtocol(protocol);
  if (number === undefined) faults.push(`Protocol ${protocol}`);
  return number === packet.protocol;
}

/** Type and, when given, code. A code needs a type, and both need a rule for ICMP or ICMPv6. */
function isIcmp(icmp: ICMPFields, rule: Rule, packet: Packet, faults: Faults): boolean {
  const isForIcmp = rule.protocol !== undefined && [1, 58].includes(parseProtocol(rule.protocol) ?? 0);
  if (icmp.type === undefined || !isForIcmp) faults.push("ICMP without protocol or type");
  return packet.icmp !== undefined && packet.icmp.type === icmp.type &&
    (icmp.code === undefined || packet.icmp.code === icmp.code);
}

/** Reads a network or address. */
export function readCidr({ memo }: PolicyWorld, text: string, faults: Faults): Cidr | undefined {
  if (!memo.cidrs.has(text)) memo.cidrs.set(text, parseCidrOrIp(text));
  const cidr = memo.cidrs.get(text);
  if (cidr === undefined) faults.push(`Networks must parse: ${text}`);
  return cidr;
}

/** Reads a selector; `undefined` where none is given. Only a rule's namespace selector may be `global()`, and then alone. */
function readSelector(
  { memo }: PolicyWorld,
  text: string | undefined,
  faults: Faults,
  global?: "may be global()",
): Selector | undefined {
  if (text === undefined || text === "") return undefined;
  const parsed = memo.selectors.get(text) ?? parseSelector(text);
  memo.selectors.set(text, parsed);
  if (parsed.kind === "invalid") {
    faults.push(parsed.message);
    return undefined;
  }
  const isGlobalAlone = global !== undefined && parsed.selector.kind === "global";
  if (containsGlobal(parsed.selector) && !isGlobalAlone) faults.push(text);
  return parsed.selector;
}

/** Whether labels meet a selector, where there is one. `all` and `global` are what the two words answer. */
function holds(selector: Selector | undefined, labels: LabelLookup, all = true, global = true): boolean {
  return selector === undefined || matchSelector(selector, labels, { all, global });
}

/** The labels of a namespace (`pcns.`) or service account (`pcsa.`), as its endpoints inherit them. */
export function prefixed(labels: LabelLookup, prefix: string): LabelLookup {
  return (key) => labels(prefix + key);
}

function given(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

/** An object that says something; `{}` does not. */
function isGiven<T extends object>(value: T | undefined): value is T {
  return value !== undefined && Object.values(value).some((member) => member !== undefined);
}

/** A list that says something; an empty one does not. */
export function isListed<T>(list: readonly T[] | undefined): list is readonly T[] {
  return list !== undefined && list.length > 0;
}
