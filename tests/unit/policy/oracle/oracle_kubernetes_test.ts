/**
 * What the policies of Kubernetes mean, case by case, each with the section of the policy reference that says so (3.10: NetworkPolicy, 3.11: the
 * cluster-wide kinds).
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import type { KubeObject } from "#/resources/object.ts";
import { clusterPolicy, judge, kubernetesPolicy, TIERS, told } from "#tests/unit/policy/oracle_objects.ts";
import { namespace, NO_OBJECTS, policy, workload } from "#tests/unit/policy/policy_builders.ts";

const PORTS = [{ name: "http", protocol: "TCP", port: 8080 }, { name: "dns", protocol: "UDP", port: 53 }];
const vm = workload("n1", "vm", ["10.0.0.9"], { labels: { app: "web" } });
const OBJECTS: PolicyObjects = {
  ...NO_OBJECTS,
  tiers: TIERS,
  namespaces: [namespace("n1", { env: "prod", team: "a" }), namespace("n2", { env: "dev" })],
  workloadEndpoints: [
    workload("n1", "web", ["10.0.0.1", "fd00::1"], { labels: { app: "web", tier: "front" }, ports: PORTS }),
    workload("n1", "db", ["10.0.0.2"], { labels: { app: "db" } }),
    workload("n2", "web", ["10.0.0.3", "fd00::3"], { labels: { app: "web" }, ports: PORTS }),
    // No pod: another orchestrator's workload.
    {
      ...vm,
      metadata: { ...vm.metadata, labels: { ...vm.metadata.labels, "projectcalico.org/orchestrator": "openstack" } },
    },
  ],
  networkSets: [{
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkSet",
    metadata: { name: "s", namespace: "n2", labels: { app: "web" } },
    spec: { nets: ["10.9.0.0/24"] },
  }, {
    apiVersion: "projectcalico.org/v3",
    kind: "GlobalNetworkSet",
    metadata: { name: "g", labels: { app: "web" } },
    spec: { nets: ["10.8.0.0/24"] },
  }],
};

/** Who may connect, under some policies. */
interface Case {
  readonly name: string;
  readonly policies: readonly KubeObject[];
  /** Connections that are let through, and that are not. */
  readonly yes: readonly string[];
  readonly no: readonly string[];
}

const WEB = "10.0.0.1:80/tcp";
/** Who connects: a pod of the same namespace, one of another, another orchestrator's workload, network sets, a stranger. */
const [DB, WEB2, VM, SET, GLOBAL_SET, OUTSIDE] = [
  "n1/db",
  "n2/web",
  "n1/vm",
  "10.9.0.5",
  "10.8.0.5",
  "1.1.1.1",
];

function to(destination: string, ...sources: readonly string[]): readonly string[] {
  return sources.map((source) => `${source} ${destination}`);
}

/** A NetworkPolicy for `n1` with one ingress rule. */
const allows = (rule: JsonObject, spec: JsonObject = {}) => [kubernetesPolicy("n1", "p", { ingress: [rule], ...spec })];
const from = (...peers: JsonObject[]) => allows({ from: peers });
const expression = (key: string, operator: string, ...values: string[]): JsonObject => ({
  matchExpressions: [{ key, operator, ...(values.length === 0 ? {} : { values }) }],
});

