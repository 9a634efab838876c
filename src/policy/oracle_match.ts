/**
 * The oracle's reading of selectors and rules: whether a policy selects an endpoint, whether a rule matches a packet. Part of the definition of
 * semantics; called by `oracle.ts` alone. Label prefixes, `all()` and `global()` are answered while matching, not rewritten first.
 *
 * @module
 */
import { cidrContains, parseCidrOrIp } from "#/base/cidr.ts";
import type { Ip } from "#/base/ip.ts";
import { parsePort, portInRanges } from "#/base/port_range.ts";
import { canonicalProtocolName, parseProtocol, protocolHasPorts } from "#/base/protocol.ts";
import { containsGlobal, type LabelLookup, matchSelector, type Selector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import type { Packet } from "#/policy/packet.ts";
import { effectiveLabels, endpointsAt, type NamedPort, networkSetsAt, type PolicyWorld } from "#/policy/world.ts";
import type { EntityRule, ICMPFields, PolicySpec, Port, Protocol, Rule } from "#/resources/kinds/policy_spec.ts";

/** What a rule is matched against. */
export interface RuleContext {
  readonly world: PolicyWorld;
  readonly packet: Packet;
  /** Of the policy that has the rule; empty for a global one. */
  readonly namespace: string;
}

/** What holds an address: an endpoint with its named ports, or a network set without any. */
interface Holder {
  readonly labels: LabelLookup;
  readonly ports: readonly NamedPort[];
}

/** What could not be read on the way. One entry makes the whole rule, or the whole subject, unreadable. */
type Faults = string[];

/** The selectors of one end of a rule; `undefined` where there is none. */
interface EntitySelectors {
  readonly own: Selector | undefined;
  readonly negated: Selector | undefined;
  /** Over the labels of the namespace. */
  readonly place: Selector | undefined;
  /** Over the labels of the service account. */
  readonly account: Selector | undefined;
}

const NAMESPACE = "projectcalico.org/namespace";
const SERVICE_ACCOUNT = "projectcalico.org/serviceaccount";

/**
 * Whether a policy selects an endpoint with these labels.
 *
 * A namespaced policy selects in its namespace only. In a global one `all()` covers host endpoints, unless a namespace selector is given: then it asks for a
 * namespace; or, without one, a service-account selector: then it asks for an account. When a selector cannot be read, the policy covers its
 * namespace, or everything that has a namespace.
 */
export function selects(spec: PolicySpec, namespace: string, labels: LabelLookup): boolean {
  const faults: Faults = [];
  const isGlobal = namespace === "";
  const own = readSelector(spec.selector, faults);
  const place = isGlobal ? readSelector(spec.namespaceSelector, faults) : undefined;
  const account = readSelector(spec.serviceAccountSelector, faults);
  const hasNamespace = labels(NAMESPACE) !== undefined;
  const hasAccount = labels(SERVICE_ACCOUNT) !== undefined;
  const isInScope = isGlobal || labels(NAMESPACE) === namespace;
  if (faults.length > 0) return isGlobal ? hasNamespace : isInScope;
  const allOfOwn = place !== undefined ? hasNamespace : !isGlobal || account === undefined || hasAccount;
  return isInScope &&
    holds(own, labels, allOfOwn) &&
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
  const protocolName = canonicalProtocolName(String(rule.protocol));
  const conditions = [
    rule.ipVersion === undefined || rule.ipVersion === version,
    rule.protocol === undefined || isProtocol(rule.protocol, packet, faults),
    // A protocol's name, unlike its number, exists in one family only.
    protocolName !== "ICMP" || version === 4,
    protocolName !== "ICMPv6" || version === 6,
    rule.notProtocol === undefined || !isProtocol(rule.notProtocol, packet, faults),
    !isGiven(rule.icmp) || isIcmp(rule.icmp, rule, packet, faults),
    !isGiven(rule.notICMP) || !isIcmp(rule.notICMP, rule, packet, faults),
    sideMatches(rule.source ?? {}, { ...context, rule, address: packet.source, port: packet.sourcePort }, faults),
    sideMatches(
      rule.destination ?? {},
      { ...context, rule, address: packet.destination, port: packet.destinationPort },
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
  readonly address: Ip;
  readonly port: number | undefined;
}

/** One end of a rule: networks, labels of what holds the address, and ports. */
function sideMatches(entity: EntityRule, side: Side, faults: Faults): boolean {
  const selectors: EntitySelectors = {
    own: readSelector(entity.selector, faults),
    negated: readSelector(entity.notSelector, faults),
    place: readSelector(entity.namespaceSelector, faults, "may be global()"),
    account: readSelector(entity.serviceAccounts?.selector, faults),
  };
  if (isGiven(entity.services)) faults.push("Services are not known");
  const everyone = holdersOf(side.world, side.address);
  const isLabelled = asksForLabels(entity, side.namespace);
  const among = everyone.filter((holder) => isAmong(entity, selectors, holder, isLabelled ? side.namespace : ""));
  // Alone in a global policy, a negated selector excludes what matches it and nothing else: addresses that nobody holds pass.
  const isExcluded = !isLabelled && selectors.negated !== undefined && among.length < everyone.length;
  const conditions = [
    isLabelled ? among.length > 0 : !isExcluded,
    !isListed(entity.nets) || inNets(entity.nets, side.address, faults).inside,
    !isListed(entity.notNets) || inNets(entity.notNets, side.address, faults).outside,
    !isListed(entity.ports) || onPorts(entity.ports, side, among, faults),
    !isListed(entity.notPorts) || !onPorts(entity.notPorts, side, among, faults),
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

function holdersOf(world: PolicyWorld, address: Ip): readonly Holder[] {
  return [
    ...endpointsAt(world, address).map((one) => ({ labels: effectiveLabels(world, one), ports: one.ports })),
    ...networkSetsAt(world, address).map((one) => ({ labels: effectiveLabels(world, one), ports: [] })),
  ];
}

/** The presence of a list pins the rule to the families in it: an address of another family is neither inside nor outside. */
function inNets(nets: readonly string[], address: Ip, faults: Faults): { inside: boolean; outside: boolean } {
  const cidrs = nets.flatMap((net) => parseCidrOrIp(net) ?? []);
  if (cidrs.length < nets.length) faults.push(`Networks must parse: ${nets}`);
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
    const isNamed = (one: NamedPort) =>
      one.name === entry.name && one.protocol === side.packet.protocol && one.port === port;
    return holders.some((holder) => holder.ports.some(isNamed));
  }).some((isOn) => isOn);
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

/** Reads a selector; `undefined` where none is given. Only a rule's namespace selector may be `global()`, and then alone. */
function readSelector(text: string | undefined, faults: Faults, global?: "may be global()"): Selector | undefined {
  if (text === undefined || text === "") return undefined;
  const parsed = parseSelector(text);
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

function prefixed(labels: LabelLookup, prefix: string): LabelLookup {
  return (key) => labels(prefix + key);
}

function given(text: string | undefined): boolean {
  return text !== undefined && text !== "";
}

/** An object that says something; `{}` does not. */
function isGiven<T extends object>(value: T | undefined): value is T {
  return value !== undefined && Object.values(value).some((member) => member !== undefined);
}

function isListed<T>(list: readonly T[] | undefined): list is readonly T[] {
  return list !== undefined && list.length > 0;
}
