/**
 * Reach on small clusters, case by case: the shapes in which Kubernetes and Calico policies are usually written, and how answers are told.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { formatConnections } from "#/policy/reach/connection_set.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { reach, reachEntries, type ReachOptions } from "#/policy/reach/reach.ts";
import { parseReachEnd, type ReachEnd } from "#/policy/reach/reach_end.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import type { KubeObject } from "#/resources/object.ts";
import { namespace, NO_OBJECTS, policy, tier, workload } from "#tests/unit/policy/policy_builders.ts";

/** `web` and `db` in `shop`, `cron` in `ops`; their addresses are made up unless a case says otherwise. */
const CLUSTER: PolicyObjects = {
  ...NO_OBJECTS,
  namespaces: [namespace("shop", { env: "prod" }), namespace("ops")],
  workloadEndpoints: [
    workload("shop", "web", ["240.0.0.1"], { labels: { app: "web" } }),
    workload("shop", "db", ["240.0.0.2"], {
      labels: { app: "db" },
      ports: [{ name: "pg", protocol: "TCP", port: 5432 }],
    }),
    workload("ops", "cron", ["240.0.0.3"], { labels: { app: "cron" } }),
  ],
};
const SYNTHETIC = new Set(["240.0.0.1", "240.0.0.2", "240.0.0.3"]);

/** A NetworkPolicy of Kubernetes in `shop`. */
function kubernetes(name: string, spec: JsonObject): KubeObject {
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name, namespace: "shop" }, spec };
}

const DENY_ALL = kubernetes("deny", { podSelector: {}, policyTypes: ["Ingress", "Egress"] });
const toDb = (rule: JsonObject): KubeObject =>
  kubernetes("to-db", { podSelector: { matchLabels: { app: "db" } }, policyTypes: ["Ingress"], ingress: [rule] });

/** Every entry in one line, `from -> to: connections`. */
function told(objects: PolicyObjects, options: ReachOptions = {}): readonly string[] {
  return reach(compileObjects(objects), { synthetic: SYNTHETIC, ...options })
    .map(({ from, to, connections }) => `${from} -> ${to}: ${formatConnections(connections)}`);
}

const INTO_DB: ReachOptions = { to: end("shop/db") };

function end(text: string): ReachEnd {
  const parsed = parseReachEnd(text);
  if (parsed.kind === "invalid") throw new Error(parsed.message);
  return parsed;
}

