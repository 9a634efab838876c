/**
 * The WorkloadEndpoint as a view of Pod and sandbox: what is taken from which, and when there is none.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { podEndpointName, workloadEndpointOf } from "#/projections/workload_endpoint_view.ts";
import type { BindingRecord } from "#/projections/cluster_state.ts";
import { bound, pod, type PodOptions } from "#tests/support/network_objects.ts";

function sandbox(options: Parameters<typeof bound>[2]): BindingRecord {
  return { ...bound("shop", "web-1", options), position: 1 };
}

Deno.test("workloadEndpointOf() joins Pod and sandbox as Calico does", () => {
  const web = pod("shop", "web-1", {
    node: "node-1",
    uid: "01000000-0000-4000-8000-000000000000",
    serviceAccountName: "till",
    labels: { app: "web", "pcns.env": "posed", "pcsa.x": "posed", "projectcalico.org/namespace": "posed" },
    ports: [{ name: "http", containerPort: 80 }, { containerPort: 81 }, {
      containerPort: 53,
      hostPort: 5353,
      protocol: "UDP",
    }],
    podIPs: ["10.9.9.9"],
  });
  const binding = sandbox({ node: "node-1", addresses: ["192.168.0.5", "fd00::5"], containerId: "c1" });
  assertEquals(workloadEndpointOf(web, binding), {
    apiVersion: "projectcalico.org/v3",
    kind: "WorkloadEndpoint",
    metadata: {
      name: "node--1-k8s-web--1-eth0",
      namespace: "shop",
      uid: "80000000-0000-4000-8000-000000000000",
      labels: {
        app: "web",
        "projectcalico.org/namespace": "shop",
        "projectcalico.org/orchestrator": "k8s",
        "projectcalico.org/serviceaccount": "till",
      },
    },
    spec: {
      orchestrator: "k8s",
      node: "node-1",
      containerID: "c1",
      pod: "web-1",
      endpoint: "eth0",
      serviceAccountName: "till",
      ipNetworks: ["192.168.0.5/32", "fd00::5/128"],
      profiles: ["kns.shop", "ksa.shop.till"],
      interfaceName: binding.interfaceName,
      mac: "ee:ee:ee:ee:ee:01",
      ports: [
        { name: "http", protocol: "TCP", port: 80 },
        { protocol: "UDP", port: 53, hostPort: 5353 },
      ],
    },
  });
});

Deno.test("workloadEndpointOf() takes addresses of the sandbox, else of the status", () => {
  const addressesOf = (options: PodOptions, binding?: BindingRecord) =>
    workloadEndpointOf(pod("shop", "web-1", { node: "n", ...options }), binding)?.spec?.ipNetworks;
  const own = sandbox({ node: "n", addresses: ["192.168.0.5"], podUid: "u1" });
  const cases = [
    { name: "both", found: addressesOf({ podIPs: ["10.0.0.1"], uid: "u1" }, own), expected: ["192.168.0.5/32"] },
    { name: "status alone", found: addressesOf({ podIPs: ["10.0.0.1"] }), expected: ["10.0.0.1/32"] },
    { name: "an earlier Pod's sandbox", found: addressesOf({ uid: "u2" }, own), expected: undefined },
    { name: "another node's sandbox", found: addressesOf({}, { ...own, node: "m" }), expected: undefined },
    {
      name: "going away, sandbox there",
      found: addressesOf({ deletionTimestamp: "t", uid: "u1" }, own),
      expected: ["192.168.0.5/32"],
    },
    {
      name: "going away, sandbox gone",
      found: addressesOf({ deletionTimestamp: "t", podIPs: ["10.0.0.1"] }),
      expected: undefined,
    },
    { name: "unreadable", found: addressesOf({ podIPs: ["10.0.0.1", "10.0.0.999"] }), expected: ["10.0.0.1/32"] },
  ];
  for (const { name, found, expected } of cases) assertEquals(found, expected, name);
});

Deno.test("workloadEndpointOf() has none for Pods that are not on the network", () => {
  const cases: readonly (readonly [string, PodOptions])[] = [
    ["no node", { podIPs: ["10.0.0.1"] }],
    ["no address", { node: "n" }],
    ["the host's network", { node: "n", podIPs: ["10.0.0.1"], hostNetwork: true }],
    ["succeeded", { node: "n", podIPs: ["10.0.0.1"], phase: "Succeeded" }],
    ["failed", { node: "n", podIPs: ["10.0.0.1"], phase: "Failed" }],
  ];
  for (const [name, options] of cases) {
    assertEquals(workloadEndpointOf(pod("shop", "web", options), undefined), undefined, name);
  }
});

Deno.test("podEndpointName() depends on node and name alone", () => {
  assertEquals(podEndpointName(pod("shop", "web")), undefined);
  assertEquals(podEndpointName(pod("shop", "web", { node: "n", phase: "Failed" })), "n-k8s-web-eth0");
});
