/**
 * Plans: what becomes of objects, and of connections.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { manifestWorld } from "#/projections/manifest_world.ts";
import { plannedConnections, plannedObject } from "#/projections/policy_plan.ts";
import type { KubeObject } from "#/resources/object.ts";
import { manifestsOf } from "#tests/support/manifests.ts";

const TIER: KubeObject = {
  apiVersion: "projectcalico.org/v3",
  kind: "Tier",
  metadata: { name: "t", uid: "1", resourceVersion: "7", generation: 1 },
  spec: { order: 1 },
};

Deno.test("plannedObject() tells creation, update field by field, and no change", () => {
  assertEquals(plannedObject(undefined, TIER), {
    change: "created",
    apiVersion: "projectcalico.org/v3",
    kind: "Tier",
    namespace: "",
    name: "t",
    fields: [],
  });
  const bookkept = { ...TIER, metadata: { name: "t", uid: "2", resourceVersion: "8", generation: 2 } };
  assertEquals(plannedObject(TIER, bookkept).change, "unchanged");
  const updated = plannedObject(TIER, { ...TIER, spec: { order: 2 } });
  assertEquals([updated.change, updated.fields], ["updated", [{ path: "spec.order", before: 1, after: 2 }]]);
});

const PODS = ["a", "b"].map((name) =>
  `---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: n, labels: {app: ${name}}}
spec: {containers: [{name: c}]}
`
).join("");

const POLICY = `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: n}
spec: {podSelector: {matchLabels: {app: a}}, policyTypes: [Ingress], ingress: [{ports: [{port: 80}]}]}
`;

Deno.test("plannedConnections() tells what a policy closes, for every peer", () => {
  const before = manifestWorld(manifestsOf(PODS));
  const after = manifestWorld(manifestsOf(PODS + POLICY), before.synthetic);
  const synthetic = new Set([...after.synthetic.values()].flat());
  const changes = plannedConnections(before.objects, after.objects, { synthetic });
  assertEquals(changes.map(({ from, to }) => `${from} ${to}`), ["n/b n/a", "0.0.0.0/0 n/a", "::/0 n/a"]);
  for (const { gained, lost } of changes) {
    assertEquals(gained, []);
    const tcp = lost === "All" ? undefined : lost.find(({ protocol }) => protocol === "TCP");
    assertEquals(tcp?.ports, [[1, 79], [81, 65_535]]);
  }
  assertEquals(plannedConnections(after.objects, after.objects, { synthetic }), []);
});
