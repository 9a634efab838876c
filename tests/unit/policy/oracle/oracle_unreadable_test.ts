/**
 * What no admission lets in and a log may hold all the same: rules of Kubernetes' policies that cannot be read fail closed (invariant 6 of the design),
 * whole, and by both engines alike.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { clusterPolicy, judge, kubernetesPolicy, TIERS, told } from "#tests/unit/policy/oracle_objects.ts";
import { namespace, NO_OBJECTS, workload } from "#tests/unit/policy/policy_builders.ts";

const OBJECTS: PolicyObjects = {
  ...NO_OBJECTS,
  tiers: TIERS,
  namespaces: [namespace("n1", { env: "prod" })],
  workloadEndpoints: [workload("n1", "web", ["10.0.0.1"]), workload("n1", "db", ["10.0.0.2"])],
};

const expression = (fields: JsonObject): JsonObject => ({ namespaceSelector: { matchExpressions: [fields] } });

/** Rules of a NetworkPolicy that would let `n1/db` in to port 80 if the broken part were left out. */
const NETWORK_POLICY: readonly (readonly [string, JsonObject])[] = [
  ["an exception outside its network", { from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["192.0.2.0/24"] } }] }],
  ["an exception of another family", { from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["fd00::/8"] } }] }],
  ["a network without its address", { from: [{ podSelector: {} }, { ipBlock: {} }] }],
  ["a list of values that is empty", { from: [expression({ key: "env", operator: "NotIn", values: [] })] }],
  ["a requirement without a key", { from: [{ podSelector: {} }, expression({ operator: "DoesNotExist" })] }],
  ["a key that is none", { from: [expression({ key: "a b", operator: "DoesNotExist" })] }],
  ["a name that no port can have", { ports: [{ port: 80 }, { port: "no name!" }] }],
  ["a port out of bounds beside its whole protocol", { ports: [{ port: 0 }, { protocol: "TCP" }] }],
];

for (const [name, rule] of NETWORK_POLICY) {
  Deno.test(`evaluate(), NetworkPolicy: 3.10 with ${name} a rule allows nothing`, () => {
    const policies = [kubernetesPolicy("n1", "p", { podSelector: {}, ingress: [rule] })];
    assertEquals(
      told(judge({ ...OBJECTS, policies }, "10.0.0.2 n1/web:80/tcp").ingress),
      "deny by end-of-tier in default",
    );
  });
}

/** Rules of cluster-wide policies; with any action but one that allows or passes they close their direction. */
const CLUSTER_WIDE: readonly (readonly [string, JsonObject])[] = [
  ["a requirement without a key", { from: [{ namespaces: { matchExpressions: [{ operator: "Exists" }] } }] }],
  ["no action that there is", { from: [{ namespaces: { matchLabels: { env: "dev" } } }], action: "Reject" }],
];

for (const [name, rule] of CLUSTER_WIDE) {
  Deno.test(`evaluate(), cluster-wide: 3.11 with ${name} a rule denies everything`, () => {
    for (const kind of ["AdminNetworkPolicy", "ClusterNetworkPolicy"] as const) {
      const policies = [
        clusterPolicy(kind, "p", { tier: "Admin", priority: 1, ingress: [{ action: "Deny", ...rule }] }),
      ];
      assertEquals(
        told(judge({ ...OBJECTS, policies }, "10.0.0.2 n1/web:80/tcp").ingress),
        "deny by p[0] in kube-admin",
      );
    }
  });
}

Deno.test("evaluate(), cluster-wide: 3.11 pods without a namespace selector are those of all namespaces", () => {
  const subject = { pods: { podSelector: {} } };
  for (const kind of ["AdminNetworkPolicy", "ClusterNetworkPolicy"] as const) {
    const rule = { action: "Deny", from: [{ namespaces: {} }] };
    const policies = [clusterPolicy(kind, "p", { tier: "Admin", priority: 1, subject, ingress: [rule] })];
    const verdicts = ["10.0.0.2", "192.0.2.1"].map((from) =>
      judge({ ...OBJECTS, policies }, `${from} n1/web:80/tcp`).verdict
    );
    assertEquals(verdicts, ["deny", "allow"]);
  }
});