interface Case {
  readonly name: string;
  readonly objects: PolicyObjects;
  readonly options?: ReachOptions;
  readonly expected: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: "nobody isolated: everything, from and to the whole of IPv4",
    objects: { ...CLUSTER, workloadEndpoints: CLUSTER.workloadEndpoints.slice(0, 2) },
    expected: [
      "shop/db -> shop/web: All",
      "shop/db -> 0.0.0.0/0: All",
      "shop/web -> shop/db: All",
      "shop/web -> 0.0.0.0/0: All",
      "0.0.0.0/0 -> shop/db: All",
      "0.0.0.0/0 -> shop/web: All",
    ],
  },
  {
    name: "default deny of a namespace leaves the others",
    objects: { ...CLUSTER, policies: [DENY_ALL] },
    expected: ["ops/cron -> 0.0.0.0/0: All", "0.0.0.0/0 -> ops/cron: All"],
  },
  {
    name: "one allow on top of a default deny needs both directions",
    objects: {
      ...CLUSTER,
      policies: [
        DENY_ALL,
        toDb({ from: [{ podSelector: { matchLabels: { app: "web" } } }], ports: [{ port: 5432 }] }),
        kubernetes("from-web", {
          podSelector: { matchLabels: { app: "web" } },
          policyTypes: ["Egress"],
          egress: [{ ports: [{ protocol: "TCP", port: 5000, endPort: 6000 }, { protocol: "UDP", port: 53 }] }],
        }),
      ],
    },
    expected: [
      "ops/cron -> 0.0.0.0/0: All",
      "shop/web -> ops/cron: TCP 5000-6000; UDP 53",
      "shop/web -> shop/db: TCP 5432",
      "shop/web -> 0.0.0.0/0: TCP 5000-6000; UDP 53",
      "0.0.0.0/0 -> ops/cron: All",
    ],
  },
  {
    name: "ipBlock with except, and a range that ends in the middle of nowhere",
    objects: {
      ...CLUSTER,
      policies: [toDb({
        from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }, { ipBlock: { cidr: "9.255.255.255/32" } }],
      })],
    },
    options: INTO_DB,
    expected: ["9.255.255.255-10.0.255.255 -> shop/db: All", "10.2.0.0-10.255.255.255 -> shop/db: All"],
  },
  {
    name: "all namespaces: pods and no addresses",
    objects: { ...CLUSTER, policies: [toDb({ from: [{ namespaceSelector: {} }], ports: [{ protocol: "SCTP" }] })] },
    options: INTO_DB,
    expected: ["ops/cron -> shop/db: SCTP", "shop/web -> shop/db: SCTP"],
  },
  {
    name: "a named port is the number that the destination gives it",
    objects: { ...CLUSTER, policies: [toDb({ ports: [{ port: "pg" }] })] },
    options: INTO_DB,
    expected: [
      "ops/cron -> shop/db: TCP 5432",
      "shop/web -> shop/db: TCP 5432",
      "0.0.0.0/0 -> shop/db: TCP 5432",
    ],
  },
  {
    name: "TCP, UDP and SCTP are not everything",
    objects: {
      ...CLUSTER,
      policies: [toDb({ ports: [{ protocol: "TCP" }, { protocol: "UDP" }, { protocol: "SCTP" }] })],
    },
    options: { ...INTO_DB, from: end("shop") },
    expected: ["shop/web -> shop/db: TCP; UDP; SCTP"],
  },
  {
    name: "all but one port of one protocol, and all but one type of ICMP",
    objects: {
      ...CLUSTER,
      policies: [policy("shop", "p", {
        selector: "app == 'db'",
        ingress: [
          { action: "Deny", protocol: "TCP", destination: { ports: [22] } },
          { action: "Deny", notProtocol: "ICMP", protocol: 47 },
          { action: "Allow", protocol: "ICMP", icmp: { type: 8 } },
          { action: "Deny", protocol: "ICMP" },
          { action: "Allow" },
        ],
      })],
    },
    options: { ...INTO_DB, from: end("shop/web") },
    expected: [
      "shop/web -> shop/db: 0; ICMP 8; 2-5; TCP 1-21,23-65535; 7-16; UDP; 18-46; 48-57; ICMPv6; 59-131; SCTP; 133-135; UDPLite; 137-255",
    ],
  },
  {
    name: "a client may choose its source port",
    objects: {
      ...CLUSTER,
      policies: [policy("shop", "p", {
        selector: "app == 'db'",
        ingress: [{ action: "Allow", protocol: "UDP", source: { ports: [123] }, destination: { ports: [123, 124] } }],
      })],
    },
    options: { ...INTO_DB, from: end("shop/web") },
    expected: ["shop/web -> shop/db: UDP 123-124"],
  },
  {
    name: "Pass hands on to the next tier, the end of a tier denies",
    objects: {
      ...CLUSTER,
      tiers: [...CLUSTER.tiers, tier("early", 1, "Deny")],
      policies: [
        policy("", "guard", {
          tier: "early",
          selector: "app == 'db'",
          ingress: [{ action: "Pass", protocol: "TCP", destination: { ports: ["1:1000"] } }],
        }),
        toDb({ ports: [{ port: 443 }, { port: 5432 }] }),
      ],
    },
    options: { ...INTO_DB, from: end("ops") },
    expected: ["ops/cron -> shop/db: TCP 443"],
  },
  {
    name: "cluster-wide policies before and after those of a namespace",
    objects: {
      ...CLUSTER,
      tiers: [tier("kube-admin", 1_000, "Pass"), ...CLUSTER.tiers, tier("kube-baseline", 10_000_000, "Pass")],
      policies: [
        {
          apiVersion: "policy.networking.k8s.io/v1alpha1",
          kind: "AdminNetworkPolicy",
          metadata: { name: "guard" },
          spec: {
            priority: 10,
            subject: { namespaces: {} },
            ingress: [
              {
                action: "Deny",
                from: [{ namespaces: { matchLabels: { env: "prod" } } }],
                ports: [{ portNumber: { port: 22 } }],
              },
              { action: "Pass", from: [{ namespaces: {} }] },
            ],
          },
        },
        {
          apiVersion: "policy.networking.k8s.io/v1alpha1",
          kind: "BaselineAdminNetworkPolicy",
          metadata: { name: "default" },
          spec: { subject: { namespaces: {} }, ingress: [{ action: "Deny", from: [{ namespaces: {} }] }] },
        },
        toDb({ ports: [{ port: 20, endPort: 25 }] }),
      ],
    },
    options: { to: end("shop") },
    expected: [
      "ops/cron -> shop/db: TCP 20-25",
      "shop/web -> shop/db: TCP 20-21,23-25",
      "0.0.0.0/0 -> shop/db: TCP 20-25",
      "0.0.0.0/0 -> shop/web: All",
    ],
  },
  {
    name: "real addresses of workloads are not outside",
    objects: {
      ...CLUSTER,
      workloadEndpoints: [workload("shop", "web", ["10.0.0.1"]), workload("shop", "db", ["10.0.0.2"])],
      policies: [toDb({ from: [{ ipBlock: { cidr: "10.0.0.0/30" } }] })],
    },
    options: { from: end("10.0.0.0/30") },
    expected: [
      "shop/db -> shop/web: All",
      "shop/db -> 0.0.0.0-10.0.0.0: All",
      "shop/db -> 10.0.0.3-255.255.255.255: All",
      "shop/web -> shop/db: All",
      "shop/web -> 0.0.0.0-10.0.0.0: All",
      "shop/web -> 10.0.0.3-255.255.255.255: All",
      "10.0.0.0/32 -> shop/db: All",
      "10.0.0.0/32 -> shop/web: All",
      "10.0.0.3/32 -> shop/db: All",
      "10.0.0.3/32 -> shop/web: All",
    ],
  },
  {
    name: "both families, each with its own rules",
    objects: {
      ...CLUSTER,
      workloadEndpoints: [
        workload("shop", "web", ["10.0.0.1", "fd00::1"]),
        workload("shop", "db", ["10.0.0.2", "fd00::2"], { labels: { app: "db" } }),
      ],
      policies: [policy("shop", "p", {
        selector: "app == 'db'",
        ingress: [{ action: "Allow", protocol: "TCP", ipVersion: 4 }, { action: "Allow", protocol: "ICMPv6" }],
      })],
    },
    options: { ...INTO_DB, from: end("shop/web") },
    expected: ["shop/web -> shop/db: TCP; ICMPv6"],
  },
  {
    name: "one port of all",
    objects: { ...CLUSTER, policies: [toDb({ ports: [{ port: 5432 }] })] },
    options: { from: end("shop/web"), port: { protocol: 6, port: 443 } },
    expected: ["shop/web -> ops/cron: TCP 443", "shop/web -> 0.0.0.0/0: TCP 443"],
  },
  {
    name: "by namespace, with what is within one",
    objects: { ...CLUSTER, policies: [toDb({ ports: [{ port: 5432 }] })] },
    options: { nameOf: ({ id }) => id.split("/")[0]!, within: true, to: end("shop") },
    expected: [
      "ops -> shop: All",
      "shop -> shop: All",
      "0.0.0.0/0 -> shop: All",
    ],
  },
  {
    name: "an end by another name than the answer's",
    objects: { ...CLUSTER, policies: [toDb({ ports: [{ port: 5432 }] })] },
    options: {
      nameOf: ({ id }) => id.split("/")[0]!,
      aliasesOf: ({ workload: name }) => [`${name}-deployment`],
      from: end("ops/cron-deployment"),
      to: end("shop/db"),
    },
    expected: ["ops -> shop: TCP 5432"],
  },
  {
    name: "an endpoint to itself is not told, not even within a name",
    objects: CLUSTER,
    options: { nameOf: ({ id }) => id.split("/")[0]!, within: true, from: end("ops"), to: end("ops") },
    expected: [],
  },
];

Deno.test("reach() tells who may connect to whom", async (test) => {
  for (const { name, objects, options, expected } of CASES) {
    await test.step(name, () => assertEquals(told(objects, options), expected));
  }
});

Deno.test("reach() gives JSON in the documented shape", () => {
  const objects = { ...CLUSTER, policies: [toDb({ ports: [{ port: 5432 }, { protocol: "UDP" }] })] };
  const [entry] = [...reachEntries(compileObjects(objects), { from: end("shop/web"), to: end("shop/db") })];
  assertEquals(JSON.parse(JSON.stringify(entry)), {
    from: "shop/web",
    to: "shop/db",
    connections: [{ protocol: "TCP", ports: [[5432, 5432]] }, { protocol: "UDP", ports: [[1, 65535]] }],
  });
});

Deno.test("reach() shares equal connections", () => {
  const entries = reach(compileObjects({ ...CLUSTER, policies: [toDb({ ports: [{ port: 5432 }] })] }), INTO_DB);
  assertEquals(new Set(entries.map(({ connections }) => connections)).size, 1);
});
