/**
 * The registry: every kind is complete, and every word means the kind that its user means.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { KindDefinition } from "#/resources/kind.ts";
import { findKind, findKindByName, KINDS, knownKindNames, resolveKind } from "#/resources/registry.ts";
import { qualifiedPlural } from "#/resources/object.ts";

/** Groups whose kinds are custom resources in Kubernetes. */
const CUSTOM_GROUPS: readonly string[] = ["projectcalico.org", "policy.networking.k8s.io"];

const nameOf = (kind: KindDefinition | undefined) => kind === undefined ? undefined : qualifiedPlural(kind);

Deno.test("KINDS are all that is served, each once", () => {
  assertEquals(knownKindNames(), [
    "adminnetworkpolicies.policy.networking.k8s.io",
    "baselineadminnetworkpolicies.policy.networking.k8s.io",
    "bgpconfigurations.projectcalico.org",
    "bgppeers.projectcalico.org",
    "clusternetworkpolicies.policy.networking.k8s.io",
    "endpointslices.discovery.k8s.io",
    "globalnetworkpolicies.projectcalico.org",
    "globalnetworksets.projectcalico.org",
    "hostendpoints.projectcalico.org",
    "ippools.projectcalico.org",
    "namespaces",
    "networkpolicies.networking.k8s.io",
    "networkpolicies.projectcalico.org",
    "networksets.projectcalico.org",
    "nodes",
    "nodes.projectcalico.org",
    "pods",
    "profiles.projectcalico.org",
    "serviceaccounts",
    "services",
    "stagedglobalnetworkpolicies.projectcalico.org",
    "stagedkubernetesnetworkpolicies.projectcalico.org",
    "stagednetworkpolicies.projectcalico.org",
    "tiers.projectcalico.org",
    "workloadendpoints.projectcalico.org",
  ]);
});

Deno.test("KINDS are described, named in lower case, and show name and age", () => {
  for (const kind of KINDS) {
    assert(/^[A-Z].+[^.]\.$/.test(kind.description), kind.description);
    for (const word of [kind.plural, kind.singular, ...kind.shortNames, ...kind.categories]) {
      assertEquals(word, word.toLowerCase());
    }
    assertEquals(kind.columns[0]?.name, "Name");
    assertEquals(kind.columns.filter((column) => column.type === "date").map((column) => column.name), ["Age"]);
    assertEquals(kind.mergeKeys !== undefined, kind.fields === "loose");
    assertEquals(kind.fields === "strict", CUSTOM_GROUPS.includes(kind.group));
    const object = { apiVersion: "x", kind: kind.kind, metadata: { name: "bare" } };
    assertEquals(kind.columns.map((column) => column.cell(object))[0], "bare");
  }
});

Deno.test("findKind() and findKindByName() find each kind and no other", () => {
  for (const kind of KINDS) {
    assertEquals(findKind(kind.group, kind.plural), kind);
    assertEquals(findKindByName(kind.group, kind.version, kind.kind), kind);
  }
  assertEquals(findKind("", "tiers"), undefined);
  assertEquals(findKindByName("projectcalico.org", "v1", "Tier"), undefined);
  assertEquals(findKindByName("projectcalico.org", "v3", "tier"), undefined);
});

const WORDS: readonly (readonly [string, string | undefined])[] = [
  ["pods", "pods"],
  ["Pod", "pods"],
  ["po", "pods"],
  ["pods.v1", "pods"],
  ["ns", "namespaces"],
  ["sa", "serviceaccounts"],
  ["no", "nodes"],
  ["Node", "nodes"],
  ["nodes.projectcalico.org", "nodes.projectcalico.org"],
  ["node.v3.projectcalico.org", "nodes.projectcalico.org"],
  ["GNP", "globalnetworkpolicies.projectcalico.org"],
  ["GlobalNetworkPolicy", "globalnetworkpolicies.projectcalico.org"],
  ["networkpolicies", "networkpolicies.networking.k8s.io"],
  ["networkpolicies.projectcalico.org", "networkpolicies.projectcalico.org"],
  ["cnp", "networkpolicies.projectcalico.org"],
  ["np", "networkpolicies.projectcalico.org"],
  ["policy", "networkpolicies.projectcalico.org"],
  ["ipp", "ippools.projectcalico.org"],
  ["IPPool", "ippools.projectcalico.org"],
  ["bgpp", "bgppeers.projectcalico.org"],
  ["bgpconfig", "bgpconfigurations.projectcalico.org"],
  ["wep", "workloadendpoints.projectcalico.org"],
  ["tier", "tiers.projectcalico.org"],
  ["snp", "stagednetworkpolicies.projectcalico.org"],
  ["spol", "stagednetworkpolicies.projectcalico.org"],
  ["StagedNetworkPolicy", "stagednetworkpolicies.projectcalico.org"],
  ["sgnp", "stagedglobalnetworkpolicies.projectcalico.org"],
  ["sgnps", "stagedglobalnetworkpolicies.projectcalico.org"],
  ["netset", "networksets.projectcalico.org"],
  ["NetworkSets", "networksets.projectcalico.org"],
  ["gns", "globalnetworksets.projectcalico.org"],
  ["gnetsets", "globalnetworksets.projectcalico.org"],
  ["hep", "hostendpoints.projectcalico.org"],
  ["heps", "hostendpoints.projectcalico.org"],
  ["pro", "profiles.projectcalico.org"],
  ["profiles.projectcalico.org", "profiles.projectcalico.org"],
  ["pods.projectcalico.org", undefined],
  ["networkpolicies.networking.k8s.io", "networkpolicies.networking.k8s.io"],
  ["networkpolicies.extensions", undefined],
  ["constructor", undefined],
  ["", undefined],
];

for (const [word, expected] of WORDS) {
  Deno.test(`resolveKind() takes "${word}" for ${expected ?? "no kind"}`, () =>
    assertEquals(nameOf(resolveKind(word)), expected));
}
