/**
 * GlobalNetworkPolicy: names, defaults, flags for host endpoints, and the rules that every policy kind shares.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { globalNetworkPolicy, isPolicyName } from "#/resources/kinds/global_network_policy.ts";
import { defaultPolicy, TIER_LABEL } from "#/resources/kinds/policy_schema.ts";
import { policySpecOf } from "#/resources/kinds/policy_spec.ts";
import type { Json, JsonObject } from "#/base/json.ts";
import { admit } from "#/resources/validate.ts";
import { admitted, calicoObject, cellsOf, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = calicoObject("GlobalNetworkPolicy", { name: "deny" }, { selector: "app == 'web'" });
const allow = { action: "Allow" };

testKind(globalNetworkPolicy, base, [
  { name: "a selector alone" },
  { name: "an empty spec", spec: { selector: undefined } },
  { name: "a name of two labels", metadata: { name: "platform.deny" } },
  { name: "a fractional order and another tier", spec: { order: -1.5, tier: "platform" } },
  {
    name: "everything at once",
    spec: {
      tier: "platform",
      order: 10,
      namespaceSelector: "team == 'red'",
      serviceAccountSelector: "role in {'db'}",
      ingress: [{ action: "Allow", protocol: "tcp", destination: { ports: [80, "8000:8010", "http"] } }],
      egress: [{ action: "Log" }, { action: "Pass" }, { action: "Deny" }],
      types: ["Ingress", "Egress"],
      performanceHints: ["AssumeNeededOnEveryNode"],
      applyOnForward: true,
    },
  },
  { name: "doNotTrack with applyOnForward", spec: { doNotTrack: true, applyOnForward: true } },
  { name: "preDNAT with applyOnForward", spec: { preDNAT: true, applyOnForward: true, ingress: [allow] } },
  { name: "a null order as if it were not there", spec: { order: null } },

  { name: "a name of three labels", metadata: { name: "a.b.c" }, problems: ["metadata.name FieldValueInvalid"] },
  { name: "a name in upper case", metadata: { name: "Deny" }, problems: ["metadata.name FieldValueInvalid"] },
  {
    name: "a name of 254 characters",
    metadata: { name: "a".repeat(254) },
    problems: ["metadata.name FieldValueInvalid"],
  },
  { name: "no name", metadata: { name: undefined }, problems: ["metadata.name FieldValueRequired"] },
  { name: "a namespace", metadata: { namespace: "x" }, problems: ["metadata.namespace FieldValueForbidden"] },
  { name: "an order that is a text", spec: { order: "10" }, problems: ["spec.order FieldValueTypeInvalid"] },
  { name: "a tier that is no label", spec: { tier: "a.b" }, problems: ["spec.tier FieldValueInvalid"] },
  {
    name: "a selector that does not parse",
    spec: { selector: "app = 'web'" },
    problems: ["spec.selector FieldValueInvalid"],
    message: "must be a selector",
  },
  { name: "a selector with global()", spec: { selector: "global()" }, problems: ["spec.selector FieldValueInvalid"] },
  {
    name: "global() anywhere in a namespaceSelector",
    spec: { namespaceSelector: "a == 'b' || !global()" },
    problems: ["spec.namespaceSelector FieldValueInvalid"],
    message: "must not contain global()",
  },
  {
    name: "a selector of 1025 characters, without parsing it",
    spec: { selector: `${"(".repeat(1025)}` },
    problems: ["spec.selector FieldValueTooLong"],
    message: "Too long: must be at most 1024 characters: 1025 characters",
  },
  {
    name: "an unknown type",
    spec: { types: ["ingress"] },
    problems: ["spec.types[0] FieldValueNotSupported"],
    message: 'Unsupported value: "ingress": supported values: "Ingress", "Egress"',
  },
  { name: "a type twice", spec: { types: ["Egress", "Egress"] }, problems: ["spec.types[1] FieldValueDuplicate"] },
  {
    name: "three types",
    spec: { types: ["Egress", "Ingress", "Egress"] },
    problems: ["spec.types FieldValueTooMany"],
    message: "Too many: 3: must have at most 2 items",
  },
  {
    name: "1025 rules",
    spec: { ingress: Array.from({ length: 1025 }, () => allow) },
    problems: ["spec.ingress FieldValueTooMany"],
  },
  { name: "rules that are no list", spec: { ingress: allow }, problems: ["spec.ingress FieldValueTypeInvalid"] },
  { name: "a rule that is null", spec: { egress: [null] }, problems: ["spec.egress[0] FieldValueRequired"] },
  {
    name: "an unknown hint",
    spec: { performanceHints: ["Fast"] },
    problems: ["spec.performanceHints[0] FieldValueNotSupported"],
  },
  { name: "doNotTrack alone", spec: { doNotTrack: true }, problems: ["spec.applyOnForward FieldValueRequired"] },
  {
    name: "doNotTrack with preDNAT",
    spec: { doNotTrack: true, preDNAT: true, applyOnForward: true },
    problems: ["spec.preDNAT FieldValueForbidden"],
  },
  {
    name: "preDNAT with egress",
    spec: { preDNAT: true, applyOnForward: true, egress: [allow], types: ["Ingress", "Egress"] },
    problems: ["spec.egress FieldValueForbidden", "spec.types[1] FieldValueInvalid"],
  },
  {
    name: "many faults, all told at once",
    metadata: { name: "A", labels: { "-": "x y" } },
    spec: { selector: "(", ingress: [{ action: "Allow", source: { nets: ["10.0.0.1/8"], ports: [0] } }] },
    problems: [
      "metadata.labels[-] FieldValueInvalid",
      "metadata.labels[-] FieldValueInvalid",
      "metadata.name FieldValueInvalid",
      "spec.ingress[0].source.nets[0] FieldValueInvalid",
      "spec.ingress[0].source.ports[0] FieldValueInvalid",
      "spec.selector FieldValueInvalid",
    ],
  },
]);

Deno.test("GlobalNetworkPolicy.admit() refuses an object without spec", () => {
  const { problems } = admit(
    globalNetworkPolicy,
    calicoObject("GlobalNetworkPolicy", { name: "a" }),
    undefined,
    "Strict",
  );
  assertEquals(problems, [{
    path: "spec",
    reason: "FieldValueRequired",
    message: "Required value: must be an object",
  }]);
});

const TYPES: readonly { readonly name: string; readonly spec: JsonObject; readonly types: readonly string[] }[] = [
  { name: "no rules at all", spec: {}, types: ["Ingress"] },
  { name: "ingress rules", spec: { ingress: [allow] }, types: ["Ingress"] },
  { name: "egress rules", spec: { egress: [allow] }, types: ["Egress"] },
  { name: "both", spec: { ingress: [allow], egress: [allow] }, types: ["Ingress", "Egress"] },
  { name: "an empty egress list, which counts as none", spec: { ingress: [allow], egress: [] }, types: ["Ingress"] },
  { name: "an empty list of types", spec: { egress: [allow], types: [] }, types: ["Egress"] },
  {
    name: "types that are there, whatever the rules",
    spec: { egress: [allow], types: ["Ingress"] },
    types: ["Ingress"],
  },
];
for (const row of TYPES) {
  Deno.test(`defaultPolicy() fills in types: ${row.name}`, () => {
    const stored = admitted(globalNetworkPolicy, calicoObject("GlobalNetworkPolicy", { name: "a" }, row.spec));
    assertEquals(policySpecOf(stored).types, row.types);
  });
}

Deno.test("defaultPolicy() fills in the tier and writes its label, over what the user wrote", () => {
  const stored = admitted(globalNetworkPolicy, base);
  assertEquals(policySpecOf(stored).tier, "default");
  assertEquals(stored.metadata.labels, { [TIER_LABEL]: "default" });
  const labelled = {
    ...base,
    metadata: { name: "a", labels: { [TIER_LABEL]: "x", app: "web" } },
    spec: { tier: "platform" },
  };
  assertEquals(admitted(globalNetworkPolicy, labelled).metadata.labels, { [TIER_LABEL]: "platform", app: "web" });
});

Deno.test("defaultPolicy() brings ports and protocols to their stored form", () => {
  const rule = (protocol: Json, ports: Json): JsonObject => ({
    action: "Allow",
    protocol,
    notProtocol: "58",
    source: { notPorts: ports },
    destination: { ports },
  });
  const stored = defaultPolicy({ ...base, spec: { ingress: [rule("tCp", ["80", "90:090", "1:10", "http", 443])] } });
  const ports = [80, 90, "1:10", "http", 443];
  assertEquals(stored.spec?.ingress, [{
    action: "Allow",
    protocol: "TCP",
    notProtocol: 58,
    source: { notPorts: ports },
    destination: { ports },
  }]);
});

Deno.test("isPolicyName() knows one label or two", () => {
  assertEquals(["a", "a.b", "a.b.c", "", "a.", "a_b"].map(isPolicyName), [true, true, false, false, false, false]);
});

Deno.test("GlobalNetworkPolicy.columns show what calicoctl shows", () => {
  const stored = admitted(globalNetworkPolicy, { ...base, spec: { selector: "all()", order: 5 } });
  assertEquals(cellsOf(globalNetworkPolicy, stored), {
    Name: "deny",
    Tier: "default",
    Age: null,
    Order: 5,
    Selector: "all()",
  });
});
