/**
 * The fields of one rule, alone (`rule_schema.ts`) and together (`rule_rules.ts`): each case is the only rule of a policy.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import { globalNetworkPolicy } from "#/resources/kinds/global_network_policy.ts";
import { networkPolicy } from "#/resources/kinds/network_policy.ts";
import { ruleProblems } from "#/resources/kinds/rule_rules.ts";
import { NETS_MAX, PORTS_MAX, ruleSchema } from "#/resources/kinds/rule_schema.ts";
import { admit } from "#/resources/validate.ts";
import { calicoObject } from "#tests/unit/resources/kind_cases.ts";

interface RuleCase {
  readonly name: string;
  /** Laid over `{action: "Allow"}`. */
  readonly rule: JsonObject;
  readonly direction?: "ingress" | "egress";
  readonly namespaced?: boolean;
  /** `path reason`, the path from the rule on. */
  readonly problems?: readonly string[];
}

const VALID: readonly RuleCase[] = [
  { name: "nothing but an action", rule: {} },
  { name: "a protocol by number, and a notProtocol", rule: { protocol: 47, notProtocol: "TCP" } },
  { name: "protocols in any case", rule: { protocol: "udplite", notProtocol: "iCmPv6" } },
  { name: "ICMP with type and code", rule: { protocol: "ICMP", icmp: { type: 8, code: 0 }, ipVersion: 4 } },
  { name: "ICMPv6 by number with notICMP", rule: { protocol: 58, notICMP: { type: 254 }, ipVersion: 6 } },
  { name: "nets of one family", rule: { ipVersion: 4, source: { nets: ["10.0.0.0/8"], notNets: ["10.1.0.0/16"] } } },
  { name: "an IPv6 net in upper case", rule: { destination: { nets: ["FD00::/8"] } } },
  { name: "everything as a net", rule: { source: { nets: ["0.0.0.0/0"] } } },
  { name: "ports with TCP", rule: { protocol: "TCP", destination: { ports: [1, 65535, "1:65535", "80", "web"] } } },
  { name: "ports with SCTP by number", rule: { protocol: 132, source: { notPorts: [80] } } },
  { name: "a named port without protocol", rule: { destination: { ports: ["http", "a-b9"] } } },
  { name: "service accounts", rule: { source: { serviceAccounts: { names: ["till"], selector: "a == 'b'" } } } },
  { name: "http", rule: { http: { methods: ["GET"], paths: [{ exact: "/a" }, { prefix: "/b/" }] }, protocol: "TCP" } },
  { name: "a Service as source of ingress", rule: { source: { services: { name: "db", namespace: "x" } } } },
  {
    name: "a Service as destination of egress, with empty other matches",
    direction: "egress",
    rule: { destination: { services: { name: "db", namespace: "x" }, selector: "", nets: [], ports: [] } },
  },
  {
    name: "a Service as source with ports",
    rule: { protocol: "TCP", source: { services: { name: "db", namespace: "x" }, ports: [80] } },
  },
  { name: "annotations", rule: { metadata: { annotations: { "example.com/Why": "because" } } } },
];

