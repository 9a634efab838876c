/**
 * Profile: what is stored and shown. Its rules are in the conformance tables.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { profile, profileSpecOf } from "#/resources/kinds/profile.ts";
import { admitted, calicoObject, cellsOf } from "#tests/unit/resources/kind_cases.ts";

Deno.test("profile.defaults() bring rules to their stored form and fill in nothing", () => {
  const egress = [{ action: "Deny", protocol: "TCP", destination: { ports: [80] } }];
  const written = [{ action: "Deny", protocol: "tcp", destination: { ports: ["80"] } }];
  const object = admitted(profile, calicoObject("Profile", { name: "web" }, { egress: written }));
  assertEquals<unknown>(profileSpecOf(object), { egress });
  assertEquals(object.metadata, { name: "web" });
});

Deno.test("profile.columns show the labels that it gives", () => {
  const object = calicoObject("Profile", { name: "web" }, { labelsToApply: { role: "web", env: "" } });
  assertEquals(cellsOf(profile, object), { Name: "web", Age: null, Labels: "role=web,env=" });
});
