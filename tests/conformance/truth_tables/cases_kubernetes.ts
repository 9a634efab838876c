/**
 * Truth tables of Kubernetes NetworkPolicy. Each case is one behaviour that the API's documentation promises.
 *
 * @module
 */
import { knp, type TruthCase } from "./table.ts";

const labelled = (key: string, value: string) => ({ matchLabels: { [key]: value } });
const tcp = (port: number | string) => ({ protocol: "TCP", port });

/** The cases. */
export const KUBERNETES_CASES: readonly TruthCase[] = [
  { name: "without policies everything works", objects: [], denied: [] },
  {
    name: "default deny of ingress isolates one namespace inwards",
    objects: [knp("x", "deny-ingress", { podSelector: {}, policyTypes: ["Ingress"] })],
    denied: [{ to: "x/*" }],
  },
  {
    name: "default deny of egress isolates one namespace outwards",
    objects: [knp("x", "deny-egress", { podSelector: {}, policyTypes: ["Egress"] })],
    denied: [{ from: "x/*" }],
  },
  {
    name: "deny of both directions",
    objects: [knp("x", "deny-all", { podSelector: {}, policyTypes: ["Ingress", "Egress"] })],
    denied: [{ from: "x/*" }, { to: "x/*" }],
  },
  {
    name: "an empty rule allows everything, and only to the pods selected",
    objects: [
      knp("x", "deny", { podSelector: {}, policyTypes: ["Ingress"] }),
      knp("x", "allow-a", { podSelector: labelled("pod", "a"), ingress: [{}] }),
    ],
    denied: [{ to: "x/b" }, { to: "x/c" }],
  },
  {
    name: "an empty list of ingress rules allows nothing",
    objects: [knp("x", "none", { podSelector: {}, ingress: [] })],
    denied: [{ to: "x/*" }],
  },
  {
    name: "a pod selector means pods of the policy's own namespace",
    objects: [
      knp("x", "from-b", {
        podSelector: labelled("pod", "a"),
        ingress: [{ from: [{ podSelector: labelled("pod", "b") }] }],
      }),
    ],
    denied: [{ from: "!x/b", to: "x/a" }],
  },
  {
    name: "a namespace selector means all pods of those namespaces",
    objects: [
      knp("x", "from-y", { podSelector: {}, ingress: [{ from: [{ namespaceSelector: labelled("ns", "y") }] }] }),
    ],
    denied: [{ from: "x/*", to: "x/*" }, { from: "z/*", to: "x/*" }],
  },
  {
    name: "an empty namespace selector means every namespace",
    objects: [knp("x", "from-all", { podSelector: {}, ingress: [{ from: [{ namespaceSelector: {} }] }] })],
    denied: [],
  },
  {
    name: "namespace and pod selector in one peer must both hold",
    objects: [
      knp("x", "from-y-a", {
        podSelector: labelled("pod", "a"),
        ingress: [{ from: [{ namespaceSelector: labelled("ns", "y"), podSelector: labelled("pod", "a") }] }],
      }),
    ],
    denied: [{ from: "!y/a", to: "x/a" }],
  },
  {
    name: "namespace and pod selector in two peers: either may hold",
    objects: [
      knp("x", "from-y-or-b", {
        podSelector: labelled("pod", "a"),
        ingress: [{ from: [{ namespaceSelector: labelled("ns", "y") }, { podSelector: labelled("pod", "b") }] }],
      }),
    ],
    denied: [{ from: "x/c", to: "x/a" }, { from: "z/*", to: "x/a" }],
  },
  {
    name: "expressions: in, not in, exists, does not exist",
    objects: [
      knp("x", "expressions", {
        podSelector: { matchExpressions: [{ key: "pod", operator: "NotIn", values: ["b", "c"] }] },
        ingress: [{
          from: [
            { namespaceSelector: { matchExpressions: [{ key: "ns", operator: "In", values: ["y", "none"] }] } },
            {
              namespaceSelector: { matchExpressions: [{ key: "ns", operator: "Exists" }] },
              podSelector: {
                matchExpressions: [{ key: "pod", operator: "In", values: ["c"] }, {
                  key: "gone",
                  operator: "DoesNotExist",
                }],
              },
            },
          ],
        }],
      }),
    ],
    denied: ["x/b", "z/a", "z/b"].map((from) => ({ from, to: "x/a" })),
  },
  {
    name: "one port of one protocol",
    objects: [knp("x", "tcp-80", { podSelector: {}, ingress: [{ ports: [tcp(80)] }] })],
    denied: [{ to: "x/*", port: 81 }, { to: "x/*", port: 80, protocol: "UDP" }],
  },
  {
    name: "a protocol without a port means all its ports",
    objects: [knp("x", "udp", { podSelector: {}, ingress: [{ ports: [{ protocol: "UDP" }] }] })],
    denied: [{ to: "x/*", protocol: "TCP" }],
  },
  {
    name: "a port without a protocol means TCP",
    objects: [knp("x", "port-81", { podSelector: {}, ingress: [{ ports: [{ port: 81 }] }] })],
    denied: [{ to: "x/*", protocol: "UDP" }, { to: "x/*", port: 80 }],
  },
  {
    name: "a named port is looked up at the receiver",
    objects: [knp("x", "named", { podSelector: {}, ingress: [{ ports: [tcp("serve-81-tcp")] }] })],
    denied: [{ to: "x/*", port: 80 }, { to: "x/*", port: 81, protocol: "UDP" }],
  },
  {
    name: "a named port on egress is looked up at the receiver too",
    objects: [
      knp("x", "named-egress", {
        podSelector: {},
        policyTypes: ["Egress"],
        egress: [{ ports: [tcp("serve-80-tcp")] }],
      }),
    ],
    denied: [{ from: "x/*", port: 81 }, { from: "x/*", port: 80, protocol: "UDP" }],
  },
  {
    name: "a range of ports",
    objects: [
      knp("x", "range", { podSelector: {}, ingress: [{ ports: [{ port: 81, endPort: 90, protocol: "TCP" }] }] }),
    ],
    denied: [{ to: "x/*", port: 80 }, { to: "x/*", port: 81, protocol: "UDP" }],
  },
  {
    name: "two policies of one pod add up",
    objects: [
      knp("x", "tcp-80", { podSelector: labelled("pod", "a"), ingress: [{ ports: [tcp(80)] }] }),
      knp("x", "y-any", {
        podSelector: labelled("pod", "a"),
        ingress: [{ from: [{ namespaceSelector: labelled("ns", "y") }] }],
      }),
    ],
    denied: [
      { from: "x/*", to: "x/a", port: 81 },
      { from: "z/*", to: "x/a", port: 81 },
      { from: "x/*", to: "x/a", protocol: "UDP" },
      { from: "z/*", to: "x/a", protocol: "UDP" },
    ],
  },
  {
    name: "peers and ports of one rule must both hold",
    objects: [
      knp("x", "y-80", {
        podSelector: {},
        ingress: [{ from: [{ namespaceSelector: labelled("ns", "y") }], ports: [tcp(80)] }],
      }),
    ],
    denied: [{ from: "!y/*", to: "x/*" }, { to: "x/*", port: 81 }, { to: "x/*", protocol: "UDP" }],
  },
  {
    name: "egress to one namespace",
    objects: [
      knp("x", "to-y", {
        podSelector: {},
        policyTypes: ["Egress"],
        egress: [{ to: [{ namespaceSelector: labelled("ns", "y") }] }],
      }),
    ],
    denied: [{ from: "x/*", to: "x/*" }, { from: "x/*", to: "z/*" }],
  },
  {
    name: "egress of the sender and ingress of the receiver must both allow",
    objects: [
      knp("x", "to-y", {
        podSelector: labelled("pod", "a"),
        policyTypes: ["Egress"],
        egress: [{ to: [{ namespaceSelector: labelled("ns", "y") }] }],
      }),
      knp("y", "from-x-80", {
        podSelector: labelled("pod", "a"),
        ingress: [{ from: [{ namespaceSelector: labelled("ns", "x") }], ports: [tcp(80)] }],
      }),
    ],
    denied: [
      { from: "x/a", to: "!y/*" },
      { from: "!x/*", to: "y/a" },
      { to: "y/a", port: 81 },
      { to: "y/a", protocol: "UDP" },
    ],
  },
  {
    name: "a policy of one namespace leaves the others alone",
    objects: [
      knp("y", "deny", { podSelector: labelled("pod", "b"), policyTypes: ["Ingress"] }),
      knp("z", "deny", { podSelector: labelled("pod", "c"), policyTypes: ["Egress"] }),
    ],
    denied: [{ to: "y/b" }, { from: "z/c" }],
  },
  {
    name: "egress rules count when the policy's types are left out",
    objects: [knp("x", "both", { podSelector: {}, egress: [{ to: [{ namespaceSelector: labelled("ns", "z") }] }] })],
    denied: [{ to: "x/*" }, { from: "x/*", to: "!z/*" }],
  },
];
