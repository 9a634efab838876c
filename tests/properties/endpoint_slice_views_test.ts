/**
 * Random histories of Services, Pods and slices: the views that the fold keeps step by step are those that follow from what is there at the end.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ENDPOINT_SLICES } from "#/projections/endpoint_slice_view.ts";
import { applyEvent, cloneState, createState } from "#/projections/fold.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import type { KubeObject } from "#/resources/object.ts";
import { endpointSlicesOf, isWorkedOutSliceName } from "#/resources/service_endpoints.ts";
import { createHistory, put, remove } from "#tests/support/history.ts";
import { endpointSlice, pod, service } from "#tests/support/network_objects.ts";

const RUNS = 300;
const SERVICE_NAME = "kubernetes.io/service-name";

const space = fc.constantFrom("red", "blue");
const app = fc.constantFrom("a", "b");
const address = fc.constantFrom("10.0.0.1", "10.0.0.2", "fd00::1", "none");
const ports = fc.constantFrom(
  [],
  [{ port: 80 }],
  [{ name: "x", port: 80, targetPort: "http" }],
  [{ port: "80" }, { port: 53, protocol: "UDP" }],
);
const containerPorts = fc.constantFrom([], [{ name: "http", containerPort: 8080 }], [{
  name: "http",
  containerPort: 9090,
}]);

const someService = fc.record({
  space,
  name: fc.constantFrom("web", "db"),
  spec: fc.record({
    selector: fc.oneof({ weight: 5, arbitrary: fc.record({ app }) }, fc.constantFrom({}, "app=a")),
    ports,
    type: fc.constantFrom("ClusterIP", "ClusterIP", "ClusterIP", "ExternalName"),
    ipFamilies: fc.constantFrom([], [], ["IPv4"], ["IPv6", "IPv4"]),
  }, { requiredKeys: ["ports", "selector"] }),
}).map((r) => service(r.space, r.name, r.spec));

const somePod = fc.record({
  space,
  name: fc.constantFrom("p1", "p2", "p3"),
  labels: fc.record({ app }),
  ports: containerPorts,
  podIPs: fc.array(address, { minLength: 1, maxLength: 2 }),
  phase: fc.constantFrom("Running", "Running", "Running", "Failed"),
}).map((r) => pod(r.space, r.name, r));

const someSlice = fc.record({
  space,
  name: fc.constantFrom("s1", "web-tortie-4"),
  of: fc.constantFrom("web", "db", ""),
}).map((r) => endpointSlice(r.space, r.name, r.of, ["10.9.9.9"]));

const object: fc.Arbitrary<KubeObject> = fc.oneof(
  { weight: 3, arbitrary: someService },
  { weight: 6, arbitrary: somePod },
  { weight: 1, arbitrary: someSlice },
);

const moves = fc.array(fc.record({ object, gone: fc.nat(4).map((dice) => dice === 0) }), {
  minLength: 1,
  maxLength: 40,
  size: "max",
});

/** The views that a state must hold: made at once of everything in it. */
function viewsOf(state: ClusterState): Map<string, KubeObject> {
  const all = (collection: string) => [...state.collections.get(collection)?.values() ?? []];
  const stored = all(ENDPOINT_SLICES).filter(({ metadata }) => !isWorkedOutSliceName(metadata.name));
  const views = all("core/services").flatMap((each) => {
    const { namespace, name } = each.metadata;
    const isWritten = stored.some(({ metadata }) =>
      metadata.namespace === namespace && metadata.labels?.[SERVICE_NAME] === name
    );
    const pods = all("core/pods").filter(({ metadata }) => metadata.namespace === namespace);
    return isWritten ? [] : endpointSlicesOf(each, pods);
  });
  return new Map(views.map((view) => [`${view.metadata.namespace}/${view.metadata.name}`, view]));
}

function heldViews(state: ClusterState): Map<string, KubeObject> {
  const held = [...state.collections.get(ENDPOINT_SLICES) ?? []].filter(([, { metadata }]) =>
    isWorkedOutSliceName(metadata.name)
  );
  return new Map(held.map(([key, { metadata: { resourceVersion: _, ...metadata }, ...rest }]) => [
    key,
    { ...rest, metadata } as KubeObject,
  ]));
}

Deno.test("applyEvent() keeps the EndpointSlice views that follow from the whole state, for random histories", () => {
  let views = 0;
  let given = 0;
  fc.assert(
    fc.property(moves, (all) => {
      const history = createHistory();
      for (const { object, gone } of all) gone ? remove(history, object) : put(history, object);
      const held = heldViews(history.state);
      assertEquals(held, viewsOf(history.state));
      views += held.size;
      given += [...held.values()].filter(({ endpoints }) => (endpoints as unknown[]).length > 0).length;
    }),
    { numRuns: RUNS },
  );
  assertEquals([views > RUNS / 4, given > RUNS / 10], [true, true], `${views} views, ${given} with endpoints`);
});

Deno.test("applyEvent() gives the same views and index from zero, for random histories", () => {
  fc.assert(
    fc.property(moves, (all) => {
      const history = createHistory();
      for (const { object, gone } of all) gone ? remove(history, object) : put(history, object);
      const half = Math.floor(history.events.length / 2);
      const start = createState();
      for (const event of history.events.slice(0, half)) applyEvent(start, event);
      const again = cloneState(start);
      for (const event of history.events.slice(half)) applyEvent(again, event);
      assertEquals(start.position, half);
      assertEquals(again, history.state);
    }),
    { numRuns: RUNS },
  );
});
