/**
 * Endpoints of files: who has one, what it is called, and which address it gets.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type ManifestEndpoints, manifestEndpoints } from "#/projections/manifest_endpoints.ts";
import { workloadEndpointSpecOf } from "#/resources/kinds/workload_endpoint.ts";
import { manifestsOf } from "#tests/support/manifests.ts";

interface PodText {
  readonly name: string;
  readonly owner?: string;
  readonly spec?: string;
  readonly status?: string;
  readonly metadata?: string;
}

function pod({ name, owner, spec = "", status = "{}", metadata = "" }: PodText): string {
  const [kind, ownerName] = owner?.split("/") ?? [];
  const owners = owner === undefined
    ? ""
    : `, ownerReferences: [{apiVersion: apps/v1, kind: ${kind}, name: ${ownerName}, uid: u, controller: true}]`;
  return `---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: n, labels: {app: ${name}}${owners}${metadata}}
spec: {${spec === "" ? "" : `${spec}, `}containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}
status: ${status}
`;
}

function workload(kind: string, name: string, more = "", metadata = ""): string {
  return `---
apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}, namespace: n${metadata}}
spec:
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: c}]}
${more}
`;
}

function told({ endpoints }: ManifestEndpoints): string[] {
  return endpoints.map((endpoint) => {
    const { pod: name, ipNetworks = [] } = workloadEndpointSpecOf(endpoint);
    return `${endpoint.metadata.name} ${name} ${ipNetworks.join(" ")}`;
  });
}

const SYNTHETIC = "240.0.0.1/32 100::1/128";

Deno.test("manifestEndpoints() gives a Pod its own addresses, else one of each family that nobody has", () => {
  const made = manifestEndpoints(manifestsOf(
    pod({ name: "b", spec: "nodeName: n1", status: "{podIPs: [{ip: 10.0.0.1}]}" }) + pod({ name: "a" }) +
      pod({ name: "c", status: "{podIP: 240.0.0.1}" }),
  ));
  assertEquals(told(made), [
    "n1-k8s-b-eth0 b 10.0.0.1/32",
    "unscheduled-k8s-a-eth0 a 240.0.0.2/32 100::2/128",
    "unscheduled-k8s-c-eth0 c 240.0.0.1/32",
  ]);
  assertEquals([...made.synthetic], [["n/unscheduled-k8s-a-eth0", ["240.0.0.2", "100::2"]]]);
  assertEquals(made.endpoints[1]?.metadata.labels, {
    app: "a",
    "projectcalico.org/namespace": "n",
    "projectcalico.org/orchestrator": "k8s",
    "projectcalico.org/serviceaccount": "default",
  });
  assertEquals(workloadEndpointSpecOf(made.endpoints[1]!).ports, [{ name: "http", protocol: "TCP", port: 80 }]);
});

Deno.test("manifestEndpoints() keeps made-up addresses that are known, and gives none of them twice", () => {
  const known = new Map([["n/unscheduled-k8s-b-eth0", ["240.0.0.1", "100::1"]]]);
  const made = manifestEndpoints(manifestsOf(pod({ name: "a" }) + pod({ name: "b" })), known);
  assertEquals(told(made), [
    "unscheduled-k8s-a-eth0 a 240.0.0.2/32 100::2/128",
    `unscheduled-k8s-b-eth0 b ${SYNTHETIC}`,
  ]);
});

Deno.test("manifestEndpoints() makes none for Pods of the host's network, finished ones and ones that go away", () => {
  const { endpoints, notes } = manifestEndpoints(manifestsOf(
    pod({ name: "a", spec: "hostNetwork: true" }) + pod({ name: "b", status: "{phase: Succeeded}" }) +
      pod({ name: "c", metadata: ", deletionTimestamp: '2030-01-01T00:00:00Z'" }),
  ));
  assertEquals(endpoints, []);
  assertEquals(notes, [
    "Pod n/a is no workload endpoint: it is in the network of its node",
    "Pod n/b is no workload endpoint: it has finished",
    "Pod n/c is no workload endpoint: it is being deleted",
  ]);
});

const WORKLOADS: readonly { readonly name: string; readonly yaml: string; readonly expected: readonly string[] }[] = [
  {
    name: "one for a workload without Pods, whatever its number of replicas",
    yaml: workload("Deployment", "web", "  replicas: 0"),
    expected: [`unscheduled-k8s-web-eth0 web ${SYNTHETIC}`],
  },
  {
    name: "none for a workload that has Pods",
    yaml: workload("StatefulSet", "db") + pod({ name: "db-0", owner: "StatefulSet/db" }),
    expected: [`unscheduled-k8s-db--0-eth0 db-0 ${SYNTHETIC}`],
  },
  {
    name: "one for a Deployment and its ReplicaSet",
    yaml: workload("Deployment", "web") +
      workload(
        "ReplicaSet",
        "web-1",
        "",
        ", ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]",
      ),
    expected: [`unscheduled-k8s-web-eth0 web ${SYNTHETIC}`],
  },
  {
    name: "none for an old ReplicaSet whose Deployment is not there",
    yaml: workload(
      "ReplicaSet",
      "web-1",
      "  replicas: 0",
      ", ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]",
    ),
    expected: [],
  },
  {
    name: "two for workloads of one name",
    yaml: workload("StatefulSet", "web") + workload("Deployment", "web"),
    expected: [
      `unscheduled-k8s-web-eth0 web 240.0.0.2/32 100::2/128`,
      `unscheduled-k8s-web--statefulset-eth0 web-statefulset ${SYNTHETIC}`,
    ],
  },
];

for (const { name, yaml, expected } of WORKLOADS) {
  Deno.test(`manifestEndpoints() makes ${name}`, () => {
    assertEquals(told(manifestEndpoints(manifestsOf(yaml))), expected);
  });
}

const ENDPOINT = `---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: n1-k8s-a-eth0, namespace: n, labels: {app: a}}
spec: {orchestrator: k8s, node: n1, pod: a, endpoint: eth0, ipNetworks: [10.0.0.7], profiles: [kns.n]}
`;

Deno.test("manifestEndpoints() takes a Pod's endpoint from the files where it stands there", () => {
  const made = manifestEndpoints(manifestsOf(ENDPOINT + pod({ name: "a", status: "{podIP: 10.0.0.9}" })));
  assertEquals(told(made), ["n1-k8s-a-eth0 a 10.0.0.7/32"]);
  assertEquals(workloadEndpointSpecOf(made.endpoints[0]!).interfaceName?.length, 15);
  assertEquals(made.servicePods.map(({ status }) => status), [{
    phase: "Pending",
    podIP: "10.0.0.9",
    podIPs: [{ ip: "10.0.0.7" }],
  }]);
});

Deno.test("manifestEndpoints() lets Services select endpoints that stand alone", () => {
  const [pod] = manifestEndpoints(manifestsOf(ENDPOINT)).servicePods;
  assertEquals([pod?.metadata.name, pod?.metadata.labels?.app], ["a", "a"]);
  assertEquals(pod?.status, { podIPs: [{ ip: "10.0.0.7" }] });
});