const NETWORK_POLICY: readonly Case[] = [
  {
    name: "3.10 an empty podSelector is about all pods of the namespace, and about pods only",
    policies: [kubernetesPolicy("n1", "p", {})],
    yes: [`${OUTSIDE} n1/vm:80/tcp`, `${OUTSIDE} n2/web:80/tcp`],
    no: [`${OUTSIDE} ${WEB}`, `${OUTSIDE} n1/db:80/tcp`],
  },
  {
    name: "3.10 podSelector: labels and expressions must all hold",
    policies: [kubernetesPolicy("n1", "p", {
      podSelector: {
        matchLabels: { app: "web" },
        matchExpressions: [{ key: "tier", operator: "In", values: ["front", "back"] }],
      },
    })],
    yes: [`${OUTSIDE} n1/db:80/tcp`],
    no: [`${OUTSIDE} ${WEB}`],
  },
  {
    name: "3.10 no rules of a direction that is governed: isolated",
    policies: [kubernetesPolicy("n1", "p", { policyTypes: ["Egress"] })],
    yes: [`${OUTSIDE} ${WEB}`],
    no: [`n1/web ${OUTSIDE}:80/tcp`],
  },
  {
    name: "3.10 no policyTypes: ingress only, for admission fills in what the rules ask for",
    policies: [kubernetesPolicy("n1", "p", { policyTypes: [], egress: [{ to: [{ podSelector: {} }] }] })],
    yes: [`n1/web ${OUTSIDE}:80/tcp`],
    no: [`${OUTSIDE} ${WEB}`],
  },
  {
    name: "3.10 an empty rule allows everything, strangers too",
    policies: allows({}),
    yes: [...to(WEB, DB, WEB2, VM, SET, OUTSIDE), `${OUTSIDE} 10.0.0.1:icmp`, "1.1.1.1 10.0.0.1:9/sctp"],
    no: [],
  },
  {
    name: "3.10 empty lists of peers and ports are like none",
    policies: allows({ from: [], ports: [] }),
    yes: to(WEB, DB, OUTSIDE),
    no: [],
  },
  {
    name: "3.10 a podSelector peer is of the policy's own namespace, and a pod",
    policies: from({ podSelector: {} }),
    yes: to(WEB, DB),
    no: to(WEB, WEB2, VM, SET, OUTSIDE),
  },
  {
    name: "3.10 a namespaceSelector peer is pods only, no network sets",
    policies: from({ namespaceSelector: { matchLabels: { env: "dev" } } }),
    yes: to(WEB, WEB2),
    no: to(WEB, DB, VM, SET, GLOBAL_SET, OUTSIDE),
  },
  {
    name: "3.10 an empty namespaceSelector is all namespaces",
    policies: from({ namespaceSelector: {} }),
    yes: to(WEB, DB, WEB2),
    no: to(WEB, VM, SET, GLOBAL_SET, OUTSIDE),
  },
  {
    name: "3.10 both selectors must hold",
    policies: from({ namespaceSelector: {}, podSelector: { matchLabels: { app: "web" } } }),
    yes: to(WEB, WEB2),
    no: to(WEB, DB, SET, OUTSIDE),
  },
  {
    name: "3.10 peers OR",
    policies: from({ podSelector: { matchLabels: { app: "db" } } }, {
      namespaceSelector: { matchLabels: { env: "dev" } },
    }),
    yes: to(WEB, DB, WEB2),
    no: to(WEB, OUTSIDE),
  },
  {
    name: "3.10 NotIn holds where the label is missing, In does not",
    policies: from({ namespaceSelector: expression("team", "NotIn", "a") }),
    yes: to(WEB, WEB2),
    no: to(WEB, DB, OUTSIDE),
  },
  {
    name: "3.10 Exists and DoesNotExist",
    policies: from(
      { podSelector: expression("tier", "Exists") },
      { namespaceSelector: expression("team", "DoesNotExist") },
    ),
    yes: [...to("n1/db:80/tcp", "n1/web"), ...to(WEB, WEB2)],
    no: to(WEB, DB),
  },
  {
    name: "3.10 ipBlock with except, by the address alone",
    policies: from({ ipBlock: { cidr: "10.0.0.0/8", except: ["10.0.0.2/32", "10.9.0.0/28"] } }),
    yes: to(WEB, WEB2, VM, "10.9.0.16"),
    no: to(WEB, DB, SET, OUTSIDE),
  },
  {
    name: "3.10 ipBlock pins the family",
    policies: from({ ipBlock: { cidr: "0.0.0.0/0" } }),
    yes: to(WEB, OUTSIDE),
    no: ["[2001:db8::1] [fd00::1]:80/tcp"],
  },
  {
    name: "3.10 ipBlock of IPv6, host bits masked",
    policies: from({ ipBlock: { cidr: "2001:db8::7/32", except: ["2001:db8:1::/48"] } }),
    yes: ["[2001:db8::1] [fd00::1]:80/tcp"],
    no: ["[2001:db8:1::1] [fd00::1]:80/tcp", `${OUTSIDE} ${WEB}`],
  },
  {
    name: "3.10 ports: TCP unless said otherwise",
    policies: allows({ ports: [{ port: 80 }, { protocol: "UDP", port: 53 }] }),
    yes: [`${OUTSIDE} ${WEB}`, `${OUTSIDE} 10.0.0.1:53/udp`],
    no: [`${OUTSIDE} 10.0.0.1:53/tcp`, `${OUTSIDE} 10.0.0.1:80/udp`, `${OUTSIDE} 10.0.0.1:81/tcp`],
  },
  {
    name: "3.10 a protocol without a port is every port of it",
    policies: allows({ ports: [{ protocol: "SCTP", endPort: 9 }, { protocol: "UDP", port: 53 }] }),
    yes: [`${OUTSIDE} 10.0.0.1:1/sctp`, `${OUTSIDE} 10.0.0.1:65535/sctp`, `${OUTSIDE} 10.0.0.1:53/udp`],
    no: [`${OUTSIDE} 10.0.0.1:54/udp`, `${OUTSIDE} ${WEB}`, `${OUTSIDE} 10.0.0.1:icmp`],
  },
  {
    name: "3.10 endPort makes a range, both ends included",
    policies: allows({ ports: [{ port: 80, endPort: 82 }] }),
    yes: [`${OUTSIDE} ${WEB}`, `${OUTSIDE} 10.0.0.1:82/tcp`],
    no: [`${OUTSIDE} 10.0.0.1:79/tcp`, `${OUTSIDE} 10.0.0.1:83/tcp`],
  },
  {
    name: "3.10 a named port is the receiver's",
    policies: allows({ ports: [{ port: "http" }] }),
    yes: [`${OUTSIDE} 10.0.0.1:8080/tcp`],
    no: [`${OUTSIDE} 10.0.0.1:53/tcp`, `${OUTSIDE} n1/db:8080/tcp`],
  },
  {
    name: "3.10 a named port has the protocol of the entry",
    policies: allows({ ports: [{ port: "dns" }] }),
    yes: [],
    no: [`${OUTSIDE} 10.0.0.1:53/tcp`, `${OUTSIDE} 10.0.0.1:53/udp`],
  },
  {
    name: "3.10 egress: peers and named ports are those of the destination",
    policies: [
      kubernetesPolicy("n1", "p", {
        egress: [{ to: [{ namespaceSelector: { matchLabels: { env: "dev" } } }], ports: [{ port: "http" }] }],
      }),
      kubernetesPolicy("n1", "open", { ingress: [{}] }),
    ],
    yes: ["n1/db n2/web:8080/tcp"],
    no: ["n1/db n2/web:80/tcp", "n1/db n1/web:8080/tcp", `n1/db ${OUTSIDE}:8080/tcp`],
  },
  {
    name: "3.10 rules OR, and so do policies",
    policies: [
      kubernetesPolicy("n1", "p", { ingress: [{ ports: [{ port: 80 }] }, { ports: [{ port: 81 }] }] }),
      kubernetesPolicy("n1", "q", { ingress: [{ ports: [{ port: 82 }] }] }),
    ],
    yes: ["80", "81", "82"].map((port) => `${OUTSIDE} 10.0.0.1:${port}/tcp`),
    no: [`${OUTSIDE} 10.0.0.1:83/tcp`],
  },
];

