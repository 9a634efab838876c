/**
 * Where a Service with a selector is: slices as Kubernetes' own controller makes them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import {
  endpointSlicesOf,
  isWorkedOutSliceName,
  MANAGED_BY,
  MANAGED_BY_LABEL,
  selectsEndpoints,
  selectsPod,
} from "#/resources/service_endpoints.ts";

const SELECTOR = { app: "web" };

function service(spec: JsonObject, metadata: JsonObject = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop", ...metadata },
    spec: { selector: SELECTOR, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  };
}

interface PodParts {
  readonly ips?: readonly string[];
  readonly labels?: Record<string, string>;
  readonly spec?: JsonObject;
  readonly status?: JsonObject;
  readonly metadata?: JsonObject;
}

function pod(
  name: string,
  { ips = ["10.0.0.1"], labels = SELECTOR, spec, status, metadata }: PodParts = {},
): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels, ...metadata },
    spec: { containers: [{ name: "main" }], ...spec },
    status: { podIPs: ips.map((ip) => ({ ip })), ...status },
  };
}

const READY: JsonObject = { conditions: [{ type: "Ready", status: "True" }] };

/** Slices in short: name, ports, and addresses by pod. */
function shapes(slices: readonly KubeObject[]): string[] {
  return slices.map((slice) => {
    const ports = (slice.ports as JsonObject[]).map(({ name, protocol, port }) => `${name}:${protocol}:${port}`);
    const endpoints = (slice.endpoints as JsonObject[]).map((endpoint) =>
      `${(endpoint.targetRef as JsonObject).name}=${(endpoint.addresses as string[]).join("+")}`
    );
    return `${slice.metadata.name} [${ports.join(",")}] ${endpoints.join(" ")}`.trim();
  });
}

interface Row {
  readonly name: string;
  readonly spec?: JsonObject;
  readonly pods: readonly KubeObject[];
  readonly slices: readonly string[];
}

const HTTP = { containers: [{ name: "main", ports: [{ name: "http", containerPort: 8080 }] }] };
const OTHER_HTTP = { containers: [{ name: "main", ports: [{ name: "http", containerPort: 9090, protocol: "TCP" }] }] };
const NAMED: JsonObject = { ports: [{ name: "web", port: 80, targetPort: "http" }] };

const ROWS: readonly Row[] = [
  { name: "no pods", pods: [], slices: ["web-tortie-4 []"] },
  {
    name: "pods that are selected, by name",
    pods: [pod("b", { ips: ["10.0.0.2"] }), pod("a"), pod("c", { labels: { app: "api" } })],
    slices: ["web-tortie-4 [:TCP:8080] a=10.0.0.1 b=10.0.0.2"],
  },
  {
    name: "a pod in the host's network",
    pods: [pod("a", { ips: ["172.30.0.1"], spec: { hostNetwork: true } })],
    slices: ["web-tortie-4 [:TCP:8080] a=172.30.0.1"],
  },
  {
    name: "pods without address or at their end",
    pods: [
      pod("a", { ips: [] }),
      pod("b", { status: { phase: "Succeeded" } }),
      pod("c", { status: { phase: "Failed" } }),
      pod("d", { ips: ["no address"] }),
    ],
    slices: ["web-tortie-4 []"],
  },
  {
    name: "a pod with one address only",
    pods: [pod("a", { ips: [], status: { podIP: "10.0.0.9" } })],
    slices: ["web-tortie-4 [:TCP:8080] a=10.0.0.9"],
  },
  {
    name: "both families where the Service leaves it open",
    pods: [pod("a", { ips: ["10.0.0.1", "fd00::1"] }), pod("b", { ips: ["fd00::2"] })],
    slices: ["web-tortie-4 [:TCP:8080] a=10.0.0.1", "web-tortie-6 [:TCP:8080] a=fd00::1 b=fd00::2"],
  },
  {
    name: "the families that the Service names, with or without endpoints",
    spec: { ipFamilies: ["IPv6", "IPv4"] },
    pods: [pod("a")],
    slices: ["web-tortie-4 [:TCP:8080] a=10.0.0.1", "web-tortie-6 []"],
  },
  {
    name: "the family of the Service's address",
    spec: { clusterIP: "fd00::a", clusterIPs: ["fd00::a"] },
    pods: [pod("a", { ips: ["10.0.0.1", "fd00::1"] })],
    slices: ["web-tortie-6 [:TCP:8080] a=fd00::1"],
  },
  {
    name: "a port without target",
    spec: { ports: [{ name: "dns", port: 53, protocol: "UDP" }] },
    pods: [pod("a")],
    slices: ["web-tortie-4 [dns:UDP:53] a=10.0.0.1"],
  },
  {
    name: "a name that pods mean differently, and one that a pod does not know",
    spec: NAMED,
    pods: [
      pod("a", { spec: OTHER_HTTP, ips: ["10.0.0.1"] }),
      pod("b", { spec: HTTP, ips: ["10.0.0.2"] }),
      pod("c", { ips: ["10.0.0.3"] }),
      pod("d", { spec: HTTP, ips: ["10.0.0.4"] }),
    ],
    slices: [
      "web-tortie-4 [] c=10.0.0.3",
      "web-tortie-4-2 [web:TCP:8080] b=10.0.0.2 d=10.0.0.4",
      "web-tortie-4-3 [web:TCP:9090] a=10.0.0.1",
    ],
  },
  {
    name: "a name of another protocol",
    spec: { ports: [{ port: 80, targetPort: "http", protocol: "UDP" }] },
    pods: [pod("a", { spec: HTTP })],
    slices: ["web-tortie-4 [] a=10.0.0.1"],
  },
  {
    name: "a name of a sidecar, not of a container that ends before the others begin",
    spec: NAMED,
    pods: [
      pod("a", { spec: { containers: [], initContainers: [{ ...HTTP.containers[0], restartPolicy: "Always" }] } }),
      pod("b", { spec: { containers: [], initContainers: HTTP.containers }, ips: ["10.0.0.2"] }),
    ],
    slices: ["web-tortie-4 [] b=10.0.0.2", "web-tortie-4-2 [web:TCP:8080] a=10.0.0.1"],
  },
  {
    name: "a headless Service without ports",
    spec: { clusterIP: "None", ports: [] },
    pods: [pod("a")],
    slices: ["web-tortie-4 [] a=10.0.0.1"],
  },
  { name: "no selector", spec: { selector: {} }, pods: [pod("a")], slices: [] },
  { name: "an external name", spec: { type: "ExternalName" }, pods: [pod("a")], slices: [] },
  {
    name: "what cannot be read",
    spec: { ports: ["80", { port: "x" }, { port: 80 }], ipFamilies: "IPv4", clusterIPs: 4 },
    pods: [{ ...pod("a"), spec: { containers: "none" } }],
    slices: ["web-tortie-4 [:TCP:80] a=10.0.0.1"],
  },
];

