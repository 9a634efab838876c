/**
 * The v3 Node as a view of the core Node, annotation by annotation.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { nodeFromCore, parseAsNumber } from "#/projections/node_view.ts";
import { node } from "#tests/support/network_objects.ts";

Deno.test("nodeFromCore() reads the network's facts from annotations", () => {
  const core = {
    ...node("node1", "172.30.0.1/24", { rack: "a" }, {
      "projectcalico.org/ASNumber": "1.10",
      "projectcalico.org/RouteReflectorClusterID": "1.0.0.1",
      "projectcalico.org/IPv4VXLANTunnelAddr": "192.168.0.1",
      "projectcalico.org/WireguardPublicKey": "key",
      "other.org/x": "ignored",
    }),
    spec: { podCIDRs: ["10.244.0.0/24"] },
    status: { addresses: [{ type: "InternalIP", address: "10.0.0.9" }, { type: "Hostname", address: "node1" }] },
  };
  assertEquals(nodeFromCore(core), {
    apiVersion: "projectcalico.org/v3",
    kind: "Node",
    metadata: { name: "node1", labels: { rack: "a" } },
    spec: {
      addresses: [{ address: "172.30.0.1/24", type: "CalicoNodeIP" }, { address: "10.0.0.9", type: "InternalIP" }],
      bgp: { asNumber: 65_546, ipv4Address: "172.30.0.1/24", routeReflectorClusterID: "1.0.0.1" },
      ipv4VXLANTunnelAddr: "192.168.0.1",
      orchRefs: [{ nodeName: "node1", orchestrator: "k8s" }],
    },
    status: { podCIDRs: ["10.244.0.0/24"], wireguardPublicKey: "key" },
  });
});

Deno.test("nodeFromCore() leaves out what it cannot read, and an empty spec.bgp", () => {
  const broken = node("node1", "172.30.0.999", {}, {
    "projectcalico.org/ASNumber": "many",
    "projectcalico.org/IPv6Address": "172.30.0.1/24",
  });
  assertEquals(nodeFromCore(broken).spec, { orchRefs: [{ nodeName: "node1", orchestrator: "k8s" }] });
});

Deno.test("parseAsNumber() takes both notations and no number out of range", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["64512", 64_512],
    ["0.1", 1],
    ["1.0", 65_536],
    ["4294967295", 4_294_967_295],
    ["4294967296", undefined],
    ["1.65536", undefined],
    ["0", undefined],
    ["", undefined],
    ["-1", undefined],
    ["1.2.3", undefined],
  ];
  for (const [text, expected] of cases) assertEquals(parseAsNumber(text), expected, text);
});
