/**
 * Services: what is filled in and printed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { service } from "#/resources/kinds/service.ts";
import { serviceProblems } from "#/resources/kinds/service_rules.ts";
import { serviceSpecOf } from "#/resources/kinds/service_spec.ts";
import { admitted, cellsOf, coreObject } from "../kind_cases.ts";

const METADATA = { name: "web", namespace: "shop" };
const svc = (spec: JsonObject, rest: JsonObject = {}) => coreObject("Service", METADATA, { spec, ...rest });

const DEFAULTS: readonly (readonly [JsonObject, JsonObject])[] = [
  [{ ports: [{ port: 80 }] }, {
    type: "ClusterIP",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
    ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
  }],
  [{ ports: [{ port: 53, protocol: "UDP", targetPort: "dns" }], clusterIP: "None", sessionAffinity: "ClientIP" }, {
    type: "ClusterIP",
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
    internalTrafficPolicy: "Cluster",
    clusterIP: "None",
    clusterIPs: ["None"],
    ports: [{ port: 53, protocol: "UDP", targetPort: "dns" }],
  }],
  [{ type: "LoadBalancer", ports: [{ port: 80, targetPort: 0 }] }, {
    type: "LoadBalancer",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
    externalTrafficPolicy: "Cluster",
    allocateLoadBalancerNodePorts: true,
    ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
  }],
  [{ type: "ExternalName", externalName: "a.b" }, {
    type: "ExternalName",
    externalName: "a.b",
    sessionAffinity: "None",
  }],
];

for (const [spec, stored] of DEFAULTS) {
  Deno.test(`Service fills in ${JSON.stringify(spec)}`, () => {
    const object = admitted(service, svc(spec));
    assertEquals(object.spec, stored);
    assertEquals(object.status, { loadBalancer: {} });
  });
}

Deno.test("Service takes out what was filled in for a type that it no longer has", () => {
  const balanced = admitted(service, svc({ type: "LoadBalancer", ports: [{ port: 80 }], sessionAffinity: "ClientIP" }));
  const { spec } = admitted(service, svc({ ...balanced.spec, type: "ClusterIP", sessionAffinity: "None" }));
  assertEquals(spec, admitted(service, svc({ ports: [{ port: 80 }] })).spec);
  const headless = admitted(service, svc({ clusterIP: "None" })).spec;
  const { clusterIP: _, ...rest } = headless ?? {};
  const named = admitted(service, svc({ ...rest, type: "ExternalName", externalName: "a.b" })).spec;
  assertEquals(named?.clusterIPs, undefined);
});

const CELLS: readonly (readonly [JsonObject, readonly string[], JsonObject?])[] = [
  [{ type: "ClusterIP", ports: [{ port: 80, protocol: "TCP" }] }, ["ClusterIP", "<none>", "<none>", "80/TCP"]],
  [{ type: "ClusterIP", clusterIP: "None" }, ["ClusterIP", "None", "<none>", "<none>"]],
  [{
    type: "NodePort",
    clusterIP: "10.96.0.1",
    externalIPs: ["198.51.100.7"],
    ports: [
      { port: 80, protocol: "TCP", nodePort: 30_080 },
      { port: 53, protocol: "UDP" },
    ],
  }, ["NodePort", "10.96.0.1", "198.51.100.7", "80:30080/TCP,53/UDP"]],
  [{ type: "LoadBalancer", clusterIP: "10.96.0.1" }, ["LoadBalancer", "10.96.0.1", "<pending>", "<none>"]],
  [
    { type: "LoadBalancer", clusterIP: "10.96.0.1" },
    ["LoadBalancer", "10.96.0.1", "203.0.113.1,lb.example.com", "<none>"],
    { status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }, { hostname: "lb.example.com" }] } } },
  ],
  [{ type: "ExternalName", externalName: "a.b" }, ["ExternalName", "<none>", "a.b", "<none>"]],
];

for (const [spec, cells, rest] of CELLS) {
  Deno.test(`Service prints ${cells.join(" ")}`, () => {
    const printed = cellsOf(service, svc(spec, rest));
    assertEquals([printed.Type, printed["Cluster-IP"], printed["External-IP"], printed["Port(s)"]], [...cells]);
  });
}

Deno.test("Service prints its selector", () => {
  assertEquals(cellsOf(service, svc({ selector: { b: "2", a: "1" } })).Selector, "a=1,b=2");
  assertEquals(cellsOf(service, svc({})).Selector, "<none>");
});

Deno.test("serviceProblems() has nothing against an address that comes later", () => {
  const before = svc({ type: "ClusterIP", ports: [{ port: 80 }] });
  const after = svc({ type: "ClusterIP", ports: [{ port: 80 }], clusterIP: "10.96.0.1" });
  assertEquals(serviceProblems(after, before), []);
  assertEquals(serviceProblems(before, after).map(({ path }) => path), ["spec.clusterIP"]);
  assertEquals(serviceSpecOf(after).clusterIP, "10.96.0.1");
});
