/**
 * Compiled policies of objects: endpoints on nodes and on none, host endpoints, scopes and rule ids.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { compiledPolicies, compileObjects } from "#/projections/compiled_policies.ts";
import { createPolicyProjection } from "#/projections/policy_projection.ts";
import { v3 } from "#tests/support/network_objects.ts";
import { namespace, NO_OBJECTS, policy, workload } from "#tests/unit/policy/policy_builders.ts";

Deno.test("compileObjects() gives an endpoint the chains of its policies, and fills the sets they name", () => {
  const compiled = compileObjects({
    ...NO_OBJECTS,
    namespaces: [namespace("shop")],
    workloadEndpoints: [workload("shop", "web", ["10.0.0.1"], { labels: { app: "web" } })],
    policies: [
      policy("shop", "web", {
        types: ["Ingress"],
        ingress: [{ action: "Allow", source: { selector: "app == 'web'" } }],
      }),
    ],
  });
  const [endpoint] = compiled.endpoints;
  assertEquals(endpoint?.addresses, ["10.0.0.1"]);
  assertEquals(endpoint?.ingress.tiers[0]?.policies, ["NetworkPolicy/shop/web"]);
  const rule = compiled.policies.get("NetworkPolicy/shop/web")?.ingress?.[0];
  assert(rule !== undefined);
  assertEquals(compiled.sets.get(rule.source.sets[0]!)?.members, ["10.0.0.1"]);
});

Deno.test("compileObjects() knows endpoints that are on no node", () => {
  const compiled = compileObjects({
    ...NO_OBJECTS,
    workloadEndpoints: [workload("shop", "web", ["10.0.0.1"], { node: "" })],
    policies: [policy("shop", "deny", {})],
  });
  assertEquals(compiled.endpoints.map(({ node, workload, ingress }) => [node, workload, ingress.tiers.length]), [
    ["", "shop/web", 1],
  ]);
});

Deno.test("compileObjects() has host endpoints with what only they need: their policies, sets and failsafe ports", () => {
  const objects = {
    ...NO_OBJECTS,
    hostEndpoints: [
      v3("HostEndpoint", "b", { node: "node1", interfaceName: "*", profiles: ["p"] }),
      v3("HostEndpoint", "a", { node: "node1", expectedIPs: ["172.30.0.1"] }),
    ],
    policies: [
      policy("", "raw", {
        doNotTrack: true,
        applyOnForward: true,
        ingress: [{ action: "Allow", source: { selector: "!has(projectcalico.org/namespace)" } }],
      }),
    ],
  };
  const { hostEndpoints, policies, sets } = compileObjects(objects);
  assertEquals(hostEndpoints.map(({ id, node, interfaceName, addresses }) => [id, node, interfaceName, addresses]), [
    ["a", "node1", undefined, ["172.30.0.1"]],
    ["b", "node1", "*", []],
  ]);
  assertEquals(hostEndpoints.map(({ chains }) => chains.untracked.ingress.tiers.length), [1, 0]);
  assertEquals(hostEndpoints[1]?.chains.normal.ingress.profiles, ["Profile//p"]);
  assert(policies.has("Failsafe//untracked") && policies.has("GlobalNetworkPolicy//raw"));
  assertEquals([...sets.values()].map(({ members }) => members), [["172.30.0.1"]]);
  assertEquals(compileObjects(NO_OBJECTS).policies.has("Failsafe//normal"), false);
});

Deno.test("compileObjects() takes staged policies for what is pending, and rule ids from whom it is told", () => {
  const objects = {
    ...NO_OBJECTS,
    workloadEndpoints: [workload("shop", "web", ["10.0.0.1"])],
    policies: [policy("shop", "p", { ingress: [{ action: "Deny" }] }, "StagedNetworkPolicy")],
  };
  const key = "StagedNetworkPolicy/shop/p";
  assertEquals(compileObjects(objects).policies.has(key), false);
  const pending = compileObjects(objects, "pending", { positionOf: () => 77 });
  assertEquals(pending.endpoints[0]?.ingress.tiers[0]?.policies, [key]);
  assertEquals(pending.policies.get(key)?.ingress?.map(({ id }) => id), ["77/i/0"]);
});

Deno.test("compiledPolicies() is one value until something changes", () => {
  const projection = createPolicyProjection();
  assert(compiledPolicies(projection) === compiledPolicies(projection));
});