/** Rules that admission refuses: the rule allows nothing, and its policy still isolates. */
const UNREADABLE: readonly (readonly [string, JsonObject])[] = [
  ["a cidr", { from: [{ ipBlock: { cidr: "10.0.0/8" } }] }],
  ["an except", { from: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["x"] } }] }],
  ["one peer of two", { from: [{ ipBlock: { cidr: "0.0.0.0/0" } }, { ipBlock: { cidr: "" } }] }],
  ["a peer that is both", { from: [{ ipBlock: { cidr: "0.0.0.0/0" }, podSelector: {} }] }],
  ["a peer that is nothing", { from: [{}] }],
  ["an operator", { from: [{ podSelector: expression("a", "Gt", "1") }] }],
  ["a named port with endPort", { ports: [{ port: "http", endPort: 90 }] }],
  ["a range that ends before it begins", { ports: [{ port: 80, endPort: 79 }] }],
  ["a port out of bounds", { ports: [{ port: 80 }, { port: 65_536 }] }],
  ["a protocol without ports", { ports: [{ protocol: "ICMP" }] }],
];

for (const [name, rule] of UNREADABLE) {
  Deno.test(`evaluate(), NetworkPolicy: 3.10 ${name} that cannot be read lets nobody in`, () => {
    for (const flow of to(WEB, DB, WEB2, OUTSIDE)) {
      assertEquals(told(judge({ ...OBJECTS, policies: allows(rule) }, flow).ingress), "deny by end-of-tier in default");
    }
    const withAnother = [kubernetesPolicy("n1", "p", { ingress: [rule, {}] })];
    assertEquals(
      told(judge({ ...OBJECTS, policies: withAnother }, `${OUTSIDE} ${WEB}`).ingress),
      "allow by p[1] in default",
    );
  });
}

