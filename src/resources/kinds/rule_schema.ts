/**
 * The zod schema of one policy rule, shared by every kind that has rules. Checks each field alone; what fields say about each other is in
 * `rule_rules.ts`.
 *
 * @module
 */
import { z } from "zod";
import { parsePortRange } from "#/base/port_range.ts";
import { cidrText, filledText, selectorText, uniqueList } from "#/resources/kinds/field_schema.ts";
import type { EntityRule, Port, Protocol, Rule } from "#/resources/kinds/policy_spec.ts";
import { DNS_SUBDOMAIN_RULE, isDnsSubdomain, isPortName } from "#/resources/name_rules.ts";

/** Most rules in one direction of a policy. */
export const RULES_MAX = 1024;
/** Most items in a list of networks. */
export const NETS_MAX = 256;
/** Most items in a list of ports. */
export const PORTS_MAX = 50;
/** Most HTTP methods, and most HTTP paths, in a rule. */
export const HTTP_ITEMS_MAX = 20;

const PROTOCOL_RULE = "must be TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255";
const PORT_RULE = "must be a port from 1 to 65535, a range such as 8000:8010, or the name of a port: " +
  'at most 15 of "a-z", "0-9" and single "-", with at least one letter';

/** Whether a value is a protocol in its stored form. */
function isProtocol(value: unknown): value is Protocol {
  if (typeof value === "number") return Number.isInteger(value) && value >= 1 && value <= 255;
  return typeof value === "string" && ["TCP", "UDP", "ICMP", "ICMPv6", "SCTP", "UDPLite"].includes(value);
}

/** Whether a value is a port in its stored form. A name needs a letter: `80-90` is a range written wrongly, not a name. Names are those that ports have. */
function isPort(value: unknown): value is Port {
  if (typeof value === "number") return parsePortRange(value) !== undefined;
  if (typeof value !== "string") return false;
  return parsePortRange(value) !== undefined || isPortName(value);
}

const INT_OR_STRING = { "x-kubernetes-int-or-string": true };

const protocol = z.custom<Protocol>(isProtocol, { error: PROTOCOL_RULE }).meta(INT_OR_STRING);
const port = z.custom<Port>(isPort, { error: PORT_RULE }).meta(INT_OR_STRING);

const icmp = z.strictObject({
  type: z.int().min(0).max(254).optional().describe("ICMP type, 0 to 254."),
  code: z.int().min(0).max(255).optional().describe("ICMP code, 0 to 255; only together with a type."),
});

const ports = z.array(port.describe("A port, a range MIN:MAX, or the name of a port.")).max(PORTS_MAX).optional();
const nets = z.array(cidrText().describe("A network.")).max(NETS_MAX).optional();

const serviceName = z.string().refine((text) => text === "" || isDnsSubdomain(text), {
  error: DNS_SUBDOMAIN_RULE,
});

const entityRule: z.ZodType<EntityRule> = z.strictObject({
  nets: nets.describe("Networks, one of which must hold the address. All networks of a rule are of one family."),
  notNets: nets.describe("Networks, none of which may hold the address."),
  selector: selectorText().optional().describe(
    "Selects endpoints and network sets by their labels. In a NetworkPolicy without namespaceSelector: those of its own namespace.",
  ),
  notSelector: selectorText().optional().describe("Selects endpoints and network sets that are excluded."),
  namespaceSelector: selectorText("alone").optional().describe(
    "Selects namespaces by their labels; global() alone means what has no namespace.",
  ),
  ports: ports.describe("Ports, one of which must match. Numbers need a protocol that has ports."),
  notPorts: ports.describe("Ports, none of which may match."),
  serviceAccounts: z.strictObject({
    names: z.array(z.string().refine(isDnsSubdomain, { error: DNS_SUBDOMAIN_RULE }).describe("Name of an account."))
      .optional().describe("Names of accounts, one of which must be the workload's."),
    selector: selectorText().optional().describe("Selects accounts by their labels."),
  }).optional().describe("Service accounts of workloads. Both members must hold where both are given."),
  services: z.strictObject({
    name: serviceName.optional().describe("Name of the Service."),
    namespace: serviceName.optional().describe("Its namespace; the policy's own when left out."),
  }).optional().describe("A Service whose endpoints are meant: only a source of ingress or a destination of egress."),
});

const httpPath = z.strictObject({
  exact: z.string().max(1024).optional().describe("The whole path."),
  prefix: z.string().max(1024).optional().describe("How the path begins."),
});

/** One rule of a policy. */
export const ruleSchema: z.ZodType<Rule> = z.strictObject({
  action: z.enum(["Allow", "Deny", "Log", "Pass"]).describe(
    "What becomes of traffic that matches: Allow and Deny decide, Pass goes on to the next tier, Log decides nothing.",
  ),
  ipVersion: z.literal([4, 6]).optional().describe("Address family, 4 or 6; both when left out."),
  protocol: protocol.optional().describe("Protocol by name, or number from 1 to 255; any when left out."),
  notProtocol: protocol.optional().describe("Protocol that is excluded."),
  icmp: icmp.optional().describe("ICMP type and code. Needs protocol ICMP or ICMPv6."),
  notICMP: icmp.optional().describe("ICMP type and code that are excluded. Needs protocol ICMP or ICMPv6."),
  source: entityRule.optional().describe("Where the traffic comes from; anywhere when left out."),
  destination: entityRule.optional().describe("Where the traffic goes to; anywhere when left out."),
  http: z.strictObject({
    methods: uniqueList(filledText(256).describe("A method, such as GET."), HTTP_ITEMS_MAX).optional().describe(
      "Methods, one of which must match.",
    ),
    paths: z.array(httpPath.describe("A path: exact or prefix.")).max(HTTP_ITEMS_MAX).optional().describe(
      "Paths, one of which must match.",
    ),
  }).optional().describe("HTTP requests, in Allow rules of ingress over TCP. Kernels do not look into requests."),
  metadata: z.strictObject({
    annotations: z.record(z.string(), z.string()).optional().describe("Notes about the rule."),
  }).optional().describe("Notes about the rule; they change nothing."),
}).describe("One rule. Everything that is given must match.");

/** The rules of one direction. */
export const ruleListSchema = z.array(ruleSchema).max(RULES_MAX);
