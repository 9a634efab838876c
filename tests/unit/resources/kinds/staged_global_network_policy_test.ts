/**
 * StagedGlobalNetworkPolicy: its defaults. Its rules are in the conformance tables.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { stagedGlobalNetworkPolicy } from "#/resources/kinds/staged_global_network_policy.ts";
import { admitted, calicoObject } from "#tests/unit/resources/kind_cases.ts";

Deno.test("stagedGlobalNetworkPolicy.defaults() fills in what GlobalNetworkPolicy does, and the action", () => {
  const spec = { tier: "platform", doNotTrack: true, applyOnForward: true };
  const object = admitted(stagedGlobalNetworkPolicy, calicoObject("StagedGlobalNetworkPolicy", { name: "web" }, spec));
  assertEquals(object.spec, { ...spec, stagedAction: "Set", types: ["Ingress"] });
  assertEquals(object.metadata.labels, { "projectcalico.org/tier": "platform" });
});

Deno.test("stagedGlobalNetworkPolicy.defaults() leaves types that are there", () => {
  const spec = { stagedAction: "Ignore", types: ["Egress"], ingress: [{ action: "Allow" }] };
  const object = admitted(stagedGlobalNetworkPolicy, calicoObject("StagedGlobalNetworkPolicy", { name: "web" }, spec));
  assertEquals(object.spec?.types, ["Egress"]);
});
