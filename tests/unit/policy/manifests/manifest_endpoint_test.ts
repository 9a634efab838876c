/**
 * WorkloadEndpoints of files: what a server would refuse because it makes them itself.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { admitEndpoint } from "#/policy/manifests/manifest_endpoint.ts";
import { workloadEndpoint } from "#/resources/kinds/workload_endpoint.ts";
import type { KubeObject } from "#/resources/object.ts";

function endpoint(name: string, spec: JsonObject, labels?: Record<string, string>): KubeObject {
  const metadata = { name, namespace: "shop", ...(labels === undefined ? {} : { labels }) };
  return { apiVersion: "projectcalico.org/v3", kind: "WorkloadEndpoint", metadata, spec };
}

const POD = { orchestrator: "k8s", node: "n1", pod: "web-1", endpoint: "eth0", ipNetworks: ["10.0.0.1"] };
const MACHINE = { orchestrator: "vm", node: "n1", workload: "db", endpoint: "eth0" };

function problems(object: KubeObject): string[] {
  return admitEndpoint(workloadEndpoint, object).problems.map(({ path, message }) => `${path}: ${message}`);
}

Deno.test("admitEndpoint() takes endpoints of Pods, and gives them the system's labels", () => {
  const { object, problems } = admitEndpoint(
    workloadEndpoint,
    endpoint("n1-k8s-web--1-eth0", { ...POD, serviceAccountName: "sa" }, { app: "web" }),
  );
  assertEquals(problems, []);
  assertEquals(object.metadata.labels, {
    app: "web",
    "projectcalico.org/namespace": "shop",
    "projectcalico.org/orchestrator": "k8s",
    "projectcalico.org/serviceaccount": "sa",
  });
  assertEquals(object.spec?.ipNetworks, ["10.0.0.1/32"]);
  assertEquals(object.spec?.profiles, ["kns.shop", "ksa.shop.sa"]);
});

Deno.test("admitEndpoint() takes the system's labels only where they are true", () => {
  const listed = { "projectcalico.org/namespace": "shop", "projectcalico.org/orchestrator": "vm" };
  assertEquals(problems(endpoint("n1-vm-db-eth0", MACHINE, listed)), []);
  assertEquals(problems(endpoint("n1-vm-db-eth0", MACHINE, { "projectcalico.org/namespace": "bank" })), [
    "metadata.labels[projectcalico.org/namespace]: Forbidden: must not be set by users: the system sets it",
  ]);
});

Deno.test("admitEndpoint() holds endpoints of Pods to their names", () => {
  const rule =
    'must be "n1-k8s-web--1-eth0": node, orchestrator, pod and endpoint joined by "-", with their own "-" doubled';
  assertEquals(problems(endpoint("web", POD)), [`metadata.name: Invalid value: "web": ${rule}`]);
  const { pod: _, ...nameless } = POD;
  assertEquals(problems(endpoint("web", nameless)), [
    "spec.pod: Required value: must be given: the endpoint's name holds it",
  ]);
});

Deno.test("admitEndpoint() leaves profiles as they are written, and other endpoints without", () => {
  const profiles = (name: string, spec: JsonObject) =>
    admitEndpoint(workloadEndpoint, endpoint(name, spec)).object.spec?.profiles;
  assertEquals(profiles("n1-k8s-web--1-eth0", { ...POD, profiles: ["mine"] }), ["mine"]);
  assertEquals(profiles("n1-vm-db-eth0", MACHINE), undefined);
});

Deno.test("admitEndpoint() refuses what the kind refuses", () => {
  assertEquals(problems(endpoint("n1-k8s-web--1-eth0", { ...POD, ipNetworks: ["10.0.0.0/24"] })).length, 1);
  assertEquals(problems(endpoint("x", MACHINE)).length, 1);
});
