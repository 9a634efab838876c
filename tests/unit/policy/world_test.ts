/**
 * The oracle's world, built from objects, and profiles as part of it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { formatCidr } from "#/base/cidr.ts";
import { formatIp, parseIp } from "#/base/ip.ts";
import { DEFAULT_ALLOW_PROFILE, profileLabels, profileNameOf } from "#/policy/profile.ts";
import { effectiveLabels, endpointByName, endpointsAt, networkSetsAt, policyWorld } from "#/policy/world.ts";
import { namespace, NO_OBJECTS, serviceAccount, tier, workload } from "./policy_builders.ts";

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
  assertEquals([...WORLD.profiles].map(([name, { allows }]) => [name, allows]), [
    [DEFAULT_ALLOW_PROFILE, true],
    ["kns.shop", true],
    ["ksa.shop.teller", false],
  ]);
});
