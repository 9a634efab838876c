/**
 * Objects with addresses as the policy projections read them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
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
    labels: {},
    parents: ["kns.shop"],
    peer: {
      nets: ["10.0.0.1", "fd00::1"],
      addresses: ["10.0.0.1", "fd00::1"],
      ports: [{ name: "http", protocol: 6, port: 80 }, { name: "dns", protocol: 17, port: 53 }],
    },
    placed: {
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

Deno.test("readPeerObject() places no endpoint without node or interface, but counts its addresses", () => {
  for (const spec of [{ node: "n1" }, { interfaceName: "cali1" }]) {
    const read = readPeerObject(
      ENDPOINTS,
      namespacedV3("WorkloadEndpoint", "shop", "e", { ...spec, ipNetworks: ["10.0.0.1/32"] }),
    );
    assertEquals([read.placed, read.peer.nets], [undefined, ["10.0.0.1"]]);
  }
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
