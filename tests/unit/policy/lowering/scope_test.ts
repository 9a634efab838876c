/**
 * What selector fields compile to: the vectors of the policy reference, by canonical text.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatSelector, matchSelector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import { entityScope, subjectSelector, wholeSubject } from "#/policy/lowering/scope.ts";
import { effectiveLabels, policyWorld } from "#/policy/oracle/world.ts";
import type { EntityRule, PolicySpec } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { NO_OBJECTS } from "#tests/unit/policy/policy_builders.ts";

const NS = "projectcalico.org/namespace";
const SA = "projectcalico.org/serviceaccount";

const SUBJECTS: readonly { namespace: string; spec: Partial<PolicySpec>; subject: string }[] = [
  { namespace: "n1", spec: {}, subject: `${NS} == "n1"` },
  { namespace: "n1", spec: { selector: "" }, subject: `${NS} == "n1"` },
  { namespace: "n1", spec: { selector: `a == "b" || c == "d"` }, subject: `((a == "b" || c == "d") && ${NS} == "n1")` },
  { namespace: "n1", spec: { selector: `a == "b" && c == "d"` }, subject: `((a == "b" && c == "d") && ${NS} == "n1")` },
  { namespace: "n1", spec: { serviceAccountSelector: `r == "x"` }, subject: `(${NS} == "n1" && pcsa.r == "x")` },
  {
    namespace: "n1",
    spec: { selector: "all()", serviceAccountSelector: `r == "x"` },
    subject: `((all() && ${NS} == "n1") && pcsa.r == "x")`,
  },
  { namespace: "n1", spec: { namespaceSelector: "has(x)" }, subject: `${NS} == "n1"` },
  { namespace: "", spec: {}, subject: "all()" },
  { namespace: "", spec: { selector: "all()" }, subject: "all()" },
  { namespace: "", spec: { namespaceSelector: `env == "p"` }, subject: `pcns.env == "p"` },
  { namespace: "", spec: { selector: "all()", namespaceSelector: "all()" }, subject: `(has(${NS}) && has(${NS}))` },
  {
    namespace: "",
    spec: { selector: `a == "all()"`, namespaceSelector: "all()" },
    subject: `(a == "all()" && has(${NS}))`,
  },
  {
    namespace: "",
    spec: { selector: "all()", serviceAccountSelector: "has(r)" },
    subject: `(has(${SA}) && has(pcsa.r))`,
  },
  {
    namespace: "",
    spec: { selector: "all()", namespaceSelector: "has(e)", serviceAccountSelector: "all()" },
    subject: `((has(${NS}) && has(pcns.e)) && has(${SA}))`,
  },
];

for (const { namespace, spec, subject } of SUBJECTS) {
  Deno.test(`subjectSelector() of ${JSON.stringify(spec)} in "${namespace}" is ${subject}`, () => {
    const read = subjectSelector({ tier: "default", types: ["Ingress"], ...spec }, namespace);
    assert(read.kind === "read");
    assertEquals(formatSelector(read.selector), subject);
  });
}

const ENTITIES: readonly { namespace: string; entity: EntityRule; positive?: string; negative?: string }[] = [
  { namespace: "n1", entity: { selector: `a == "b"` }, positive: `(${NS} == "n1" && a == "b")` },
  { namespace: "n1", entity: { nets: ["10.0.0.0/8"] } },
  { namespace: "n1", entity: { ports: [80] } },
  { namespace: "n1", entity: {} },
  { namespace: "n1", entity: { notSelector: `a == "b"` }, positive: `(${NS} == "n1" && !a == "b")` },
  { namespace: "", entity: { notSelector: `a == "b"` }, negative: `a == "b"` },
  { namespace: "", entity: { selector: "has(x)", notSelector: `a == "b"` }, positive: `(has(x) && !a == "b")` },
  { namespace: "", entity: { selector: "has(x)", notSelector: "!has(y)" }, positive: `(has(x) && has(y))` },
  { namespace: "", entity: { selector: `a == "b"` }, positive: `a == "b"` },
  { namespace: "n1", entity: { namespaceSelector: "all()" }, positive: `has(${NS})` },
  { namespace: "n1", entity: { namespaceSelector: "has(e)", selector: "has(x)" }, positive: `(has(pcns.e) && has(x))` },
  {
    namespace: "n1",
    entity: { namespaceSelector: "global()", selector: `t == "x"` },
    positive: `(!has(${NS}) && t == "x")`,
  },
  { namespace: "n1", entity: { namespaceSelector: "!all()" }, positive: `!has(${NS})` },
  {
    namespace: "n1",
    entity: { serviceAccounts: { names: ["s1", "s2"] } },
    positive: `(${NS} == "n1" && ${SA} in {"s1", "s2"})`,
  },
  { namespace: "", entity: { serviceAccounts: { names: ["s1"] } }, positive: `${SA} in {"s1"}` },
  { namespace: "n1", entity: { serviceAccounts: {} } },
  { namespace: "n1", entity: { serviceAccounts: { names: [] } } },
  {
    namespace: "n1",
    entity: { serviceAccounts: { names: ["s1"], selector: `r == "x"` }, selector: `a == "b"` },
    positive: `(${NS} == "n1" && ((pcsa.r == "x" && ${SA} in {"s1"}) && a == "b"))`,
  },
];

for (const { namespace, entity, positive, negative } of ENTITIES) {
  Deno.test(`entityScope() of ${JSON.stringify(entity)} in "${namespace}" is ${positive ?? negative ?? "nothing"}`, () => {
    const scope = entityScope(entity, namespace);
    assert(scope.kind === "read");
    assertEquals(scope.positive && formatSelector(scope.positive), positive);
    assertEquals(scope.negative && formatSelector(scope.negative), negative);
  });
}

Deno.test("entityScope() and subjectSelector() say what they cannot read", () => {
  const entities: EntityRule[] = [
    { selector: "a = 'b'" },
    { selector: "global()" },
    { notSelector: "((" },
    { namespaceSelector: "global() && has(x)" },
    { serviceAccounts: { selector: "a" } },
  ];
  for (const entity of entities) assertEquals(entityScope(entity, "n1").kind, "unreadable", JSON.stringify(entity));
  const subject = subjectSelector({ tier: "default", types: ["Ingress"], selector: "a = 'b'" }, "n1");
  assert(subject.kind === "unreadable");
  assertStringIncludes(subject.message, `selector: must parse: Expected an operator`);
  assertStringIncludes(subject.message, "a = 'b'");
});

Deno.test("wholeSubject() covers the namespace, or whatever has one", () => {
  assertEquals(formatSelector(wholeSubject("n1")), `${NS} == "n1"`);
  assertEquals(formatSelector(wholeSubject("")), `has(${NS})`);
});

/** The inheritance vectors: own labels first, then parents in order, missing parents give nothing. */
const INHERITED: readonly [string, readonly string[], boolean][] = [
  [`env == "dev"`, ["p1", "p2"], true],
  [`env == "prod"`, ["p1", "p2"], false],
  [`tier == "a"`, ["p1", "p2"], true],
  [`tier == "b"`, ["p1", "p2"], false],
  [`zone == "z"`, ["p1", "p2"], true],
  [`!has(zone)`, ["p1", "gone"], true],
  [`app == "web" && tier == "a"`, ["p1", "p2"], true],
];

for (const [selector, profiles, expected] of INHERITED) {
  Deno.test(`effectiveLabels() makes ${selector} ${expected} with profiles ${profiles}`, () => {
    const world = policyWorld({
      ...NO_OBJECTS,
      profiles: [profile("p1", { env: "prod", tier: "a" }), profile("p2", { tier: "b", zone: "z" })],
    });
    const labels = effectiveLabels(world, { labels: new Map([["app", "web"], ["env", "dev"]]), profiles });
    const parsed = parseSelector(selector);
    assert(parsed.kind === "parsed");
    assertEquals(matchSelector(parsed.selector, labels), expected);
  });
}

function profile(name: string, labelsToApply: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: "projectcalico.org/v3", kind: "Profile", metadata: { name }, spec: { labelsToApply } };
}
