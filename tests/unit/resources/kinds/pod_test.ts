/**
 * Core Pod: what the network reads is checked, everything else is kept.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { pod, podSpecOf } from "#/resources/kinds/pod.ts";
import { admitted, cellsOf, coreObject, testKind } from "#tests/unit/resources/kind_cases.ts";

const containers = [{ name: "web", image: "nginx" }];
const base = coreObject("Pod", { name: "web-0", namespace: "shop" }, { spec: { containers } });

testKind(pod, base, [
  { name: "a container alone" },
  { name: "labels of the user", metadata: { labels: { app: "web" } } },
  { name: "fields that are not modelled", spec: { restartPolicy: "Never", volumes: [{ name: "a", emptyDir: {} }] } },
  { name: "no address yet", status: { podIP: "", podIPs: [], phase: "Pending" } },
  {
    name: "a node, ports and init containers",
    spec: {
      nodeName: "node1",
      initContainers: [{ name: "init" }],
      containers: [{
        name: "web",
        ports: [{ name: "http", containerPort: 80 }, { containerPort: 80, protocol: "UDP" }],
      }],
    },
  },

  { name: "no containers", spec: { containers: undefined }, problems: ["spec.containers FieldValueRequired"] },
  { name: "an empty list of containers", spec: { containers: [] }, problems: ["spec.containers FieldValueInvalid"] },
  {
    name: "a container without name",
    spec: { containers: [{}] },
    problems: ["spec.containers[0].name FieldValueRequired"],
  },
  {
    name: "a container's bad name",
    spec: { containers: [{ name: "A.b" }] },
    problems: ["spec.containers[0].name FieldValueInvalid"],
  },
  {
    name: "two containers of one name, one of them init",
    spec: { initContainers: [{ name: "web" }] },
    problems: ["spec.containers[0].name FieldValueDuplicate"],
  },
  {
    name: "bad ports",
    spec: {
      containers: [{
        name: "web",
        ports: [
          { containerPort: 0 },
          { containerPort: 1, protocol: "ICMP" },
          { containerPort: 2, name: "HTTP" },
          { containerPort: 3, name: "a" },
          { containerPort: 4, name: "a" },
        ],
      }],
    },
    problems: [
      "spec.containers[0].ports[0].containerPort FieldValueInvalid",
      "spec.containers[0].ports[1].protocol FieldValueNotSupported",
      "spec.containers[0].ports[2].name FieldValueInvalid",
    ],
  },
  {
    name: "two ports of one name",
    spec: { containers: [{ name: "web", ports: [{ containerPort: 3, name: "a" }, { containerPort: 4, name: "a" }] }] },
    problems: ["spec.containers[0].ports[1].name FieldValueDuplicate"],
  },
  {
    name: "an address that is none",
    status: { podIP: "x", podIPs: [{ ip: "" }] },
    problems: ["status.podIP FieldValueInvalid", "status.podIPs[0].ip FieldValueInvalid"],
  },
  { name: "a node that is no name", spec: { nodeName: "Node 1" }, problems: ["spec.nodeName FieldValueInvalid"] },
  {
    name: "labels that only the system sets",
    metadata: { labels: { "pcns.a": "b", "projectcalico.org/serviceaccount": "c" } },
    problems: [
      "metadata.labels[pcns.a] FieldValueForbidden",
      "metadata.labels[projectcalico.org/serviceaccount] FieldValueForbidden",
    ],
  },

  { name: "an update that places the Pod", old: {}, spec: { nodeName: "node1" } },
  { name: "an update of the image", old: {}, spec: { containers: [{ name: "web", image: "other" }] } },
  {
    name: "an update that moves the Pod",
    old: { nodeName: "node1" },
    spec: { nodeName: "node2" },
    problems: ["spec.nodeName FieldValueForbidden"],
    message: 'from "node1" to "node2"',
  },
  {
    name: "an update that takes the node away",
    old: { nodeName: "node1" },
    problems: ["spec.nodeName FieldValueForbidden"],
  },
  {
    name: "an update of network and identity",
    old: {},
    spec: { hostNetwork: true, serviceAccountName: "root", containers: [{ name: "other" }] },
    problems: [
      "spec.hostNetwork FieldValueForbidden",
      "spec.serviceAccountName FieldValueForbidden",
      "spec.containers[0].name FieldValueInvalid",
    ],
  },
]);

Deno.test("pod.defaults() fills in account, protocol and phase", () => {
  const spec = {
    containers: [{ name: "web", ports: [{ containerPort: 80 }] }],
    initContainers: [{ name: "i", ports: [{ containerPort: 1, protocol: "UDP" }] }],
  };
  const stored = admitted(pod, { ...base, spec });
  assertEquals(podSpecOf(stored).serviceAccountName, "default");
  assertEquals(podSpecOf(stored).containers[0]?.ports, [{ containerPort: 80, protocol: "TCP" }]);
  assertEquals(podSpecOf(stored).initContainers?.[0]?.ports, [{ containerPort: 1, protocol: "UDP" }]);
  assertEquals(stored.status, { phase: "Pending" });
  const old = admitted(pod, { ...base, spec: { containers, serviceAccount: "till" } });
  assertEquals(podSpecOf(old).serviceAccountName, "till");
});

Deno.test("pod.columns show what kubectl shows", () => {
  const running = {
    ...base,
    spec: { nodeName: "node1", containers: [{ name: "a" }, { name: "b" }] },
    status: {
      phase: "Running",
      podIP: "10.0.0.7",
      containerStatuses: [{ ready: true, restartCount: 2 }, { ready: false, restartCount: 1 }],
    },
  };
  assertEquals(cellsOf(pod, running), {
    Name: "web-0",
    Ready: "1/2",
    Status: "Running",
    Restarts: "3",
    Age: null,
    IP: "10.0.0.7",
    Node: "node1",
  });
});

Deno.test("pod.columns tell states apart", () => {
  const statusOf = (status: Record<string, unknown>, metadata = base.metadata) =>
    cellsOf(pod, { ...base, metadata, status: status as never }).Status;
  assertEquals(statusOf({}), "Pending");
  assertEquals(statusOf({ phase: "Succeeded" }), "Completed");
  assertEquals(statusOf({ phase: "Failed", reason: "Evicted" }), "Evicted");
  assertEquals(
    statusOf({ phase: "Running", containerStatuses: [{ state: { waiting: { reason: "CrashLoopBackOff" } } }] }),
    "CrashLoopBackOff",
  );
  assertEquals(
    statusOf({ phase: "Running" }, { ...base.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" }),
    "Terminating",
  );
  const ready = { ...base, status: { conditions: [{ type: "Ready", status: "True" }] } };
  assertEquals(cellsOf(pod, ready).Ready, "1/1");
});
