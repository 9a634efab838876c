/**
 * Staged policies (section 3.8 of the policy reference): never enforced, judged beside, and what is pending when one has a say.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { evaluatePending } from "#/policy/oracle/oracle.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import type { KubeObject } from "#/resources/object.ts";
import { flowOf, hostEndpoint, judge, kubernetesPolicy, TIERS, told } from "#tests/unit/policy/oracle_objects.ts";
import { namespace, NO_OBJECTS, policy, tier, workload } from "#tests/unit/policy/policy_builders.ts";

const ALLOW: JsonObject = { action: "Allow" };
const DENY: JsonObject = { action: "Deny" };
const OBJECTS: PolicyObjects = {
  ...NO_OBJECTS,
  tiers: [...TIERS, tier("early", 1, "Deny")],
  namespaces: [namespace("n1"), namespace("n2")],
  workloadEndpoints: [
    workload("n1", "a", ["10.0.0.1"], { labels: { app: "a" } }),
    workload("n1", "b", ["10.0.0.2"], { labels: { app: "b" }, node: "node2" }),
  ],
};
const FLOW = "n1/a n1/b:80/tcp";

const staged = (name: string, spec: JsonObject) => policy("n1", name, spec, "StagedNetworkPolicy");
const stagedGlobal = (name: string, spec: JsonObject) => policy("", name, spec, "StagedGlobalNetworkPolicy");
function stagedKubernetes(name: string, spec: JsonObject): KubeObject {
  const like = kubernetesPolicy("n1", name, spec);
  return { ...like, apiVersion: "projectcalico.org/v3", kind: "StagedKubernetesNetworkPolicy" };
}

/** Ingress of `n1/b`, as it is and as it is pending. */
const CASES: readonly (readonly [string, readonly KubeObject[], string, string | null])[] = [
  ["no staged policy: nothing is pending", [policy("n1", "p", { ingress: [ALLOW] })], "allow by p[0] in default", null],
  [
    "a tier with staged policies only passes, and ends once they count",
    [staged("p", {})],
    "allow by profile",
    "deny by end-of-tier in default",
  ],
  ["a staged rule decides", [staged("p", { ingress: [DENY] })], "allow by profile", "deny by p[0] in default"],
  ["a staged global policy", [stagedGlobal("p", { ingress: [DENY] })], "allow by profile", "deny by p[0] in default"],
  [
    "a staged policy of Kubernetes, with order 1000 in the default tier",
    [stagedKubernetes("p", { ingress: [{}] }), staged("q", { order: 1001, ingress: [DENY] })],
    "allow by profile",
    "allow by p[0] in default",
  ],
  [
    "a staged policy stands at its own place in the order",
    [policy("n1", "p", { order: 2, ingress: [ALLOW] }), staged("q", { order: 1, ingress: [DENY] })],
    "allow by p[0] in default",
    "deny by q[0] in default",
  ],
  [
    "[trap] it does not replace its twin, which comes first in equal order",
    [policy("n1", "p", { order: 1, ingress: [ALLOW] }), staged("p", { order: 1, ingress: [DENY] })],
    "allow by p[0] in default",
    "allow by p[0] in default",
  ],
  [
    "a staged tier, earlier",
    [policy("n1", "p", { ingress: [ALLOW] }), staged("q", { tier: "early" })],
    "allow by p[0] in default",
    "deny by end-of-tier in early",
  ],
  [
    "[bug upstream] a staged deletion takes the twin away",
    [policy("n1", "p", { ingress: [DENY] }), staged("p", { stagedAction: "Delete" })],
    "deny by p[0] in default",
    "allow by profile",
  ],
  [
    "a staged deletion takes away its twin alone: the same kind, namespace and name",
    [
      policy("n1", "p", { ingress: [DENY] }),
      stagedGlobal("p", { stagedAction: "Delete" }),
      policy("n2", "q", { ingress: [DENY] }),
      staged("q", { stagedAction: "Delete" }),
      stagedKubernetes("p", { stagedAction: "Delete" }),
    ],
    "deny by p[0] in default",
    null,
  ],
  [
    "a staged deletion of a policy of Kubernetes",
    [kubernetesPolicy("n1", "p", {}), stagedKubernetes("p", { stagedAction: "Delete" })],
    "deny by end-of-tier in default",
    "allow by profile",
  ],
  [
    "a staged deletion of a global policy",
    [policy("", "p", { ingress: [DENY] }), stagedGlobal("p", { stagedAction: "Delete" })],
    "deny by p[0] in default",
    "allow by profile",
  ],
  [
    "Learn counts as Set",
    [staged("p", { ingress: [DENY], stagedAction: "Learn" })],
    "allow by profile",
    "deny by p[0] in default",
  ],
  ["Ignore leaves it out", [staged("p", { ingress: [DENY], stagedAction: "Ignore" })], "allow by profile", null],
  [
    "a staged policy of other endpoints has no say",
    [staged("p", { selector: "app == 'c'", ingress: [DENY] })],
    "allow by profile",
    null,
  ],
  [
    "a staged policy of the other direction has no say here",
    [staged("p", { selector: "app == 'b'", egress: [DENY] })],
    "allow by profile",
    null,
  ],
  [
    "a staged policy at the other end has a say in the flow",
    [staged("p", { selector: "app == 'a'", egress: [DENY] })],
    "allow by profile",
    "allow by profile",
  ],
];

for (const [name, policies, enforced, pending] of CASES) {
  Deno.test(`evaluate(), staged: 3.8 ${name}`, () => {
    for (const list of [policies, [...policies].reverse()]) {
      const world = policyWorld({ ...OBJECTS, policies: list });
      const verdict = evaluatePending(world, flowOf(world, FLOW).flow);
      assertEquals(told(judge(world, FLOW).ingress), enforced);
      assertEquals(verdict === null ? null : told(verdict.ingress), pending);
      assertEquals(
        told(judge(world, FLOW, "pending").ingress),
        pending ?? enforced,
        "whether or not it is asked apart",
      );
      assertEquals(told(judge(world, FLOW).ingress), enforced, "and what is enforced stays so");
    }
  });
}

Deno.test("evaluatePending(): a staged policy of a host endpoint on the way has a say", () => {
  const hostEndpoints = [hostEndpoint("h", "node1", { interfaceName: "*" }, { role: "edge" })];
  const policies = [stagedGlobal("p", { selector: "has(role)", egress: [DENY], applyOnForward: true })];
  const world = policyWorld({ ...OBJECTS, hostEndpoints, policies });
  const verdict = evaluatePending(world, flowOf(world, FLOW).flow);
  assertEquals([judge(world, FLOW).verdict, verdict?.verdict, verdict?.egress?.verdict], ["allow", "deny", "allow"]);
  assertEquals(verdict?.forward.map(told), ["deny by p[0] in default, forward"]);
});

Deno.test("evaluate(): names staged policies by their own kinds", () => {
  const world = policyWorld({ ...OBJECTS, policies: [stagedKubernetes("p", {})] });
  assertEquals(judge(world, FLOW, "pending").ingress?.isolatedBy, [
    { kind: "StagedKubernetesNetworkPolicy", namespace: "n1", name: "p" },
  ]);
});
