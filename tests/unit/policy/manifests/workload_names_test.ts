/**
 * The names under which endpoints are told.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { workloadNames } from "#/policy/manifests/workload_names.ts";
import type { KubeObject } from "#/resources/object.ts";

function endpoint(name: string, pod?: string): KubeObject {
  const spec = pod === undefined ? {} : { pod };
  return { apiVersion: "projectcalico.org/v3", kind: "WorkloadEndpoint", metadata: { name, namespace: "n" }, spec };
}

function pod(name: string, kind?: string, owner = ""): KubeObject {
  const ownerReferences = kind === undefined
    ? []
    : [{ apiVersion: "apps/v1", kind, name: owner, uid: "u", controller: true }];
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "n", ownerReferences } };
}

function check(endpoints: readonly KubeObject[], pods: readonly KubeObject[], expected: Record<string, string>): void {
  assertEquals(Object.fromEntries(workloadNames(endpoints, pods, [])), expected);
}

Deno.test("workloadNames() tells Pods of one owner as one, and others by their own name", () => {
  check(
    [endpoint("a", "db-0"), endpoint("b", "db-1"), endpoint("c", "alone"), endpoint("d"), endpoint("e", "unknown")],
    [pod("db-0", "StatefulSet", "db"), pod("db-1", "StatefulSet", "db"), pod("alone")],
    { "n/a": "n/db", "n/b": "n/db", "n/c": "n/alone", "n/d": "n/d", "n/e": "n/unknown" },
  );
});

Deno.test("workloadNames() tells owners of one name apart by their kind", () => {
  check(
    [endpoint("a", "p1"), endpoint("b", "p2"), endpoint("c", "p3")],
    [pod("p1", "StatefulSet", "web"), pod("p2", "Deployment", "web"), pod("p3", "Rollout", "web")],
    { "n/a": "n/web[StatefulSet]", "n/b": "n/web", "n/c": "n/web[Rollout]" },
  );
});

Deno.test("workloadNames() leaves its name to a Pod without owner", () => {
  check(
    [endpoint("a", "web"), endpoint("b", "p")],
    [pod("web"), pod("p", "Deployment", "web")],
    { "n/a": "n/web", "n/b": "n/web[Deployment]" },
  );
});