const INVALID: readonly RuleCase[] = [
  { name: "no action", rule: { action: null }, problems: ["action FieldValueRequired"] },
  { name: "an action in lower case", rule: { action: "allow" }, problems: ["action FieldValueNotSupported"] },
  { name: "ipVersion 5", rule: { ipVersion: 5 }, problems: ["ipVersion FieldValueNotSupported"] },
  { name: "ipVersion as a text", rule: { ipVersion: "4" }, problems: ["ipVersion FieldValueNotSupported"] },
  { name: "protocol 0", rule: { protocol: 0 }, problems: ["protocol FieldValueInvalid"] },
  { name: "protocol 256", rule: { protocol: 256 }, problems: ["protocol FieldValueInvalid"] },
  {
    name: "an unknown protocol, without more about its ports",
    rule: { protocol: "tpc", source: { ports: [80] } },
    problems: ["protocol FieldValueInvalid"],
  },
  { name: "a protocol that is no text or number", rule: { protocol: true }, problems: ["protocol FieldValueInvalid"] },
  { name: "icmp without protocol", rule: { icmp: { type: 8 } }, problems: ["icmp FieldValueForbidden"] },
  { name: "icmp with TCP", rule: { protocol: "TCP", notICMP: { type: 8 } }, problems: ["notICMP FieldValueForbidden"] },
  {
    name: "an ICMP code without type",
    rule: { protocol: 1, icmp: { code: 1 } },
    problems: ["icmp.type FieldValueRequired"],
  },
  { name: "ICMP type 255", rule: { protocol: 1, icmp: { type: 255 } }, problems: ["icmp.type FieldValueInvalid"] },
  {
    name: "ICMP code 256",
    rule: { protocol: 1, icmp: { type: 1, code: 256 } },
    problems: ["icmp.code FieldValueInvalid"],
  },
  {
    name: "a fractional ICMP type",
    rule: { protocol: 1, icmp: { type: 1.5 } },
    problems: ["icmp.type FieldValueTypeInvalid"],
  },
  { name: "ICMP in IPv6", rule: { protocol: "ICMP", ipVersion: 6 }, problems: ["ipVersion FieldValueInvalid"] },
  {
    name: "not ICMPv6 in IPv4",
    rule: { notProtocol: "ICMPv6", ipVersion: 4 },
    problems: ["ipVersion FieldValueInvalid"],
  },
  {
    name: "host bits in a net",
    rule: { source: { nets: ["10.0.0.1/8"] } },
    problems: ["source.nets[0] FieldValueInvalid"],
  },
  {
    name: "a bare address as a net",
    rule: { source: { nets: ["10.0.0.1"] } },
    problems: ["source.nets[0] FieldValueInvalid"],
  },
  {
    name: "a net that is a number",
    rule: { source: { nets: [10] } },
    problems: ["source.nets[0] FieldValueTypeInvalid"],
  },
  {
    name: "nets of two families, across lists and sides",
    rule: { source: { nets: ["10.0.0.0/8"] }, destination: { notNets: ["fd00::/8"] } },
    problems: ["destination.notNets[0] FieldValueInvalid"],
  },
  {
    name: "nets of another family than ipVersion",
    rule: { ipVersion: 6, destination: { nets: ["10.0.0.0/8"] } },
    problems: ["destination.nets[0] FieldValueInvalid"],
  },
  {
    name: "notNets of everything",
    rule: { source: { notNets: ["0.0.0.0/0"] } },
    problems: ["source.notNets[0] FieldValueInvalid"],
  },
  {
    name: "IPv6 notNets of everything",
    rule: { source: { notNets: ["::/0"] } },
    problems: ["source.notNets[0] FieldValueInvalid"],
  },
  {
    name: "too many nets",
    rule: { source: { nets: Array.from({ length: NETS_MAX + 1 }, () => "10.0.0.0/8") } },
    problems: ["source.nets FieldValueTooMany"],
  },
  {
    name: "too many ports",
    rule: { protocol: "TCP", source: { ports: Array.from({ length: PORTS_MAX + 1 }, () => 1) } },
    problems: ["source.ports FieldValueTooMany"],
  },
  ...[0, 65536, -1, 1.5, "0", "70000", "90:80", "80-90", "a b", "", "x".repeat(129), true].map((port): RuleCase => ({
    name: `port ${JSON.stringify(port).slice(0, 20)}`,
    rule: { protocol: "TCP", destination: { ports: [80, port] } },
    problems: ["destination.ports[1] FieldValueInvalid"],
  })),
  {
    name: "a numeric port without protocol",
    rule: { source: { ports: [80] } },
    problems: ["source.ports[0] FieldValueInvalid"],
  },
  {
    name: "a range without protocol",
    rule: { source: { notPorts: ["1:2"] } },
    problems: ["source.notPorts[0] FieldValueInvalid"],
  },
  {
    name: "ports with UDPLite, which does not count",
    rule: { protocol: "UDPLite", source: { ports: [80, "http"] } },
    problems: ["source.ports[0] FieldValueInvalid", "source.ports[1] FieldValueInvalid"],
  },
  {
    name: "a named port with ICMP",
    rule: { protocol: 1, source: { ports: ["http"] } },
    problems: ["source.ports[0] FieldValueInvalid"],
  },
  {
    name: "global() within a namespaceSelector",
    rule: { source: { namespaceSelector: "global() || a == 'b'" } },
    problems: ["source.namespaceSelector FieldValueInvalid"],
  },
  {
    name: "global() in a notSelector",
    rule: { source: { notSelector: "global()" } },
    problems: ["source.notSelector FieldValueInvalid"],
  },
  {
    name: "a bad name of a service account",
    rule: { source: { serviceAccounts: { names: ["A"] } } },
    problems: ["source.serviceAccounts.names[0] FieldValueInvalid"],
  },
  {
    name: "a Service as destination of ingress",
    rule: { destination: { services: { name: "db", namespace: "x" } } },
    problems: ["destination.services FieldValueForbidden"],
  },
  {
    name: "a Service as source of egress",
    direction: "egress",
    rule: { source: { services: { name: "db", namespace: "x" } } },
    problems: ["source.services FieldValueForbidden"],
  },
  {
    name: "a Service without name or namespace in a global policy",
    rule: { source: { services: {} } },
    problems: ["source.services.name FieldValueRequired", "source.services.namespace FieldValueRequired"],
  },
  {
    name: "a Service beside every other match",
    direction: "egress",
    namespaced: true,
    rule: {
      protocol: "TCP",
      destination: {
        services: { name: "db" },
        selector: "all()",
        notSelector: "all()",
        namespaceSelector: "all()",
        serviceAccounts: { names: ["a"] },
        nets: ["10.0.0.0/8"],
        notNets: ["10.0.0.0/16"],
        ports: [80],
        notPorts: [81],
      },
    },
    problems: [
      "selector",
      "notSelector",
      "namespaceSelector",
      "serviceAccounts",
      "nets",
      "notNets",
      "ports",
      "notPorts",
    ]
      .map((member) => `destination.${member} FieldValueForbidden`),
  },
  { name: "http in a Deny rule", rule: { action: "Deny", http: {} }, problems: ["http FieldValueForbidden"] },
  { name: "http in egress", direction: "egress", rule: { http: {} }, problems: ["http FieldValueForbidden"] },
  { name: "http with UDP", rule: { protocol: "UDP", http: {} }, problems: ["protocol FieldValueInvalid"] },
  {
    name: "an HTTP method twice",
    rule: { http: { methods: ["GET", "PUT", "GET"] } },
    problems: ["http.methods[2] FieldValueDuplicate"],
  },
  {
    name: "HTTP paths of no form",
    rule: {
      http: { paths: [{}, { exact: "/a", prefix: "/a" }, { exact: "a" }, { prefix: "/a?b" }, { prefix: "/a b" }] },
    },
    problems: [
      "http.paths[0] FieldValueInvalid",
      "http.paths[1] FieldValueInvalid",
      "http.paths[2].exact FieldValueInvalid",
      "http.paths[3].prefix FieldValueInvalid",
      "http.paths[4].prefix FieldValueInvalid",
    ],
  },
  {
    name: "an annotation whose key is no name",
    rule: { metadata: { annotations: { "a b": "c" } } },
    problems: ["metadata.annotations[a b] FieldValueInvalid"],
  },
];

