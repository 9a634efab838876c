/**
 * Truth tables of policies in tiers: AdminNetworkPolicy, ClusterNetworkPolicy and their baselines around Kubernetes NetworkPolicy, and Calico's own kinds.
 *
 * @module
 */
import { calico, clusterWide, knp, type TruthCase } from "./table.ts";

const labelled = (key: string, value: string) => ({ matchLabels: { [key]: value } });
const inX = { namespaces: labelled("ns", "x") };
const fromY = [{ namespaces: labelled("ns", "y") }];
const portNumber = (port: number) => ({ portNumber: { protocol: "TCP", port } });

/** The cases. */
export const TIER_CASES: readonly TruthCase[] = [
  {
    name: "an admin's deny comes before a namespace's allow",
    objects: [
      clusterWide("AdminNetworkPolicy", "deny-y", {
        priority: 10,
        subject: inX,
        ingress: [{ action: "Deny", from: fromY }],
      }),
      knp("x", "allow", { podSelector: {}, ingress: [{}] }),
    ],
    denied: [{ from: "y/*", to: "x/*" }],
  },
  {
    name: "an admin's allow comes before a namespace's deny",
    objects: [
      clusterWide("AdminNetworkPolicy", "allow-y", {
        priority: 10,
        subject: inX,
        ingress: [{ action: "Allow", from: fromY, ports: [portNumber(80)] }],
      }),
      knp("x", "deny", { podSelector: {}, policyTypes: ["Ingress"] }),
    ],
    denied: [{ from: "!y/*", to: "x/*" }, { to: "x/*", port: 81 }, { to: "x/*", protocol: "UDP" }],
  },
  {
    name: "an admin's pass leaves it to the namespace, before a later deny",
    objects: [
      clusterWide("AdminNetworkPolicy", "pass-y", {
        priority: 10,
        subject: inX,
        ingress: [{ action: "Pass", from: fromY }],
      }),
      clusterWide("AdminNetworkPolicy", "deny-all", {
        priority: 20,
        subject: inX,
        ingress: [{ action: "Deny", from: [{ namespaces: {} }] }],
      }),
      knp("x", "allow-80", { podSelector: {}, ingress: [{ ports: [{ protocol: "TCP", port: 80 }] }] }),
    ],
    denied: [{ from: "!y/*", to: "x/*" }, { to: "x/*", port: 81 }, { to: "x/*", protocol: "UDP" }],
  },
  {
    name: "of two admin policies the lower priority number decides",
    objects: [
      clusterWide("AdminNetworkPolicy", "b", {
        priority: 5,
        subject: inX,
        ingress: [{ action: "Allow", from: fromY }],
      }),
      clusterWide("AdminNetworkPolicy", "a", {
        priority: 6,
        subject: inX,
        ingress: [{ action: "Deny", from: [{ namespaces: {} }] }],
      }),
    ],
    denied: [{ from: "!y/*", to: "x/*" }],
  },
  {
    name: "an admin policy without a rule that fits isolates nobody",
    objects: [
      clusterWide("AdminNetworkPolicy", "y-81", {
        priority: 1,
        subject: { pods: { namespaceSelector: labelled("ns", "x"), podSelector: labelled("pod", "a") } },
        ingress: [{ action: "Deny", from: fromY, ports: [portNumber(81)] }],
      }),
    ],
    denied: [{ from: "y/*", to: "x/a", port: 81, protocol: "TCP" }],
  },
  {
    name: "a baseline's deny holds where the namespace says nothing",
    objects: [
      clusterWide("BaselineAdminNetworkPolicy", "default", {
        subject: inX,
        ingress: [{ action: "Deny", from: [{ namespaces: {} }] }],
      }),
      knp("x", "allow-80", {
        podSelector: labelled("pod", "a"),
        ingress: [{ ports: [{ protocol: "TCP", port: 80 }] }],
      }),
    ],
    denied: [{ to: "x/b" }, { to: "x/c" }, { to: "x/a", port: 81 }, { to: "x/a", protocol: "UDP" }],
  },
  {
    name: "egress of an admin policy to pods and ports",
    objects: [
      clusterWide("AdminNetworkPolicy", "egress", {
        priority: 3,
        subject: inX,
        egress: [
          {
            action: "Allow",
            to: [{ pods: { namespaceSelector: {}, podSelector: labelled("pod", "a") } }],
            ports: [{ namedPort: "serve-80-tcp" }],
          },
          {
            action: "Deny",
            to: [{ namespaces: labelled("ns", "z") }],
            ports: [{ portRange: { protocol: "TCP", start: 80, end: 90 } }],
          },
        ],
      }),
    ],
    denied: [
      { from: "x/*", to: "z/b", protocol: "TCP" },
      { from: "x/*", to: "z/c", protocol: "TCP" },
      { from: "x/*", to: "z/a", protocol: "TCP", port: 81 },
    ],
  },
  {
    name: "a ClusterNetworkPolicy of the admin tier, and one of the baseline",
    objects: [
      clusterWide("ClusterNetworkPolicy", "admin", {
        tier: "Admin",
        priority: 1,
        subject: inX,
        ingress: [{ action: "Accept", from: fromY, protocols: [{ tcp: { destinationPort: { number: 80 } } }] }],
      }),
      clusterWide("ClusterNetworkPolicy", "baseline", {
        tier: "Baseline",
        priority: 1,
        subject: inX,
        ingress: [{ action: "Deny", from: [{ namespaces: {} }] }],
      }),
    ],
    denied: [{ from: "!y/*", to: "x/*" }, { to: "x/*", port: 81 }, { to: "x/*", protocol: "UDP" }],
  },
  {
    name: "a tier before the default one: pass by port, deny the rest",
    objects: [
      calico("Tier", "early", { order: 10 }),
      calico("GlobalNetworkPolicy", "early-x", {
        tier: "early",
        namespaceSelector: "ns == 'x'",
        types: ["Ingress"],
        ingress: [{ action: "Pass", protocol: "TCP", destination: { ports: [80] } }],
      }),
      knp("x", "from-y", {
        podSelector: labelled("pod", "a"),
        ingress: [{ from: [{ namespaceSelector: labelled("ns", "y") }] }],
      }),
    ],
    denied: [{ to: "x/*", port: 81 }, { to: "x/*", protocol: "UDP" }, { from: "!y/*", to: "x/a" }],
  },
  {
    name: "a policy of Calico by order before a NetworkPolicy of Kubernetes, which counts as 1000",
    objects: [
      knp("x", "deny", { podSelector: {}, policyTypes: ["Ingress"] }),
      calico("NetworkPolicy", "late", {
        order: 2000,
        selector: "all()",
        ingress: [{ action: "Allow", protocol: "UDP" }],
      }, "x"),
      calico("NetworkPolicy", "soon", {
        order: 10,
        selector: "pod == 'a'",
        ingress: [{ action: "Deny", protocol: "UDP", source: { namespaceSelector: "ns == 'z'" } }, {
          action: "Allow",
          protocol: "TCP",
          source: { notSelector: "pod == 'b'" },
        }],
      }, "x"),
    ],
    denied: [
      { from: "z/*", to: "x/a", protocol: "UDP" },
      { to: "x/*", protocol: "TCP", from: "!x/*" },
      { to: "x/b", protocol: "TCP" },
      { to: "x/c", protocol: "TCP" },
      { from: "x/b", to: "x/a", protocol: "TCP" },
    ],
  },
  {
    name: "a staged policy denies nothing",
    objects: [
      calico("StagedNetworkPolicy", "deny", { selector: "all()", types: ["Ingress", "Egress"] }, "x"),
      calico("StagedGlobalNetworkPolicy", "deny", {
        selector: "all()",
        types: ["Ingress"],
        ingress: [{ action: "Deny" }],
      }),
    ],
    denied: [],
  },
  {
    name: "a rule that only logs isolates all the same",
    objects: [calico("NetworkPolicy", "log", { selector: "pod == 'c'", ingress: [{ action: "Log" }] }, "y")],
    denied: [{ to: "y/c" }],
  },
];
