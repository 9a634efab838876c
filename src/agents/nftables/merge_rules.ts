/**
 * Makes one rule of several that say the same of different ports or networks. Before rendering: one rule of Kubernetes becomes a rule of the IR for each of its
 * peers and ports, and the kernel asks them one after the other unless they share a set.
 *
 * Only neighbours of one id and one action are merged, so that whatever a packet matches still tells which rule of the user's it was.
 *
 * @module
 */
import { type Cidr, cidrContainsCidr, cidrOverlaps, formatCidr, maskCidr, parseCidrOrIp } from "#/base/cidr.ts";
import { ipBits } from "#/base/ip.ts";
import { ANY, type RuleIr, type SideIr } from "#/policy/ir.ts";

/** One list of a rule, and what becomes of two. */
interface MergeableList {
  /** The rule without the list: rules are merged where these are equal. `undefined` where there is no list to merge. */
  readonly rest: (rule: RuleIr) => RuleIr | undefined;
  readonly merge: (one: RuleIr, other: RuleIr) => RuleIr;
}

type End = "source" | "destination";

function withSide(rule: RuleIr, end: End, change: Partial<SideIr>): RuleIr {
  return { ...rule, [end]: { ...rule[end], ...change } };
}

/** Numbers and names of ports are one list: either may match. */
function portsOf(end: End): MergeableList {
  return {
    rest: (rule) => rule[end].ports === ANY ? undefined : withSide(rule, end, { ports: [], portSets: [] }),
    merge: (one, other) =>
      withSide(one, end, {
        ports: joined(one[end].ports, other[end].ports),
        portSets: [...new Set([...one[end].portSets, ...other[end].portSets])],
      }),
  };
}

function netsOf(end: End): MergeableList {
  return {
    rest: (rule) => rule[end].nets === ANY ? undefined : withSide(rule, end, { nets: [] }),
    merge: (one, other) => withSide(one, end, { nets: joined(one[end].nets, other[end].nets) }),
  };
}

function joined<T>(one: typeof ANY | readonly T[], other: typeof ANY | readonly T[]): typeof ANY | readonly T[] {
  return one === ANY || other === ANY ? ANY : [...one, ...other];
}

/** Ports first: peers of one rule of Kubernetes have the same ports, and then differ in their networks alone. */
const LISTS: readonly MergeableList[] = [
  portsOf("destination"),
  portsOf("source"),
  netsOf("source"),
  netsOf("destination"),
];

/** Most networks that those of a rule may become without the excluded ones. */
const PIECES_MAX = 64;

/** The rule with what is left of its networks instead of those that it excludes, so that they can be merged; the rule itself where that would be many. */
function withoutHoles(rule: RuleIr, end: End): RuleIr {
  const { nets, notNets } = rule[end];
  if (nets === ANY || notNets.length === 0 || rule.unreadable !== undefined) return rule;
  const holes = cidrsOf(notNets);
  let pieces = cidrsOf(nets);
  for (const hole of holes) {
    pieces = pieces.flatMap((piece) => piecesWithout(piece, hole));
    if (pieces.length > PIECES_MAX) return rule;
  }
  return withSide(rule, end, { nets: pieces.map(formatCidr), notNets: [] });
}

function cidrsOf(nets: readonly string[]): readonly Cidr[] {
  return nets.map(parseCidrOrIp).filter((cidr) => cidr !== undefined).map(maskCidr);
}

/** Halves of a network, and halves of those, until none holds a part of the hole. */
function piecesWithout(cidr: Cidr, hole: Cidr): readonly Cidr[] {
  if (!cidrOverlaps(cidr, hole)) return [cidr];
  if (cidrContainsCidr(hole, cidr)) return [];
  const prefixLength = cidr.prefixLength + 1;
  const half = 1n << BigInt(ipBits(cidr.version) - prefixLength);
  return [cidr.address, cidr.address + half].flatMap((address) =>
    piecesWithout({ version: cidr.version, address, prefixLength }, hole)
  );
}

/**
 * The rules, fewer of them, with the same meaning.
 *
 * Rules of one id and action that stand together match what any of them matches, in whatever order, so that those among them which differ in one list become
 * one rule with both lists. Lists that are "any" are left alone, and so are rules that could not be read.
 *
 * @example
 * ```ts
 * import { ANY, ANY_SIDE } from "#/policy/ir.ts";
 * import { mergeRules } from "#/agents/nftables/merge_rules.ts";
 * const rule = { id: "1/i/0", action: "allow", ipVersion: ANY, protocol: 6, notProtocol: undefined, icmp: ANY, notIcmp: undefined,
 *   source: ANY_SIDE, destination: ANY_SIDE } as const;
 * const at = (port: number) => ({ ...rule, destination: { ...ANY_SIDE, ports: [{ min: port, max: port }] } });
 * const merged = mergeRules([at(80), at(443)]);
 * if (merged.length !== 1 || merged[0]?.destination.ports.length !== 2) throw new Error();
 * ```
 */
export function mergeRules(rules: readonly RuleIr[]): readonly RuleIr[] {
  const runs: RuleIr[][] = [];
  for (const rule of rules) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && last.id === rule.id && last.action === rule.action) run.push(rule);
    else runs.push([rule]);
  }
  return runs.flatMap((run) => run.length === 1 ? run : mergeRun(run));
}

function mergeRun(run: readonly RuleIr[]): readonly RuleIr[] {
  const whole = run.map((rule) => withoutHoles(withoutHoles(rule, "source"), "destination"));
  return LISTS.reduce<readonly RuleIr[]>((left, list) => mergeBy(left, list), whole);
}

function mergeBy(rules: readonly RuleIr[], { rest, merge }: MergeableList): readonly RuleIr[] {
  const merged = new Map<string, RuleIr>();
  for (const [at, rule] of rules.entries()) {
    const without = rule.unreadable === undefined ? rest(rule) : undefined;
    const key = without === undefined ? `${at}` : JSON.stringify(without);
    const before = merged.get(key);
    merged.set(key, before === undefined ? rule : merge(before, rule));
  }
  return [...merged.values()];
}
