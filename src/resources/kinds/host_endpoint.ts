/**
 * HostEndpoint: an interface of a node itself, so that policies hold for the host.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject, type Json } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import { canonicalPortProtocol, mapItems, mapMember, mapSpec } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, fieldColumn, NAME_COLUMN, wide } from "#/resources/columns.ts";
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { dnsNameText, ipText, portNameText, uniqueList } from "#/resources/kinds/field_schema.ts";
import type { HostEndpointSpec } from "#/resources/kinds/peer_spec.ts";
import { reservedLabelProblems, subdomainNameProblems } from "#/resources/metadata.ts";
import type { KubeObject } from "#/resources/object.ts";
import { required } from "#/resources/problems.ts";

/** Most addresses, profiles or ports of an endpoint. */
const ITEMS_MAX = 1024;

/** The interface name that means every interface without an endpoint of its own. */
export const ALL_INTERFACES = "*";

const spec: z.ZodType<HostEndpointSpec> = z.strictObject({
  node: dnsNameText().describe("The node that the interface is of."),
  interfaceName: z.string().regex(/^(\*|[a-zA-Z0-9_.-]{0,15})$/, {
    error: 'must be "*" or an interface name: at most 15 of letters, digits, "_", "." and "-"',
  }).optional().describe(
    "The interface, or * for all that have no endpoint of their own. When left out: the one with an address of expectedIPs.",
  ),
  expectedIPs: uniqueList(ipText().describe("An address."), ITEMS_MAX).optional().describe(
    "Addresses of the endpoint. Rules of others that select it by label mean these.",
  ),
  profiles: uniqueList(dnsNameText().describe("Name of a profile."), ITEMS_MAX).optional().describe(
    "Profiles whose rules hold after all tiers, in order.",
  ),
  ports: z.array(
    z.strictObject({
      name: portNameText().describe("Name that rules use."),
      protocol: z.enum(["TCP", "UDP", "SCTP"]).describe("Protocol of the port."),
      port: z.int().min(1).max(65_535).describe("The port."),
    }).describe("One port."),
  ).max(ITEMS_MAX).optional().describe("Ports with names. One name may stand for several."),
}).describe("What the endpoint is.");

const schema = z.strictObject({ spec });

/** The spec of an admitted endpoint. */
export function hostEndpointSpecOf(object: KubeObject): HostEndpointSpec {
  return (object.spec ?? {}) as unknown as HostEndpointSpec;
}

function defaults(object: KubeObject): KubeObject {
  const canonicalPort = (port: Json) => isJsonObject(port) ? mapMember(port, "protocol", canonicalPortProtocol) : port;
  return mapSpec(object, (spec) => ({ ...spec, ...mapMember(spec, "ports", (list) => mapItems(list, canonicalPort)) }));
}

function validate(object: KubeObject): readonly Problem[] {
  const { interfaceName = "", expectedIPs = [] } = hostEndpointSpecOf(object);
  const problems = [...subdomainNameProblems(object), ...reservedLabelProblems(object.metadata.labels)];
  if (interfaceName !== "" || expectedIPs.length > 0) return problems;
  return [...problems, required("spec.interfaceName", "must be given where expectedIPs is not")];
}

/** The kind. */
export const hostEndpoint: KindDefinition = defineCalicoKind({
  kind: "HostEndpoint",
  plural: "hostendpoints",
  singular: "hostendpoint",
  shortNames: ["hep", "heps"],
  namespaced: false,
  description: "An interface of a node itself, or all of them: with it, policies hold for the host.",
  schema,
  defaults,
  validate,
  columns: [
    NAME_COLUMN,
    fieldColumn("Node", "spec.node", "The node that the interface is of."),
    AGE_COLUMN,
    wide(fieldColumn("Interface", "spec.interfaceName", "The interface.")),
    wide(fieldColumn("IPs", "spec.expectedIPs", "Addresses of the endpoint.")),
    wide(fieldColumn("Profiles", "spec.profiles", "Profiles whose rules hold after all tiers.")),
  ],
});
