/**
 * The engines behind `tortie explain` never disagree: workloads, host endpoints and addresses, under policies of this API and of Kubernetes, on the live
 * state while it moves on and on past ones.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { isJsonObject } from "#/base/json.ts";
import { withFolder } from "#tests/support/program.ts";
import { ServerProcess } from "#tests/support/server.ts";

const SCENE = `apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
`;

/** Pods by name: node and address. */
const PODS: Readonly<Record<string, readonly [node: string, address: string]>> = {
  web: ["n1", "10.0.0.1"],
  db: ["n2", "10.0.0.2"],
  job: ["n2", "10.0.0.3"],
};

function pod(name: string, node: string): string {
  return `---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {app: ${name}}}
spec: {nodeName: ${node}, containers: [{name: c, image: c, ports: [{name: main, containerPort: 5432, protocol: TCP}]}]}
`;
}

function hostEndpoint(node: string, address: string): string {
  return `apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: ${node}-all, labels: {role: node}}
spec: {node: ${node}, interfaceName: "*", expectedIPs: [${address}], profiles: [projectcalico-default-allow]}
`;
}

const STEPS: readonly string[] = [
  SCENE + Object.entries(PODS).map(([name, [node]]) => pod(name, node)).join(""),
  [hostEndpoint("n1", "192.168.0.1"), hostEndpoint("n2", "192.168.0.2")].join("---\n"),
  `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: main, protocol: TCP}]}]
`,
  `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: nodes}
spec:
  selector: role == 'node'
  applyOnForward: true
  order: 5
  types: [Ingress, Egress]
  ingress: [{action: Allow, protocol: TCP, destination: {ports: [5432, 9100]}}, {action: Deny, protocol: TCP, destination: {ports: [80]}}]
  egress: [{action: Deny, destination: {nets: [203.0.113.0/24]}}, {action: Allow}]
`,
  `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: guard}
spec:
  priority: 10
  subject: {namespaces: {}}
  ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{portNumber: {protocol: TCP, port: 5432}}]}]
`,
];

const QUESTIONS: readonly (readonly [from: string, to: string])[] = [
  ["10.0.0.1", "10.0.0.2:5432/tcp"],
  ["shop/web", "shop/db:5432/tcp"],
  ["10.0.0.3", "10.0.0.2:5432/tcp"],
  ["10.0.0.1", "10.0.0.2:80/tcp"],
  ["10.0.0.1", "203.0.113.9:443/tcp"],
  ["198.51.100.1", "10.0.0.2:5432/tcp"],
  ["198.51.100.1", "192.168.0.2:22/tcp"],
  ["198.51.100.1", "192.168.0.2:9100/tcp"],
  ["198.51.100.1", "192.168.0.2:81/tcp"],
  ["192.168.0.1", "10.0.0.2:5432/tcp"],
  ["192.168.0.2", "10.0.0.2:5432/tcp"],
  ["10.0.0.2", "192.168.0.2:80/tcp"],
  ["192.168.0.1", "203.0.113.9:443/tcp"],
  ["192.168.0.1", "203.0.113.9:53/udp"],
  ["10.0.0.3", "10.0.0.2:icmp"],
];

async function giveAddresses(server: ServerProcess): Promise<void> {
  for (const [name, [, ip]] of Object.entries(PODS)) {
    const path = `/api/v1/namespaces/shop/pods/${name}`;
    const object = await server.ok(path);
    assert(isJsonObject(object));
    await server.ok(`${path}/status`, {
      method: "PUT",
      body: { ...object, status: { phase: "Running", podIPs: [{ ip }] } },
    });
  }
}

Deno.test("no disagreement is counted, whoever speaks to whom, now and in the past", () =>
  withFolder(async (folder) => {
    await using server = await ServerProcess.start({ dataDir: join(folder, "data") });
    const seen = new Set<string>();
    const ask = async (at: string) => {
      for (const [from, to] of QUESTIONS) {
        const answer = await server.ok(`/tortie/v1/explain?${new URLSearchParams({ from, to })}${at}`);
        if (!isJsonObject(answer)) continue;
        seen.add(`${answer.verdict}`);
        const halves = [answer.egress, answer.ingress, ...Array.isArray(answer.forward) ? answer.forward : []];
        for (const half of halves.filter(isJsonObject)) {
          const { endpoint, policy } = half;
          if (isJsonObject(endpoint)) seen.add(`${endpoint.kind}`);
          if (isJsonObject(policy)) seen.add(`${policy.kind}`);
        }
      }
    };
    const heads: number[] = [];
    for (const step of STEPS) {
      const { code, stderr } = await server.tortie(["apply", "-f", "-"], { stdin: step });
      assertEquals([code, stderr], [0, ""]);
      if (heads.length === 0) await giveAddresses(server);
      const nodes = await server.ok("/tortie/v1/nodes");
      if (isJsonObject(nodes)) heads.push(Number(nodes.head));
      await ask("");
    }
    for (const head of heads.slice(1)) await ask(`&at=${head}`);
    assertEquals([...seen].sort(), [
      "AdminNetworkPolicy",
      "GlobalNetworkPolicy",
      "HostEndpoint",
      "KubernetesNetworkPolicy",
      "WorkloadEndpoint",
      "allow",
      "deny",
    ]);
    const { body: metrics } = await server.ask("/metrics");
    assertMatch(String(metrics), /^tortie_policy_disagreements_total 0$/m);
    assertEquals(server.stderr, "", "the server must have nothing to complain of");
  }));
