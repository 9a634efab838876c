/**
 * Objects of files: Lists taken apart, admission, what is refused and where.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Json } from "#/base/json.ts";
import { keysOfPath, type Manifests, problemText } from "#/policy/manifests/manifest_document.ts";
import { readManifestObjects } from "#/policy/manifests/manifests.ts";

/** Documents of one file, whose lines are ten times the document's number and the depth of the field. */
function read(...values: readonly Json[]): Manifests {
  return readManifestObjects(values.map((value, at) => ({
    file: "a.yaml",
    number: at + 1,
    value,
    lineOf: (keys) => 10 * (at + 1) + keys.length,
  })));
}

function namespace(name: string): Json {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

function pod(name: string, containers: Json = [{ name: "c" }]): Json {
  return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers } };
}

function names({ objects }: Manifests): string[] {
  return objects.map(({ collection, object: { metadata } }) =>
    `${collection} ${metadata.namespace ?? ""}/${metadata.name}`
  );
}

Deno.test("readManifestObjects() takes Lists apart, of any kind and of one", () => {
  const manifests = read(
    { apiVersion: "v1", kind: "List", items: [namespace("a"), pod("p")] },
    { apiVersion: "v1", kind: "NamespaceList", items: [{ metadata: { name: "b" } }] },
    { apiVersion: "v1", kind: "List", items: null },
    null,
  );
  assertEquals(manifests.problems, []);
  assertEquals(names(manifests), ["core/namespaces /a", "core/pods default/p", "core/namespaces /b"]);
});

Deno.test("readManifestObjects() takes Lists in Lists apart, as deep as they may lie", () => {
  const within = (depth: number): Json =>
    depth === 0 ? namespace("a") : { apiVersion: "v1", kind: "List", items: [within(depth - 1)] };
  assertEquals(names(read(within(8))), ["core/namespaces /a"]);
  assertEquals(read(within(9)).problems.map(problemText), [
    "a.yaml:26: List (document 1): must lie at most 8 deep in Lists",
  ]);
});

Deno.test("readManifestObjects() admits: defaults are filled in, and what was written is kept", () => {
  const [object] = read({
    apiVersion: "projectcalico.org/v3",
    kind: "GlobalNetworkPolicy",
    metadata: { name: "p" },
    spec: { selector: "all()", ingress: [{ action: "Allow", protocol: "tcp" }] },
  }).objects;
  assertEquals(object?.object.spec, {
    tier: "default",
    selector: "all()",
    types: ["Ingress"],
    ingress: [{ action: "Allow", protocol: "TCP" }],
  });
  assertEquals(object?.written.spec, { selector: "all()", ingress: [{ action: "Allow", protocol: "tcp" }] });
  assertEquals(object?.place, { file: "a.yaml", line: 10, document: 1 });
});

Deno.test("readManifestObjects() puts objects without a namespace into default, and gives a namespace its name's label", () => {
  const { objects } = read(pod("p"), namespace("shop"));
  assertEquals(objects[0]?.object.metadata.namespace, "default");
  assertEquals(objects[1]?.object.metadata.labels, { "kubernetes.io/metadata.name": "shop" });
});

Deno.test("readManifestObjects() counts kinds that policy does not rest on", () => {
  const other = (apiVersion: string, kind: string) => ({ apiVersion, kind, metadata: { name: "x" } });
  const { objects, ignored, problems } = read(
    other("v1", "Secret"),
    other("v1", "ConfigMap"),
    other("v1", "ConfigMap"),
    other("projectcalico.org/v3", "IPPool"),
    other("cilium.io/v2", "NetworkPolicy"),
    { apiVersion: "example.com/v1", kind: "WishList", metadata: { name: "x" } },
  );
  assertEquals([objects, problems], [[], []]);
  assertEquals(ignored.map(({ kind, apiVersion, count }) => `${count} ${kind} ${apiVersion}`), [
    "2 ConfigMap v1",
    "1 IPPool projectcalico.org/v3",
    "1 NetworkPolicy cilium.io/v2",
    "1 Secret v1",
    "1 WishList example.com/v1",
  ]);
});

