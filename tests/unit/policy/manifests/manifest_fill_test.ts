/**
 * Manifests that are cut short: what policy does not rest on may be missing, what it does may not.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { fillManifest } from "#/policy/manifests/manifest_fill.ts";
import { readManifestObjects } from "#/policy/manifests/manifests.ts";
import { networkPolicy } from "#/resources/kinds/network_policy.ts";
import { pod } from "#/resources/kinds/pod.ts";
import { service } from "#/resources/kinds/service.ts";

const CASES: readonly { readonly name: string; readonly value: JsonObject; readonly expected: JsonObject }[] = [
  { name: "no spec", value: {}, expected: { spec: { containers: [{ name: "unnamed-1" }] } } },
  {
    name: "containers without names, beside one that has one",
    value: { spec: { containers: [{ name: null }, { name: "a" }, {}], initContainers: [{}] } },
    expected: {
      spec: {
        containers: [{ name: "unnamed-1" }, { name: "a" }, { name: "unnamed-3" }],
        initContainers: [{ name: "unnamed-init-1" }],
      },
    },
  },
  {
    name: "an owner with a name alone",
    value: { metadata: { ownerReferences: [{ name: "web" }] }, spec: { containers: [] } },
    expected: {
      metadata: { ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", uid: "unknown", name: "web" }] },
      spec: { containers: [] },
    },
  },
  {
    name: "what cannot be read stays",
    value: { metadata: 1, spec: { containers: "x" } },
    expected: { metadata: 1, spec: { containers: "x" } },
  },
];

for (const { name, value, expected } of CASES) {
  Deno.test(`fillManifest() fills in a Pod: ${name}`, () => assertEquals(fillManifest(pod, value), expected));
}

Deno.test("fillManifest() names the ports of a Service only where there are several", () => {
  const one = { spec: { ports: [{ port: 80 }] } };
  assertEquals(fillManifest(service, one), one);
  assertEquals(fillManifest(service, { spec: { ports: [{ port: 80 }, { name: "b", port: 81 }] } }), {
    spec: { ports: [{ name: "unnamed-1", port: 80 }, { name: "b", port: 81 }] },
  });
});

Deno.test("fillManifest() leaves policies alone", () => {
  const value = { spec: { ingress: [{}] } };
  assertEquals(fillManifest(networkPolicy, value), value);
});

Deno.test("readManifestObjects() admits Pods, workloads and Services that are cut short", () => {
  const values: JsonObject[] = [
    { apiVersion: "v1", kind: "Pod", metadata: { name: "a", ownerReferences: [{ kind: "Job", name: "j" }] } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "b" },
      spec: { template: { spec: { containers: [{ ports: [{ containerPort: 80 }] }] } } },
    },
    { apiVersion: "v1", kind: "Service", metadata: { name: "c" }, spec: { ports: [{ port: 1 }, { port: 2 }] } },
  ];
  const documents = values.map((value, at) => ({ file: "a.yaml", number: at + 1, value, lineOf: () => at + 1 }));
  const { objects, problems } = readManifestObjects(documents);
  assertEquals(problems, []);
  // What was written is what `plan` sends to a server.
  assertEquals(objects[2]?.written.spec, { ports: [{ port: 1 }, { port: 2 }] });
});
