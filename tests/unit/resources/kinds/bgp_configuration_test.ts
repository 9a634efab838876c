/**
 * BGPConfiguration: its two kinds of name, and what each may say.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  BGP_DEFAULTS,
  bgpConfiguration,
  bgpConfigurationSpecOf,
  isCommunity,
} from "#/resources/kinds/bgp_configuration.ts";
import { admitted, calicoObject, cellsOf, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = calicoObject("BGPConfiguration", { name: "default" }, { asNumber: 64_513 });
const ofNode = { name: "node.node-1.example.com" };

testKind(bgpConfiguration, base, [
  { name: "an AS number" },
  { name: "every default written out", spec: { ...BGP_DEFAULTS } },
  {
    name: "service networks",
    spec: { serviceClusterIPs: [{ cidr: "10.96.0.0/12" }], serviceExternalIPs: [{ cidr: "fd00::/64" }] },
  },
  {
    name: "communities by name and value",
    spec: {
      communities: [{ name: "blue", value: "64512:100" }, { name: "large", value: "64512:1:4294967295" }],
      prefixAdvertisements: [{ cidr: "10.0.0.0/16", communities: ["blue", "64512:7"] }],
    },
  },
  { name: "ignored interfaces", spec: { ignoredInterfaces: ["eth0", "docker*"] } },
  { name: "peering addresses", spec: { localWorkloadPeeringIPV4: "169.254.1.1", localWorkloadPeeringIPV6: "fd00::1" } },
  {
    name: "a mesh password",
    spec: { nodeMeshPassword: { secretKeyRef: { name: "a", key: "b" } }, nodeMeshMaxRestartTime: "2m" },
  },
  {
    name: "what one node may have of its own",
    metadata: ofNode,
    spec: {
      asNumber: undefined,
      logSeverityScreen: "Debug",
      listenPort: 1179,
      prefixAdvertisements: [{ cidr: "10.0.0.0/16", communities: ["a-name-of-default"] }],
    },
  },

  {
    name: "another name",
    metadata: { name: "main" },
    problems: ["metadata.name FieldValueInvalid"],
    message: 'must be "default"',
  },
  { name: "no node after node.", metadata: { name: "node." }, problems: ["metadata.name FieldValueInvalid"] },
  {
    name: "what one node may not have of its own",
    metadata: ofNode,
    spec: { nodeToNodeMeshEnabled: true, bindMode: "NodeIP" },
    problems: [
      "spec.asNumber FieldValueForbidden",
      "spec.nodeToNodeMeshEnabled FieldValueForbidden",
      "spec.bindMode FieldValueForbidden",
    ],
  },
  { name: "port 0", spec: { listenPort: 0 }, problems: ["spec.listenPort FieldValueInvalid"] },
  {
    name: "an unknown severity",
    spec: { logSeverityScreen: "Loud" },
    problems: ["spec.logSeverityScreen FieldValueNotSupported"],
  },
  {
    name: "a service network with host bits",
    spec: { serviceClusterIPs: [{ cidr: "10.96.0.1/12" }] },
    problems: ["spec.serviceClusterIPs[0].cidr FieldValueInvalid"],
  },
  {
    name: "mesh settings without mesh",
    spec: { nodeToNodeMeshEnabled: false, nodeMeshPassword: {}, nodeMeshMaxRestartTime: "2m" },
    problems: ["spec.nodeMeshPassword FieldValueForbidden", "spec.nodeMeshMaxRestartTime FieldValueForbidden"],
  },
  {
    name: "communities for nothing",
    spec: { communities: [{ name: "a", value: "1:1" }] },
    problems: ["spec.prefixAdvertisements FieldValueRequired"],
  },
  {
    name: "a bad community value",
    spec: {
      communities: [{ name: "a", value: "1" }],
      prefixAdvertisements: [{ cidr: "10.0.0.0/16", communities: ["a"] }],
    },
    problems: ["spec.communities[0].value FieldValueInvalid"],
  },
  {
    name: "a community that nobody named",
    spec: { prefixAdvertisements: [{ cidr: "10.0.0.0/16", communities: ["1:1", "red"] }] },
    problems: ["spec.prefixAdvertisements[0].communities[1] FieldValueInvalid"],
  },
  ...["*", "a b", "", "x".repeat(16)].map((name) => ({
    name: `the interface pattern ${JSON.stringify(name)}`,
    spec: { ignoredInterfaces: [name] },
    problems: ["spec.ignoredInterfaces[0] FieldValueInvalid"],
  })),
  {
    name: "an IPv6 address as the IPv4 one",
    spec: { localWorkloadPeeringIPV4: "fd00::1" },
    problems: ["spec.localWorkloadPeeringIPV4 FieldValueInvalid"],
  },
  {
    name: "a route priority of 2^31",
    spec: { ipv4NormalRoutePriority: 2 ** 31 },
    problems: ["spec.ipv4NormalRoutePriority FieldValueInvalid"],
  },
]);

Deno.test("bgpConfiguration.defaults() leaves absent what is absent, and stores AS numbers plainly", () => {
  assertEquals({ ...bgpConfigurationSpecOf(admitted(bgpConfiguration, { ...base, spec: { asNumber: "1.0" } })) }, {
    asNumber: 65_536,
  });
});

Deno.test("isCommunity() knows standard and large communities", () => {
  const good = ["0:0", "65535:65535", "1:2:3", "4294967295:4294967295:4294967295"];
  const bad = ["", "1", "1:", "65536:1", "1:65536", "1:2:4294967296", "1:2:3:4", "a:b", "-1:1", " 1:1"];
  assertEquals([good.every(isCommunity), bad.some(isCommunity)], [true, false]);
});

Deno.test("bgpConfiguration.columns show what calicoctl shows", () => {
  const spec = { asNumber: 7, logSeverityScreen: "Info", nodeToNodeMeshEnabled: false };
  assertEquals(cellsOf(bgpConfiguration, { ...base, spec }), {
    Name: "default",
    LogSeverity: "Info",
    MeshEnabled: false,
    ASNumber: 7,
    Age: null,
  });
});
