/**
 * EndpointSlice of `discovery.k8s.io/v1`: where a Service is. Written by controllers; for Services with a selector that nobody wrote one for, views stand in.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject, type Json } from "#/base/json.ts";
import { parseIp } from "#/base/ip.ts";
import type { Problem } from "#/base/problem.ts";
import { mapItems, mapMember } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, computedColumn, fieldColumn, NAME_COLUMN } from "#/resources/columns.ts";
import { defineCoreKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { KUBERNETES_PROTOCOLS } from "#/resources/kinds/kubernetes_policy_schema.ts";
import { labelMapProblems } from "#/resources/kinds/label_selector.ts";
import type { EndpointSliceFields } from "#/resources/kinds/peer_spec.ts";
import { subdomainNameProblems } from "#/resources/metadata.ts";
import {
  DNS_LABEL_RULE,
  DNS_SUBDOMAIN_RULE,
  isDnsLabel,
  isDnsSubdomain,
  isLabelValue,
  isQualifiedName,
  LABEL_VALUE_RULE,
  QUALIFIED_NAME_RULE,
} from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";
import { duplicate, forbidden, invalid } from "#/resources/problems.ts";
import { specialAddressRule } from "#/resources/special_address.ts";

/** Most endpoints of a slice. */
export const ENDPOINTS_MAX = 1000;
/** Most addresses of an endpoint. */
const ADDRESSES_MAX = 100;
/** Most ports of a slice. */
const PORTS_MAX = 20_000;
/** Most zones that an endpoint is hinted for. */
const ZONES_MAX = 8;
/** Items that a printed cell shows before it only counts. */
const CELL_ITEMS_MAX = 3;

const condition = (words: string) => z.boolean().optional().describe(words);

const endpoint = z.looseObject({
  addresses: z.array(z.string().describe("An address.")).min(1).max(ADDRESSES_MAX).describe(
    "Addresses, of the slice's type.",
  ),
  conditions: z.looseObject({
    ready: condition("Whether it takes traffic; unknown counts as ready."),
    serving: condition("Whether it serves, even if it is going away."),
    terminating: condition("Whether it is going away."),
  }).optional().describe("State of the endpoint."),
  hostname: z.string().refine(isDnsLabel, { error: DNS_LABEL_RULE }).optional().describe("Its name in DNS."),
  nodeName: z.string().refine(isDnsSubdomain, { error: DNS_SUBDOMAIN_RULE }).optional().describe("Its node."),
  zone: z.string().optional().describe("Its zone."),
  targetRef: z.looseObject({
    kind: z.string().optional().describe("Kind of what is behind it."),
    namespace: z.string().optional().describe("Namespace of what is behind it."),
    name: z.string().optional().describe("Name of what is behind it."),
    uid: z.string().optional().describe("UID of what is behind it."),
  }).optional().describe("What is behind it, a Pod as a rule."),
  hints: z.looseObject({
    forZones: z.array(
      z.looseObject({
        name: z.string().refine(isLabelValue, { error: LABEL_VALUE_RULE }).describe("The zone."),
      }).describe("A zone."),
    ).max(ZONES_MAX).optional().describe("Zones that should use it."),
  }).optional().describe("Who should use it."),
  deprecatedTopology: z.record(z.string(), z.string()).optional().describe("No longer used."),
});

const port = z.looseObject({
  name: z.string().refine((text) => text === "" || isDnsLabel(text), { error: DNS_LABEL_RULE }).optional().describe(
    "Name of the Service's port; empty when left out.",
  ),
  protocol: z.enum(KUBERNETES_PROTOCOLS).optional().describe("TCP when left out."),
  port: z.int().min(1).max(65_535).optional().describe("The port of the endpoints; a rule matches none without it."),
  appProtocol: z.string().refine(isQualifiedName, { error: QUALIFIED_NAME_RULE }).optional().describe(
    "The protocol within, for people and proxies.",
  ),
});

const schema = z.looseObject({
  addressType: z.enum(["IPv4", "IPv6", "FQDN"]).describe("What all addresses of the slice are. It cannot be changed."),
  endpoints: z.array(endpoint.describe("An endpoint.")).max(ENDPOINTS_MAX).optional().describe("The endpoints."),
  ports: z.array(port.describe("A port.")).max(PORTS_MAX).optional().describe("Ports that every endpoint has."),
});

