/**
 * EndpointSlices: what is filled in and printed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Json, JsonObject } from "#/base/json.ts";
import { endpointSlice } from "#/resources/kinds/endpoint_slice.ts";
import type { KubeObject } from "#/resources/object.ts";
import { admit } from "#/resources/validate.ts";
import { admitted, cellsOf } from "../kind_cases.ts";

function slice(rest: JsonObject): KubeObject {
  const metadata = { name: "web-x", namespace: "shop" };
  return { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata, addressType: "IPv4", ...rest };
}

Deno.test("EndpointSlice fills in name and protocol of ports, and keeps what it does not model", () => {
  const stored = admitted(endpointSlice, slice({ ports: [{ port: 80 }, { name: "dns", protocol: "UDP" }], future: 1 }));
  assertEquals(stored.ports, [{ name: "", protocol: "TCP", port: 80 }, { name: "dns", protocol: "UDP" }]);
  assertEquals(stored.future, 1);
  assertEquals(stored.spec, undefined);
});

Deno.test("EndpointSlice prints a few ports and addresses and counts the rest", () => {
  const endpoints = ["1", "2", "3", "4", "5"].map((last) => ({ addresses: [`10.0.0.${last}`] }));
  const printed = cellsOf(endpointSlice, slice({ endpoints, ports: [{ port: 80 }, {}] }));
  assertEquals(printed.Endpoints, "10.0.0.1,10.0.0.2,10.0.0.3 + 2 more...");
  assertEquals([printed.AddressType, printed.Ports], ["IPv4", "80,*"]);
  const empty = cellsOf(endpointSlice, slice({}));
  assertEquals([empty.Ports, empty.Endpoints], ["<unset>", "<unset>"]);
});

Deno.test("EndpointSlice.admit() is idempotent and total, whatever stands in its fields", () => {
  const leaf = fc.constantFrom<Json>("", "10.0.0.1", "IPv4", "tcp", 80, 0, true, null);
  const item = fc.dictionary(
    fc.constantFrom("addresses", "port", "name", "protocol", "hints", "conditions", "deprecatedTopology"),
    fc.oneof<fc.Arbitrary<Json>[]>(leaf, fc.array(leaf, { maxLength: 2 }), fc.dictionary(fc.constantFrom("a"), leaf)),
  );
  const field = fc.oneof<fc.Arbitrary<Json>[]>(leaf, fc.array(fc.oneof<fc.Arbitrary<Json>[]>(item, leaf)), item);
  fc.assert(fc.property(field, field, leaf, (endpoints, ports, addressType) => {
    const first = admit(endpointSlice, slice({ endpoints, ports, addressType }), undefined, "Ignore");
    const second = admit(endpointSlice, first.object, first.problems.length === 0 ? first.object : undefined, "Strict");
    assertEquals(second.object, first.object);
    assertEquals(second.problems, first.problems);
  }));
});
