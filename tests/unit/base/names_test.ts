/**
 * Computed names: equal to Calico's, and never the same for different things.
 *
 * @module
 */
import { assertEquals, assertNotEquals } from "@std/assert";
import { derivedUid, interfaceNameFor, workloadEndpointName } from "#/base/names.ts";

Deno.test("workloadEndpointName() doubles dashes so that different parts never give one name", () => {
  const name = (node: string, workload: string) =>
    workloadEndpointName({ node, orchestrator: "k8s", workload, endpoint: "eth0" });
  assertEquals(name("node-1", "my-pod"), "node--1-k8s-my--pod-eth0");
  assertNotEquals(name("a-k8s-b", "c"), name("a", "b-k8s-c"));
});

Deno.test("interfaceNameFor() hashes namespace and Pod as Calico does", () => {
  // printf default.nginx | sha1sum
  assertEquals(interfaceNameFor("default", "nginx"), "calic440f455693");
  assertEquals(interfaceNameFor("default", "nginx").length, 15);
});

Deno.test("derivedUid() differs from its source and is its own inverse", () => {
  const uid = "6b6a2b3c-1d2e-4f30-9a1b-2c3d4e5f6071";
  assertNotEquals(derivedUid(uid), uid);
  assertEquals(derivedUid(derivedUid(uid)), uid);
  assertEquals(derivedUid(uid).slice(14, 16), uid.slice(14, 16));
  assertEquals(derivedUid("not a uuid"), "not a uuid");
});
