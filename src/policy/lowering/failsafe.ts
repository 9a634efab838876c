/**
 * The failsafe ports of host endpoints, told as policies: no policy can cut a node off from what keeps it reachable. They stand in front of a host
 * endpoint's chains (`chain.ts`) and are never asked of workloads.
 *
 * @module
 */
import { mergePortRanges } from "#/base/port_range.ts";
import {
  ANY,
  ANY_SIDE,
  type Direction,
  type HostPhase,
  type PolicyIr,
  policyKey,
  type RuleAction,
  type RuleIr,
} from "#/policy/ir.ts";

/** Phases that have failsafe ports. While forwarding there are none: it is not the host that is reached. */
export type FailsafePhase = Exclude<HostPhase, "forward">;

/** Ports by IP protocol number. */
type PortsByProtocol = ReadonlyMap<number, readonly number[]>;

const TCP = 6;
const UDP = 17;

/** Ports of the host that are always reachable: SSH, DHCP, BGP, etcd, Typha and the Kubernetes API, as in Calico. */
export const FAILSAFE_INBOUND: PortsByProtocol = new Map([
  [TCP, [22, 179, 2379, 2380, 5473, 6443, 6666, 6667]],
  [UDP, [68]],
]);

/** Ports that the host's processes always reach elsewhere. */
export const FAILSAFE_OUTBOUND: PortsByProtocol = new Map([
  [TCP, [179, 2379, 2380, 5473, 6443, 6666, 6667]],
  [UDP, [53, 67]],
]);

/**
 * One policy for each phase. The normal one allows. The early ones only keep their phase from denying: they pass, stand first in every tier, and so hand
 * the packet on to the phases that follow. Before connection tracking replies need rules of their own, by source port; before destination NAT nothing
 * leaves.
 *
 * @example
 * ```ts
 * import { FAILSAFE_POLICIES } from "#/policy/lowering/failsafe.ts";
 * if (FAILSAFE_POLICIES.normal.ingress?.[0]?.action !== "allow" || FAILSAFE_POLICIES.preDnat.egress !== undefined) throw new Error();
 * ```
 */
export const FAILSAFE_POLICIES: Readonly<Record<FailsafePhase, PolicyIr>> = {
  normal: failsafePolicy("normal", {
    ingress: portRules("allow", "destination", FAILSAFE_INBOUND),
    egress: portRules("allow", "destination", FAILSAFE_OUTBOUND),
  }),
  untracked: failsafePolicy("untracked", {
    ingress: [
      ...portRules("pass", "destination", FAILSAFE_INBOUND),
      ...portRules("pass", "source", FAILSAFE_OUTBOUND),
    ],
    egress: [
      ...portRules("pass", "destination", FAILSAFE_OUTBOUND),
      ...portRules("pass", "source", FAILSAFE_INBOUND),
    ],
  }),
  preDnat: failsafePolicy("preDnat", {
    ingress: portRules("pass", "destination", FAILSAFE_INBOUND),
    egress: undefined,
  }),
};

/** Key of the failsafe policy of a phase. */
export function failsafeKey(phase: FailsafePhase): string {
  return policyKey(FAILSAFE_POLICIES[phase].ref);
}

/** Like those of the profile that is always there, the ids of the rules have position 0: no event made them. */
function failsafePolicy(name: FailsafePhase, rules: Pick<PolicyIr, Direction>): PolicyIr {
  const numbered = (direction: Direction): readonly RuleIr[] | undefined =>
    rules[direction]?.map((rule, index) => ({ ...rule, id: `0/${direction === "ingress" ? "i" : "e"}/${index}` }));
  return {
    ref: { kind: "Failsafe", namespace: "", name },
    tier: "",
    ingress: numbered("ingress"),
    egress: numbered("egress"),
  };
}

/** One rule for each protocol. */
function portRules(action: RuleAction, side: "source" | "destination", ports: PortsByProtocol): readonly RuleIr[] {
  return [...ports].map(([protocol, numbers]): RuleIr => ({
    id: "",
    action,
    ipVersion: ANY,
    protocol,
    notProtocol: undefined,
    icmp: ANY,
    notIcmp: undefined,
    source: ANY_SIDE,
    destination: ANY_SIDE,
    [side]: { ...ANY_SIDE, ports: mergePortRanges(numbers.map((port) => ({ min: port, max: port }))) },
  }));
}
