/**
 * The policy part of the projection object by object: which objects it takes, and what a change of one does to the others' matches.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { PolicyScope } from "#/policy/compiled.ts";
import { setItem } from "#/projections/ip_sets.ts";
import { applyToPolicies, createPolicyProjection, type PolicyProjection } from "#/projections/policy_projection.ts";
import type { EventChanges } from "#/projections/cluster_state.ts";
import { createHistory, type History, put, remove } from "#tests/support/history.ts";
import { namespace, namespacedV3, pod, serviceAccount, v3 } from "#tests/support/network_objects.ts";

interface Bench {
  readonly history: History;
  readonly projection: PolicyProjection;
  take(changes: EventChanges): void;
  members(): string[];
}

function bench(scope?: PolicyScope): Bench {
  const history = createHistory();
  const projection = createPolicyProjection(scope);
  const take = ({ changes }: EventChanges): void => {
    for (const change of changes) {
      if (change.kind === "object") applyToPolicies(projection, change, history.state.origins);
    }
  };
  const members = () =>
    [...projection.sets.sets.keys()].flatMap((id) => setItem(projection.sets, id)?.members ?? []).sort();
  return { history, projection, take, members };
}

function allowFrom(namespaceSelector: string) {
  const rule = { action: "Allow", source: { namespaceSelector } };
  return v3("GlobalNetworkPolicy", "p", { tier: "default", types: ["Ingress"], ingress: [rule] });
}

Deno.test("applyToPolicies() matches again what inherits from a changed namespace or service account", () => {
  const { history, take, members } = bench();
  take(put(history, allowFrom("env == 'prod'")));
  take(put(history, pod("shop", "web", { node: "n", podIPs: ["10.0.0.1"] })));
  assertEquals(members(), []);
  take(put(history, namespace("shop", { env: "prod" })));
  assertEquals(members(), ["10.0.0.1"]);
  take(put(history, namespace("shop", { env: "dev" })));
  assertEquals(members(), []);
  const byRole = { action: "Allow", source: { serviceAccounts: { selector: "role == 'r'" } } };
  take(put(history, v3("GlobalNetworkPolicy", "p", { tier: "default", types: ["Ingress"], ingress: [byRole] })));
  take(put(history, serviceAccount("shop", "default", { role: "r" })));
  assertEquals(members(), ["10.0.0.1"]);
  take(remove(history, serviceAccount("shop", "default")));
  assertEquals(members(), []);
});

Deno.test("applyToPolicies() counts network sets among the members", () => {
  const { history, take, members } = bench();
  take(put(history, allowFrom("all()")));
  take(put(history, namespacedV3("NetworkSet", "shop", "s", { nets: ["10.1.0.0/16", "192.0.2.1/32"] })));
  take(put(history, v3("GlobalNetworkSet", "g", { nets: ["10.9.0.0/16"] })));
  assertEquals(members(), ["10.1.0.0/16", "192.0.2.1"]);
});

Deno.test("applyToPolicies() leaves staged policies and foreign kinds alone", () => {
  const { history, take, projection } = bench();
  const spec = { tier: "default", types: ["Ingress"], ingress: [{ action: "Allow", source: { selector: "all()" } }] };
  take(put(history, namespacedV3("StagedNetworkPolicy", "shop", "p", spec)));
  take(put(history, v3("IPPool", "pool", { cidr: "10.0.0.0/16" })));
  assertEquals([projection.active.policies.size, projection.sets.sets.size, projection.dirtyPolicies.size], [0, 0, 0]);
});

Deno.test("applyToPolicies() ends a policy while its deletion is staged, whichever comes first, in the pending scope", () => {
  const twin = namespacedV3("NetworkPolicy", "shop", "p", { tier: "default", types: ["Ingress"] });
  const staged = (stagedAction: string) =>
    namespacedV3("StagedNetworkPolicy", "shop", "p", { tier: "default", types: ["Ingress"], stagedAction });
  const { history, take, projection } = bench("pending");
  const active = () => [...projection.active.policies.keys()].sort();
  take(put(history, staged("Delete")));
  take(put(history, twin));
  assertEquals(active(), []);
  take(put(history, staged("Set")));
  assertEquals(active(), ["NetworkPolicy/shop/p", "StagedNetworkPolicy/shop/p"]);
  take(put(history, staged("Delete")));
  assertEquals(active(), []);
  take(remove(history, staged("Delete")));
  assertEquals(active(), ["NetworkPolicy/shop/p"]);
});

Deno.test("applyToPolicies() takes a Profile's rules and labels, and no Profile of a reserved name", () => {
  const { history, take, projection, members } = bench();
  const profile = (name: string) =>
    v3("Profile", name, {
      labelsToApply: { role: "edge" },
      ingress: [{ action: "Allow", source: { selector: "role == 'edge'" } }],
    });
  take(put(history, profile("kns.shop")));
  assertEquals(projection.profiles.has("kns.shop"), false);
  take(put(history, profile("edge")));
  take(put(history, v3("HostEndpoint", "h", { node: "n", expectedIPs: ["172.30.0.1"], profiles: ["edge"] })));
  assertEquals(members(), ["172.30.0.1"]);
  assertEquals(projection.profiles.get("edge")?.policy.ingress?.length, 1);
  take(remove(history, profile("edge")));
  assertEquals([members(), projection.profiles.has("edge")], [[], false]);
});
