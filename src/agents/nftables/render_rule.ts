/**
 * One IR rule as nftables rule texts. Part of back end 2 (nftables): the IR's meaning is defined by the oracle, this file only writes it down.
 *
 * nft ANDs the matches of a rule and has no OR across different kinds of match. A rule whose IR says "one of these" across kinds (numeric ports or named
 * ports, ICMP type or code) therefore becomes several rules with the same action, and a rule that looks at addresses becomes one per family.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import { parseCidrOrIp } from "#/base/cidr.ts";
import { mergePortRanges, PORT_MAX, type PortRange } from "#/base/port_range.ts";
import { protocolHasPorts, PROTOCOLS_WITH_PORTS } from "#/base/protocol.ts";
import { ANY, type IcmpMatch, type RuleIr, type SideIr } from "#/policy/ir.ts";
import { withoutCovered } from "./covered.ts";

/** How set ids become names of nft sets of one family; `undefined` for an unknown set, which holds nothing. */
export type SetNames = (id: string, version: 4 | 6) => string | undefined;

/** The family that a text is for; rules that do not look at addresses are written once for both. */
type Family = 4 | 6 | typeof ANY;

/** Alternatives of one condition: each is a text, empty for "always". No alternatives: never. */
type Alternatives = readonly string[];

const ALWAYS: Alternatives = [""];
const NEVER: Alternatives = [];
/** ICMP of IPv4 and of IPv6. Numbers do not pin a family: a packet of either may carry the other's. */
const ICMP = [{ word: "icmp", protocol: 1 }, { word: "icmpv6", protocol: 58 }] as const;

/**
 * The match parts of a rule: each element is the text of one nft rule's matches. Empty when the rule can never match.
 *
 * Whatever the IR says, nft accepts the text: one rule that it refused would keep all others out of the kernel.
 *
 * @example
 * ```ts
 * import { ANY, ANY_SIDE } from "#/policy/ir.ts";
 * import { renderMatches } from "#/agents/nftables/render_rule.ts";
 * const rule = { id: "1/i/0", action: "allow", ipVersion: ANY, protocol: 6, notProtocol: undefined, icmp: ANY, notIcmp: undefined,
 *   source: ANY_SIDE, destination: { ...ANY_SIDE, ports: [{ min: 80, max: 80 }] } } as const;
 * const [text] = renderMatches(rule, () => undefined);
 * if (text !== "meta l4proto 6 th dport 80") throw new Error(text);
 * ```
 */
export function renderMatches(rule: RuleIr, names: SetNames): string[] {
  if (rule.unreadable !== undefined) return rule.action === "deny" ? [...ALWAYS] : [];
  const families: readonly Family[] = rule.ipVersion === ANY && dependsOnFamily(rule) ? [4, 6] : [rule.ipVersion];
  return families.flatMap((family) =>
    protocolsOf(rule).flatMap((protocols) => renderCase(rule, { family, protocols, names }))
  );
}

function dependsOnFamily(rule: RuleIr): boolean {
  return [rule.source, rule.destination].some((side) =>
    side.sets.length > 0 || side.notSets.length > 0 || side.nets !== ANY || side.notNets.length > 0 ||
    side.portSets.length > 0 || side.notPortSets.length > 0
  );
}

function asksIcmp(rule: RuleIr): boolean {
  return rule.icmp !== ANY || rule.notIcmp !== undefined;
}

function asksPorts(rule: RuleIr): boolean {
  return [rule.source, rule.destination].some((side) =>
    side.ports !== ANY || side.notPorts.length > 0 || side.notPortSets.length > 0
  );
}

/** Protocols that have the same headers after that of IP. Headers are read only where they are: elsewhere the same bytes mean something else. */
interface Protocols {
  /** Tells them from all others. */
  readonly text: string;
  readonly hasPorts: boolean;
  readonly icmp: typeof ICMP[number] | undefined;
}

/** A rule of any protocol is written once for each kind of header that it looks at, and once for all other packets. */
function protocolsOf(rule: RuleIr): Protocols[] {
  const { protocol } = rule;
  if (protocol !== ANY) {
    const icmp = ICMP.find((one) => one.protocol === protocol);
    return [{ text: `meta l4proto ${protocol}`, hasPorts: protocolHasPorts(protocol), icmp }];
  }
  const ported = asksPorts(rule) ? PROTOCOLS_WITH_PORTS : [];
  const icmps = asksIcmp(rule) ? ICMP : [];
  const told = [...ported, ...icmps.map((icmp) => icmp.protocol)].map(String);
  return [
    ...ported.length === 0
      ? []
      : [{ text: `meta l4proto ${listText(ported.map(String))}`, hasPorts: true, icmp: undefined }],
    ...icmps.map((icmp) => ({ text: `meta l4proto ${icmp.protocol}`, hasPorts: false, icmp })),
    { text: told.length === 0 ? "" : `meta l4proto != ${listText(told)}`, hasPorts: false, icmp: undefined },
  ];
}

/** What a text is written for. */
interface Case {
  readonly family: Family;
  readonly protocols: Protocols;
  readonly names: SetNames;
}

