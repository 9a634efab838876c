/**
 * Objects with addresses as the policy projections read them.
 *
 * @module
 */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { readPeerObject } from "#/projections/endpoint_reader.ts";
import { namespacedV3, v3 } from "#tests/support/network_objects.ts";

const ENDPOINTS = "projectcalico.org/workloadendpoints";

Deno.test("readPeerObject() reads a WorkloadEndpoint for sets and for its node", () => {
  const object = namespacedV3("WorkloadEndpoint", "shop", "e", {
    orchestrator: "k8s",
    node: "n1",
    pod: "web",
    containerID: "c1",
    interfaceName: "cali1",
    mac: "ee:ee:ee:ee:ee:ee",
    ipNetworks: ["10.0.0.1/32", "FD00::1/128", "nonsense"],
    profiles: ["kns.shop"],
    ports: [{ name: "http", protocol: "tcp", port: 80 }, { name: "dns", port: 53, protocol: 17 }, { port: 1 }, {
      name: "x",
      protocol: "?",
    }],
  });
  assertEquals(readPeerObject(ENDPOINTS, object), {
    labels: { "projectcalico.org/namespace": "shop", "projectcalico.org/orchestrator": "k8s" },
    parents: ["kns.shop"],
    peer: {
      nets: ["10.0.0.1", "fd00::1"],
      addresses: ["10.0.0.1", "fd00::1"],
      ports: [{ name: "http", protocol: 6, port: 80 }, { name: "dns", protocol: 17, port: 53 }],
    },
    placed: {
      kind: "workload",
      id: "shop/e",
      workload: "shop/web",
      node: "n1",
      interfaceName: "cali1",
      mac: "ee:ee:ee:ee:ee:ee",
      addresses: ["10.0.0.1", "fd00::1"],
      containerId: "c1",
      profiles: ["kns.shop"],
    },
  });
});

Deno.test("readPeerObject() reads an endpoint that no node enforces", () => {
  for (const spec of [{ node: "n1", interfaceName: undefined }, { node: undefined, interfaceName: "cali1" }]) {
    const { placed, peer } = readPeerObject(
      ENDPOINTS,
      namespacedV3("WorkloadEndpoint", "shop", "e", { ...spec, ipNetworks: ["10.0.0.1/32"] }),
    );
    assertEquals([placed?.node, placed?.interfaceName, peer.nets], [spec.node ?? "", spec.interfaceName, ["10.0.0.1"]]);
  }
});

Deno.test("readPeerObject() reads a HostEndpoint with its own labels, ports and expected addresses", () => {
  const object = {
    ...v3("HostEndpoint", "node1-eth0", {
      node: "node1",
      interfaceName: "*",
      expectedIPs: ["172.30.0.1", "FD00::1", "bad"],
      profiles: ["p"],
      ports: [{ name: "ssh", protocol: "TCP", port: 22 }],
    }),
    metadata: { name: "node1-eth0", labels: { role: "edge" } },
  };
  assertEquals(readPeerObject("projectcalico.org/hostendpoints", object), {
    labels: { role: "edge" },
    parents: ["p"],
    peer: {
      nets: ["172.30.0.1", "fd00::1"],
      addresses: ["172.30.0.1", "fd00::1"],
      ports: [{ name: "ssh", protocol: 6, port: 22 }],
    },
    placed: {
      kind: "host",
      id: "node1-eth0",
      node: "node1",
      interfaceName: "*",
      addresses: ["172.30.0.1", "fd00::1"],
      profiles: ["p"],
    },
  });
});

Deno.test("readPeerObject() masks the nets of network sets and splits the whole of a family", () => {
  const nets = ["10.1.2.3/8", "10.0.0.0/8", "0.0.0.0/0", "::/0", "192.168.0.1", "bad"];
  const global = readPeerObject("projectcalico.org/globalnetworksets", v3("GlobalNetworkSet", "s", { nets }));
  assertEquals(global.peer.nets, ["10.0.0.0/8", "0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1", "192.168.0.1"]);
  assertEquals([global.labels, global.parents, global.placed], [{}, [], undefined]);
});

Deno.test("readPeerObject() gives a NetworkSet its namespace, whatever its labels say", () => {
  const set = namespacedV3("NetworkSet", "shop", "s", { nets: [] });
  const posed = { ...set, metadata: { ...set.metadata, labels: { "projectcalico.org/namespace": "other", a: "b" } } };
  const read = readPeerObject("projectcalico.org/networksets", posed);
  assertEquals(read.labels, { "projectcalico.org/namespace": "shop", a: "b" });
  assertEquals(read.parents, ["kns.shop"]);
});

Deno.test("readPeerObject() copies an endpoint's labels only where the system adds or replaces some", () => {
  const spec = { orchestrator: "k8s" };
  const labels = { "projectcalico.org/namespace": "shop", "projectcalico.org/orchestrator": "k8s", app: "web" };
  const whole = {
    ...namespacedV3("WorkloadEndpoint", "shop", "e", spec),
    metadata: { name: "e", namespace: "shop", labels },
  };
  assertStrictEquals(readPeerObject(ENDPOINTS, whole).labels, labels);
  const lying = { ...labels, "projectcalico.org/namespace": "other" };
  const object = { ...whole, metadata: { ...whole.metadata, labels: lying } };
  assertEquals(readPeerObject(ENDPOINTS, object).labels, labels);
});
