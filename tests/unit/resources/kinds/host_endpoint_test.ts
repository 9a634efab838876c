/**
 * HostEndpoint: what is stored and shown. Its rules are in the conformance tables.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { ALL_INTERFACES, hostEndpoint, hostEndpointSpecOf } from "#/resources/kinds/host_endpoint.ts";
import { admitted, calicoObject, cellsOf } from "#tests/unit/resources/kind_cases.ts";

const base = calicoObject("HostEndpoint", { name: "node1-eth0" }, {
  node: "node1",
  interfaceName: "eth0",
  expectedIPs: ["10.0.0.1", "fd00::1"],
  profiles: ["web"],
});

Deno.test("hostEndpoint.defaults() bring protocols of ports to their names", () => {
  const ports = [{ name: "a", protocol: "udp", port: 53 }, { name: "b", protocol: 132, port: 9 }];
  const object = admitted(hostEndpoint, { ...base, spec: { ...base.spec, ports } });
  assertEquals(hostEndpointSpecOf(object).ports, [
    { name: "a", protocol: "UDP", port: 53 },
    { name: "b", protocol: "SCTP", port: 9 },
  ]);
});

Deno.test("hostEndpoint admits the endpoint of all interfaces", () => {
  const spec = { node: "node1", interfaceName: ALL_INTERFACES };
  assertEquals(admitted(hostEndpoint, { ...base, spec }).spec, spec);
});

Deno.test("hostEndpoint.columns show node and, wide, interface, addresses and profiles", () => {
  assertEquals(cellsOf(hostEndpoint, base), {
    Name: "node1-eth0",
    Node: "node1",
    Age: null,
    Interface: "eth0",
    IPs: "10.0.0.1,fd00::1",
    Profiles: "web",
  });
});
