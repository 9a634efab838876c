/** Tests of handles. @module */
import { assertEquals } from "@std/assert";
import { containerOfHandle, handleOf, isHandleOfNetwork } from "#/ipam/handles.ts";

Deno.test("handleOf() joins network and container and drops a trailing carriage return", () => {
  assertEquals(handleOf("k8s-pod-network", "abc"), "k8s-pod-network.abc");
  assertEquals(handleOf("k8s-pod-network\r", "abc"), "k8s-pod-network.abc");
});

Deno.test("containerOfHandle() takes what follows the last dot", () => {
  assertEquals(containerOfHandle("a.b.c"), "c");
});

Deno.test("isHandleOfNetwork() tells networks apart that share a beginning", () => {
  assertEquals(isHandleOfNetwork("net.c1", "net"), true);
  assertEquals(isHandleOfNetwork("net.v2.c1", "net"), false);
  assertEquals(isHandleOfNetwork("net.v2.c1", "net.v2"), true);
});
