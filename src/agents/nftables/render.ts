/**
 * The node state as an nftables table: the whole desired ruleset of a node, a pure function. Back end 2 of the policy IR; `plan.ts` compares the result
 * with the kernel.
 *
 * A packet through the node meets `forward`: established traffic passes, then the sender's egress chain, then the receiver's ingress chain, each reached through a
 * verdict map on the interface's name. An interface without an entry is closed in both directions: that is how a new pod is shut until its policy is in place.
 * docs/design/dataplane.md draws it.
 *
 * @module
 */
import { parseCidr } from "#/base/cidr.ts";
import { parseIp } from "#/base/ip.ts";
import { PORT_MAX } from "#/base/port_range.ts";
import { parseProtocol } from "#/base/protocol.ts";
import { type ChainIr, type Direction, type PolicyIr, policyKey, type RuleIr } from "#/policy/ir.ts";
import {
  type EndpointItem,
  nodeItemKey,
  type NodeState,
  type PolicyItem,
  type PoolItem,
  type ProfileItem,
  type SetItem,
} from "#/projections/node_state.ts";
import { withoutCovered } from "./covered.ts";
import { mergeRules } from "./merge_rules.ts";
import { hex, MARK_ACCEPT, MARK_PASS, renderAction, renderMatches, type SetNames } from "./render_rule.ts";
import { type ChainText, type DispatchMap, objectName, type Ruleset, type RuleText, type SetText } from "./ruleset.ts";

/** Interfaces of workloads begin with this. */
const WORKLOAD_INTERFACES = `"cali*"`;

/** Verdict map from a workload's interface to the chain of what it sends. */
export const MAP_FROM_WORKLOAD = "from-workload-dispatch";
/** Verdict map from a workload's interface to the chain of what it gets. */
export const MAP_TO_WORKLOAD = "to-workload-dispatch";

/** The ruleset that a node in this state must have. */
export function renderRuleset(state: NodeState): Ruleset {
  const items = [...state.values()];
  const sets = new Map(items.filter((item) => item.kind === "set").flatMap(renderSet).map((set) => [set.name, set]));
  const pools = items.filter((item) => item.kind === "pool");
  for (const set of poolSets(pools)) sets.set(set.name, set);
  const names = setNames(new Map(items.filter((item) => item.kind === "set").map((item) => [item.id, item])));
  const endpoints = items.filter((item) => item.kind === "endpoint")
    .sort((a, b) => a.id < b.id ? -1 : 1);
  const chains = [
    ...baseChains(),
    ...items.filter((item) => item.kind === "policy" || item.kind === "profile")
      .flatMap((item) => policyChains(item, names)),
    ...endpoints.flatMap((endpoint) => endpointChains(endpoint, state)),
  ];
  return {
    chains: new Map(chains.map((chain) => [chain.name, chain])),
    sets,
    maps: new Map(
      [dispatch(MAP_FROM_WORKLOAD, endpoints, "fw"), dispatch(MAP_TO_WORKLOAD, endpoints, "tw")].map((
        map,
      ) => [map.name, map]),
    ),
  };
}

function dispatch(name: string, endpoints: readonly EndpointItem[], prefix: "fw" | "tw"): DispatchMap {
  return {
    name,
    targets: new Map(endpoints.map(({ interfaceName }) => [interfaceName, `${prefix}-${interfaceName}`])),
  };
}

function rule(matches: string, action: string, label: string): RuleText {
  return { matches, action, label };
}

const ESTABLISHED = rule("ct state established,related", "accept", "established");
const INVALID = rule(`iifname ${WORKLOAD_INTERFACES} ct state invalid`, "drop", "invalid");
/** Neighbour and multicast listener messages that IPv6 cannot work without (RFC 4890). */
const ICMPV6_NEEDED = rule(
  `iifname ${WORKLOAD_INTERFACES} icmpv6 type { 130, 131, 132, 133, 135, 136 }`,
  "accept",
  "icmpv6-needed",
);

/** Sources that must be routed back to where they come from. Link-local ones, and none at all, are how IPv6 finds neighbours; they are never forwarded. */
const SPOOFED = ["meta nfproto ipv4", "meta nfproto ipv6 ip6 saddr != { ::, fe80::/10 }"];

