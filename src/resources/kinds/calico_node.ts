/**
 * Node of `projectcalico.org/v3`: what the network knows of a cluster member. Not stored: a view of the core Node, whose annotations, named here, hold
 * the fields that users may set. `projections/node_view.ts` makes it, `server/decide/view_writes.ts` turns writes of it back.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { canonicalAsNumber, mapMember, mapSpec } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, fieldColumn, NAME_COLUMN, wide } from "#/resources/columns.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { asNumber, cidrText, interfaceAddressText, ipText, macText } from "#/resources/kinds/field_schema.ts";
import { subdomainNameProblems } from "#/resources/metadata.ts";
import type { KubeObject } from "#/resources/object.ts";
import { required } from "#/resources/problems.ts";

/** Annotations of a core Node that its view shows as fields. */
export const NODE_ANNOTATIONS = {
  ipv4Address: "projectcalico.org/IPv4Address",
  ipv6Address: "projectcalico.org/IPv6Address",
  asNumber: "projectcalico.org/ASNumber",
  routeReflectorClusterID: "projectcalico.org/RouteReflectorClusterID",
  ipv4IPIPTunnelAddr: "projectcalico.org/IPv4IPIPTunnelAddr",
  ipv4VXLANTunnelAddr: "projectcalico.org/IPv4VXLANTunnelAddr",
  ipv6VXLANTunnelAddr: "projectcalico.org/IPv6VXLANTunnelAddr",
  vxlanTunnelMACAddr: "projectcalico.org/VXLANTunnelMACAddr",
  vxlanTunnelMACAddrV6: "projectcalico.org/VXLANTunnelMACAddrV6",
  interfaceIPv4Address: "projectcalico.org/IPv4WireguardInterfaceAddr",
  interfaceIPv6Address: "projectcalico.org/IPv6WireguardInterfaceAddr",
  wireguardPublicKey: "projectcalico.org/WireguardPublicKey",
  wireguardPublicKeyV6: "projectcalico.org/WireguardPublicKeyV6",
} as const;

/** How a node speaks BGP. At least one member is there. */
export interface NodeBGPSpec {
  readonly asNumber?: number;
  /** `address/length` of the network that the node is in, or the address alone. */
  readonly ipv4Address?: string;
  readonly ipv6Address?: string;
  readonly ipv4IPIPTunnelAddr?: string;
  /** Cluster id of a route reflector, in IPv4 syntax. */
  readonly routeReflectorClusterID?: string;
}

/** `spec` of the view. */
export interface CalicoNodeSpec {
  readonly bgp?: NodeBGPSpec;
  readonly ipv4VXLANTunnelAddr?: string;
  readonly ipv6VXLANTunnelAddr?: string;
  readonly vxlanTunnelMACAddr?: string;
  readonly vxlanTunnelMACAddrV6?: string;
  readonly wireguard?: { readonly interfaceIPv4Address?: string; readonly interfaceIPv6Address?: string };
  readonly addresses?: readonly { readonly address: string; readonly type?: string }[];
  readonly interfaces?: readonly { readonly name: string; readonly addresses?: readonly string[] }[];
  readonly orchRefs?: readonly { readonly nodeName?: string; readonly orchestrator: string }[];
}

/** The spec of a v3 Node. */
export function calicoNodeSpecOf(object: KubeObject): CalicoNodeSpec {
  return (object.spec ?? {}) as unknown as CalicoNodeSpec;
}

const schema = z.strictObject({
  spec: z.strictObject({
    bgp: z.strictObject({
      asNumber: asNumber().optional().describe("AS number of the node; the cluster's when left out."),
      ipv4Address: interfaceAddressText(4).optional().describe(
        "IPv4 address that the node speaks BGP from, with its network.",
      ),
      ipv6Address: interfaceAddressText(6).optional().describe(
        "IPv6 address that the node speaks BGP from, with its network.",
      ),
      ipv4IPIPTunnelAddr: ipText(4).optional().describe("Address of the node's IPIP tunnel."),
      routeReflectorClusterID: ipText(4).optional().describe("Makes the node a route reflector of this cluster id."),
    }).optional().describe("How the node speaks BGP."),
    ipv4VXLANTunnelAddr: ipText(4).optional().describe("Address of the node's VXLAN tunnel."),
    ipv6VXLANTunnelAddr: ipText(6).optional().describe("Address of the node's IPv6 VXLAN tunnel."),
    vxlanTunnelMACAddr: macText().optional().describe("Ethernet address of the VXLAN tunnel."),
    vxlanTunnelMACAddrV6: macText().optional().describe("Ethernet address of the IPv6 VXLAN tunnel."),
    wireguard: z.strictObject({
      interfaceIPv4Address: ipText(4).optional().describe("Address of the WireGuard interface."),
      interfaceIPv6Address: ipText(6).optional().describe("Address of the IPv6 WireGuard interface."),
    }).optional().describe("WireGuard addresses."),
    addresses: z.array(
      z.strictObject({
        address: interfaceAddressText().describe("The address."),
        type: z.string().optional().describe("InternalIP, ExternalIP or CalicoNodeIP."),
      }).describe("One address."),
    ).optional().describe("Addresses of the node."),
    interfaces: z.array(
      z.strictObject({
        name: z.string().describe("Name of the interface."),
        addresses: z.array(interfaceAddressText().describe("An address.")).optional().describe("Its addresses."),
      }).describe("One interface."),
    ).optional().describe("Interfaces of the node."),
    orchRefs: z.array(
      z.strictObject({
        nodeName: z.string().optional().describe("What the orchestrator calls the node."),
        orchestrator: z.string().describe("The orchestrator, k8s."),
      }).describe("One orchestrator."),
    ).optional().describe("What orchestrators call the node."),
  }).optional().describe("What the node is configured to be."),
  status: z.strictObject({
    wireguardPublicKey: z.string().optional().describe("WireGuard key of the node."),
    wireguardPublicKeyV6: z.string().optional().describe("WireGuard key of the node for IPv6."),
    podCIDRs: z.array(cidrText().describe("A network.")).optional().describe("Networks of the node's Pods."),
  }).optional().describe("What was observed."),
});

function validate(object: KubeObject): readonly Problem[] {
  const { bgp } = calicoNodeSpecOf(object);
  const isEmpty = bgp !== undefined && Object.values(bgp).every((value) => value === undefined);
  return [
    ...subdomainNameProblems(object),
    ...(isEmpty ? [required("spec.bgp", "must have at least one member, or be left out")] : []),
  ];
}

/** The kind. */
export const calicoNode: KindDefinition = defineCalicoKind({
  kind: "Node",
  plural: "nodes",
  singular: "node",
  namespaced: false,
  description: "What the network knows of a cluster member: a view of the core Node, whose annotations it sets.",
  schema,
  defaults: (object) =>
    mapSpec(object, (spec) => mapMember(spec, "bgp", (bgp) => mapMember(bgp, "asNumber", canonicalAsNumber))),
  validate,
  storage: "derived",
  columns: [
    NAME_COLUMN,
    AGE_COLUMN,
    wide(fieldColumn("ASN", "spec.bgp.asNumber", "AS number of the node.", "integer")),
    wide(fieldColumn("IPv4", "spec.bgp.ipv4Address", "IPv4 address that the node speaks BGP from.")),
    wide(fieldColumn("IPv6", "spec.bgp.ipv6Address", "IPv6 address that the node speaks BGP from.")),
  ],
});
