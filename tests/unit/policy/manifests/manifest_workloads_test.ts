/**
 * Workload kinds, their templates, and whose Pods are whose.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { ownerOf, podTemplateOf, WORKLOAD_KINDS, workloadKindOf } from "#/policy/manifests/manifest_workloads.ts";
import type { KubeObject } from "#/resources/object.ts";

function object(kind: string, name: string, owner?: string, labels: Record<string, string> = {}): KubeObject {
  const [ownerKind = "", ownerName = ""] = owner?.split("/") ?? [];
  const ownerReferences = [{ apiVersion: "v1", kind: ownerKind, name: ownerName, uid: "u", controller: true }];
  const metadata = { name, namespace: "shop", labels, ...(owner === undefined ? {} : { ownerReferences }) };
  return { apiVersion: "v1", kind, metadata };
}

const WEB = object("Deployment", "web");
const WEB_SET = object("ReplicaSet", "web-7d4b", "Deployment/web", { "pod-template-hash": "7d4b" });
const NIGHTLY = object("CronJob", "nightly");
const NIGHT = object("Job", "nightly-123", "CronJob/nightly");

const OWNERS: readonly {
  readonly name: string;
  readonly of: KubeObject;
  readonly among?: readonly KubeObject[];
  readonly owner: string | undefined;
}[] = [
  { name: "none", of: object("Pod", "p"), owner: undefined },
  { name: "its controller", of: object("Pod", "p", "StatefulSet/db"), owner: "StatefulSet/db" },
  {
    name: "the Deployment of a ReplicaSet by the template's hash",
    of: object("Pod", "p", "ReplicaSet/web-7d4b", { "pod-template-hash": "7d4b" }),
    owner: "Deployment/web",
  },
  { name: "a ReplicaSet of its own", of: object("Pod", "p", "ReplicaSet/web-7d4b"), owner: "ReplicaSet/web-7d4b" },
  {
    name: "the Deployment of a known ReplicaSet",
    of: object("Pod", "p", "ReplicaSet/web-7d4b"),
    among: [WEB_SET, WEB],
    owner: "Deployment/web",
  },
  {
    name: "a known Deployment by the name of a ReplicaSet that is not known",
    of: object("Pod", "p", "ReplicaSet/web-7d4b"),
    among: [WEB],
    owner: "Deployment/web",
  },
  {
    name: "an unknown Deployment of a known ReplicaSet",
    of: object("Pod", "p", "ReplicaSet/web-7d4b"),
    among: [WEB_SET],
    owner: "Deployment/web",
  },
  {
    name: "the CronJob of a known Job",
    of: object("Pod", "p", "Job/nightly-123"),
    among: [NIGHTLY, NIGHT],
    owner: "CronJob/nightly",
  },
  { name: "a Job by itself", of: object("Pod", "p", "Job/nightly-123"), owner: "Job/nightly-123" },
  { name: "a kind of somebody else", of: object("Pod", "p", "Rollout/web"), owner: "Rollout/web" },
];

for (const { name, of, among = [], owner } of OWNERS) {
  Deno.test(`ownerOf() finds ${name}`, () => {
    const known = new Map(among.map((one) => [`${one.kind}/shop/${one.metadata.name}`, one]));
    const found = ownerOf(of, (key) => known.get(key));
    assertEquals(found === undefined ? undefined : `${found.kind}/${found.name}`, owner);
  });
}

Deno.test("ownerOf() ends where owners own each other", () => {
  const a = object("ReplicaSet", "a", "ReplicaSet/b");
  const b = object("ReplicaSet", "b", "ReplicaSet/a");
  const known = new Map([["ReplicaSet/shop/a", a], ["ReplicaSet/shop/b", b]]);
  assertEquals(ownerOf(object("Pod", "p", "ReplicaSet/a"), (key) => known.get(key))?.kind, "ReplicaSet");
});

Deno.test("workloadKindOf() knows seven kinds in their groups", () => {
  assertEquals(WORKLOAD_KINDS.length, 7);
  assertEquals(workloadKindOf("apps", "Deployment")?.collection, "apps/deployments");
  assertEquals(workloadKindOf("extensions", "Deployment")?.collection, "apps/deployments");
  assertEquals(workloadKindOf("", "ReplicationController")?.kind, "ReplicationController");
  assertEquals([workloadKindOf("", "Deployment"), workloadKindOf("example.com", "Job")], [undefined, undefined]);
});

Deno.test("podTemplateOf() makes a Pod with the workload's name", () => {
  const template = { metadata: { labels: { app: "web" }, name: "ignored" }, spec: { containers: [] } };
  const metadata = { name: "web", namespace: "shop" };
  const cronJob = workloadKindOf("batch", "CronJob")!;
  assertEquals(podTemplateOf({ metadata, spec: { jobTemplate: { spec: { template } } } }, cronJob), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { labels: { app: "web" }, name: "web", namespace: "shop" },
    spec: { containers: [] },
  });
  assertEquals(podTemplateOf({ metadata, spec: { template } }, cronJob), undefined);
});
