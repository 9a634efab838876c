/**
 * One chain of the shape that Calico's own checker was measured with (calico PR #13265): 294 policies of 68 rules, 3,708 IP sets with 256,000 members, and a
 * packet that no rule matches, so that all are tried.
 *
 * @module
 */
import { formatIp, parseIp } from "#/base/ip.ts";
import { ANY, ANY_SIDE, type ChainIr, type PolicyIr, policyKey, type RuleIr } from "#/policy/ir.ts";
import type { Packet } from "#/policy/packet.ts";
import type { ImageSet } from "#/wasm-policy/engine.ts";

/** A chain, what it refers to, and the packet. */
export interface ManyRules {
  readonly chain: ChainIr;
  readonly policies: ReadonlyMap<string, PolicyIr>;
  readonly sets: ReadonlyMap<string, ImageSet>;
  readonly packet: Packet;
  readonly ruleCount: number;
}

const POLICIES = 294;
const RULES_PER_POLICY = 68;
const SETS = 3_708;
const MEMBERS = 256_000;

/** The world of that measurement; `scale` divides it. */
export function manyRules(scale: number): ManyRules {
  const setCount = Math.ceil(SETS / scale);
  const sets = new Map(Array.from({ length: setCount }, (_, at) => [`s:${at}`, memberSet(at, setCount, scale)]));
  const policies = Array.from({ length: Math.ceil(POLICIES / scale) }, (_, at): PolicyIr => {
    const ref = { kind: "GlobalNetworkPolicy", namespace: "", name: `p${at}` } as const;
    const rules = Array.from({ length: RULES_PER_POLICY }, (_, index) => rule(at, index, setCount));
    return { ref, tier: "default", ingress: rules, egress: undefined };
  });
  const keyed = new Map(policies.map((policy) => [policyKey(policy.ref), policy]));
  return {
    chain: { tiers: [{ tier: "default", policies: [...keyed.keys()], defaultAction: "deny" }], profiles: [] },
    policies: keyed,
    sets,
    packet: {
      source: parseIp("203.0.113.7")!,
      destination: parseIp("10.255.0.1")!,
      protocol: 6,
      sourcePort: 50_000,
      destinationPort: 8_080,
      icmp: undefined,
    },
    ruleCount: policies.length * RULES_PER_POLICY,
  };
}

function rule(policy: number, index: number, setCount: number): RuleIr {
  return {
    id: `${policy + 1}/i/${index}`,
    action: "allow",
    ipVersion: ANY,
    protocol: 6,
    notProtocol: undefined,
    icmp: ANY,
    notIcmp: undefined,
    source: { ...ANY_SIDE, sets: [`s:${(policy * RULES_PER_POLICY + index) % setCount}`] },
    destination: { ...ANY_SIDE, ports: [{ min: 8_000, max: 9_000 }] },
  };
}

function memberSet(at: number, setCount: number, scale: number): ImageSet {
  const count = Math.ceil(MEMBERS / scale / setCount);
  const members = Array.from(
    { length: count },
    (_, n) => formatIp({ version: 4, value: BigInt(0x0a000000 + at * count + n) }),
  );
  return { type: "net", members };
}
