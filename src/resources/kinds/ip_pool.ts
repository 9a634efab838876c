/**
 * IPPool: a range of addresses for workloads, and how traffic to and from them travels.
 *
 * @module
 */
import { z } from "zod";
import { type Cidr, cidrOverlaps, formatCidr, maskCidr, parseCidr } from "#/base/cidr.ts";
import type { Problem } from "#/base/problem.ts";
import { mapSpec, withDefaults } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, fieldColumn, NAME_COLUMN, wide } from "#/resources/columns.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { cidrText, conditionList, selectorText, uniqueList } from "#/resources/kinds/field_schema.ts";
import { subdomainNameProblems } from "#/resources/metadata.ts";
import type { JsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import { forbidden, invalid } from "#/resources/problems.ts";

/** What the addresses of a pool may be given to. */
export type IPPoolUse = "Workload" | "Tunnel" | "LoadBalancer";

/** When traffic is wrapped for the way between nodes. */
export type EncapsulationMode = "Never" | "Always" | "CrossSubnet";

/** `spec` of a pool after admission. */
export interface IPPoolSpec {
  /** Host bits zero. */
  readonly cidr: string;
  /** Prefix length of the blocks that nodes are granted: 20 to 32 for IPv4, 116 to 128 for IPv6. */
  readonly blockSize: number;
  readonly ipipMode: EncapsulationMode;
  readonly vxlanMode: EncapsulationMode;
  readonly natOutgoing?: boolean;
  readonly disabled?: boolean;
  readonly disableBGPExport?: boolean;
  readonly nodeSelector: string;
  readonly namespaceSelector?: string;
  readonly allowedUses: readonly IPPoolUse[];
  readonly assignmentMode: "Automatic" | "Manual";
}

/** Prefix length of blocks where the pool says none, and what it may say, by address family. */
const BLOCK_SIZES = {
  4: { fallback: 26, min: 20, max: 32 },
  6: { fallback: 122, min: 116, max: 128 },
} as const;

/** Networks that no pool may touch: link-local addresses have a meaning of their own on every link. */
const LINK_LOCAL: readonly string[] = ["169.254.0.0/16", "fe80::/10"];

/** The spec of an admitted pool. */
export function ipPoolSpecOf(object: KubeObject): IPPoolSpec {
  return (object.spec ?? {}) as unknown as IPPoolSpec;
}

const encapsulation = z.enum(["Never", "Always", "CrossSubnet"]).optional();

const schema = z.strictObject({
  spec: z.strictObject({
    cidr: cidrText().describe("The network that addresses are taken from. It cannot be changed."),
    blockSize: z.int().optional().describe(
      "Prefix length of the blocks granted to nodes: 20 to 32 (26 when left out), for IPv6 116 to 128 (122). It cannot be changed.",
    ),
    ipipMode: encapsulation.describe("When IPIP wraps traffic between nodes: Never, Always or CrossSubnet. IPv4 only."),
    vxlanMode: encapsulation.describe("When VXLAN wraps traffic between nodes: Never, Always or CrossSubnet."),
    natOutgoing: z.boolean().optional().describe(
      "Whether traffic from the pool to addresses in no pool takes the node's address.",
    ),
    disabled: z.boolean().optional().describe("Whether no new address is taken from the pool; addresses in use stay."),
    disableBGPExport: z.boolean().optional().describe("Whether routes of the pool are kept from BGP peers."),
    nodeSelector: selectorText().optional().describe("Nodes that take addresses from the pool; all() when left out."),
    namespaceSelector: selectorText().optional().describe(
      "Namespaces whose workloads take addresses from the pool; all when left out. Not together with use Tunnel.",
    ),
    allowedUses: uniqueList(z.enum(["Workload", "Tunnel", "LoadBalancer"]).describe("A use."), 10, 1).optional()
      .describe(
        "What the addresses are for; Workload and Tunnel when left out. LoadBalancer stands alone.",
      ),
    assignmentMode: z.enum(["Automatic", "Manual"]).optional().describe(
      "Manual: addresses are taken only where the pool is asked for by name. Automatic when left out.",
    ),
  }).describe("What the pool says."),
  status: z.strictObject({ conditions: conditionList().optional() }).optional().describe("What was observed."),
});

function defaults(object: KubeObject): KubeObject {
  return mapSpec(object, (spec) => {
    const uses = Array.isArray(spec.allowedUses) && spec.allowedUses.length === 0 ? undefined : spec.allowedUses;
    return withDefaults({ ...spec, allowedUses: uses, ...defaultBlockSize(spec) }, {
      ipipMode: "Never",
      vxlanMode: "Never",
      nodeSelector: "all()",
      allowedUses: ["Workload", "Tunnel"],
      assignmentMode: "Automatic",
    });
  });
}

function defaultBlockSize(spec: JsonObject): JsonObject {
  const cidr = typeof spec.cidr === "string" ? parseCidr(spec.cidr) : undefined;
  const isMissing = spec.blockSize === undefined || spec.blockSize === 0;
  return cidr !== undefined && isMissing ? { blockSize: BLOCK_SIZES[cidr.version].fallback } : {};
}

function validate(object: KubeObject, old: KubeObject | undefined): readonly Problem[] {
  const spec = ipPoolSpecOf(object);
  const cidr = parseCidr(spec.cidr);
  return [
    ...subdomainNameProblems(object),
    ...(cidr === undefined ? [] : rangeProblems(spec, cidr)),
    ...useProblems(spec),
    ...(old === undefined ? [] : changeProblems(spec, ipPoolSpecOf(old))),
  ];
}

function rangeProblems(spec: IPPoolSpec, cidr: Cidr): Problem[] {
  const problems: Problem[] = [];
  for (const reserved of LINK_LOCAL) {
    if (cidrOverlaps(cidr, parseCidr(reserved)!)) {
      problems.push(invalid("spec.cidr", spec.cidr, `must not overlap the link-local network ${reserved}`));
    }
  }
  const { min, max } = BLOCK_SIZES[cidr.version];
  if (spec.blockSize < min || spec.blockSize > max) {
    const rule = `must be from ${min} to ${max} for an IPv${cidr.version} pool`;
    problems.push(invalid("spec.blockSize", spec.blockSize, rule));
  } else if (spec.disabled !== true && cidr.prefixLength > spec.blockSize) {
    const rule = `must be a network that holds at least one block of size /${spec.blockSize}`;
    problems.push(invalid("spec.cidr", spec.cidr, rule));
  }
  if (spec.ipipMode !== "Never" && spec.vxlanMode !== "Never") {
    problems.push(forbidden("spec.vxlanMode", `must be Never where ipipMode is ${spec.ipipMode}: ${spec.vxlanMode}`));
  }
  if (spec.ipipMode !== "Never" && cidr.version === 6) {
    problems.push(invalid("spec.ipipMode", spec.ipipMode, "must be Never for an IPv6 pool"));
  }
  return problems;
}

function useProblems(spec: IPPoolSpec): Problem[] {
  const problems: Problem[] = [];
  if (spec.allowedUses.includes("Tunnel") && (spec.namespaceSelector ?? "") !== "") {
    const rule = "must not be given where allowedUses has Tunnel, which it has unless allowedUses is given";
    problems.push(forbidden("spec.namespaceSelector", rule));
  }
  if (!spec.allowedUses.includes("LoadBalancer")) return problems;
  const forLoadBalancers = "in a pool for LoadBalancer";
  if (spec.allowedUses.length > 1) {
    problems.push(invalid("spec.allowedUses", spec.allowedUses, "must have LoadBalancer alone or not at all"));
  }
  for (const mode of ["ipipMode", "vxlanMode"] as const) {
    if (spec[mode] !== "Never") problems.push(invalid(`spec.${mode}`, spec[mode], `must be Never ${forLoadBalancers}`));
  }
  if (spec.disableBGPExport === true) {
    problems.push(invalid("spec.disableBGPExport", true, `must be false ${forLoadBalancers}`));
  }
  if (spec.nodeSelector !== "all()") {
    problems.push(invalid("spec.nodeSelector", spec.nodeSelector, `must be all() ${forLoadBalancers}`));
  }
  return problems;
}

/** A pool's blocks are in use: what they were cut from and how may not change, only how the network is spelt. */
function changeProblems(spec: IPPoolSpec, old: IPPoolSpec): Problem[] {
  const problems: Problem[] = [];
  if (canonicalNetwork(spec.cidr) !== canonicalNetwork(old.cidr)) {
    problems.push(forbidden("spec.cidr", `must not change after creation: from "${old.cidr}" to "${spec.cidr}"`));
  }
  if (spec.blockSize !== old.blockSize) {
    const rule = `must not change after creation: from ${old.blockSize} to ${spec.blockSize}`;
    problems.push(forbidden("spec.blockSize", rule));
  }
  if (old.allowedUses.includes("LoadBalancer") && !spec.allowedUses.includes("LoadBalancer")) {
    problems.push(forbidden("spec.allowedUses", "must stay LoadBalancer: the pool cannot be put to another use"));
  }
  return problems;
}

function canonicalNetwork(text: string): string {
  const cidr = parseCidr(text);
  return cidr === undefined ? text : formatCidr(maskCidr(cidr));
}

/** The kind. */
export const ipPool: KindDefinition = defineCalicoKind({
  kind: "IPPool",
  plural: "ippools",
  singular: "ippool",
  shortNames: ["ipp"],
  namespaced: false,
  description: "A range of addresses for workloads, and how traffic to and from them travels.",
  schema,
  defaults,
  validate,
  statusSubresource: true,
  columns: [
    NAME_COLUMN,
    fieldColumn("CIDR", "spec.cidr", "The network that addresses are taken from."),
    fieldColumn("Selector", "spec.nodeSelector", "Nodes that take addresses from the pool."),
    AGE_COLUMN,
    wide(flagColumn("NAT", "natOutgoing", "Whether traffic out of the pools takes the node's address.")),
    wide(fieldColumn("IPIPMode", "spec.ipipMode", "When IPIP wraps traffic between nodes.")),
    wide(fieldColumn("VXLANMode", "spec.vxlanMode", "When VXLAN wraps traffic between nodes.")),
    wide(flagColumn("Disabled", "disabled", "Whether no new address is taken from the pool.")),
    wide(flagColumn("DisableBGPExport", "disableBGPExport", "Whether routes of the pool are kept from BGP peers.")),
    wide(fieldColumn("AssignmentMode", "spec.assignmentMode", "Whether addresses are taken without being asked for.")),
  ],
});

function flagColumn(name: string, member: keyof IPPoolSpec, description: string): KindDefinition["columns"][number] {
  return {
    name,
    type: "boolean",
    description,
    priority: 0,
    cell: (object) => ipPoolSpecOf(object)[member] === true,
  };
}
