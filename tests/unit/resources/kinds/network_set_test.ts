/**
 * NetworkSet and GlobalNetworkSet: what is stored and shown. Their rules are in the conformance tables.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { globalNetworkSet } from "#/resources/kinds/global_network_set.ts";
import { networkSet } from "#/resources/kinds/network_set.ts";
import { networkSetSpecOf } from "#/resources/kinds/network_set_schema.ts";
import { admitted, calicoObject, cellsOf } from "#tests/unit/resources/kind_cases.ts";

Deno.test("networkSet stores networks as they were written", () => {
  const nets = ["10.0.0.1/8", "FD00::1"];
  const object = admitted(networkSet, calicoObject("NetworkSet", { name: "office", namespace: "shop" }, { nets }));
  assertEquals(networkSetSpecOf(object), { nets });
});

Deno.test("globalNetworkSet admits as many networks as one object holds", () => {
  const nets = Array.from({ length: 60_000 }, (_, at) => `10.${at >> 8}.${at & 255}.0/24`);
  admitted(globalNetworkSet, calicoObject("GlobalNetworkSet", { name: "big" }, { nets }));
});

Deno.test("globalNetworkSet.columns show the first networks", () => {
  const cell = (nets: string[]) =>
    cellsOf(globalNetworkSet, calicoObject("GlobalNetworkSet", { name: "office" }, { nets })).Nets;
  assertEquals(cell(["10.0.0.0/8", "fd00::/8"]), "10.0.0.0/8,fd00::/8");
  assertEquals(cell([]), "");
  assertEquals(String(cell(Array.from({ length: 20 }, () => "10.0.0.0/8"))).length, 83);
});
