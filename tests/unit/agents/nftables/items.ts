/**
 * Node items for tests of the nftables back end: one endpoint, one policy with a rule of every kind of match, its sets.
 *
 * @module
 */
import { ANY, ANY_SIDE, type RuleIr } from "#/policy/ir.ts";
import { type NodeItem, nodeItemKey, type NodeState } from "#/projections/node_state.ts";

/** A rule that matches everything, with the given members changed. */
export function rule(id: string, action: RuleIr["action"], change: Partial<RuleIr> = {}): RuleIr {
  return {
    id,
    action,
    ipVersion: ANY,
    protocol: ANY,
    notProtocol: undefined,
    icmp: ANY,
    notIcmp: undefined,
    source: ANY_SIDE,
    destination: ANY_SIDE,
    ...change,
  };
}

/** A node state of items. */
export function stateOf(items: readonly NodeItem[]): NodeState {
  return new Map(items.map((item) => [nodeItemKey(item), item]));
}

/** The profile of a namespace. */
export const PROFILE: NodeItem = {
  kind: "profile",
  id: "Profile//kns.shop",
  policy: {
    ref: { kind: "Profile", namespace: "", name: "kns.shop" },
    tier: "",
    ingress: [rule("1/i/0", "allow")],
    egress: [rule("1/e/0", "allow")],
  },
};

/** A policy with a rule of every kind of match, and the sets it names. */
export const EVERY_MATCH: readonly NodeItem[] = [
  { kind: "set", id: "s:mixed", type: "net", members: ["10.0.0.0/8", "10.0.0.1", "fd00::1"] },
  { kind: "set", id: "s:hosts", type: "net", members: ["10.0.0.1"] },
  { kind: "set", id: "n:web", type: "ipPort", members: ["10.0.0.1,tcp:8080"] },
  {
    kind: "policy",
    id: "NetworkPolicy/shop/p",
    policy: {
      ref: { kind: "NetworkPolicy", namespace: "shop", name: "p" },
      tier: "default",
      ingress: [
        rule("5/i/0", "allow", {
          protocol: 6,
          source: { ...ANY_SIDE, sets: ["s:mixed"], notSets: ["s:hosts"] },
          destination: { ...ANY_SIDE, ports: [{ min: 80, max: 80 }, { min: 90, max: 99 }], portSets: ["n:web"] },
        }),
        rule("5/i/1", "allow", { protocol: 1, ipVersion: 4, icmp: { type: 8, code: 0 } }),
        rule("5/i/2", "deny", { protocol: 58, ipVersion: 6, notIcmp: { type: 128, code: 1 } }),
        rule("5/i/3", "log", {
          source: { ...ANY_SIDE, nets: ["10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16"], notNets: ["10.2.0.0/16"] },
        }),
        rule("5/i/4", "pass", { destination: { ...ANY_SIDE, ports: [], portSets: ["n:web"] }, notProtocol: 17 }),
        rule("5/i/5", "allow", {
          protocol: 17,
          destination: { ...ANY_SIDE, notPorts: [{ min: 1, max: 5 }], notPortSets: ["n:web"] },
        }),
      ],
      egress: undefined,
    },
  },
];

/** A workload endpoint judged by that policy on ingress, by its profile alone on egress. */
export const ENDPOINT: NodeItem = {
  kind: "endpoint",
  id: "shop/node1-k8s-web-eth0",
  workload: "shop/web",
  interfaceName: "cali0123456789a",
  mac: undefined,
  addresses: ["10.0.0.1"],
  containerId: "c1",
  ingress: {
    tiers: [{ tier: "default", defaultAction: "deny", policies: ["NetworkPolicy/shop/p"] }],
    profiles: ["Profile//kns.shop"],
  },
  egress: { tiers: [], profiles: ["Profile//kns.shop"] },
};

/** A pool with natOutgoing. */
export const POOL: NodeItem = {
  kind: "pool",
  id: "default",
  cidr: "192.168.0.0/16",
  blockSize: 26,
  natOutgoing: true,
  disabled: false,
  disableBGPExport: false,
  ipipMode: "Never",
  vxlanMode: "Never",
  allocatable: true,
};

/** All of the above. */
export const FULL: NodeState = stateOf([...EVERY_MATCH, PROFILE, ENDPOINT, POOL]);