function baseChains(): ChainText[] {
  return [
    {
      name: "prerouting",
      item: undefined,
      base: { type: "filter", hook: "prerouting", priority: -300, policy: "accept" },
      rules: SPOOFED.map((source) =>
        rule(`iifname ${WORKLOAD_INTERFACES} ${source} fib saddr . iif oif 0`, "drop", "spoofed-source")
      ),
    },
    {
      name: "forward",
      item: undefined,
      base: { type: "filter", hook: "forward", priority: 0, policy: "accept" },
      rules: [
        ESTABLISHED,
        INVALID,
        rule(`iifname ${WORKLOAD_INTERFACES}`, "jump from-workload", "egress"),
        rule(`oifname ${WORKLOAD_INTERFACES}`, "jump to-workload", "ingress"),
      ],
    },
    {
      name: "input",
      item: undefined,
      base: { type: "filter", hook: "input", priority: 0, policy: "accept" },
      rules: [
        ESTABLISHED,
        INVALID,
        ICMPV6_NEEDED,
        rule(`iifname ${WORKLOAD_INTERFACES}`, "jump from-workload", "egress"),
        rule(`iifname ${WORKLOAD_INTERFACES}`, "drop", "endpoint-to-host"),
      ],
    },
    {
      name: "postrouting",
      item: undefined,
      base: { type: "nat", hook: "postrouting", priority: 100, policy: "accept" },
      rules: [4, 6].map((version) =>
        rule(
          `${version === 4 ? "ip" : "ip6"} saddr @nat-pools-${version} ${
            version === 4 ? "ip" : "ip6"
          } daddr != @all-pools-${version}`,
          "masquerade",
          "nat-outgoing",
        )
      ),
    },
    workloadChain("from-workload", `iifname vmap @${MAP_FROM_WORKLOAD}`),
    workloadChain("to-workload", `oifname vmap @${MAP_TO_WORKLOAD}`),
  ];
}

/** The map's targets are reached by goto, so that an endpoint's return goes on in the base chain and only unknown interfaces get to the drop. */
function workloadChain(name: string, lookup: string): ChainText {
  return {
    name,
    base: undefined,
    item: undefined,
    rules: [rule("", lookup, "dispatch"), rule("", "drop", "unknown-interface")],
  };
}

function policyChainName(key: string, policy: PolicyIr["ref"] | undefined, direction: Direction): string {
  return objectName(direction === "ingress" ? "pi" : "po", policy === undefined ? "" : policy.name, key);
}

function policyChains(item: PolicyItem | ProfileItem, names: SetNames): ChainText[] {
  const { policy } = item;
  const directions: readonly Direction[] = ["ingress", "egress"];
  return directions.flatMap((direction) => {
    const rules = policy[direction];
    if (rules === undefined) return [];
    const isProfile = policy.ref.kind === "Profile";
    return [{
      name: policyChainName(policyKey(policy.ref), policy.ref, direction),
      base: undefined,
      item: nodeItemKey(item),
      rules: mergeRules(rules).flatMap((ir) => policyRules(ir, names, isProfile)),
    }];
  });
}

function policyRules(ir: RuleIr, names: SetNames, isProfile: boolean): RuleText[] {
  // A profile's Pass goes on to the next profile: its chain just ends.
  const action = isProfile && ir.action === "pass" ? "return" : renderAction(ir);
  return renderMatches(ir, names).map((matches) => rule(matches, action, ir.id));
}

function endpointChains(endpoint: EndpointItem, state: NodeState): ChainText[] {
  return [
    endpointChain(`fw-${endpoint.interfaceName}`, chainRules(endpoint.egress, "egress", state)),
    endpointChain(`tw-${endpoint.interfaceName}`, chainRules(endpoint.ingress, "ingress", state)),
  ];
}

function endpointChain(name: string, rules: readonly RuleText[]): ChainText {
  return { name, base: undefined, item: undefined, rules };
}

