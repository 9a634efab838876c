/**
 * EndpointSlices as contributions to the sets of Services.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import {
  createServiceSlices,
  readEndpointSlice,
  replaceSlice,
  type ServiceSlice,
  sliceMembers,
  slicesOf,
} from "#/projections/service_sets.ts";

function read(fields: JsonObject, service: string | undefined = "db"): ServiceSlice | undefined {
  return readEndpointSlice({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "db-1",
      namespace: "shop",
      labels: service === undefined ? { a: "b" } : { "kubernetes.io/service-name": service },
    },
    ...fields,
  });
}

Deno.test("readEndpointSlice() takes unready endpoints, protocol TCP by default, and leaves out what it cannot read", () => {
  const slice = read({
    addressType: "IPv4",
    endpoints: [
      { addresses: ["10.0.0.1", "10.0.0.2"], conditions: { ready: false } },
      { addresses: ["10.0.0.1", "host.example"] },
      {},
    ],
    ports: [{ port: 80 }, { name: "dns", protocol: "UDP", port: 53 }, { name: "none" }, { protocol: "X", port: 1 }],
  });
  assertEquals(slice, { service: "shop/db", addresses: ["10.0.0.1", "10.0.0.2"], ports: ["tcp:80", "udp:53"] });
  assertEquals(sliceMembers(slice!, "net"), ["10.0.0.1", "10.0.0.2"]);
  assertEquals(sliceMembers(slice!, "ipPort"), [
    "10.0.0.1,tcp:80",
    "10.0.0.1,udp:53",
    "10.0.0.2,tcp:80",
    "10.0.0.2,udp:53",
  ]);
});

Deno.test("readEndpointSlice() reads no slice of no Service", () => {
  assertEquals(
    [read({}, ""), readEndpointSlice({ apiVersion: "v1", kind: "EndpointSlice", metadata: { name: "x" } })],
    [
      undefined,
      undefined,
    ],
  );
});

Deno.test("replaceSlice() moves a slice to another Service and lets it go", () => {
  const state = createServiceSlices();
  const db = { service: "shop/db", addresses: ["10.0.0.1"], ports: [] };
  const web = { ...db, service: "shop/web" };
  assertEquals(replaceSlice(state, "a", db), undefined);
  assertEquals(replaceSlice(state, "a", web), db);
  assertEquals([slicesOf(state, "shop/db"), slicesOf(state, "shop/web")], [[], [web]]);
  assertEquals(replaceSlice(state, "a", undefined), web);
  assertEquals([state.slices.size, state.byService.size], [0, 0]);
});
