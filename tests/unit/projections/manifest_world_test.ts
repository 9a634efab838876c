/**
 * Files as a cluster: what is there without being written.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { problemText } from "#/policy/manifests/manifest_document.ts";
import { manifestCrossProblems, manifestWorld } from "#/projections/manifest_world.ts";
import type { KubeObject } from "#/resources/object.ts";
import { manifestsOf } from "#tests/support/manifests.ts";

function named(objects: readonly KubeObject[] | undefined): string[] {
  return (objects ?? []).map(({ metadata }) =>
    `${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`
  ).sort();
}

const POD = `---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {serviceAccountName: robot, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
`;

function service(name: string): string {
  return `---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
`;
}

Deno.test("manifestWorld() adds namespaces and accounts that are named, and the built-in tiers", () => {
  const { objects } = manifestWorld(manifestsOf(`${POD}---
apiVersion: v1
kind: Namespace
metadata: {name: bank, labels: {team: red}}
---
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: security}
`));
  assertEquals(named(objects.namespaces), ["bank", "shop"]);
  assertEquals(objects.namespaces.map(({ metadata }) => metadata.labels), [
    { team: "red", "kubernetes.io/metadata.name": "bank" },
    { "kubernetes.io/metadata.name": "shop" },
  ]);
  assertEquals(named(objects.serviceAccounts), ["bank/default", "shop/default", "shop/robot"]);
  assertEquals(named(objects.tiers), ["default", "kube-admin", "kube-baseline", "security"]);
});

Deno.test("manifestWorld() takes a built-in tier that is written as it is written", () => {
  const { objects } = manifestWorld(
    manifestsOf("apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: default}\n"),
  );
  assertEquals(named(objects.tiers), ["default", "kube-admin", "kube-baseline"]);
});

Deno.test("manifestWorld() works out EndpointSlices of Services that have none", () => {
  const slice = `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: other-1, namespace: shop, labels: {kubernetes.io/service-name: other}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1]}]
ports: [{port: 80}]
`;
  const { objects } = manifestWorld(manifestsOf(POD + service("web") + service("other") + slice));
  assertEquals(named(objects.endpointSlices), ["shop/other-1", "shop/web-tortie-4", "shop/web-tortie-6"]);
  const [, made] = objects.endpointSlices ?? [];
  assertEquals(made?.ports, [{ name: "", protocol: "TCP", port: 8080 }]);
  assertEquals(JSON.stringify(made?.endpoints).includes('"addresses":["240.0.0.1"]'), true);
});

Deno.test("manifestWorld() tells workloads, made-up addresses and Pods that are no endpoints", () => {
  const { workloads, synthetic, notes } = manifestWorld(manifestsOf(`${POD}---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: proxy, namespace: kube-system}
spec: {template: {metadata: {labels: {app: proxy}}, spec: {hostNetwork: true, containers: [{name: c}]}}}
`));
  assertEquals([...workloads], [["shop/unscheduled-k8s-web-eth0", "shop/web"]]);
  assertEquals([...synthetic.values()], [["240.0.0.1", "100::1"]]);
  assertEquals(notes, ["Pod kube-system/proxy is no workload endpoint: it is in the network of its node"]);
});

Deno.test("manifestCrossProblems() misses tiers that are nowhere, and says where they are named", () => {
  const policy = (name: string, tier: string) =>
    `---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: ${name}}
spec:
  selector: all()
  types: [Ingress]
  tier: ${tier}
`;
  const tier = manifestsOf("apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: security}\n");
  const policies = manifestsOf(policy("security.a", "security") + policy("kube-admin.b", "kube-admin"));
  assertEquals(manifestCrossProblems(policies).map(problemText), [
    'test.yaml:8: GlobalNetworkPolicy security.a (document 1): spec.tier: Not found: "security": must name a tier that exists',
  ]);
  assertEquals(manifestCrossProblems(policies, [...policies, ...tier]), []);
});