function problemsOf(row: RuleCase): readonly Problem[] {
  const { direction = "ingress", namespaced = false } = row;
  const spec = { [direction]: [{ action: "Allow", ...row.rule }] };
  const metadata = { name: "a", ...(namespaced ? { namespace: "shop" } : {}) };
  const kind = namespaced ? networkPolicy : globalNetworkPolicy;
  const { problems, unknownFields } = admit(kind, calicoObject(kind.kind, metadata, spec), undefined, "Strict");
  assertEquals(unknownFields, []);
  return problems;
}

for (const row of [...VALID, ...INVALID]) {
  Deno.test(`ruleProblems() ${row.problems === undefined ? "admits" : "refuses"} ${row.name}`, () => {
    const prefix = `spec.${row.direction ?? "ingress"}[0].`;
    const told = problemsOf(row).map(({ path, reason }) => `${path} ${reason}`);
    assertEquals(
      told.sort(),
      (row.problems ?? []).map((problem) => prefix + problem).sort(),
      JSON.stringify(problemsOf(row)),
    );
  });
}

Deno.test("ruleProblems() says the rule and shows the value", () => {
  const [problem] = ruleProblems(
    { action: "Allow", source: { ports: [80] } },
    { path: "spec.ingress[3]", direction: "ingress", namespaced: true },
  );
  assertEquals(problem, {
    path: "spec.ingress[3].source.ports[0]",
    reason: "FieldValueInvalid",
    message: "Invalid value: 80: must stand only with protocol TCP, UDP or SCTP",
  });
});

Deno.test("ruleSchema finds unknown members at every depth", () => {
  const rule = { action: "Allow", src: {}, source: { net: [], services: { port: 1 } }, icmp: { kind: 1 } };
  const issues = ruleSchema.safeParse(rule).error?.issues ?? [];
  assertEquals(issues.map((issue) => issue.path.join(".")).sort(), ["", "icmp", "source", "source.services"]);
});
