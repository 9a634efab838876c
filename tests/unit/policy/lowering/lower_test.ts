/**
 * Lowering of whole policies and profiles, and the identity of sets.
 *
 * @module
 */
import { assertEquals, assertNotEquals } from "@std/assert";
import { ALL, formatSelector, has } from "#/base/selector.ts";
import { lowerDefaultAllowProfile, lowerPolicy, lowerProfile } from "#/policy/lowering/lower.ts";
import { namedPortSet, selectorSet } from "#/policy/lowering/set_definition.ts";
import { namespace, policy, serviceAccount } from "#tests/unit/policy/policy_builders.ts";

Deno.test("lowerPolicy() numbers rules by position, direction and index", () => {
  const { policy: ir } = lowerPolicy(
    policy("n1", "p", {
      ingress: [{ action: "Log" }, { action: "Deny" }],
      egress: [{ action: "Allow" }],
      types: ["Ingress", "Egress"],
    }),
    42,
  );
  assertEquals(ir.ingress?.map((rule) => rule.id), ["42/i/0", "42/i/1"]);
  assertEquals(ir.egress?.map((rule) => rule.id), ["42/e/0"]);
  assertEquals([ir.ref, ir.tier], [{ kind: "NetworkPolicy", namespace: "n1", name: "p" }, "default"]);
});

Deno.test("lowerPolicy() leaves a direction outside types undefined and an empty one empty", () => {
  const { policy: ir, order, subject, problems } = lowerPolicy(
    policy("", "p", { types: ["Ingress"], egress: [{ action: "Deny" }] }),
    1,
  );
  assertEquals([ir.ingress, ir.egress], [[], undefined]);
  assertEquals([order, subject, problems], [undefined, ALL, []]);
  const both = lowerPolicy(policy("", "p", { types: [] }), 1).policy;
  assertEquals([both.ingress, both.egress], [[], []]);
});

Deno.test("lowerPolicy() names the phase of policies that are for host endpoints alone", () => {
  for (const flag of ["doNotTrack", "preDNAT"]) {
    const { policy: ir, phase } = lowerPolicy(policy("", "p", { [flag]: true, ingress: [{ action: "Deny" }] }), 1);
    assertEquals([ir.ingress?.length, ir.egress, phase], [1, undefined, flag === "preDNAT" ? "preDnat" : "untracked"]);
  }
});

Deno.test("lowerPolicy() lists each set once", () => {
  const rule = { action: "Allow", source: { selector: "has(a)" }, destination: { selector: "has( a )" } };
  const { sets } = lowerPolicy(
    policy("", "p", { ingress: [rule, rule], egress: [rule], types: ["Ingress", "Egress"], order: 3 }),
    1,
  );
  assertEquals(sets.map((set) => set.id), [selectorSet(has("a")).id]);
});

Deno.test("lowerPolicy() reports what it cannot read, with its place, and keeps the rest", () => {
  const lowered = lowerPolicy(
    policy("n1", "p", {
      selector: "a = 'b'",
      ingress: [{ action: "Allow" }, { action: "Deny", source: { nets: ["x"] } }],
    }),
    1,
  );
  assertEquals(lowered.problems.map((text) => text.split(": ")[0]), ["spec.ingress[1].source.nets", "spec.selector"]);
  assertEquals(formatSelector(lowered.subject), `projectcalico.org/namespace == "n1"`);
  assertEquals(lowered.policy.ingress?.map((rule) => rule.unreadable === undefined), [true, false]);
});

Deno.test("lowerProfile() lets namespaces allow and gives service accounts no rules", () => {
  const { policy: kns } = lowerProfile(namespace("n1"), 7);
  assertEquals(kns.ref, { kind: "Profile", namespace: "", name: "kns.n1" });
  assertEquals([kns.ingress?.[0]?.id, kns.egress?.[0]?.id], ["7/i/0", "7/e/0"]);
  assertEquals([kns.ingress, kns.egress].map((rules) => rules?.map((rule) => rule.action)), [["allow"], ["allow"]]);
  const { policy: ksa } = lowerProfile(serviceAccount("n1", "teller"), 8);
  assertEquals([ksa.ref.name, ksa.ingress, ksa.egress], ["ksa.n1.teller", [], []]);
  assertEquals(lowerDefaultAllowProfile().ref.name, "projectcalico-default-allow");
});

Deno.test("namedPortSet() and selectorSet() tell apart what differs", () => {
  const http = { name: "http", protocol: 6 };
  const ids = [
    selectorSet(ALL),
    selectorSet(has("a")),
    namedPortSet(ALL, http),
    namedPortSet(has("a"), http),
    namedPortSet(ALL, { ...http, protocol: 17 }),
    namedPortSet(ALL, { ...http, protocol: "any" }),
    namedPortSet(ALL, { ...http, name: "dns" }),
  ].map((set) => set.id);
  assertEquals(new Set(ids).size, ids.length);
  assertEquals(ids.map((id) => id.slice(0, 2)), ["s:", "s:", "n:", "n:", "n:", "n:", "n:"]);
  assertNotEquals(ids[2], ids[4]);
});