for (const { name, spec = {}, pods, slices } of ROWS) {
  Deno.test(`endpointSlicesOf() takes ${name}`, () => {
    assertEquals(shapes(endpointSlicesOf(service(spec), pods)), [...slices]);
    assertEquals(shapes(endpointSlicesOf(service(spec), pods.toReversed())), [...slices]);
  });
}

Deno.test("endpointSlicesOf() tells ready, serving and terminating as Kubernetes does", () => {
  const conditions = (spec: JsonObject, parts: PodParts) => {
    const [slice] = endpointSlicesOf(service(spec), [pod("a", parts)]);
    const { ready, serving, terminating } = (slice?.endpoints as JsonObject[])[0]!.conditions as JsonObject;
    return [ready, serving, terminating];
  };
  const leaving = { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } };
  assertEquals(conditions({}, {}), [false, false, false]);
  assertEquals(conditions({}, { status: READY }), [true, true, false]);
  assertEquals(conditions({}, { status: READY, ...leaving }), [false, true, true]);
  assertEquals(conditions({ publishNotReadyAddresses: true }, leaving), [true, false, true]);
});

Deno.test("endpointSlicesOf() names the Service, the pod, its node and its hostname", () => {
  const owner = service({ clusterIP: "None" }, {
    uid: "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    labels: { team: "red", [MANAGED_BY_LABEL]: "me" },
    creationTimestamp: "2026-01-01T00:00:00Z",
  });
  const [slice] = endpointSlicesOf(owner, [
    pod("a", { spec: { nodeName: "node1", hostname: "a", subdomain: "web" }, metadata: { uid: "u" } }),
    pod("b", { spec: { hostname: "b", subdomain: "api" }, ips: ["10.0.0.2"] }),
  ]);
  assertEquals(slice?.metadata.labels, {
    team: "red",
    "kubernetes.io/service-name": "web",
    [MANAGED_BY_LABEL]: MANAGED_BY,
    "service.kubernetes.io/headless": "",
  });
  assertEquals(slice?.metadata.ownerReferences?.map(({ kind, name, uid }) => [kind, name, uid]), [
    ["Service", "web", owner.metadata.uid],
  ]);
  assertEquals(slice?.metadata.uid === owner.metadata.uid, false);
  const [first, second] = slice?.endpoints as JsonObject[];
  assertEquals([first?.nodeName, first?.hostname, (first?.targetRef as JsonObject).uid], ["node1", "a", "u"]);
  assertEquals([second?.nodeName, second?.hostname], [undefined, undefined]);
});

Deno.test("endpointSlicesOf() goes on in another slice after a thousand endpoints", () => {
  const pods = Array.from({ length: 1001 }, (_, at) => pod(`p${at}`, { ips: [`10.0.${at >> 8}.${at & 255}`] }));
  const slices = endpointSlicesOf(service({}), pods);
  assertEquals(slices.map(({ metadata, endpoints }) => [metadata.name, (endpoints as unknown[]).length]), [
    ["web-tortie-4", 1000],
    ["web-tortie-4-2", 1],
  ]);
});

Deno.test("isWorkedOutSliceName() knows the names of views", () => {
  const names = ["web-tortie-4", "web-tortie-6-12", "web-tortie-5", "web-tortie-4x", "web-abcde", "tortie-4"];
  assertEquals(names.map(isWorkedOutSliceName), [true, true, false, false, false, false]);
});

Deno.test("selectsPod() asks for every label", () => {
  const two = service({ selector: { app: "web", tier: "front" } });
  assertEquals(selectsPod(two, pod("a")), false);
  assertEquals(selectsPod(two, pod("a", { labels: { app: "web", tier: "front", more: "" } })), true);
  assertEquals(selectsPod(service({ selector: { constructor: "x" } }), pod("a")), false);
  assertEquals(selectsEndpoints(service({ selector: "app=web" })), false);
});