const REFUSALS: readonly { readonly name: string; readonly value: Json; readonly problem: string }[] = [
  {
    name: "no object",
    value: "text",
    problem: "a.yaml:10: Document (document 1): must be an object with apiVersion and kind",
  },
  {
    name: "no kind",
    value: { apiVersion: "v1" },
    problem: "a.yaml:10: Object (document 1): must be an object with apiVersion and kind",
  },
  {
    name: "a version that is not served",
    value: { apiVersion: "networking.k8s.io/v1beta1", kind: "NetworkPolicy", metadata: { name: "p", namespace: "n" } },
    problem:
      'a.yaml:11: NetworkPolicy n/p (document 1): apiVersion: Invalid value: "networking.k8s.io/v1beta1": must be networking.k8s.io/v1',
  },
  {
    name: "a policy as Calico's own storage has it",
    value: { apiVersion: "crd.projectcalico.org/v1", kind: "GlobalNetworkPolicy", metadata: { name: "p" } },
    problem:
      'a.yaml:11: GlobalNetworkPolicy p (document 1): apiVersion: Invalid value: "crd.projectcalico.org/v1": must be projectcalico.org/v3',
  },
  {
    name: "a broken rule",
    value: {
      apiVersion: "projectcalico.org/v3",
      kind: "NetworkPolicy",
      metadata: { name: "p", namespace: "n" },
      spec: { ingress: [{ action: "Alow" }] },
    },
    problem:
      'a.yaml:14: NetworkPolicy n/p (document 1): spec.ingress[0].action: Unsupported value: "Alow": supported values: "Allow", "Deny", "Log", "Pass"',
  },
  {
    name: "an unknown field",
    value: { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "t" }, spec: { rank: 1 } },
    problem: "a.yaml:12: Tier t (document 1): spec.rank: must be a field that the kind knows",
  },
  {
    name: "an item of a List",
    value: { apiVersion: "v1", kind: "List", items: [namespace("a"), namespace("B")] },
    problem:
      'a.yaml:14: Namespace B (document 1): metadata.name: Invalid value: "B": must be a DNS label: at most 63 of "a-z", "0-9" and "-", starting and ending with a letter or digit',
  },
  {
    name: "a List of no list",
    value: { apiVersion: "v1", kind: "List", items: {} },
    problem: "a.yaml:11: List (document 1): items: Invalid value: {}: must be a list",
  },
  {
    name: "a misspelt kind of policy",
    value: { apiVersion: "networking.k8s.io/v1", kind: "Networkpolicy", metadata: { name: "p" } },
    problem: 'a.yaml:11: Networkpolicy p (document 1): kind: Invalid value: "Networkpolicy": must be NetworkPolicy',
  },
  {
    name: "a workload without a template",
    value: { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec: {} },
    problem:
      "a.yaml:12: Deployment d (document 1): spec.template: Required value: must be given: it says what the workload's pods are",
  },
  {
    name: "a broken template",
    value: {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "d" },
      spec: { jobTemplate: { spec: { template: { spec: { containers: [] } } } } },
    },
    problem:
      "a.yaml:16: CronJob d (document 1): spec.jobTemplate.spec.template.spec.containers: Invalid value: []: must have at least 1 item",
  },
  {
    name: "a workload without a name",
    value: { apiVersion: "apps/v1", kind: "Deployment", metadata: {}, spec: {} },
    problem: "a.yaml:12: Deployment (document 1): metadata.name: Required value: must be given",
  },
];

for (const { name, value, problem } of REFUSALS) {
  Deno.test(`readManifestObjects() refuses ${name}, and says where`, () => {
    const { objects, problems } = read(value);
    assertEquals(problems.map(problemText), [problem]);
    assertEquals(objects.length, name === "an item of a List" ? 1 : 0);
  });
}

Deno.test("readManifestObjects() tells every problem, and both places of an object that stands twice", () => {
  const { problems } = read(namespace("a"), pod("p", []), {
    kind: "List",
    apiVersion: "v1",
    items: [7, namespace("a")],
  });
  assertEquals(problems.map(problemText), [
    "a.yaml:22: Pod p (document 2): spec.containers: Invalid value: []: must have at least 1 item",
    "a.yaml:32: Document (document 3): must be an object with apiVersion and kind",
    "a.yaml:32: Namespace a (document 3): must stand only once: also at a.yaml:10",
  ]);
});

Deno.test("readManifestObjects() keeps kinds of one name apart", () => {
  const policy = (apiVersion: string, spec: Json) => ({
    apiVersion,
    kind: "NetworkPolicy",
    metadata: { name: "p" },
    spec,
  });
  const manifests = read(policy("networking.k8s.io/v1", { podSelector: {} }), policy("projectcalico.org/v3", {}));
  assertEquals(manifests.problems, []);
  assertEquals(names(manifests), [
    "networking.k8s.io/networkpolicies default/p",
    "projectcalico.org/networkpolicies default/p",
  ]);
});

Deno.test("keysOfPath() reads what fieldPath() writes", () => {
  assertEquals(keysOfPath("metadata.labels[a/b.c]"), ["metadata", "labels", "a/b.c"]);
  assertEquals(keysOfPath("spec.egress[10].to[0]"), ["spec", "egress", 10, "to", 0]);
  assertEquals(keysOfPath(""), []);
});
