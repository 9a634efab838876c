/**
 * The oracle's world, built from objects, and profiles as part of it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { formatCidr } from "#/base/cidr.ts";
import { formatIp, parseIp } from "#/base/ip.ts";
import type { JsonObject } from "#/base/json.ts";
import { profileLabels, profileNameOf } from "#/policy/lowering/profile.ts";
import {
  effectiveLabels,
  endpointByName,
  endpointsAt,
  holdersAt,
  hostEndpointsAt,
  networkSetsAt,
  policyWorld,
} from "#/policy/oracle/world.ts";
import { SERVICE_NAME_LABEL } from "#/resources/kinds/peer_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { namespace, NO_OBJECTS, serviceAccount, tier, workload } from "#tests/unit/policy/policy_builders.ts";

const OBJECTS = {
  ...NO_OBJECTS,
  namespaces: [namespace("shop", { env: "prod", "projectcalico.org/name": "forged" })],
  serviceAccounts: [serviceAccount("shop", "teller", { role: "x" })],
  workloadEndpoints: [
    workload("shop", "web-1", ["10.0.0.1", "fd00::1"], {
      labels: { app: "web" },
      account: "teller",
      ports: [
        { name: "http", protocol: "TCP", port: 8080 },
        { name: "dns", protocol: 17, port: 53 },
        { name: "plain", port: 9 },
        { protocol: "TCP", port: 1 },
        { name: "odd", protocol: "HTTP", port: 1 },
      ],
    }),
    workload("shop", "db", ["10.0.0.1"]),
  ],
  networkSets: [
    {
      apiVersion: "v3",
      kind: "NetworkSet",
      metadata: { name: "s", namespace: "shop", labels: { t: "x" } },
      spec: { nets: ["10.9.0.7/16", "nonsense"] },
    },
    { apiVersion: "v3", kind: "GlobalNetworkSet", metadata: { name: "g" }, spec: { nets: ["10.9.1.1"] } },
  ],
};
const WORLD = policyWorld(OBJECTS);

Deno.test("policyWorld() reads endpoints whole and leaves out what cannot be read", () => {
  const web = endpointByName(WORLD, "shop", "web-1")!;
  assertEquals(web.id, "shop/node1-k8s-web--1-eth0");
  assertEquals(web.addresses.map(formatIp), ["10.0.0.1", "fd00::1"]);
  assertEquals(web.profiles, ["kns.shop", "ksa.shop.teller"]);
  assertEquals(web.ports, [
    { name: "http", protocol: 6, port: 8080 },
    { name: "dns", protocol: 17, port: 53 },
    { name: "plain", protocol: 6, port: 9 },
  ]);
  assertEquals([web.node, web.interfaceName], ["node1", "caliweb-1"]);
});

Deno.test("endpointByName() knows Pods and endpoints, and prefers Pods", () => {
  const twin = workload("shop", "other", ["10.0.0.9"]);
  const named = { ...twin, metadata: { ...twin.metadata, name: "db" } };
  const world = policyWorld({ ...OBJECTS, workloadEndpoints: [...OBJECTS.workloadEndpoints, named] });
  assertEquals(endpointByName(world, "shop", "db")?.addresses.map(formatIp), ["10.0.0.1"]);
  assertEquals(endpointByName(world, "shop", "node1-k8s-db-eth0")?.pod, "db");
  assertEquals(endpointByName(world, "other", "db"), undefined);
});

Deno.test("endpointsAt() lists all that share an address", () => {
  assertEquals(endpointsAt(WORLD, parseIp("10.0.0.1")!).map((one) => one.pod), ["db", "web-1"]);
  assertEquals(endpointsAt(WORLD, parseIp("10.0.0.2")!), []);
});

Deno.test("networkSetsAt() finds sets by network, namespaced ones with their namespace's labels", () => {
  const found = networkSetsAt(WORLD, parseIp("10.9.1.1")!);
  assertEquals(found.map((set) => set.nets.map(formatCidr)), [["10.9.0.7/16"], ["10.9.1.1/32"]]);
  const [labels, globalLabels] = found.map((set) => effectiveLabels(WORLD, set));
  assertEquals([labels!("projectcalico.org/namespace"), labels!("pcns.env"), labels!("t")], ["shop", "prod", "x"]);
  assertEquals(globalLabels!("projectcalico.org/namespace"), undefined);
});

Deno.test("profileLabels() prefixes keys and cannot be made to lie about the name", () => {
  assertEquals(Object.fromEntries(profileLabels(OBJECTS.namespaces[0]!)), {
    "pcns.env": "prod",
    "pcns.projectcalico.org/name": "shop",
  });
  assertEquals(Object.fromEntries(profileLabels(OBJECTS.serviceAccounts[0]!)), {
    "pcsa.role": "x",
    "pcsa.projectcalico.org/name": "teller",
  });
});

Deno.test("profileNameOf() names profiles as Calico does", () => {
  const objects = [OBJECTS.namespaces[0]!, OBJECTS.serviceAccounts[0]!, tier("t", 1, "Deny")];
  assertEquals(objects.map(profileNameOf), ["kns.shop", "ksa.shop.teller", undefined]);
});

Deno.test("policyWorld() makes profiles of namespaces, service accounts and Profiles", () => {
  const deny: JsonObject[] = [{ action: "Deny" }];
  const profile = (name: string): KubeObject => ({
    apiVersion: "projectcalico.org/v3",
    kind: "Profile",
    metadata: { name },
    spec: { ingress: deny, labelsToApply: { rack: "7" } },
  });
  const names = ["mine", "kns.shop", "ksa.shop.teller", "projectcalico-default-allow"];
  const world = policyWorld({ ...OBJECTS, profiles: names.map(profile) });
  const allow = [{ action: "Allow" }];
  const told = [...world.profiles].map(([name, { labels, ingress, egress }]) =>
    [name, Object.fromEntries(labels), ingress, egress] as const
  ).sort();
  assertEquals(
    told,
    [
      ["kns.shop", { "pcns.env": "prod", "pcns.projectcalico.org/name": "shop" }, allow, allow],
      ["ksa.shop.teller", { "pcsa.role": "x", "pcsa.projectcalico.org/name": "teller" }, [], []],
      ["mine", { rack: "7" }, deny, []],
      ["projectcalico-default-allow", {}, allow, allow],
    ] as unknown as typeof told,
    "nobody replaces those that have an owner",
  );
});

Deno.test("policyWorld() reads host endpoints, and finds them by address apart from workloads", () => {
  const world = policyWorld({
    ...OBJECTS,
    hostEndpoints: [{
      apiVersion: "projectcalico.org/v3",
      kind: "HostEndpoint",
      metadata: { name: "node1-eth0", labels: { role: "gateway" } },
      spec: {
        node: "node1",
        interfaceName: "eth0",
        expectedIPs: ["10.0.0.1", "fd00::9", "nonsense"],
        profiles: ["mine"],
        ports: [{ name: "api", protocol: "TCP", port: 6443 }],
      },
    }],
  });
  const [host] = world.hostEndpoints;
  assertEquals([host?.id, host?.node, host?.interfaceName, host?.profiles], ["node1-eth0", "node1", "eth0", ["mine"]]);
  assertEquals(host?.addresses.map(formatIp), ["10.0.0.1", "fd00::9"]);
  assertEquals(host?.ports, [{ name: "api", protocol: 6, port: 6443 }]);
  const shared = parseIp("10.0.0.1")!;
  assertEquals(hostEndpointsAt(world, shared).map(({ id }) => id), ["node1-eth0"]);
  assertEquals(endpointsAt(world, shared).map(({ pod }) => pod), ["db", "web-1"]);
  assertEquals(holdersAt(world, shared).map(({ labels }) => labels("role") ?? labels("app")), [
    undefined,
    "web",
    "gateway",
  ]);
});

/** An EndpointSlice of `shop/api`. */
function slice(name: string, fields: JsonObject, service: JsonObject = { [SERVICE_NAME_LABEL]: "api" }): KubeObject {
  const metadata = { name, namespace: "shop", labels: service as Record<string, string> };
  return { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata, ...fields };
}

Deno.test("policyWorld() reads services off all of their EndpointSlices, unready endpoints too", () => {
  const world = policyWorld({
    ...OBJECTS,
    endpointSlices: [
      slice("a", {
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.0.0.1"] }, { addresses: ["10.0.0.2"], conditions: { ready: false } }],
        ports: [{ port: 80 }, { name: "dns", protocol: "UDP", port: 53 }, { name: "none" }, { port: 1, protocol: "X" }],
      }),
      slice("b", { addressType: "IPv6", endpoints: [{ addresses: ["fd00::1", "host.example"] }], ports: [] }),
      slice("c", { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.3"] }] }, {}),
    ],
  });
  assertEquals([...world.services.keys()], ["shop/api"]);
  const { addresses, ports } = world.services.get("shop/api")!;
  assertEquals([...addresses], ["10.0.0.1", "10.0.0.2", "fd00::1"]);
  assertEquals([...ports], ["10.0.0.1,6,80", "10.0.0.1,17,53", "10.0.0.2,6,80", "10.0.0.2,17,53"]);
});
