/**
 * NetworkPolicy: what it shares with GlobalNetworkPolicy is tested there; here its names, its scope and what it does not have.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { networkPolicy } from "#/resources/kinds/network_policy.ts";
import { admit } from "#/resources/validate.ts";
import { calicoObject, testKind } from "#tests/unit/resources/kind_cases.ts";

const base = calicoObject("NetworkPolicy", { name: "web", namespace: "shop" }, { selector: "app == 'web'" });

testKind(networkPolicy, base, [
  { name: "a selector alone" },
  { name: "a name of two labels", metadata: { name: "platform.web" } },
  { name: "a name imported from Kubernetes, with more dots", metadata: { name: "knp.default.a.b.c" } },
  { name: "a name imported from OpenStack, with more dots", metadata: { name: "ossg.default.a.b" } },
  {
    name: "a Service of its own namespace",
    spec: { egress: [{ action: "Allow", destination: { services: { name: "db" } } }] },
  },
  {
    name: "global() alone in a rule",
    spec: { ingress: [{ action: "Deny", source: { namespaceSelector: "global()" } }] },
  },

  { name: "no namespace", metadata: { namespace: undefined }, problems: ["metadata.namespace FieldValueRequired"] },
  {
    name: "a namespace with a dot",
    metadata: { namespace: "a.b" },
    problems: ["metadata.namespace FieldValueInvalid"],
  },
  { name: "a name of three labels", metadata: { name: "a.b.c" }, problems: ["metadata.name FieldValueInvalid"] },
  { name: "an import prefix alone", metadata: { name: "knp.default." }, problems: ["metadata.name FieldValueInvalid"] },
  {
    name: "global() in its serviceAccountSelector",
    spec: { serviceAccountSelector: "global()" },
    problems: ["spec.serviceAccountSelector FieldValueInvalid"],
  },
]);

Deno.test("NetworkPolicy.admit() does not know the fields of a global policy", () => {
  const spec = { namespaceSelector: "all()", doNotTrack: true, preDNAT: true, applyOnForward: true };
  const { unknownFields, problems } = admit(networkPolicy, { ...base, spec }, undefined, "Strict");
  assertEquals(problems, []);
  assertEquals([...unknownFields].sort(), [
    "spec.applyOnForward",
    "spec.doNotTrack",
    "spec.namespaceSelector",
    "spec.preDNAT",
  ]);
});
