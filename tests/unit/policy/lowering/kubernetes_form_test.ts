/**
 * Kubernetes' kinds of policy in Calico's form, and what cannot be read of them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import type { PolicyKind } from "#/policy/ir.ts";
import { kubernetesForm, type PolicyForm } from "#/policy/lowering/kubernetes_form.ts";
import { labelSelectorText, portGroups } from "#/policy/lowering/kubernetes_parts.ts";
import { lowerPolicy } from "#/policy/lowering/lower.ts";

function form(kind: PolicyKind, spec: JsonObject): PolicyForm {
  const read = kubernetesForm(kind, { apiVersion: "v1", kind, metadata: { name: "p", namespace: "shop" }, spec });
  if (read === undefined) throw new Error(`${kind} must have a form`);
  return read;
}

const POD = 'projectcalico.org/orchestrator == "k8s"';

Deno.test("kubernetesForm() puts each kind in its tier, at its order, over pods", () => {
  const subject = { namespaces: { matchLabels: { env: "prod" } } };
  const cases: readonly (readonly [PolicyKind, JsonObject, JsonObject])[] = [
    ["KubernetesNetworkPolicy", { podSelector: {} }, {
      tier: "default",
      order: 1000,
      types: ["Ingress"],
      selector: POD,
    }],
    ["StagedKubernetesNetworkPolicy", { policyTypes: ["Egress"], stagedAction: "Delete" }, {
      tier: "default",
      order: 1000,
      types: ["Egress"],
      selector: POD,
      stagedAction: "Delete",
    }],
    ["AdminNetworkPolicy", { subject, priority: 7, ingress: [{}] }, {
      tier: "kube-admin",
      order: 7,
      types: ["Ingress"],
      selector: POD,
      namespaceSelector: 'env == "prod"',
    }],
    ["BaselineAdminNetworkPolicy", { subject, egress: [{}] }, {
      tier: "kube-baseline",
      types: ["Egress"],
      selector: POD,
      namespaceSelector: 'env == "prod"',
    }],
    [
      "KubernetesClusterNetworkPolicy",
      { tier: "Admin", subject: { pods: { podSelector: { matchLabels: { a: "b" } } } }, priority: 0 },
      {
        tier: "kube-admin",
        order: 0,
        types: [],
        selector: `(${POD} && a == "b")`,
        namespaceSelector: "all()",
      },
    ],
    ["KubernetesClusterNetworkPolicy", { tier: "Baseline", subject, priority: 3 }, {
      tier: "kube-baseline",
      order: 3,
      types: [],
      selector: POD,
      namespaceSelector: 'env == "prod"',
    }],
  ];
  for (const [kind, spec, expected] of cases) {
    const { spec: read, subjectFault } = form(kind, spec);
    assertEquals([read, subjectFault] as unknown, [expected, undefined], kind);
  }
  assertEquals(kubernetesForm("NetworkPolicy", { apiVersion: "v3", kind: "x", metadata: { name: "p" } }), undefined);
});

Deno.test("kubernetesForm() makes one rule for each peer and protocol, and merges what it can", () => {
  const { ingress } = form("KubernetesNetworkPolicy", {
    ingress: [{
      from: [
        { ipBlock: { cidr: "10.0.0.0/8" } },
        { podSelector: { matchLabels: { app: "web" } } },
        { namespaceSelector: {} },
        { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } },
        { ipBlock: { cidr: "fd00::/8" } },
      ],
      ports: [{ port: 80 }, { port: 90, endPort: 95 }, { port: "http" }, { protocol: "UDP", port: 53 }, {
        protocol: "UDP",
      }],
    }, {}],
  });
  const peers = [
    { selector: `(${POD} && app == "web")` },
    { selector: POD, namespaceSelector: "all()" },
    { nets: ["10.0.0.0/8"], notNets: ["10.1.0.0/16"] },
    { nets: ["10.0.0.0/8", "fd00::/8"] },
  ];
  const tcp = { ports: [80, "90:95", "http"] };
  assertEquals(ingress as unknown, [
    {
      kind: "rules",
      rules: [
        ...peers.map((source) => ({ action: "Allow", protocol: "TCP", source, destination: tcp })),
        ...peers.map((source) => ({ action: "Allow", protocol: "UDP", source })),
      ],
    },
    { kind: "rules", rules: [{ action: "Allow", source: {} }] },
  ]);
});

Deno.test("kubernetesForm() keeps actions, names and named ports of cluster-wide policies", () => {
  const { egress } = form("KubernetesClusterNetworkPolicy", {
    subject: { namespaces: {} },
    egress: [{
      name: "dns",
      action: "Accept",
      to: [{ networks: ["10.0.0.0/8"] }, { namespaces: {} }],
      protocols: [{ destinationNamedPort: "dns" }, { tcp: { destinationPort: { range: { start: 1, end: 9 } } } }, {
        sctp: {},
      }],
    }],
  });
  const metadata = { annotations: { name: "dns" } };
  const peers = [{ namespaceSelector: "all()" }, { nets: ["10.0.0.0/8"] }];
  assertEquals(egress as unknown, [{
    kind: "rules",
    rules: [
      ...peers.map((peer) => ({ action: "Allow", metadata, protocol: "SCTP", destination: peer })),
      ...peers.map((peer) => ({
        action: "Allow",
        metadata,
        protocol: "TCP",
        destination: { ...peer, ports: ["1:9"] },
      })),
      ...peers.map((peer) => ({ action: "Allow", metadata, destination: { ...peer, ports: ["dns"] } })),
    ],
  }]);
});

const BAD_RULES: readonly (readonly [string, PolicyKind, JsonObject])[] = [
  ["from[0].ipBlock.cidr: must be a CIDR", "KubernetesNetworkPolicy", { from: [{ ipBlock: { cidr: "x" } }] }],
  ["from[1].ipBlock.except: must lie within 10.0.0.0/8", "KubernetesNetworkPolicy", {
    from: [{ podSelector: {} }, { ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/9"] } }],
  }],
  ["from[0].ipBlock: must stand alone", "KubernetesNetworkPolicy", {
    from: [{ ipBlock: { cidr: "10.0.0.0/8" }, podSelector: {} }],
  }],
  ["from[0]: must have podSelector, namespaceSelector or ipBlock", "KubernetesNetworkPolicy", { from: [{}] }],
  ["ports[0].endPort: must not stand with a port's name", "KubernetesNetworkPolicy", {
    ports: [{ port: "http", endPort: 90 }],
  }],
  ["ports[0].endPort: must not be below port", "KubernetesNetworkPolicy", { ports: [{ port: 91, endPort: 90 }] }],
  ["ports[0].port: must be a port's name", "KubernetesNetworkPolicy", { ports: [{ port: "80:90" }] }],
  ["ports[0].protocol: must be TCP, UDP or SCTP", "KubernetesNetworkPolicy", { ports: [{ protocol: "ICMP" }] }],
  ["from[0].podSelector: operator must be", "KubernetesNetworkPolicy", {
    from: [{ podSelector: { matchExpressions: [{ key: "a", operator: "Near" }] } }],
  }],
  ["from: must have a peer", "AdminNetworkPolicy", { action: "Deny", from: [] }],
  ["from[0].networks: is only for egress", "AdminNetworkPolicy", {
    action: "Deny",
    from: [{ networks: ["10.0.0.0/8"] }],
  }],
  ["from[0].nodes: is not supported", "AdminNetworkPolicy", { action: "Deny", from: [{ nodes: {} }] }],
  ["from[0].domainNames: is not supported", "KubernetesClusterNetworkPolicy", {
    action: "Deny",
    from: [{ domainNames: ["a.b"] }],
  }],
  ["from[0]: must have exactly one kind of peer", "KubernetesClusterNetworkPolicy", { action: "Deny", from: [{}] }],
  ["ports[0]: must have exactly one of", "AdminNetworkPolicy", {
    action: "Deny",
    from: [{ namespaces: {} }],
    ports: [{}],
  }],
  ["protocols[0].destinationPort: must have exactly one of", "KubernetesClusterNetworkPolicy", {
    action: "Deny",
    from: [{ namespaces: {} }],
    protocols: [{ tcp: { destinationPort: {} } }],
  }],
];

for (const [message, kind, rule] of BAD_RULES) {
  Deno.test(`kubernetesForm() reads no rule of ${kind} where "${message}"`, () => {
    const spec = { podSelector: {}, subject: { namespaces: {} }, ingress: [{}, rule] };
    const [, read] = form(kind, spec).ingress;
    assertEquals(read?.kind, "unreadable");
    assertEquals(
      read?.kind === "unreadable" && read.message.split("; ")[0]?.startsWith(message),
      true,
      JSON.stringify(read),
    );
    const object = { apiVersion: "v1", kind, metadata: { name: "p" }, spec };
    const lowered = lowerPolicy({
      ...object,
      kind: kind === "KubernetesClusterNetworkPolicy" ? "ClusterNetworkPolicy" : kind,
      apiVersion: kind === "KubernetesNetworkPolicy" ? "networking.k8s.io/v1" : "v1",
    }, 5).policy.ingress?.filter(({ id }) => id === "5/i/1");
    assertEquals(lowered?.length, 1);
    assertEquals(lowered?.[0]?.action, rule.action === "Deny" ? "deny" : "allow");
    assertEquals(lowered?.[0]?.source.nets, rule.action === "Deny" ? "any" : []);
  });
}

Deno.test("kubernetesForm() reads no subject that is two or none", () => {
  for (const subject of [{}, { namespaces: {}, pods: { namespaceSelector: {}, podSelector: {} } }]) {
    const { subjectFault } = form("AdminNetworkPolicy", { subject, ingress: [{}] });
    assertEquals(subjectFault, "subject: must have exactly one of namespaces and pods");
  }
});

Deno.test("lowerPolicy() gives all rules of one user rule its id, and an unreadable subject its namespace", () => {
  const lowered = lowerPolicy({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "p", namespace: "shop" },
    spec: {
      podSelector: { matchExpressions: [{ key: "a", operator: "In" }] },
      policyTypes: ["Ingress"],
      ingress: [{ from: [{ podSelector: {} }, { namespaceSelector: {} }] }, {}],
    },
  }, 9);
  assertEquals(lowered.policy.ingress?.map(({ id }) => id), ["9/i/0", "9/i/0", "9/i/1"]);
  assertEquals(lowered.subject, { kind: "equals", key: "projectcalico.org/namespace", value: "shop" });
  assertEquals(lowered.problems, ["spec.podSelector: In must have values"]);
});

Deno.test("labelSelectorText() keeps values from being more than values", () => {
  const faults: string[] = [];
  labelSelectorText("x", { matchLabels: { a: `b"' || has(c) || d == '` } }, faults);
  labelSelectorText("x", { matchLabels: { "a) || has(b": "" } }, faults);
  assertEquals(faults.length, 2);
});

Deno.test("portGroups() asks nothing of an empty list", () => {
  assertEquals(portGroups([]), [{}]);
});