function fieldsOf(object: KubeObject): EndpointSliceFields {
  return object as unknown as EndpointSliceFields;
}

function defaults(object: KubeObject): KubeObject {
  const defaultPort = (item: Json) => isJsonObject(item) ? { name: "", protocol: "TCP", ...item } : item;
  const { apiVersion, kind, metadata, ...own } = object;
  return {
    apiVersion,
    kind,
    metadata,
    ...mapMember(own as { [field: string]: Json }, "ports", (ports) => mapItems(ports, defaultPort)),
  } as KubeObject;
}

function validate(object: KubeObject, old: KubeObject | undefined): readonly Problem[] {
  const { addressType, endpoints = [], ports = [] } = fieldsOf(object);
  const problems: Problem[] = [...subdomainNameProblems(object)];
  if (old !== undefined && fieldsOf(old).addressType !== addressType) {
    const rule = `must not change after creation: from "${fieldsOf(old).addressType}"`;
    problems.push(forbidden("addressType", rule));
  }
  endpoints.forEach((each, at) => {
    const path = `endpoints[${at}]`;
    (each.addresses ?? []).forEach((address, index) => {
      const rule = addressRule(addressType, address);
      if (rule !== undefined) problems.push(invalid(`${path}.addresses[${index}]`, address, rule));
    });
    const { deprecatedTopology, hints } = each as EndpointExtras;
    problems.push(...labelMapProblems(deprecatedTopology, `${path}.deprecatedTopology`));
    const zones = (hints?.forZones ?? []).map(({ name }) => name);
    zones.forEach((zone, index) => {
      if (zones.indexOf(zone) < index) problems.push(duplicate(`${path}.hints.forZones[${index}].name`, zone));
    });
  });
  const names = ports.map(({ name = "" }) => name);
  names.forEach((name, at) => {
    if (names.indexOf(name) < at) problems.push(duplicate(`ports[${at}].name`, name));
  });
  return problems;
}

/** What is checked of an endpoint beyond what policies read. */
interface EndpointExtras {
  readonly deprecatedTopology?: Readonly<Record<string, string>>;
  readonly hints?: { readonly forZones?: readonly { readonly name: string }[] };
}

function addressRule(type: EndpointSliceFields["addressType"], address: string): string | undefined {
  if (type === "FQDN") {
    const isFull = isDnsSubdomain(address.replace(/\.$/, "")) && address.replace(/\.$/, "").includes(".");
    return isFull ? undefined : "must be a DNS name with a dot inside";
  }
  const version = type === "IPv4" ? 4 : 6;
  return parseIp(address)?.version === version ? specialAddressRule(address) : `must be an ${type} address`;
}

/** The kind. */
export const endpointSlice: KindDefinition = defineCoreKind({
  group: "discovery.k8s.io",
  kind: "EndpointSlice",
  plural: "endpointslices",
  singular: "endpointslice",
  namespaced: true,
  description: "Addresses and ports of a Service's endpoints, of one family.",
  schema,
  defaults,
  validate,
  mergeKeys: {},
  columns: [
    NAME_COLUMN,
    fieldColumn("AddressType", "addressType", "What all addresses of the slice are."),
    computedColumn("Ports", "Ports that every endpoint has.", (object) => {
      const ports = (fieldsOf(object).ports ?? []).map(({ port }) => port === undefined ? "*" : String(port));
      return cellText(ports);
    }),
    computedColumn("Endpoints", "Addresses of the endpoints.", (object) => {
      return cellText((fieldsOf(object).endpoints ?? []).flatMap(({ addresses = [] }) => addresses));
    }),
    AGE_COLUMN,
  ],
});

function cellText(items: readonly string[]): string {
  if (items.length === 0) return "<unset>";
  const shown = items.slice(0, CELL_ITEMS_MAX).join(",");
  return items.length > CELL_ITEMS_MAX ? `${shown} + ${items.length - CELL_ITEMS_MAX} more...` : shown;
}