function renderCase(rule: RuleIr, one: Case): readonly string[] {
  const { family, protocols } = one;
  const conditions: Alternatives[] = [
    family === ANY ? ALWAYS : [`meta nfproto ipv${family}`],
    [protocols.text],
    rule.notProtocol === undefined ? ALWAYS : [`meta l4proto != ${rule.notProtocol}`],
    ...renderSide(rule.source, "s", one),
    ...renderSide(rule.destination, "d", one),
    rule.icmp === ANY ? ALWAYS : icmpTexts(rule.icmp, protocols),
    rule.notIcmp === undefined ? ALWAYS : notIcmpTexts(rule.notIcmp, protocols),
  ];
  return conditions.reduce((texts, alternatives) =>
    texts.flatMap((text) => alternatives.map((more) => [text, more].filter((part) => part !== "").join(" ")))
  );
}

function renderSide(side: SideIr, letter: "s" | "d", { family, protocols, names }: Case): Alternatives[] {
  const address = `${family === 4 ? "ip" : "ip6"} ${letter}addr`;
  const named = (id: string): string | undefined => family === ANY ? undefined : names(id, family);
  const inSet = (key: string, operator: string, id: string): string[] => {
    const name = named(id);
    return name === undefined ? [] : [`${key} ${operator}@${name}`];
  };
  const port = `th ${letter}port`;
  const addressPort = `${address} . meta l4proto . ${port}`;
  const { hasPorts } = protocols;
  return [
    ...side.sets.map((id) => inSet(address, "", id)),
    ...side.notSets.flatMap((id) => inSet(address, "!= ", id)).map((text) => [text]),
    side.nets === ANY || family === ANY ? ALWAYS : netTexts(side.nets, family, address),
    family === ANY ? ALWAYS : notNetTexts(side.notNets, family, address),
    side.ports === ANY
      ? ALWAYS
      : hasPorts
      ? [...portTexts(port, side.ports), ...side.portSets.flatMap((id) => inSet(addressPort, "", id))]
      : NEVER,
    ...hasPorts
      ? [...notPortTexts(port, side.notPorts), ...side.notPortSets.flatMap((id) => inSet(addressPort, "!= ", id))].map((
        text,
      ) => [text])
      : [],
  ];
}

function portTexts(port: string, ranges: readonly PortRange[]): string[] {
  const texts = mergePortRanges(ranges).map(rangeText);
  return texts.length === 0 ? [] : [`${port} ${listText(texts)}`];
}

/**
 * A single excluded port is written as all others: nft 1.0 makes one comparison of `th sport != 1 th dport != 2`, which then only excludes packets that have both.
 */
function notPortTexts(port: string, ranges: readonly PortRange[]): string[] {
  const merged = mergePortRanges(ranges);
  const [first] = merged;
  if (first === undefined) return [];
  if (merged.length > 1 || first.min !== first.max) return [`${port} != ${listText(merged.map(rangeText))}`];
  const others = [{ min: 0, max: first.min - 1 }, { min: first.max + 1, max: PORT_MAX }];
  return [`${port} ${listText(others.filter(({ min, max }) => min <= max).map(rangeText))}`];
}

function rangeText({ min, max }: PortRange): string {
  return min === max ? `${min}` : `${min}-${max}`;
}

function listText(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : `{ ${texts.join(", ")} }`;
}

function netTexts(nets: readonly string[], family: 4 | 6, address: string): Alternatives {
  const mine = netsOf(nets, family);
  if (mine.length === 0) return NEVER;
  return mine.some((net) => net.endsWith("/0")) ? ALWAYS : [`${address} ${listText(mine)}`];
}

function notNetTexts(nets: readonly string[], family: 4 | 6, address: string): Alternatives {
  const mine = netsOf(nets, family);
  if (mine.length === 0) return ALWAYS;
  return mine.some((net) => net.endsWith("/0")) ? NEVER : [`${address} != ${listText(mine)}`];
}

function netsOf(nets: readonly string[], family: 4 | 6): readonly string[] {
  return withoutCovered(nets.filter((net) => parseCidrOrIp(net)?.version === family));
}

function icmpTexts({ type, code }: IcmpMatch, { icmp }: Protocols): Alternatives {
  if (icmp === undefined) return NEVER;
  return [`${icmp.word} type ${type}${code === ANY ? "" : ` ${icmp.word} code ${code}`}`];
}

function notIcmpTexts({ type, code }: IcmpMatch, { icmp }: Protocols): Alternatives {
  if (icmp === undefined) return ALWAYS;
  const otherType = `${icmp.word} type != ${type}`;
  return code === ANY ? [otherType] : [otherType, `${icmp.word} type ${type} ${icmp.word} code != ${code}`];
}

/** Marks that carry a verdict up from a policy's chain to the endpoint's; the rest of the mark is left alone. */
export const MARK_ACCEPT = 0x10000;
/** Set by a Pass: the rest of the tier is skipped. */
export const MARK_PASS = 0x20000;

/** What a rule does, as text. A policy's chain returns its verdict in marks, because the chains that call it must go on. */
export function renderAction(rule: RuleIr): string {
  switch (rule.action) {
    case "allow":
      return `meta mark set meta mark | ${hex(MARK_ACCEPT)} return`;
    case "pass":
      return `meta mark set meta mark | ${hex(MARK_PASS)} return`;
    case "deny":
      return "drop";
    case "log":
      return `log prefix "calico-packet: "`;
    default:
      return assertNever(rule.action);
  }
}

/** A mark as nft prints it. */
export function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}
