/**
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { KINDS } from "#/resources/registry.ts";
import {
  aggregatedDiscovery,
  coreVersions,
  groupList,
  groupNames,
  groupOf,
  resourceList,
  versionInfo,
} from "#/server/api/discovery.ts";
import { findVirtual, servedKind, VIRTUAL_RESOURCES } from "#/server/api/served_resources.ts";

const RESOURCES = [...KINDS.map(servedKind), ...VIRTUAL_RESOURCES];

function listOf(value: Json | undefined): readonly JsonObject[] {
  return (Array.isArray(value) ? value : []).filter(isJsonObject);
}

Deno.test("resourceList() shows every kind of a group, with status where it is served", () => {
  const core = listOf(resourceList(RESOURCES, "", "v1")?.resources);
  const names = core.map(({ name }) => name);
  for (const name of ["namespaces", "pods", "pods/status", "nodes", "serviceaccounts", "events"]) {
    assert(names.includes(name), `${name} is missing: ${names.join()}`);
  }
  const pods = core.find(({ name }) => name === "pods");
  assertEquals([pods?.kind, pods?.namespaced, pods?.shortNames], ["Pod", true, ["po"]]);
  assertEquals(resourceList(RESOURCES, "", "v2"), undefined);
});

Deno.test("groupList() and groupOf() name the groups but not the core one", () => {
  assertEquals(groupNames(RESOURCES), [
    "networking.k8s.io",
    "discovery.k8s.io",
    "policy.networking.k8s.io",
    "projectcalico.org",
    "authentication.k8s.io",
    "authorization.k8s.io",
  ]);
  assertEquals(listOf(groupList(RESOURCES).groups).map(({ name }) => name), groupNames(RESOURCES));
  assertEquals(groupOf(RESOURCES, "projectcalico.org")?.preferredVersion, {
    groupVersion: "projectcalico.org/v3",
    version: "v3",
  });
  assertEquals(listOf(groupOf(RESOURCES, "policy.networking.k8s.io")?.versions).map(({ version }) => version), [
    "v1alpha1",
    "v1alpha2",
  ]);
  assertEquals([groupOf(RESOURCES, ""), groupOf(RESOURCES, "x")], [undefined, undefined]);
  assertEquals(coreVersions().versions, ["v1"]);
});

Deno.test("aggregatedDiscovery() says the same as the plain lists", () => {
  for (const group of ["", ...groupNames(RESOURCES)]) {
    const [item] = listOf(aggregatedDiscovery(RESOURCES, [group]).items);
    const [version] = listOf(item?.versions);
    const plain = listOf(resourceList(RESOURCES, group, String(version?.version))?.resources);
    const aggregated = listOf(version?.resources).flatMap((resource) => [
      [resource.resource, resource.verbs],
      ...listOf(resource.subresources).map((sub) => [`${resource.resource}/${sub.subresource}`, sub.verbs]),
    ]);
    assertEquals<unknown>(aggregated, plain.map(({ name, verbs }) => [name, verbs]));
  }
});

Deno.test("findVirtual() finds resources that are not stored", () => {
  assertEquals(findVirtual("", "v1", "events")?.behaviour, "emptyList");
  assertEquals(findVirtual("authentication.k8s.io", "v1", "selfsubjectreviews")?.behaviour, "selfSubjectReview");
  assertEquals(findVirtual("", "v1", "pods"), undefined);
});

Deno.test("versionInfo() says the Kubernetes version whose conventions hold", () => {
  const { major, minor, gitVersion } = versionInfo("0.1.0");
  assertEquals([major, minor, gitVersion], ["1", "33", "v1.33.0+tortie-0.1.0"]);
});