const admin = (spec: JsonObject) => clusterPolicy("AdminNetworkPolicy", "p", { priority: 5, ...spec });
const cluster = (spec: JsonObject) =>
  clusterPolicy("ClusterNetworkPolicy", "p", { tier: "Admin", priority: 5, ...spec });
const deny = (...peers: JsonObject[]): JsonObject => ({ action: "Deny", from: peers });
const denyTo = (...peers: JsonObject[]): JsonObject => ({ action: "Deny", to: peers });

const CLUSTER_WIDE: readonly Case[] = [
  {
    name: "3.11 subject: all pods of namespaces, by the namespace's labels",
    policies: [
      admin({ subject: { namespaces: { matchLabels: { env: "prod" } } }, ingress: [deny({ namespaces: {} })] }),
    ],
    yes: [...to("n2/web:80/tcp", DB), ...to(WEB, OUTSIDE), ...to("n1/vm:80/tcp", DB)],
    no: [...to(WEB, DB, WEB2), ...to("n1/db:80/tcp", WEB2)],
  },
  {
    name: "3.11 subject: pods by both labels",
    policies: [cluster({
      subject: {
        pods: { namespaceSelector: { matchLabels: { env: "prod" } }, podSelector: { matchLabels: { app: "web" } } },
      },
      ingress: [deny({ namespaces: {} })],
    })],
    yes: [...to("n1/db:80/tcp", WEB2), ...to("n2/web:80/tcp", DB)],
    no: to(WEB, DB),
  },
  {
    name: "3.11 [div] a namespaces peer is also the network sets of those namespaces, and what is no pod",
    policies: [cluster({ ingress: [deny({ namespaces: {} })] })],
    yes: to(WEB, GLOBAL_SET, OUTSIDE),
    no: to(WEB, DB, WEB2, VM, SET),
  },
  {
    name: "3.11 a pods peer is pods only",
    policies: [
      admin({ ingress: [deny({ pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: "web" } } } })] }),
    ],
    yes: to(WEB, DB, VM, SET, GLOBAL_SET),
    no: to(WEB, WEB2),
  },
  {
    name: "3.11 egress networks, by address",
    policies: [cluster({ egress: [denyTo({ networks: ["1.0.0.0/8", "10.0.0.3/32"] })] })],
    yes: ["n1/web 2.2.2.2:80/tcp"],
    no: [`n1/web ${OUTSIDE}:80/tcp`, "n1/web n2/web:80/tcp"],
  },
  {
    name: "3.11 protocols: numbers, ranges, a whole protocol, a name in any protocol",
    policies: [cluster({
      ingress: [{
        ...deny({ namespaces: {} }),
        protocols: [
          { tcp: { destinationPort: { number: 80 } } },
          { udp: { destinationPort: { range: { start: 90, end: 91 } } } },
          { sctp: {} },
          { destinationNamedPort: "dns" },
        ],
      }],
    })],
    yes: ["81/tcp", "80/udp", "89/udp", "92/udp", "53/tcp", "icmp"].map((port) => `n1/db 10.0.0.1:${port}`),
    no: ["80/tcp", "90/udp", "91/udp", "1/sctp", "53/udp"].map((port) => `n1/db 10.0.0.1:${port}`),
  },
  {
    name: "3.11 ports of an AdminNetworkPolicy: TCP unless said otherwise, a name in any protocol",
    policies: [admin({
      ingress: [{
        ...deny({ namespaces: {} }),
        ports: [
          { portNumber: { port: 80 } },
          { portRange: { protocol: "UDP", start: 90, end: 91 } },
          { namedPort: "dns" },
        ],
      }],
    })],
    yes: ["81/tcp", "80/udp", "92/udp", "53/tcp", "icmp"].map((port) => `n1/db 10.0.0.1:${port}`),
    no: ["80/tcp", "90/udp", "53/udp"].map((port) => `n1/db 10.0.0.1:${port}`),
  },
  {
    name: "3.11 only directions with rules are governed, and the tier passes what it does not decide",
    policies: [admin({ ingress: [], egress: [{ action: "Allow", to: [{ namespaces: {} }] }] })],
    yes: [...to(WEB, DB, OUTSIDE), `n1/web ${OUTSIDE}:80/tcp`],
    no: [],
  },
];

