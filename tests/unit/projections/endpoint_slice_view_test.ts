/**
 * EndpointSlices as views of Services and Pods, seen through the fold.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { ENDPOINT_SLICES, slicesAfter } from "#/projections/endpoint_slice_view.ts";
import { isView } from "#/projections/views.ts";
import type { KubeObject } from "#/resources/object.ts";
import { createHistory, type History, put, remove } from "#tests/support/history.ts";
import { endpointSlice, pod, service } from "#tests/support/network_objects.ts";

/** Slices of the state in short: key, and the addresses of all endpoints. */
function slices(history: History): Record<string, string> {
  const found = [...history.state.collections.get(ENDPOINT_SLICES) ?? []].sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(found.map(([key, slice]) => [
    key,
    ((slice.endpoints ?? []) as JsonObject[]).flatMap(({ addresses }) => addresses as string[]).join(","),
  ]));
}

const WEB: KubeObject = service("shop", "web", { selector: { app: "web" }, ports: [{ port: 80 }] });
const web = (name: string, ip: string, options: { labels?: Record<string, string>; phase?: string } = {}) =>
  pod("shop", name, { labels: { app: "web" }, podIPs: [ip], ...options });

Deno.test("slicesAfter() follows Pods that come, change and go", () => {
  const history = createHistory();
  put(history, WEB);
  assertEquals(slices(history), { "shop/web-tortie-4": "" });
  put(history, web("a", "10.0.0.1"));
  const { changes } = put(history, web("b", "10.0.0.2"));
  assertEquals(changes.map((change) => change.kind === "object" ? change.collection : change.kind), [
    "core/pods",
    ENDPOINT_SLICES,
  ]);
  assertEquals(slices(history), { "shop/web-tortie-4": "10.0.0.1,10.0.0.2" });
  put(history, web("b", "10.0.0.2", { labels: { app: "api" } }));
  assertEquals(slices(history), { "shop/web-tortie-4": "10.0.0.1" });
  put(history, web("a", "10.0.0.1", { phase: "Failed" }));
  assertEquals(slices(history), { "shop/web-tortie-4": "" });
  put(history, web("a", "fd00::1"));
  assertEquals(slices(history), { "shop/web-tortie-6": "fd00::1" });
  remove(history, web("a", "fd00::1"));
  assertEquals(slices(history), { "shop/web-tortie-4": "" });
});

Deno.test("slicesAfter() gives every Service of a Pod its slices, and none of another namespace", () => {
  const history = createHistory();
  put(history, WEB);
  put(history, service("shop", "all", { selector: { app: "web" }, ports: [] }));
  put(history, service("till", "web", { selector: { app: "web" }, ports: [] }));
  put(history, web("a", "10.0.0.1"));
  assertEquals(slices(history), {
    "shop/all-tortie-4": "10.0.0.1",
    "shop/web-tortie-4": "10.0.0.1",
    "till/web-tortie-4": "",
  });
});

Deno.test("slicesAfter() takes the views away with the Service, its selector, or its pods' addresses", () => {
  const history = createHistory();
  put(history, web("a", "10.0.0.1"));
  put(history, WEB);
  put(history, service("shop", "web", { ports: [{ port: 80 }] }));
  assertEquals(slices(history), {});
  put(history, WEB);
  assertEquals(slices(history), { "shop/web-tortie-4": "10.0.0.1" });
  put(history, service("shop", "web", { type: "ExternalName", externalName: "a.b", selector: { app: "web" } }));
  assertEquals(slices(history), {});
  put(history, WEB);
  remove(history, WEB);
  assertEquals(slices(history), {});
});

Deno.test("slicesAfter() gives way to slices that somebody writes, and comes back when they are gone", () => {
  const history = createHistory();
  put(history, WEB);
  put(history, web("a", "10.0.0.1"));
  const written = endpointSlice("shop", "web-abcde", "web", ["10.9.9.9"]);
  put(history, written);
  assertEquals(slices(history), { "shop/web-abcde": "10.9.9.9" });
  put(history, web("b", "10.0.0.2"));
  assertEquals(slices(history), { "shop/web-abcde": "10.9.9.9" });
  put(history, endpointSlice("shop", "web-abcde", "api", ["10.9.9.9"]));
  assertEquals(slices(history), { "shop/web-abcde": "10.9.9.9", "shop/web-tortie-4": "10.0.0.1,10.0.0.2" });
  put(history, written);
  remove(history, written);
  assertEquals(slices(history), { "shop/web-tortie-4": "10.0.0.1,10.0.0.2" });
});

Deno.test("a slice that the log holds under the name of a view is not read", () => {
  const history = createHistory();
  put(history, endpointSlice("shop", "web-tortie-4", "web", ["10.9.9.9"]));
  assertEquals(slices(history), {});
  assertEquals(history.state.quarantined.size, 1);
  put(history, WEB);
  assertEquals(slices(history), { "shop/web-tortie-4": "" });
});

Deno.test("slicesAfter() has nothing to do for other collections, and isView() tells its slices by their names", () => {
  const history = createHistory();
  put(history, WEB);
  const change = { kind: "object", collection: "core/nodes", key: "/a", before: undefined, after: undefined } as const;
  assertEquals(slicesAfter(history.state, change), []);
  assertEquals(isView(ENDPOINT_SLICES, endpointSlice("shop", "web-tortie-4", "web", [])), true);
  assertEquals(isView(ENDPOINT_SLICES, endpointSlice("shop", "web-abcde", "web", [])), false);
});
