/**
 * The labels that the system gives to endpoints, and that policies find them on endpoints that users wrote.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { endpointLabels } from "#/policy/endpoint_labels.ts";
import { resolveFlow } from "#/policy/oracle/flow.ts";
import { evaluate } from "#/policy/oracle/oracle.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import type { KubeObject } from "#/resources/object.ts";
import { namespace, NO_OBJECTS, policy } from "./policy_builders.ts";

/** As a user writes it, without a label of the system's. */
const MACHINE: KubeObject = {
  apiVersion: "projectcalico.org/v3",
  kind: "WorkloadEndpoint",
  metadata: { name: "node1-openstack-vm-eth0", namespace: "shop", labels: { app: "vm" } },
  spec: {
    orchestrator: "openstack",
    workload: "vm",
    node: "node1",
    endpoint: "eth0",
    interfaceName: "calivm",
    serviceAccountName: "teller",
    ipNetworks: ["10.0.0.1/32"],
    profiles: ["kns.shop"],
  },
};

Deno.test("endpointLabels: the system's labels beside the user's, and none that nothing stands for", () => {
  assertEquals(endpointLabels(MACHINE), {
    app: "vm",
    "projectcalico.org/namespace": "shop",
    "projectcalico.org/orchestrator": "openstack",
    "projectcalico.org/serviceaccount": "teller",
  });
  assertEquals(endpointLabels({ ...MACHINE, metadata: { name: "e" }, spec: {} }), {});
});

Deno.test("a policy of its namespace selects an endpoint that a user wrote, in every engine", () => {
  const objects = {
    ...NO_OBJECTS,
    namespaces: [namespace("shop")],
    workloadEndpoints: [MACHINE],
    policies: [policy("shop", "closed", { types: ["Ingress"], serviceAccountSelector: "all()" })],
  };
  const world = policyWorld(objects);
  const flow = resolveFlow(world, {
    source: { kind: "address", address: "1.1.1.1" },
    destination: { kind: "address", address: "10.0.0.1" },
    protocol: 6,
    port: 80,
  });
  assertEquals(flow.kind === "resolved" && evaluate(world, flow).verdict, "deny");
  const [endpoint] = compileObjects(objects).endpoints;
  assertEquals(endpoint?.ingress.tiers.map(({ policies }) => policies), [["NetworkPolicy/shop/closed"]]);
});