const ALL_CASES = [
  ...NETWORK_POLICY.map((one) => ({ ...one, kind: "NetworkPolicy" })),
  ...CLUSTER_WIDE.map((one) => ({ ...one, kind: "cluster-wide" })),
];

for (const { kind, name, policies, yes, no } of ALL_CASES) {
  Deno.test(`evaluate(), ${kind}: ${name}`, () => {
    for (const [flows, expected] of [[yes, "allow"], [no, "deny"]] as const) {
      for (const flow of flows) assertEquals(judge({ ...OBJECTS, policies }, flow).verdict, expected, flow);
    }
  });
}

/** Rules of the cluster-wide kinds that cannot be read: Deny closes its direction, Accept and Pass do nothing. */
const UNREADABLE_CLUSTER: readonly (readonly [string, JsonObject])[] = [
  ["a peer by nodes", { to: [{ nodes: {} }] }],
  ["a peer by domain names", { to: [{ namespaces: {} }, { domainNames: ["x.example"] }] }],
  ["a network", { to: [{ networks: ["10.0.0/8"] }] }],
  ["a peer that is two things", { to: [{ namespaces: {}, networks: ["10.0.0.0/8"] }] }],
  ["no peers", {}],
  ["a selector", { to: [{ namespaces: expression("a", "Gt", "1") }] }],
  ["a port", { to: [{ namespaces: {} }], protocols: [{ tcp: { destinationPort: { number: 0 } } }] }],
  ["a range", { to: [{ namespaces: {} }], protocols: [{ tcp: { destinationPort: { range: { start: 9, end: 8 } } } }] }],
  ["an empty list of networks", { to: [{ networks: [] }] }],
  ["an empty destination port", { to: [{ namespaces: {} }], protocols: [{ udp: { destinationPort: {} } }] }],
  ["two protocols at once", { to: [{ namespaces: {} }], protocols: [{ udp: {}, tcp: {} }] }],
  ["an empty protocol", { to: [{ namespaces: {} }], protocols: [{}] }],
];

