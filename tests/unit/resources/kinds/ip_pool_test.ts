/**
 * IPPool: ranges, block sizes, encapsulation, uses, and what must not change.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { ipPool, type IPPoolSpec, ipPoolSpecOf } from "#/resources/kinds/ip_pool.ts";
import { admitted, calicoObject, cellsOf, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = calicoObject("IPPool", { name: "pool" }, { cidr: "10.0.0.0/16" });
const IPV6 = "fd00:1::/64";
const BALANCER = { allowedUses: ["LoadBalancer"] };

testKind(ipPool, base, [
  { name: "a cidr alone" },
  { name: "an IPv6 pool with VXLAN", spec: { cidr: IPV6, vxlanMode: "Always" } },
  { name: "a block size of 0, which means the default", spec: { blockSize: 0 } },
  { name: "blocks as large as the pool", spec: { cidr: "10.0.0.0/26" } },
  { name: "a pool smaller than its blocks while it is disabled", spec: { cidr: "10.0.0.0/28", disabled: true } },
  {
    name: "a namespaceSelector of a pool for workloads only",
    spec: { namespaceSelector: "a == 'b'", allowedUses: ["Workload"] },
  },
  { name: "a pool for LoadBalancer", spec: BALANCER },
  { name: "a manual pool", spec: { assignmentMode: "Manual", nodeSelector: "zone == 'a'", natOutgoing: true } },

  { name: "no cidr", spec: { cidr: undefined }, problems: ["spec.cidr FieldValueRequired"] },
  {
    name: "a cidr that is none",
    spec: { cidr: "10.0.0.0" },
    problems: ["spec.cidr FieldValueInvalid"],
    message: "must be a network",
  },
  { name: "host bits", spec: { cidr: "10.0.0.1/16" }, problems: ["spec.cidr FieldValueInvalid"], message: "host bits" },
  { name: "link-local IPv4", spec: { cidr: "169.254.64.0/18" }, problems: ["spec.cidr FieldValueInvalid"] },
  {
    name: "a network around link-local IPv4",
    spec: { cidr: "168.0.0.0/7", blockSize: 26 },
    problems: ["spec.cidr FieldValueInvalid"],
  },
  {
    name: "link-local IPv6",
    spec: { cidr: "fe80::/64" },
    problems: ["spec.cidr FieldValueInvalid"],
    message: "fe80::/10",
  },
  {
    name: "blocks of /19",
    spec: { blockSize: 19 },
    problems: ["spec.blockSize FieldValueInvalid"],
    message: "from 20 to 32",
  },
  { name: "blocks of /33", spec: { blockSize: 33 }, problems: ["spec.blockSize FieldValueInvalid"] },
  { name: "IPv6 blocks of /115", spec: { cidr: IPV6, blockSize: 115 }, problems: ["spec.blockSize FieldValueInvalid"] },
  {
    name: "a block size that is a text",
    spec: { blockSize: "26" },
    problems: ["spec.blockSize FieldValueTypeInvalid"],
  },
  {
    name: "a pool smaller than its blocks",
    spec: { cidr: "10.0.0.0/28" },
    problems: ["spec.cidr FieldValueInvalid"],
    message: "at least one block of size /26",
  },
  {
    name: "two encapsulations",
    spec: { ipipMode: "Always", vxlanMode: "CrossSubnet" },
    problems: ["spec.vxlanMode FieldValueForbidden"],
  },
  {
    name: "IPIP over IPv6",
    spec: { cidr: IPV6, ipipMode: "CrossSubnet" },
    problems: ["spec.ipipMode FieldValueInvalid"],
  },
  { name: "an unknown mode", spec: { vxlanMode: "Sometimes" }, problems: ["spec.vxlanMode FieldValueNotSupported"] },
  {
    name: "a namespaceSelector with the uses of the default",
    spec: { namespaceSelector: "a == 'b'" },
    problems: ["spec.namespaceSelector FieldValueForbidden"],
  },
  {
    name: "global() as nodeSelector",
    spec: { nodeSelector: "global()" },
    problems: ["spec.nodeSelector FieldValueInvalid"],
  },
  {
    name: "a use twice",
    spec: { allowedUses: ["Tunnel", "Tunnel"] },
    problems: ["spec.allowedUses[1] FieldValueDuplicate"],
  },
  { name: "an unknown use", spec: { allowedUses: ["Host"] }, problems: ["spec.allowedUses[0] FieldValueNotSupported"] },
  {
    name: "LoadBalancer with everything that excludes it",
    spec: {
      allowedUses: ["LoadBalancer", "Workload"],
      ipipMode: "Always",
      disableBGPExport: true,
      nodeSelector: "a == 'b'",
    },
    problems: [
      "spec.allowedUses FieldValueInvalid",
      "spec.ipipMode FieldValueInvalid",
      "spec.disableBGPExport FieldValueInvalid",
      "spec.nodeSelector FieldValueInvalid",
    ],
  },
  {
    name: "natOutgoing as a text",
    spec: { natOutgoing: "true" },
    problems: ["spec.natOutgoing FieldValueTypeInvalid"],
  },

  { name: "an update of what may change", old: {}, spec: { natOutgoing: true, disabled: true } },
  {
    name: "an update that spells the cidr in another way",
    old: { cidr: "fd00:1::/64" },
    spec: { cidr: "FD00:0001:0::/64" },
  },
  {
    name: "an update of the cidr",
    old: { cidr: "10.1.0.0/16" },
    problems: ["spec.cidr FieldValueForbidden"],
    message: 'must not change after creation: from "10.1.0.0/16" to "10.0.0.0/16"',
  },
  { name: "an update of the block size", old: { blockSize: 28 }, problems: ["spec.blockSize FieldValueForbidden"] },
  {
    name: "an update from LoadBalancer to another use",
    old: BALANCER,
    problems: ["spec.allowedUses FieldValueForbidden"],
  },
]);

Deno.test("ipPool.defaults() fills in what a pool needs, by family", () => {
  const filled: IPPoolSpec = {
    cidr: "10.0.0.0/16",
    blockSize: 26,
    ipipMode: "Never",
    vxlanMode: "Never",
    nodeSelector: "all()",
    allowedUses: ["Workload", "Tunnel"],
    assignmentMode: "Automatic",
  };
  assertEquals(ipPoolSpecOf(admitted(ipPool, base)), filled);
  const ipv6 = admitted(ipPool, { ...base, spec: { cidr: IPV6, allowedUses: [], ipipMode: "" } });
  assertEquals(ipPoolSpecOf(ipv6), { ...filled, cidr: IPV6, blockSize: 122 });
});

Deno.test("ipPool.columns show what calicoctl shows", () => {
  assertEquals(cellsOf(ipPool, admitted(ipPool, { ...base, spec: { ...base.spec, natOutgoing: true } })), {
    Name: "pool",
    CIDR: "10.0.0.0/16",
    Selector: "all()",
    Age: null,
    NAT: true,
    IPIPMode: "Never",
    VXLANMode: "Never",
    Disabled: false,
    DisableBGPExport: false,
    AssignmentMode: "Automatic",
  });
});
