/**
 * NetworkPolicy of Kubernetes and its staged twin: what is filled in, what is kept, what is printed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { admit } from "#/resources/validate.ts";
import { kubernetesNetworkPolicy } from "#/resources/kinds/kubernetes_network_policy.ts";
import { defaultKubernetesPolicy, kubernetesPolicyProblems } from "#/resources/kinds/kubernetes_policy_schema.ts";
import { stagedKubernetesNetworkPolicy } from "#/resources/kinds/staged_kubernetes_network_policy.ts";
import type { KubeObject } from "#/resources/object.ts";
import { admitted, calicoObject, cellsOf } from "../kind_cases.ts";

function policy(spec?: JsonObject): KubeObject {
  const metadata = { name: "web", namespace: "shop" };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata,
    ...(spec === undefined ? {} : { spec }),
  };
}

const DEFAULTS: readonly (readonly [JsonObject | undefined, JsonObject])[] = [
  [undefined, { podSelector: {}, policyTypes: ["Ingress"] }],
  [{ policyTypes: [] }, { podSelector: {}, policyTypes: ["Ingress"] }],
  [{ egress: [] }, { podSelector: {}, egress: [], policyTypes: ["Ingress"] }],
  [{ egress: [{}] }, { podSelector: {}, egress: [{}], policyTypes: ["Ingress", "Egress"] }],
  [{ egress: [{}], policyTypes: ["Egress"] }, { podSelector: {}, egress: [{}], policyTypes: ["Egress"] }],
  [{ ingress: [{ ports: [{ port: 80 }, { protocol: "UDP" }, {}] }] }, {
    podSelector: {},
    ingress: [{ ports: [{ port: 80, protocol: "TCP" }, { protocol: "UDP" }, { protocol: "TCP" }] }],
    policyTypes: ["Ingress"],
  }],
];

for (const [spec, stored] of DEFAULTS) {
  Deno.test(`NetworkPolicy fills in ${JSON.stringify(spec) ?? "no spec"}`, () => {
    assertEquals(admitted(kubernetesNetworkPolicy, policy(spec)).spec, stored);
    const staged = admitted(
      stagedKubernetesNetworkPolicy,
      calicoObject("StagedKubernetesNetworkPolicy", {
        name: "web",
        namespace: "shop",
      }, spec),
    );
    assertEquals(staged.spec, { ...stored, stagedAction: "Set" });
  });
}

Deno.test("StagedKubernetesNetworkPolicy fills in nothing else where a deletion is staged", () => {
  const metadata = { name: "web", namespace: "shop" };
  const object = calicoObject("StagedKubernetesNetworkPolicy", metadata, { stagedAction: "Delete" });
  assertEquals(admitted(stagedKubernetesNetworkPolicy, object).spec, { stagedAction: "Delete" });
});

Deno.test("defaultKubernetesPolicy() leaves what is no list as it is, for the schema to refuse", () => {
  const spec = { ingress: "all", egress: { a: 1 }, policyTypes: "Ingress", podSelector: {} };
  assertEquals(defaultKubernetesPolicy(spec), spec);
});

Deno.test("kubernetesPolicyProblems() asks both directions", () => {
  const peer = [{ from: [{}], to: [{}] }];
  assertEquals(kubernetesPolicyProblems({ ingress: peer, egress: peer }).map(({ path }) => path), [
    "spec.ingress[0].from[0]",
    "spec.egress[0].to[0]",
  ]);
});

Deno.test("NetworkPolicy and its staged twin know all their fields: a misspelt one is no rule", () => {
  const misspelt = {
    podSelector: { matchLabel: { app: "web" } },
    ingres: [{}],
    ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", exept: [] } }], port: [] }],
  };
  const unknown = [
    "spec.ingres",
    "spec.ingress[0].from[0].ipBlock.exept",
    "spec.ingress[0].port",
    "spec.podSelector.matchLabel",
  ];
  const staged = calicoObject("StagedKubernetesNetworkPolicy", { name: "web", namespace: "shop" }, misspelt);
  for (
    const [kind, object] of [[kubernetesNetworkPolicy, policy(misspelt)], [
      stagedKubernetesNetworkPolicy,
      staged,
    ]] as const
  ) {
    assertEquals([...admit(kind, object, undefined, "Strict").unknownFields].sort(), unknown, kind.kind);
  }
  assertEquals(
    admit(kubernetesNetworkPolicy, { ...policy({ podSelector: {} }), status: { conditions: [] } }, undefined, "Strict")
      .unknownFields,
    [],
  );
  assertEquals([kubernetesNetworkPolicy.mergeKeys, stagedKubernetesNetworkPolicy.mergeKeys], [{}, undefined]);
});

Deno.test("NetworkPolicy prints its pods as kubectl does", () => {
  const object = policy({ podSelector: { matchLabels: { app: "web" } } });
  assertEquals(cellsOf(kubernetesNetworkPolicy, object), { Name: "web", "Pod-Selector": "app=web", Age: null });
  const staged = calicoObject("StagedKubernetesNetworkPolicy", { name: "web", namespace: "shop" }, {});
  assertEquals(cellsOf(stagedKubernetesNetworkPolicy, staged)["Pod-Selector"], "<none>");
});