for (const [name, rule] of UNREADABLE_CLUSTER) {
  Deno.test(`evaluate(), cluster-wide: 3.11 ${name} that cannot be read never opens and always closes`, () => {
    const egress = (action: string) => {
      const policies = [
        cluster({ egress: [{ ...rule, action }, { action: "Deny", to: [{ networks: ["2.2.2.2/32"] }] }] }),
      ];
      return ["1.1.1.1", "2.2.2.2"].map((ip) => told(judge({ ...OBJECTS, policies }, `n1/web ${ip}:80/tcp`).egress));
    };
    assertEquals(egress("Accept"), ["allow by profile", "deny by p[1] in kube-admin"]);
    assertEquals(egress("Pass"), ["allow by profile", "deny by p[1] in kube-admin"]);
    assertEquals(egress("Deny"), ["deny by p[0] in kube-admin", "deny by p[0] in kube-admin"]);
  });
}

Deno.test("evaluate(), cluster-wide: 3.11 a namespaces peer asks for a namespace, even by labels that it must not have", () => {
  const policies = [admin({ ingress: [deny({ namespaces: expression("team", "DoesNotExist") })] })];
  const objects = { ...OBJECTS, policies };
  const verdicts = [WEB2, SET, DB, GLOBAL_SET, OUTSIDE].map((source) => judge(objects, `${source} ${WEB}`).verdict);
  assertEquals(verdicts, ["deny", "deny", "allow", "allow", "allow"]);
});

Deno.test("evaluate(), cluster-wide: networks are no peers of ingress", () => {
  const policies = [cluster({ ingress: [{ action: "Deny", from: [{ networks: ["9.0.0.0/8"] }] }] })];
  assertEquals(judge({ ...OBJECTS, policies }, `${OUTSIDE} ${WEB}`).verdict, "deny", "unreadable: closes");
});

Deno.test("evaluate(): a subject that cannot be read covers its namespace, or everything in one", () => {
  const bad = expression("a", "Gt", "1");
  const denied = (policies: readonly KubeObject[], flow: string) => judge({ ...OBJECTS, policies }, flow).verdict;
  const namespaced = [kubernetesPolicy("n1", "p", { podSelector: bad })];
  assertEquals(denied(namespaced, `${OUTSIDE} ${WEB}`), "deny");
  assertEquals(denied(namespaced, `${OUTSIDE} n2/web:80/tcp`), "allow");
  for (
    const subject of [{}, { namespaces: bad }, { namespaces: {}, pods: { namespaceSelector: {}, podSelector: {} } }]
  ) {
    const global = [admin({ subject, ingress: [deny({ namespaces: {} })] })];
    assertEquals(denied(global, `n2/web ${WEB}`), "deny");
    assertEquals(denied(global, "n2/web n1/vm:80/tcp"), "deny", "no pod, but it has a namespace");
  }
});

const drop: JsonObject = { ingress: [deny({ namespaces: {} })] };
const accept = { ingress: [{ action: "Accept", from: [{ namespaces: {} }] }] };
const pass = { ingress: [{ action: "Pass", from: [{ namespaces: {} }] }] };
const calicoDeny = policy("n1", "c", { order: 999, ingress: [{ action: "Deny" }] });