const RETURN_IF_ACCEPTED = rule(`meta mark & ${hex(MARK_ACCEPT)} == ${hex(MARK_ACCEPT)}`, "return", "accepted");
/** Guard of what is not for packets that a rule has passed out of their tier. */
export const UNLESS_PASSED = `meta mark & ${hex(MARK_PASS)} == 0x0`;
/** What leaves the marks of earlier tiers behind. */
export const CLEAR_MARKS = `meta mark set meta mark & ${hex((~(MARK_ACCEPT | MARK_PASS)) >>> 0)}`;

function chainRules(chain: ChainIr, direction: Direction, state: NodeState): RuleText[] {
  const jump = (kind: "policy" | "profile", key: string, guard: string): RuleText[] => {
    const item = state.get(`${kind}:${key}`);
    const policy = item?.kind === "policy" || item?.kind === "profile" ? item.policy : undefined;
    if (policy?.[direction] === undefined) return [rule(guard, "drop", `missing ${key}`)];
    return [rule(guard, `jump ${policyChainName(key, policy.ref, direction)}`, key), RETURN_IF_ACCEPTED];
  };
  return [
    ...chain.tiers.flatMap((tier) => [
      rule("", CLEAR_MARKS, `tier ${tier.tier}`),
      ...tier.policies.flatMap((key, at) => jump("policy", key, at === 0 ? "" : UNLESS_PASSED)),
      ...tier.defaultAction === "deny" ? [rule(UNLESS_PASSED, "drop", `end of tier ${tier.tier}`)] : [],
    ]),
    rule("", CLEAR_MARKS, "profiles"),
    ...chain.profiles.flatMap((key) => jump("profile", key, "")),
    // A chain that hands on just ends, and its packet goes on where the chain was called from.
    ...chain.atEnd === "continue" ? [] : [rule("", "drop", "no profile matched")],
  ];
}

/** A set's key for one family: an interval set only where a member is a network, since interval sets are slow to change. */
function keyOf(set: SetItem, version: 4 | 6): SetText["key"] {
  if (set.type === "ipPort") return "addrPort";
  return set.members.some((member) => member.includes("/") && parseCidr(member)?.version === version) ? "net" : "addr";
}

const KEY_LETTERS = { addr: "a", net: "n", addrPort: "p" } as const;

function setName(set: SetItem, version: 4 | 6): string {
  return objectName(`s${version}${KEY_LETTERS[keyOf(set, version)]}`, "", set.id);
}

function setNames(sets: ReadonlyMap<string, SetItem>): SetNames {
  return (id, version) => {
    const set = sets.get(id);
    return set === undefined ? undefined : setName(set, version);
  };
}

const ADDRESS_PORT = /^([^,]+),([a-z0-9]+):(\d{1,5})$/;

/** The family of a member; `undefined` for one that the kernel would refuse, which must not keep all others out. */
function versionOf(set: SetItem, member: string): 4 | 6 | undefined {
  if (set.type === "net") return (member.includes("/") ? parseCidr(member) : parseIp(member))?.version;
  const [, address = "", protocol = "", port = ""] = ADDRESS_PORT.exec(member) ?? [];
  return parseProtocol(protocol) === undefined || Number(port) > PORT_MAX ? undefined : parseIp(address)?.version;
}

function renderSet(set: SetItem): SetText[] {
  const versions: readonly (4 | 6)[] = [4, 6];
  return versions.map((version) => {
    const members = set.members.filter((member) => versionOf(set, member) === version);
    const key = keyOf(set, version);
    return { name: setName(set, version), version, key, elements: key === "net" ? withoutCovered(members) : members };
  });
}

function poolSets(pools: readonly PoolItem[]): SetText[] {
  const versions: readonly (4 | 6)[] = [4, 6];
  const cidrs = (version: 4 | 6, wanted: (pool: PoolItem) => boolean) =>
    withoutCovered(
      pools.filter((pool) => wanted(pool) && parseCidr(pool.cidr)?.version === version).map((pool) => pool.cidr).sort(),
    );
  return versions.flatMap((version) => [
    { name: `nat-pools-${version}`, version, key: "net", elements: cidrs(version, (pool) => pool.natOutgoing) },
    { name: `all-pools-${version}`, version, key: "net", elements: cidrs(version, () => true) },
  ]);
}
