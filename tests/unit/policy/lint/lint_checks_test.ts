/**
 * The checks of lint by themselves: what proves a rule covered, what is prepared for all, and what following the traffic finds.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { finding, lintContext, ruleIndex, userRules } from "#/policy/lint/lint_context.ts";
import { emptyPeers, uncoveredEndpoints } from "#/policy/lint/lint_objects.ts";
import { coveringRules } from "#/policy/lint/lint_shadow.ts";
import { trafficFindings } from "#/policy/lint/lint_traffic.ts";
import { lowerRule } from "#/policy/lowering/lower_rule.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import type { EntityRule, Rule } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { namespace, NO_OBJECTS, policy, workload } from "#tests/unit/policy/policy_builders.ts";

const from = (source: EntityRule): Rule => ({ action: "Allow", source });
const to = (destination: EntityRule, action: Rule["action"] = "Allow"): Rule => ({
  action,
  protocol: "TCP",
  destination,
});

const COVERED: readonly (readonly [string, Rule, readonly Rule[], boolean])[] = [
  ["anything by anything", from({}), [from({})], true],
  ["a network by itself", from({ nets: ["10.0.0.0/8"] }), [from({ nets: ["10.0.0.0/8"] })], true],
  ["a network by a narrower one", from({ nets: ["10.0.0.0/8"] }), [from({ nets: ["10.0.0.0/9"] })], false],
  ["one of two networks", from({ nets: ["10.0.0.0/8"] }), [from({ nets: ["11.0.0.0/8", "10.0.0.0/8"] })], true],
  ["both families by one", from({}), [from({ nets: ["0.0.0.0/0"] })], false],
  ["IPv4 by its whole space", { ...from({}), ipVersion: 4 }, [from({ nets: ["0.0.0.0/0"] })], true],
  ["what is left out elsewhere", from({ nets: ["10.0.0.0/8"] }), [from({ notNets: ["11.0.0.0/8"] })], true],
  ["what is left out in it", from({ nets: ["10.0.0.0/8"] }), [from({ notNets: ["10.9.0.0/16"] })], false],
  ["what both leave out", from({ notNets: ["10.0.0.0/8"] }), [from({ notNets: ["10.9.0.0/16"] })], true],
  ["a selector by another", from({ selector: "a == 'b'" }), [from({ selector: "a == 'c'" })], false],
  ["a selector by anything", from({ selector: "a == 'b'" }), [from({})], true],
  ["anything by a selector", from({}), [from({ selector: "a == 'b'" })], false],
  ["ports by two halves", to({ ports: ["1:9"] }), [to({ ports: ["1:5"] }), to({ ports: ["5:9"] }, "Deny")], true],
  ["ports by a half", to({ ports: ["1:9"] }), [to({ ports: ["1:5"] })], false],
  ["ports by a Log rule", to({ ports: [1] }), [to({}, "Log")], false],
  ["a named port by all ports", to({ ports: ["http"] }), [to({})], true],
  ["a named port by a number", to({ ports: ["http"] }), [to({ ports: [80] })], false],
  ["a named port by itself and more", to({ ports: ["http"] }), [to({ ports: ["dns", "http"] })], true],
  ["a number by a named port", to({ ports: [80] }), [to({ ports: ["http"] })], false],
  ["all but a named port", to({}), [to({ notPorts: ["http"] })], false],
  ["an unreadable rule", from({ selector: "a = 'b'" }), [from({})], false],
  ["a rule that means nobody", from({ nets: ["10.0.0.0/8"], notNets: ["::/0"] }), [from({})], false],
  [
    "a rule by one that cannot be read and denies",
    from({}),
    [{ action: "Deny", source: { selector: "a = 'b'" } }],
    true,
  ],
];

Deno.test("coveringRules() proves what it says", async (test) => {
  for (const [name, rule, earlier, expected] of COVERED) {
    await test.step(`covered: ${name}: ${expected}`, () => {
      const [first, ...rest] = [rule, ...earlier].map((one, index) => lowerRule(one, `1/i/${index}`, "").rule);
      assertEquals(coveringRules(first!, rest).length > 0, expected);
    });
  }
});

Deno.test("userRules() counts as authors do", () => {
  const object: KubeObject = {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "p", namespace: "shop" },
    spec: {
      podSelector: {},
      policyTypes: ["Ingress"],
      ingress: [{ from: [{ podSelector: {} }, { ipBlock: { cidr: "10.0.0.0/8" } }], ports: [{ port: 80 }] }, {}],
    },
  };
  const objects = { ...NO_OBJECTS, policies: [object] };
  const [linted] = lintContext(objects, compileObjects(objects), new Set()).policies;
  const rules = userRules(linted!.lowered.policy, "ingress");
  assertEquals(rules.map(({ index }) => index), [0, 1]);
  assertEquals(rules[0]!.lowered.map(ruleIndex), [0, 0], "two peers");
  assertEquals(finding("unreadable", linted!.lowered.policy.ref, "x").kind, "KubernetesNetworkPolicy");
});

Deno.test("trafficFindings() follows host endpoints too, and says nothing of chains that it cannot follow", () => {
  const host = (name: string, spec: JsonObject): KubeObject => ({
    apiVersion: "projectcalico.org/v3",
    kind: "HostEndpoint",
    metadata: { name, labels: { host: name } },
    spec: { node: name, interfaceName: "eth0", ...spec },
  });
  const guard = (name: string): KubeObject =>
    policy("", name, {
      selector: `host == '${name}'`,
      ingress: [{ action: "Deny", protocol: "TCP" }, { action: "Allow", protocol: "TCP" }, {
        action: "Allow",
        protocol: "UDP",
      }],
    });
  const objects = {
    ...NO_OBJECTS,
    namespaces: [namespace("shop")],
    workloadEndpoints: [workload("shop", "web", ["10.0.0.1"])],
    hostEndpoints: [host("known", { expectedIPs: ["192.0.2.1"] }), host("unknown", {})],
    policies: [guard("known"), guard("unknown")],
  };
  const context = lintContext(objects, compileObjects(objects), new Set());
  assertEquals(
    trafficFindings(context).map(({ code, name, rule }) => `${code} ${name} ${rule?.index}`),
    ["unreachable-rule known 1"],
  );
  assertEquals(emptyPeers(context), []);
  assertEquals(uncoveredEndpoints(context).map(({ name, message }) => `${name}: ${message}`), [
    "web: No policy governs its ingress and its egress",
  ]);
});
