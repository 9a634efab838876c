/**
 * StagedNetworkPolicy: its defaults and columns. Its rules are in the conformance tables.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { stagedNetworkPolicy } from "#/resources/kinds/staged_network_policy.ts";
import { admitted, calicoObject, cellsOf } from "#tests/unit/resources/kind_cases.ts";

const named = { name: "web", namespace: "shop" };

Deno.test("stagedNetworkPolicy.defaults() fills in what NetworkPolicy does, and the action", () => {
  const egress = [{ action: "Allow", protocol: "tcp", destination: { ports: ["80"] } }];
  const { spec, metadata } = admitted(
    stagedNetworkPolicy,
    calicoObject("StagedNetworkPolicy", named, { egress }),
  );
  assertEquals(spec, {
    stagedAction: "Set",
    tier: "default",
    types: ["Egress"],
    egress: [{ action: "Allow", protocol: "TCP", destination: { ports: [80] } }],
  });
  assertEquals(metadata.labels, { "projectcalico.org/tier": "default" });
});

Deno.test("stagedNetworkPolicy.defaults() gives a previewed deletion a tier and no types", () => {
  const { spec, metadata } = admitted(
    stagedNetworkPolicy,
    calicoObject("StagedNetworkPolicy", named, { stagedAction: "Delete" }),
  );
  assertEquals(spec, { stagedAction: "Delete", tier: "default" });
  assertEquals(metadata.labels, { "projectcalico.org/tier": "default" });
});

Deno.test("stagedNetworkPolicy.columns show tier and, wide, order, selector and action", () => {
  const object = admitted(stagedNetworkPolicy, calicoObject("StagedNetworkPolicy", named, { order: 5 }));
  assertEquals(cellsOf(stagedNetworkPolicy, object), {
    Name: "web",
    Tier: "default",
    Age: null,
    Order: 5,
    Selector: null,
    StagedAction: "Set",
  });
});
