/**
 * What a flush of the policy part tells: items that come, go and change, profiles that are missing, and nodes that nobody asks for.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { EventChanges } from "#/projections/cluster_state.ts";
import type { NodeDelta } from "#/projections/node_state.ts";
import { flushPolicies, isFlushed, policyItems } from "#/projections/policy_flush.ts";
import { applyToPolicies, createPolicyProjection } from "#/projections/policy_projection.ts";
import { createHistory, put, remove } from "#tests/support/history.ts";
import { namespace, pod, v3 } from "#tests/support/network_objects.ts";

function bench() {
  const history = createHistory();
  const projection = createPolicyProjection();
  const take = (...all: readonly EventChanges[]): void => {
    for (const change of all.flatMap((each) => each.changes)) {
      if (change.kind === "object") applyToPolicies(projection, change, history.state.origins);
    }
  };
  const told = (...nodes: string[]): Record<string, string[]> => {
    const deltas = flushPolicies(projection, new Set(nodes));
    return Object.fromEntries([...deltas].map(([node, list]) => [node, list.map(summary).sort()]));
  };
  return { history, projection, take, told };
}

function summary(delta: NodeDelta): string {
  return delta.op === "put" ? `put ${delta.item.id}` : `${delta.op} ${delta.id}`;
}

const WEB = pod("shop", "web", { node: "n1", podIPs: ["10.0.0.1"] });

Deno.test("flushPolicies() tells of a profile when it comes, changes its holders and goes", () => {
  const { history, take, told, projection } = bench();
  take(put(history, WEB));
  assertEquals(told("n1"), { n1: ["put shop/n1-k8s-web-eth0"] });
  take(put(history, namespace("shop")));
  assertEquals(told("n1"), { n1: ["put Profile//kns.shop"] });
  take(put(history, namespace("shop", { env: "prod" })));
  assertEquals(told("n1"), {}, "labels are no part of the profile's rules");
  take(put(history, pod("shop", "db", { node: "n2", podIPs: ["10.0.0.2"] })));
  assertEquals(told("n2"), { n2: ["put Profile//kns.shop", "put shop/n2-k8s-db-eth0"] });
  take(remove(history, namespace("shop")));
  assertEquals(told("n1", "n2"), { n1: ["del Profile//kns.shop"], n2: ["del Profile//kns.shop"] });
  take(remove(history, WEB));
  assertEquals(told("n1"), { n1: ["del shop/n1-k8s-web-eth0"] });
  assertEquals(policyItems(projection, "n1"), []);
});

Deno.test("flushPolicies() tells nothing of a node that nobody asks for, and has nothing left to tell", () => {
  const { history, take, told, projection } = bench();
  take(put(history, WEB));
  assertEquals(isFlushed(projection), false);
  assertEquals(told("n2"), {});
  assertEquals(isFlushed(projection), true);
  assertEquals(policyItems(projection, "n1").map((item) => item.id), ["shop/n1-k8s-web-eth0"]);
});

Deno.test("flushPolicies() brings the sets that a policy begins to name, and takes away those that it no longer names", () => {
  const { history, take, told } = bench();
  const spec = { tier: "default", types: ["Ingress"] };
  take(put(history, WEB), put(history, v3("GlobalNetworkPolicy", "p", { ...spec, ingress: [{ action: "Deny" }] })));
  told("n1");
  const rule = { action: "Allow", source: { selector: "all()" } };
  take(put(history, v3("GlobalNetworkPolicy", "p", { ...spec, ingress: [rule] })));
  const all = "s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug";
  assertEquals(told("n1"), { n1: ["put GlobalNetworkPolicy//p", `put ${all}`] });
  take(put(history, v3("GlobalNetworkPolicy", "p", { ...spec, ingress: [{ action: "Deny" }] })));
  assertEquals(told("n1"), { n1: [`del ${all}`, "put GlobalNetworkPolicy//p"] });
});

Deno.test("flushPolicies() keeps no record of policies that no node needed, of their empty sets, or of what came and went", () => {
  const { history, take, told, projection } = bench();
  const rule = { action: "Allow", source: { selector: "app == 'nobody'" } };
  const policy = v3("GlobalNetworkPolicy", "p", {
    tier: "default",
    selector: "app == 'none'",
    types: ["Ingress"],
    ingress: [rule],
  });
  const { policy: policies, set, profile, endpoint } = projection.slices.shared;
  const none = [policies, set, profile, endpoint].map(({ size }) => size);
  take(put(history, policy));
  told("n1");
  assertEquals([policies.size, set.size], [1, 1]);
  take(remove(history, policy));
  told("n1");
  take(put(history, policy), remove(history, policy), put(history, WEB), put(history, namespace("shop")));
  take(remove(history, namespace("shop")), remove(history, WEB));
  assertEquals(told("n1"), {});
  assertEquals([policies, set, profile, endpoint].map(({ size }) => size), none);
});
