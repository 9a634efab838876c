/**
 * One IR rule as nftables rule texts. Part of back end 2 (nftables): the IR's meaning is defined by the oracle, this file only writes it down.
 *
 * nft ANDs the matches of a rule and has no OR across different kinds of match. A rule whose IR says "one of these" across kinds (numeric ports or named
 * ports, ICMP type or code) therefore becomes several rules with the same action, and a rule that looks at addresses becomes one per family.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import { parseCidr } from "#/base/cidr.ts";
import { withoutCovered } from "./covered.ts";
import { ANY, type IcmpMatch, type PortRange, type RuleIr, type SideIr } from "#/policy/ir.ts";

/** How set ids become names of nft sets of one family. */
export type SetNames = (id: string, version: 4 | 6) => string;

const L4_NAMES: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };
const ICMP = 1;
const ICMPV6 = 58;

/**
 * The match parts of a rule: each element is the text of one nft rule's matches. Empty when the rule can never match.
 *
 * @example
 * ```ts
 * import { ANY, ANY_SIDE } from "#/policy/ir.ts";
 * import { renderMatches } from "#/agents/nftables/render_rule.ts";
 * const rule = { id: "1/i/0", action: "allow", ipVersion: ANY, protocol: 6, notProtocol: undefined, icmp: ANY, notIcmp: undefined,
 *   source: ANY_SIDE, destination: { ...ANY_SIDE, ports: [{ min: 80, max: 80 }] } } as const;
 * const [text] = renderMatches(rule, () => "unused");
 * if (text !== "meta l4proto 6 th dport 80") throw new Error(text);
 * ```
 */
export function renderMatches(rule: RuleIr, names: SetNames): string[] {
  if (rule.unreadable !== undefined) return rule.action === "deny" ? [""] : [];
  const versions: readonly (4 | 6 | typeof ANY)[] = looksAtAddresses(rule) && rule.ipVersion === ANY
    ? [4, 6]
    : [rule.ipVersion];
  return versions.flatMap((version) => renderFamily(rule, version, names));
}

function looksAtAddresses(rule: RuleIr): boolean {
  return [rule.source, rule.destination].some((side) =>
    side.sets.length > 0 || side.notSets.length > 0 || side.nets !== ANY || side.notNets.length > 0 ||
    side.portSets.length > 0 || side.notPortSets.length > 0
  );
}

/** Alternatives of one condition: each is a text, empty for "always". No alternatives: never. */
type Alternatives = readonly string[];

function renderFamily(rule: RuleIr, version: 4 | 6 | typeof ANY, names: SetNames): string[] {
  const conditions: Alternatives[] = [
    version === ANY ? [""] : [`meta nfproto ipv${version}`],
    rule.protocol === ANY ? [""] : [`meta l4proto ${rule.protocol}`],
    rule.notProtocol === undefined ? [""] : [`meta l4proto != ${rule.notProtocol}`],
    ...renderSide(rule, rule.source, "s", version, names),
    ...renderSide(rule, rule.destination, "d", version, names),
    rule.icmp === ANY ? [""] : [icmpText(rule, rule.icmp)],
    rule.notIcmp === undefined ? [""] : notIcmpTexts(rule, rule.notIcmp),
  ];
  return conditions.reduce<string[]>(
    (texts, alternatives) =>
      texts.flatMap((text) => alternatives.map((more) => [text, more].filter((part) => part !== "").join(" "))),
    [""],
  );
}

function renderSide(
  rule: RuleIr,
  side: SideIr,
  letter: "s" | "d",
  version: 4 | 6 | typeof ANY,
  names: SetNames,
): Alternatives[] {
  if (version === ANY) return [numericPorts(side.ports, letter, ""), numericPorts(notPortsOf(side), letter, "!= ")];
  const family = version === 4 ? "ip" : "ip6";
  const address = `${family} ${letter}addr`;
  const addressPort = `${address} . meta l4proto . th ${letter}port`;
  const ports = [
    ...numericPorts(side.ports, letter, ""),
    ...side.ports === ANY ? [] : side.portSets.map((id) => `${addressPort} @${names(id, version)}`),
  ];
  return [
    ...side.sets.map((id) => [`${address} @${names(id, version)}`]),
    ...side.notSets.map((id) => [`${address} != @${names(id, version)}`]),
    side.nets === ANY ? [""] : netTexts(side.nets, version, `${address} `),
    notNetTexts(side.notNets, version, address),
    side.ports === ANY ? [""] : withL4(rule, ports),
    numericPorts(notPortsOf(side), letter, "!= "),
    ...side.notPortSets.map((id) => [`${addressPort} != @${names(id, version)}`]),
  ];
}

/** Port matches on a rule without a protocol read transport headers of any kind: only those that have ports may be asked. */
function withL4(rule: RuleIr, texts: readonly string[]): readonly string[] {
  const guarded = rule.protocol !== ANY && L4_NAMES[rule.protocol] !== undefined;
  return guarded ? texts : texts.map((text) => `meta l4proto { 6, 17, 132 } ${text}`);
}

function notPortsOf(side: SideIr): readonly PortRange[] | typeof ANY {
  return side.notPorts.length === 0 ? ANY : side.notPorts;
}

function numericPorts(ports: readonly PortRange[] | typeof ANY, letter: "s" | "d", operator: string): Alternatives {
  if (ports === ANY) return [""];
  if (ports.length === 0) return [];
  const texts = ports.map(({ min, max }) => min === max ? `${min}` : `${min}-${max}`);
  return [`th ${letter}port ${operator}${texts.length === 1 ? texts[0] : `{ ${texts.join(", ")} }`}`];
}

function netTexts(nets: readonly string[], version: 4 | 6, head: string): Alternatives {
  const mine = nets.filter((net) => parseCidr(net)?.version === version);
  if (mine.length === 0) return [];
  if (mine.some((net) => net.endsWith("/0"))) return [""];
  return [`${head}${mine.length === 1 ? mine[0] : `{ ${withoutCovered(mine).join(", ")} }`}`];
}

function notNetTexts(nets: readonly string[], version: 4 | 6, address: string): Alternatives {
  const mine = nets.filter((net) => parseCidr(net)?.version === version);
  if (mine.length === 0) return [""];
  if (mine.some((net) => net.endsWith("/0"))) return [];
  return [`${address} != ${mine.length === 1 ? mine[0] : `{ ${withoutCovered(mine).join(", ")} }`}`];
}

function icmpKeyword(rule: RuleIr): "icmp" | "icmpv6" {
  return rule.protocol === ICMPV6 || rule.protocol !== ICMP && rule.ipVersion === 6 ? "icmpv6" : "icmp";
}

function icmpText(rule: RuleIr, { type, code }: IcmpMatch): string {
  const word = icmpKeyword(rule);
  return `${word} type ${type}${code === ANY ? "" : ` ${word} code ${code}`}`;
}

function notIcmpTexts(rule: RuleIr, { type, code }: IcmpMatch): Alternatives {
  const word = icmpKeyword(rule);
  const otherType = `${word} type != ${type}`;
  return code === ANY ? [otherType] : [otherType, `${word} type ${type} ${word} code != ${code}`];
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
