/**
 * Which views a change touches, seen through the fold.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { isView, NODES, WORKLOAD_ENDPOINTS } from "#/projections/views.ts";
import { createHistory, fact, put, remove } from "#tests/support/history.ts";
import { bound, namespacedV3, node, pod, v3 } from "#tests/support/network_objects.ts";

function endpoints(history: ReturnType<typeof createHistory>): string[] {
  return [...history.state.collections.get(WORKLOAD_ENDPOINTS)?.keys() ?? []].sort();
}

Deno.test("viewsAfter() moves the endpoint of a Pod that changes its node", () => {
  const history = createHistory();
  put(history, pod("shop", "web", { node: "a", podIPs: ["10.0.0.1"] }));
  assertEquals(endpoints(history), ["shop/a-k8s-web-eth0"]);
  const changes = put(history, pod("shop", "web", { node: "b", podIPs: ["10.0.0.1"] })).changes;
  assertEquals(endpoints(history), ["shop/b-k8s-web-eth0"]);
  assertEquals(changes.length, 3);
  remove(history, pod("shop", "web"));
  assertEquals(endpoints(history), []);
});

Deno.test("viewsAfter() takes the endpoint away with its sandbox, its last address or its Pod's end", () => {
  const history = createHistory();
  const web = pod("shop", "web", { node: "a" });
  const sandbox = bound("shop", "web", { node: "a", addresses: ["10.0.0.1"] });
  put(history, web);
  fact(history, "EndpointBound", sandbox);
  assertEquals(endpoints(history).length, 1);
  put(history, pod("shop", "web", { node: "a", phase: "Succeeded" }));
  assertEquals(endpoints(history), []);
  put(history, web);
  assertEquals(endpoints(history).length, 1);
  fact(history, "EndpointUnbound", sandbox);
  assertEquals(endpoints(history), []);
  fact(history, "EndpointBound", bound("shop", "nobody", { node: "a", addresses: ["10.0.0.2"] }));
  assertEquals(endpoints(history), []);
});

Deno.test("viewsAfter() keeps a v3 Node for every core Node", () => {
  const history = createHistory();
  put(history, node("a", undefined));
  assertEquals([...history.state.collections.get(NODES)!.keys()], ["/a"]);
  remove(history, node("a", undefined));
  assertEquals(history.state.collections.get(NODES)!.size, 0);
});

Deno.test("isView() tells views from what users write", () => {
  const endpoint = (orchestrator: string) => namespacedV3("WorkloadEndpoint", "shop", "e", { orchestrator });
  assertEquals(isView(WORKLOAD_ENDPOINTS, endpoint("k8s")), true);
  assertEquals(isView(WORKLOAD_ENDPOINTS, endpoint("openstack")), false);
  assertEquals(isView(NODES, v3("Node", "a", {})), true);
  assertEquals(isView("core/nodes", node("a", undefined)), false);
});
