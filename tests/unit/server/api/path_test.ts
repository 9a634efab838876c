/**
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseApiPath } from "#/server/api/path.ts";

const resource = (fields: Record<string, string>) => ({
  kind: "resource",
  group: "",
  version: "v1",
  namespace: "",
  plural: "",
  name: "",
  subresource: "",
  ...fields,
});

const CASES: readonly { readonly path: string; readonly want: unknown }[] = [
  { path: "/version", want: { kind: "version" } },
  { path: "/api", want: { kind: "coreVersions" } },
  { path: "/apis/", want: { kind: "groups" } },
  { path: "/apis/projectcalico.org", want: { kind: "group", group: "projectcalico.org" } },
  { path: "/api/v1", want: { kind: "resourceList", group: "", version: "v1" } },
  { path: "/apis/g/v3", want: { kind: "resourceList", group: "g", version: "v3" } },
  { path: "/api/v1/pods", want: resource({ plural: "pods" }) },
  { path: "/api/v1/namespaces", want: resource({ plural: "namespaces" }) },
  { path: "/api/v1/namespaces/shop", want: resource({ plural: "namespaces", name: "shop" }) },
  {
    path: "/api/v1/namespaces/shop/status",
    want: resource({ plural: "namespaces", name: "shop", subresource: "status" }),
  },
  { path: "/api/v1/namespaces/shop/pods", want: resource({ namespace: "shop", plural: "pods" }) },
  {
    path: "/api/v1/namespaces/shop/pods/web/status",
    want: resource({ namespace: "shop", plural: "pods", name: "web", subresource: "status" }),
  },
  {
    path: "/apis/g/v3/namespaces/shop/status",
    want: resource({ group: "g", version: "v3", namespace: "shop", plural: "status" }),
  },
  { path: "/apis/g/v3/tiers/a%2Fb", want: resource({ group: "g", version: "v3", plural: "tiers", name: "a/b" }) },
  { path: "/api/v1/pods/a/status/more", want: { kind: "unknown" } },
  { path: "/openapi/v3", want: { kind: "openApiIndex" } },
  { path: "/openapi/v3/api/v1", want: { kind: "openApiGroup", group: "", version: "v1" } },
  { path: "/openapi/v3/apis/g/v3", want: { kind: "openApiGroup", group: "g", version: "v3" } },
  { path: "/openapi/v2", want: { kind: "unknown" } },
  { path: "/", want: { kind: "unknown" } },
  { path: "/version/x", want: { kind: "unknown" } },
];

for (const { path, want } of CASES) {
  Deno.test(`parseApiPath() reads ${path}`, () => assertEquals<unknown>(parseApiPath(path), want));
}

Deno.test("parseApiPath() refuses bad percent encoding", () => {
  const path = parseApiPath("/api/v1/pods/%zz");
  assertEquals(path.kind === "rejected" && path.message, 'Path has bad percent encoding: "%zz"');
});