/** Places in the order: `n2/web` to `n1/web`, port 80. */
const PLACES: readonly (readonly [string, readonly KubeObject[], string])[] = [
  ["3.10 a NetworkPolicy has order 1000 in the default tier", [calicoDeny, ...allows({})], "deny by c[0] in default"],
  [
    "3.10 of equal order, by name: before",
    [policy("n1", "o", { order: 1000, ingress: [{ action: "Deny" }] }), ...allows({})],
    "deny by o[0] in default",
  ],
  [
    "3.10 of equal order, by name: after",
    [policy("n1", "q", { order: 1000, ingress: [{ action: "Deny" }] }), ...allows({})],
    "allow by p[0] in default",
  ],
  [
    "3.1 of equal name, by kind: KubernetesNetworkPolicy before NetworkPolicy",
    [policy("n1", "p", { order: 1000, ingress: [{ action: "Deny" }] }), ...allows({})],
    "allow by p[0] in default",
  ],
  ["3.11 an Admin policy comes before the default tier", [cluster(drop), ...allows({})], "deny by p[0] in kube-admin"],
  ["3.11 Accept is final", [cluster(accept), calicoDeny], "allow by p[0] in kube-admin"],
  ["3.11 Pass leads on to NetworkPolicies", [cluster(pass), ...allows({})], "allow by p[0] in default"],
  [
    "3.11 priority, lower first, across kinds",
    [
      clusterPolicy("AdminNetworkPolicy", "a", { priority: 7, ...drop }),
      clusterPolicy("ClusterNetworkPolicy", "b", { tier: "Admin", priority: 6, ...accept }),
    ],
    "allow by b[0] in kube-admin",
  ],
  [
    "3.11 of equal priority, by name",
    [
      clusterPolicy("AdminNetworkPolicy", "a", { priority: 7, ...drop }),
      clusterPolicy("ClusterNetworkPolicy", "b", { tier: "Admin", priority: 7, ...accept }),
    ],
    "deny by a[0] in kube-admin",
  ],
  [
    "3.11 a Baseline policy is asked only when no NetworkPolicy applies",
    [clusterPolicy("ClusterNetworkPolicy", "b", { tier: "Baseline", priority: 1, ...drop })],
    "deny by b[0] in kube-baseline",
  ],
  [
    "3.11 a NetworkPolicy decides before Baseline",
    [clusterPolicy("ClusterNetworkPolicy", "b", { tier: "Baseline", priority: 1, ...drop }), ...allows({})],
    "allow by p[0] in default",
  ],
  [
    "3.11 a NetworkPolicy that isolates denies before Baseline could accept",
    [
      clusterPolicy("ClusterNetworkPolicy", "b", { tier: "Baseline", priority: 1, ...accept }),
      kubernetesPolicy("n1", "p", {}),
    ],
    "deny by end-of-tier in default",
  ],
  [
    "3.11 a BaselineAdminNetworkPolicy comes last of all",
    [
      clusterPolicy("BaselineAdminNetworkPolicy", "a", drop),
      clusterPolicy("ClusterNetworkPolicy", "b", { tier: "Baseline", priority: 1000, ...accept }),
    ],
    "allow by b[0] in kube-baseline",
  ],
];

for (const [name, policies, expected] of PLACES) {
  Deno.test(`evaluate(), order: ${name}`, () => {
    for (const list of [policies, [...policies].reverse()]) {
      assertEquals(told(judge({ ...OBJECTS, policies: list }, `n2/web ${WEB}`).ingress), expected);
    }
  });
}

Deno.test("evaluate() names policies of Kubernetes by kinds of their own", () => {
  const { ingress } = judge({ ...OBJECTS, policies: [kubernetesPolicy("n1", "p", {})] }, `${OUTSIDE} ${WEB}`);
  assertEquals(ingress?.isolatedBy, [{ kind: "KubernetesNetworkPolicy", namespace: "n1", name: "p" }]);
  const other = judge({ ...OBJECTS, policies: [cluster(drop)] }, `n1/db ${WEB}`).ingress;
  assertEquals(other?.policy, { kind: "KubernetesClusterNetworkPolicy", namespace: "", name: "p" });
});
