/**
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { KINDS } from "#/resources/registry.ts";
import { createOpenApi } from "#/server/api/openapi_v3.ts";

// deno-lint-ignore no-explicit-any -- documents are looked into freely
type Document = any;

const OPEN_API = createOpenApi(KINDS, "0.1.0");

function documentOf(group: string, version: string): Document {
  return JSON.parse(OPEN_API.document(group, version)!.text);
}

Deno.test("index() names a document for every group and version, by its hash", () => {
  const { paths } = JSON.parse(OPEN_API.index());
  assertEquals(Object.keys(paths).sort(), [
    "api/v1",
    "apis/discovery.k8s.io/v1",
    "apis/networking.k8s.io/v1",
    "apis/policy.networking.k8s.io/v1alpha1",
    "apis/policy.networking.k8s.io/v1alpha2",
    "apis/projectcalico.org/v3",
  ]);
  const { hash } = OPEN_API.document("projectcalico.org", "v3")!;
  const url = paths["apis/projectcalico.org/v3"].serverRelativeURL;
  assertEquals(url, `/openapi/v3/apis/projectcalico.org/v3?hash=${hash}`);
});

Deno.test("document() is undefined where nothing is served", () => {
  assertEquals(OPEN_API.document("projectcalico.org", "v4"), undefined);
  assertEquals(OPEN_API.document("", "v2"), undefined);
});

Deno.test("document() changes its hash with its text", () => {
  const other = createOpenApi(KINDS, "0.2.0").document("", "v1")!;
  assertNotEquals(other.hash, OPEN_API.document("", "v1")!.hash);
});

for (const kind of KINDS) {
  Deno.test(`document() has what kubectl looks for in ${kind.kind} of "${kind.group}"`, () => {
    const { paths, components } = documentOf(kind.group, kind.version);
    const groupVersionKind = { group: kind.group, version: kind.version, kind: kind.kind };
    const operations: Document[] = Object.values(paths).flatMap((path) => Object.values(path as Document));
    const own = operations.filter((operation) =>
      JSON.stringify(operation["x-kubernetes-group-version-kind"]) === JSON.stringify(groupVersionKind)
    );
    const patch = own.find((operation) => operation["x-kubernetes-action"] === "patch");
    const parameters = patch.parameters.map(({ name, in: place }: Record<string, string>) => `${place}:${name}`);
    for (const name of ["dryRun", "fieldManager", "fieldValidation", "force"]) {
      assert(parameters.includes(`query:${name}`));
    }
    const reference = patch.responses["200"].content["application/json"].schema.$ref.split("/").at(-1);
    const schema = components.schemas[reference];
    assertEquals(schema["x-kubernetes-group-version-kind"], [groupVersionKind]);
    for (const field of ["apiVersion", "kind", "metadata"]) assert(field in schema.properties);
    for (const [path, item] of Object.entries(paths as Record<string, Document>)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      assertEquals(item.parameters.map(({ name }: { name: string }) => name), named);
    }
  });
}
