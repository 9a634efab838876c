/**
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseMediaRanges, representationFor, wantsAggregatedDiscovery } from "#/server/api/accept.ts";

const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

const CASES: readonly { readonly accept: string | null; readonly want: string | undefined }[] = [
  { accept: null, want: "object" },
  { accept: "", want: "object" },
  { accept: "*/*", want: "object" },
  { accept: "application/json", want: "object" },
  { accept: "application/json, */*", want: "object" },
  { accept: "application/json;stream=watch", want: "object" },
  { accept: "application/vnd.kubernetes.protobuf,application/json", want: "object" },
  { accept: `${TABLE},application/json`, want: "table" },
  { accept: `application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`, want: "object" },
  { accept: "Application/JSON; as=Table; v=v1; g=meta.k8s.io", want: "table" },
  { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", want: "metadata" },
  { accept: "application/vnd.kubernetes.protobuf", want: undefined },
  { accept: "text/html", want: undefined },
];

for (const { accept, want } of CASES) {
  Deno.test(`representationFor() answers "${accept}" with ${want}`, () =>
    assertEquals(representationFor(accept), want));
}

Deno.test("parseMediaRanges() keeps order and drops empty ranges", () => {
  assertEquals(parseMediaRanges("b/c;q=1,, a/b").map(({ type }) => type), ["b/c", "a/b"]);
});

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

Deno.test("wantsAggregatedDiscovery() takes the first range that can be served", () => {
  assertEquals(wantsAggregatedDiscovery(`${AGGREGATED},application/json`), true);
  assertEquals(wantsAggregatedDiscovery(`application/json,${AGGREGATED}`), false);
  assertEquals(wantsAggregatedDiscovery(AGGREGATED.replace("v=v2;", "v=v2beta1;") + ",application/json"), false);
  assertEquals(wantsAggregatedDiscovery(null), false);
});
