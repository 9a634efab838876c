/**
 * The cluster-wide policies: what is filled in and printed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { adminNetworkPolicy } from "#/resources/kinds/admin_network_policy.ts";
import { BASELINE_POLICY_NAME, baselineAdminNetworkPolicy } from "#/resources/kinds/baseline_admin_network_policy.ts";
import { clusterNetworkPolicy } from "#/resources/kinds/cluster_network_policy.ts";
import { mapClusterPolicy, memberProblems } from "#/resources/kinds/cluster_policy_schema.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import type { KubeObject } from "#/resources/object.ts";
import { admitted, cellsOf } from "../kind_cases.ts";

function policy({ group, version, kind }: KindDefinition, spec: JsonObject, name = "guard"): KubeObject {
  return { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec };
}

Deno.test("AdminNetworkPolicy and BaselineAdminNetworkPolicy fill in TCP, of ports that have a protocol", () => {
  const rule = (ports: JsonObject[]) => ({ action: "Allow", from: [{ namespaces: {} }], ports });
  const given = rule([{ portNumber: { port: 80 } }, { portRange: { start: 1, end: 2, protocol: "UDP" } }, {
    namedPort: "http",
  }]);
  const stored = rule([{ portNumber: { port: 80, protocol: "TCP" } }, {
    portRange: { start: 1, end: 2, protocol: "UDP" },
  }, { namedPort: "http" }]);
  const subject = { namespaces: {} };
  const admin = admitted(adminNetworkPolicy, policy(adminNetworkPolicy, { priority: 1, subject, ingress: [given] }));
  assertEquals(admin.spec?.ingress, [stored]);
  const baseline = policy(baselineAdminNetworkPolicy, { subject, ingress: [given] }, BASELINE_POLICY_NAME);
  assertEquals(admitted(baselineAdminNetworkPolicy, baseline).spec?.ingress, [stored]);
});

Deno.test("ClusterNetworkPolicy fills in the namespaces of pods: all of them", () => {
  const pods = { podSelector: { matchLabels: { app: "web" } } };
  const stored = admitted(
    clusterNetworkPolicy,
    policy(clusterNetworkPolicy, {
      tier: "Admin",
      priority: 1,
      subject: { pods },
      ingress: [{ action: "Deny", from: [{ pods }] }],
      egress: [{ action: "Deny", to: [{ pods: { ...pods, namespaceSelector: { matchLabels: { a: "b" } } } }] }],
    }),
  );
  const filled = { ...pods, namespaceSelector: {} };
  assertEquals(stored.spec?.subject, { pods: filled });
  assertEquals(stored.spec?.ingress, [{ action: "Deny", from: [{ pods: filled }] }]);
  const other = { ...pods, namespaceSelector: { matchLabels: { a: "b" } } };
  assertEquals(stored.spec?.egress, [{ action: "Deny", to: [{ pods: other }] }]);
});

Deno.test("mapClusterPolicy() leaves what is no list or object as it is", () => {
  const spec = { subject: "all", ingress: [1, { from: 2, ports: {} }], egress: null };
  assertEquals(mapClusterPolicy(spec, { pods: () => "never", traffic: () => "never" }), spec);
});

Deno.test("memberProblems() asks for exactly one", () => {
  assertEquals(memberProblems({ a: 1 }, "p", ["a", "b"]), []);
  assertEquals(memberProblems({ a: undefined }, "p", ["a", "b"]).map(({ reason }) => reason), ["FieldValueRequired"]);
  assertEquals(memberProblems({ a: 1, b: 2 }, "p", ["a", "b"]).map(({ reason }) => reason), ["FieldValueForbidden"]);
});

Deno.test("cluster-wide policies print as kubectl shows them", () => {
  const cluster = policy(clusterNetworkPolicy, { tier: "Baseline", priority: 7 });
  assertEquals(cellsOf(clusterNetworkPolicy, cluster), { Name: "guard", Tier: "Baseline", Priority: 7, Age: null });
  assertEquals(cellsOf(adminNetworkPolicy, policy(adminNetworkPolicy, { priority: 0 })), {
    Name: "guard",
    Priority: 0,
    Age: null,
  });
  assertEquals(Object.keys(cellsOf(baselineAdminNetworkPolicy, policy(baselineAdminNetworkPolicy, {}))), [
    "Name",
    "Age",
  ]);
});

Deno.test("cluster-wide policies are custom resources with a status", () => {
  for (const kind of [adminNetworkPolicy, baselineAdminNetworkPolicy, clusterNetworkPolicy]) {
    assertEquals([kind.fields, kind.mergeKeys, kind.statusSubresource, kind.namespaced], [
      "strict",
      undefined,
      true,
      false,
    ]);
  }
  assertEquals(clusterNetworkPolicy.shortNames, ["kcnp"]);
});
