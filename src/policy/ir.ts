/**
 * The policy IR: what rules mean, once, before any back end. Objects are lowered into it (`lower.ts`); the WASM, nftables and (later) eBPF back ends
 * compile it and never see an object. It is plain JSON data, because a node's slice carries it.
 *
 * "Anything" is a value of its own (`ANY`), never an empty list: an empty list matches nothing, so that no encoding can widen a rule.
 *
 * @module
 */

/** What a rule does with a packet that it matches. `pass` leaves the tier; `log` never decides. */
export type RuleAction = "allow" | "deny" | "pass" | "log";

/** Traffic direction seen from the endpoint. */
export type Direction = "ingress" | "egress";

/** Matches whatever it is asked. */
export const ANY = "any" as const;

/** Either anything, or one of the listed values. */
export type AnyOr<T> = typeof ANY | readonly T[];

/** Inclusive port range, 1 to 65535. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** ICMP type, and code when given. */
export interface IcmpMatch {
  readonly type: number;
  readonly code: number | typeof ANY;
}

/**
 * One end of a rule. All members must hold. `sets` AND together; the members of `nets`, and of `ports` with `portSets`, OR among
 * themselves; every `not` member excludes. Named ports are IP-and-port sets in `portSets`.
 */
export interface SideIr {
  /** Ids of address sets the address must be in: each of them. */
  readonly sets: readonly string[];
  /** Ids of address sets the address must not be in. */
  readonly notSets: readonly string[];
  /** CIDRs, canonical text, one of which must hold the address. */
  readonly nets: AnyOr<string>;
  readonly notNets: readonly string[];
  /** Numeric ports. The port matches when it is in `ports` or (address, protocol, port) is in one of `portSets`. */
  readonly ports: AnyOr<PortRange>;
  /** Ids of IP-and-port sets, one of which may hold it. Meaningful only when `ports` is a list. */
  readonly portSets: readonly string[];
  readonly notPorts: readonly PortRange[];
  readonly notPortSets: readonly string[];
}

/** One rule of one direction. */
export interface RuleIr {
  /** `<position of the policy's last spec change>/<i|e>/<index>`: resolvable for ever. Profiles of namespaces use the namespace's position. */
  readonly id: string;
  readonly action: RuleAction;
  /** Families the rule exists in: pinned by `ipVersion`, by any net list and by the protocol names ICMP and ICMPv6. */
  readonly ipVersion: 4 | 6 | typeof ANY;
  /** IP protocol number. */
  readonly protocol: number | typeof ANY;
  readonly notProtocol: number | undefined;
  readonly icmp: IcmpMatch | typeof ANY;
  readonly notIcmp: IcmpMatch | undefined;
  readonly source: SideIr;
  readonly destination: SideIr;
  /** Text for comments in the kernel and in traces; from `metadata.annotations` and the like. */
  readonly comment?: string;
  /** Set when a match could not be read; the rule then follows invariant 6 (allow and pass never match, deny matches its whole direction). */
  readonly unreadable?: string;
}

/** Kinds of policy that reach the IR, profiles, and the failsafe ports of host endpoints, which are told as a policy. */
export type PolicyKind =
  | "NetworkPolicy"
  | "GlobalNetworkPolicy"
  | "KubernetesNetworkPolicy"
  | "StagedNetworkPolicy"
  | "StagedGlobalNetworkPolicy"
  | "StagedKubernetesNetworkPolicy"
  | "KubernetesClusterNetworkPolicy"
  | "AdminNetworkPolicy"
  | "BaselineAdminNetworkPolicy"
  | "Profile"
  | "Failsafe";

/** What identifies a policy. `namespace` is empty for global ones and profiles. */
export interface PolicyRef {
  readonly kind: PolicyKind;
  readonly namespace: string;
  readonly name: string;
}

/** One policy or profile, lowered. `undefined` for a direction means that the policy does not govern it. */
export interface PolicyIr {
  readonly ref: PolicyRef;
  readonly tier: string;
  readonly ingress: readonly RuleIr[] | undefined;
  readonly egress: readonly RuleIr[] | undefined;
}

/** The policies of one tier that govern one direction of one endpoint, in evaluation order. Never empty. */
export interface TierChain {
  readonly tier: string;
  /** What becomes of a packet that no rule of the tier decided. */
  readonly defaultAction: "deny" | "pass";
  /** Policy keys, `kind/namespace/name`. */
  readonly policies: readonly string[];
}

/** Everything that judges one direction of one endpoint in one phase: tiers in order, then profiles in order, then the end. */
export interface ChainIr {
  readonly tiers: readonly TierChain[];
  /** Policy keys of profiles; one that is missing denies. */
  readonly profiles: readonly string[];
  /**
   * What becomes of a packet that nothing decided: denied when absent (workloads, and host endpoints' normal phase), handed to what comes next when
   * `continue` (the other phases of a host endpoint).
   */
  readonly atEnd?: "continue";
}

/**
 * When a host endpoint's policies are asked: before connection tracking, before destination NAT, while forwarding, and for the host's own processes.
 */
export type HostPhase = "untracked" | "preDnat" | "forward" | "normal";

/**
 * The key of a policy in collections and chains.
 *
 * @example
 * ```ts
 * import { policyKey } from "#/policy/ir.ts";
 * if (policyKey({ kind: "GlobalNetworkPolicy", namespace: "", name: "p" }) !== "GlobalNetworkPolicy//p") throw new Error();
 * ```
 */
export function policyKey(ref: PolicyRef): string {
  return `${ref.kind}/${ref.namespace}/${ref.name}`;
}

/** A side that matches anything. */
export const ANY_SIDE: SideIr = {
  sets: [],
  notSets: [],
  nets: ANY,
  notNets: [],
  ports: ANY,
  portSets: [],
  notPorts: [],
  notPortSets: [],
};
